"""What is not ours is answered with 200, counted, and leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import aws, items, settings
from chalicelib.clock import epoch_seconds
from chalicelib.giving import donors
from chalicelib.processor import settle
from local.standin.webhooks import Post
from tests.drift import books
from tests.drift.lives import BANK, DISPUTED, FAILS_LATER, REFUND_FAILS, sell
from tests.drift.versions import signed
from tests.giving_world import ANN, World
from tests.over_http import Site

DECLINED, WARNED = "4000000000000002", "4000000000005423"
ORDER = {"metadata": {"order": "m-17"}, "payment_intent_data": {"metadata": {"order": "m-17"}}}
READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
QUEUES = {"SendMessage", "ReceiveMessage", "DeleteMessage"}


class Calls:
    """Every call that reaches AWS, by name."""

    def __init__(self) -> None:
        self.made: list[str] = []
        for client in (aws.dynamodb(), aws.counters(), aws.sqs(), aws.ses(), aws.s3()):
            client.meta.events.register("before-call", self._note)

    def _note(self, model: Any, **_: Any) -> None:
        self.made.append(model.name)

    @property
    def writes(self) -> list[str]:
        """What is neither looking nor handing an event on."""
        return [name for name in self.made if name not in READS | QUEUES]


@pytest.fixture
def calls(giving: World) -> Iterator[Calls]:
    aws.forget_clients()
    yield Calls()
    aws.forget_clients()


def through_the_route(site: Site, answers: list[tuple[str, int, str]]) -> Post:
    """Stripe's deliveries, each on its way through API Gateway."""

    def send(body: bytes, headers: dict[str, str]) -> int:
        answered = site.request("POST", "/webhooks/stripe", body, headers)
        answers.append((body.decode(), answered.status, answered.json.get("received", "")))
        return answered.status

    return send


