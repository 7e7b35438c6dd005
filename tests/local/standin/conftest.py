"""A stand-in on a free port, the real SDK against it, and a clock that only the test moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from local.standin import Standin
from local.standin.server import serve

SECRET = "whsec_of_the_tests"
GOOD, DECLINED, ASKS, FAILS_LATER = "4242424242424242", "4000000000000002", "4000002500003155", "4000000000000341"
BANK, BANK_CLOSED = "000123456789", "000111111116"


class StoppedClock:
    """A clock that stands still until somebody travels."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def travel_to(self, moment: datetime) -> None:
        self._moment = max(self._moment, moment)


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


@dataclass
class Site:
    """What the charity's site received, and how it answers."""

    answers: int | Exception = 200
    received: list[stripe.Event] = field(default_factory=list)

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        if isinstance(self.answers, Exception):
            raise self.answers
        self.received.append(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET, 2**40))
        return self.answers

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.received]


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(datetime(2026, 1, 31, 12, tzinfo=UTC))


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def standin(clock: StoppedClock, site: Site) -> Standin:
    return Standin(clock, SECRET, post=site.post)


@pytest.fixture
def url(standin: Standin) -> Iterator[str]:
    serving = serve(standin, port=0)
    yield serving.url
    serving.shutdown()


@pytest.fixture
def client(url: str) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient()
    yield stripe.StripeClient("sk_test_x", base_addresses={"api": url}, max_network_retries=0, http_client=http)
    http.close()


def wanted(mode: str = "payment", amount: int = 50_00, currency: str = "usd", **more: Any) -> dict[str, Any]:
    """Parameters of a Checkout Session as giving makes them."""
    price: dict[str, Any] = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Gift"}}
    if mode == "subscription":
        price["recurring"] = {"interval": "month"}
    return {"mode": mode, "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "http://site/thanks?s={CHECKOUT_SESSION_ID}", "cancel_url": "http://site/give", **more}


Give = Callable[..., Any]


@pytest.fixture
def give(client: stripe.StripeClient, standin: Standin) -> Give:
    """Make a session, pay on its page, answer it as the API shows it, with its money expanded."""
    def act(card: str = GOOD, mode: str = "payment", confirm_3ds: bool = True, **more: Any) -> Any:
        session = client.v1.checkout.sessions.create(wanted(mode, **more))
        standin.pay(session.id, card, "ada@example.org", "Ada", {"country": "US", "postal_code": "94107"}, confirm_3ds)
        expand = {"payment": "payment_intent.latest_charge.balance_transaction",
                  "subscription": "subscription.latest_invoice.payments"}[mode]
        return client.v1.checkout.sessions.retrieve(session.id, {"expand": [expand]})
    return act
