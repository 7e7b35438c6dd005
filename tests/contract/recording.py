"""Every request that our code sends to Stripe, recorded where the SDK hands it over."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from chalicelib.giving.checkout import Tribute
from chalicelib.partners import manage
from chalicelib.partners.partnership import EndReason
from chalicelib.partners.skip import Skip, skip
from chalicelib.processor import customers, reconcile, standing, stripe_api
from local.standin.forms import decode
from local.standin.in_process import InProcess
from local.standin.standin import Standin
from tests.giving_world import World

# They make the door and call nothing.
DOOR = {"client", "set_transport"}
CARD, BANK, DISPUTED, SUSPECT, REFUND_FAILS = "4242424242424242", "000123456789", "4000000000000259", "4000000000005423", "4000000000005126"


class Sent(NamedTuple):
    """One request as it left, the answer it was given, and which function of stripe_api asked."""

    asked_by: str
    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    status: int
    answer: dict[str, Any]

    @property
    def params(self) -> dict[str, Any]:
        """What was asked for, as Stripe reads it."""
        return decode("&".join(each for each in (self.query, self.body) if each))


class Recorder(InProcess):
    """The stand-in's door, with a book beside it."""

    def __init__(self, standin: Standin) -> None:
        super().__init__(standin)
        self.sent: list[Sent] = []

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None) -> Any:
        text, status, given = super().request(method, url, headers, post_data)
        parts, body = urlsplit(url), str(post_data or "")
        self.sent.append(
            Sent(_asked_by(), method.upper(), parts.path, parts.query, body, headers or {}, status, json.loads(text))
        )
        return text, status, given


def functions() -> set[str]:
    """Every function of stripe_api by which our code reaches Stripe."""
    found = inspect.getmembers(stripe_api, inspect.isfunction)
    return {name for name, each in found if each.__module__ == stripe_api.__name__ and name[0] != "_"} - DOOR


def record_every_way(giving: World) -> list[Sent]:
    """Drive our code through all that it ever asks of Stripe, and give what was sent."""
    recorder = Recorder(giving.standin)
    stripe_api.set_transport(recorder)
    for way in (_gifts, _pages_that_ran_out, _pages_worn_out, _money_back, _monthly, _ended_unpaid, _no_event_told):
        way(giving)
    return recorder.sent


def _gifts(giving: World) -> None:
    """Once, in each manner that a donor can wish."""
    tribute = Tribute("in_memory", "Zoë O'Neil", "With love & gratitude, 5 % of it = hope")
    for wish in (
        {}, {"email": "ann@example.org", "name": "Ann Lee"}, {"cover_fees": True, "fund": "rescue"}, {"tribute": tribute},
        {"source": {"story": "guatemala", "utm_source": "mail"}}, {"currency": "gbp", "gift_aid": True},
        {"amount": 5_000, "currency": "jpy"}, {"amount": 20_000, "currency": "kwd"},
    ):  # fmt: skip
        giving.give(**wish)
    giving.pay(giving.start(), BANK)
    giving.advance(days=5)


def _pages_that_ran_out(giving: World) -> None:
    """Stripe is asked what became of the page before a new one is made."""
    gift_id = giving.start()
    giving.advance(hours=25)
    giving.start(gift_id=gift_id)


def _pages_worn_out(giving: World) -> None:
    """Three cards fail on a page, which is closed."""
    for frequency in ("once", "monthly"):
        gift_id = giving.start(frequency=frequency)
        for _ in range(3):
            giving.pay(gift_id, "4000000000000002")
        giving.deliver()


def _money_back(giving: World) -> None:
    """A part, then the rest; one that fails later; disputes won and lost; a warning."""
    charge = giving.charge_of(giving.give())
    for _ in range(2):
        giving.standin.refund(charge=charge, amount=25_00)
        giving.deliver()
    giving.standin.refund(charge=giving.charge_of(giving.give(card=REFUND_FAILS)))
    giving.give(card=SUSPECT)
    for won in (True, False):
        giving.give(card=DISPUTED)
        dispute = giving.standin.read(lambda world: world.all("dispute"))[-1]["id"]
        giving.standin.close_dispute(dispute, won)
        giving.deliver()
    giving.advance(days=4)


def _monthly(giving: World) -> None:
    """Begun, renewed, changed in every way, failed, mended, ended with and without a reason."""
    reasons: tuple[EndReason, ...] = ("cost", "")
    for reason in reasons:
        giving.give(25_00, frequency="monthly", cover_fees=True, tribute=Tribute("in_honour", "Our team"), source="radio")
        donor, partnership = giving.donor_id(), giving.partnership().partnership_id
        giving.advance(days=31)
        for change in (manage.Change(amount=40_00), manage.Change(day=3), manage.Change(amount=30_00, day=28)):
            manage.change(donor, partnership, change)
        manage.pause(donor, partnership, manage.Pause(date(giving.time.now().year + 1, 1, 5)))
        manage.resume(donor, partnership)
        skip(donor, partnership, Skip(_next_day(giving)))
        manage.resume(donor, partnership)
        manage.card_page((donor,))
        giving.standin.change_card(giving.partnership().customer_id, "4000000000000341")
        giving.advance(days=40)
        standing.look()
        giving.standin.change_card(giving.partnership().customer_id, CARD)
        giving.deliver()
        giving.advance(days=5)
        customers.tell_address(donor)
        manage.cancel(donor, partnership, manage.Cancel(reason))
        giving.deliver()


def _next_day(giving: World) -> date:
    stands = giving.partnership()
    found = stands.date_of(stands.next_charge_at)
    assert found
    return found


def _ended_unpaid(giving: World) -> None:
    """A monthly gift that ends while a month of it is owed."""
    giving.give(25_00, frequency="monthly", email="bob@example.org", card="4000000000000341")
    giving.advance(days=32)
    manage.cancel(giving.donor_id("bob@example.org"), giving.partnership("bob@example.org").partnership_id, manage.Cancel())
    giving.deliver()


def _no_event_told(giving: World) -> None:
    """More charges than one page of a list holds, found by reconcile alone."""
    giving.standin.set_webhooks("drop")
    page = {"mode": "payment", "success_url": "https://shop.example/", "line_items": [
        {"price_data": {"currency": "usd", "unit_amount": 9_00, "product_data": {"name": "Mug"}}, "quantity": 1}]}  # fmt: skip
    for _ in range(stripe_api.PAGE + 1):
        session = giving.standin.request("POST", "/v1/checkout/sessions", page).body["id"]
        giving.standin.pay(session, CARD, "shop@example.org", "Shop")
    giving.pay(giving.start())
    reconcile.last(days=3)
    giving.standin.set_webhooks("normal")


def _asked_by() -> str:
    """The function of stripe_api that the request came from; "" if it came past them."""
    names = [frame.f_code.co_name for frame in _frames() if frame.f_code.co_filename == stripe_api.__file__]
    return next((name for name in reversed(names) if name in functions()), "")


def _frames() -> Iterator[Any]:
    frame = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back