def event(kind: str, **more: Any) -> dict[str, Any]:
    thing = {"id": "ch_1", "object": "charge", "charge": "ch_1"}
    return {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": thing}, **more}


@pytest.mark.parametrize(
    ("key", "told", "account"),
    [
        ("sk_test_local", {"livemode": True}, ""),
        ("sk_live_local", {"livemode": False}, ""),
        ("rk_live_local", {}, "acct_us"),
        ("sk_live_local", {"livemode": None}, ""),
        ("sk_test_local", {"account": "acct_other"}, ""),
        ("sk_test_local", {"account": "acct_other"}, "acct_us"),
        ("sk_live_local", {"account": "acct_other", "livemode": True}, "acct_us"),
    ],
)
def test_another_mode_and_another_account_reach_nothing(
    site: Site, calls: Calls, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    key: str, told: dict[str, Any], account: str,
) -> None:  # fmt: skip
    """Of every type: not even the queue hears of it."""
    monkeypatch.setenv("STRIPE_API_KEY", key)
    monkeypatch.setenv("STRIPE_ACCOUNT", account)
    settings.current.cache_clear()

    for kind in [*settle.HANDLERS, "made.up.next_year"]:
        body, headers = signed(event(kind, **told), f"t={epoch_seconds()}")
        answered = site.request("POST", "/webhooks/stripe", body, headers)
        assert (answered.status, answered.json) == (200, {"received": "not_ours"})

    assert calls.made == []
    assert [record.getMessage() for record in caplog.records] == ["event_not_ours"] * (len(settle.HANDLERS) + 1)


@pytest.mark.parametrize(("key", "livemode"), [("sk_test_local", False), ("rk_live_local", True)])
def test_our_own_mode_and_account_are_queued(site: Site, calls: Calls, monkeypatch: pytest.MonkeyPatch, key: str, livemode: bool) -> None:
    """Or the test above would pass with the door shut."""
    monkeypatch.setenv("STRIPE_API_KEY", key)
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_us")
    settings.current.cache_clear()

    for more in ({}, {"account": "acct_us"}, {"context": "something_new"}):
        body, headers = signed(event("charge.succeeded", livemode=livemode, **more), f"t={epoch_seconds()}")
        assert site.request("POST", "/webhooks/stripe", body, headers).json == {"received": "queued"}

    assert calls.made == ["SendMessage"] * 3


def test_all_that_a_shop_does_on_the_same_account_leaves_no_trace(
    giving: World, site: Site, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    """Sales, refunds, disputes, and a subscription of the very customer who gives monthly: counted, 200, no write."""
    giving.give(50_00, frequency="monthly")
    customer = giving.partnership().customer_id
    answers: list[tuple[str, int, str]] = []
    giving.standin.post = through_the_route(site, answers)
    before, mails = every_table(), len(giving.mails())
    calls.made.clear()
    caplog.clear()

    giving.standin.refund(charge=sell(giving, ANN, **ORDER), amount=3_00)
    giving.standin.refund(charge=sell(giving, ANN, REFUND_FAILS, **ORDER))
    sell(giving, "guest@example.org", BANK, **ORDER)
    sell(giving, ANN, DECLINED, **ORDER)
    sell(giving, ANN, DISPUTED)
    sell(giving, ANN, WARNED)
    subscribe(giving, "4242424242424242", customer)
    subscribe(giving, FAILS_LATER)
    (veg,) = giving.standin.read(lambda world: world.all("customer", email="veg@example.org"))[-1:]
    giving.standin.request("POST", f"/v1/customers/{veg['id']}", {"phone": "+1 555 0100"})
    for dispute in giving.standin.read(lambda world: world.all("dispute")):
        giving.standin.close_dispute(dispute["id"], False)
    giving.advance(days=28)  # the shop's week has passed four times; the monthly gift's month has not

    told = {json.loads(body)["type"] for body, *_ in answers}
    assert {status for _, status, _ in answers} == {200}
    assert told >= set(settle.HANDLERS) - NOT_A_SHOPS
    assert calls.writes == []
    assert (every_table(), len(giving.mails())) == (before, mails)
    assert {record.getMessage() for record in caplog.records} >= {
        "charge_not_ours", "session_not_ours", "invoice_not_ours", "subscription_left_aside",
    }  # fmt: skip
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [], "an alarm of ours"


# The stand-in's shop asks no bank again, and its debits and pages all come to an end by themselves.
NOT_A_SHOPS = {
    "charge.updated", "checkout.session.async_payment_failed", "checkout.session.expired",
    "charge.dispute.funds_reinstated", "invoice.payment_action_required",
}  # fmt: skip


def test_a_failed_card_that_names_nothing_is_known_to_the_guard_alone(giving: World, site: Site, calls: Calls) -> None:
    """It may be the first payment of a monthly gift, of which Stripe says nothing yet: the card is counted, hashed."""
    giving.standin.post = through_the_route(site, [])
    before = every_table()

    sell(giving, ANN, DECLINED)

    giving_now, signups_now, passing_now = every_table()
    assert [giving_now, signups_now] == before[:2]
    assert passing_now and {item["pk"].partition("#")[0] for item in passing_now} == {"COUNT"}
    assert all("expires_at" in item for item in passing_now)


def test_who_shops_is_no_donor(giving: World, site: Site) -> None:
    """Not even as a name to look up."""
    giving.standin.post = through_the_route(site, [])
    sell(giving, ANN)

    assert donors.id_by_email(ANN) is None


def every_table() -> list[list[dict[str, Any]]]:
    return [books.table(name) for name in (items.giving(), items.signups(), items.passing())]


def subscribe(giving: World, card: str, customer: str = "") -> None:
    """A weekly box of vegetables."""
    price = {"currency": "usd", "unit_amount": 2000, "recurring": {"interval": "week"}, "product_data": {"name": "Box"}}
    wanted = {"mode": "subscription", "success_url": "https://shop.example/", "line_items": [{"price_data": price, "quantity": 1}]}
    whose = {"customer": customer} if customer else {}
    session = giving.standin.request("POST", "/v1/checkout/sessions", {**wanted, **whose}).body
    assert giving.standin.pay(session["id"], card, "veg@example.org", "Somebody")["status"] == "paid", session
    giving.deliver()
