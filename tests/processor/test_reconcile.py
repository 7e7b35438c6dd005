"""The books agree with Stripe, also when its events do not come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.processor import reconcile, settle
from tests.drift.lives import sell
from tests.giving_world import World


def test_what_no_event_told_is_found_and_receipted(giving: World) -> None:
    """Events can be lost; the money was not."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    giving.deliver()

    report = reconcile.last(days=3)

    assert (report.charges, report.facts_healed, report.unhealed) == (1, 1, [])
    assert [gift.gift_id for gift in giving.gifts()] == [gift_id]
    assert len(giving.mails("Receipt")) == 1


def test_a_refund_of_an_old_gift_is_found_by_its_own_date(giving: World) -> None:
    """The gift is months old, the refund is of today."""
    gift_id = giving.give(50_00)
    giving.advance(days=90)
    giving.standin.set_webhooks("drop")
    giving.standin.refund(charge=giving.charge_of(gift_id), amount=10_00)

    report = reconcile.last(days=3)

    assert report.facts_healed == 1
    assert giving.gifts()[0].kept.minor == 40_00


def test_books_that_agree_are_left_as_they_are(giving: World) -> None:
    """Reconcile every hour mails nobody twice."""
    giving.give(50_00)

    report = reconcile.last(days=3)

    assert (report.charges, report.facts_healed) == (1, 0)
    assert len(giving.mails("Receipt")) == 1


def test_one_run_heals_four_days_without_a_single_event(giving: World) -> None:
    """Gifts, refunds, disputes, a renewal: afterwards the two totals are equal."""
    giving.standin.set_webhooks("drop")
    for card in ("4242424242424242", "4000000000000259", "4000000000005126", "000123456789"):
        giving.pay(giving.start(50_00), card)
    giving.pay(giving.start(25_00, "eur", "monthly"))
    giving.advance(days=4)
    charges = giving.standin.read(lambda world: [charge["id"] for charge in world.all("charge") if charge["paid"]])
    giving.standin.refund(charge=charges[0], amount=5_00)

    report = reconcile.last(days=5)

    assert report.agrees
    assert {code: totals.ledger for code, totals in report.totals.items()} == {"usd": 145_00, "eur": 25_00}
    assert len(giving.mails("Receipt")) == 5
    assert reconcile.last(days=5).facts_healed == 0


def test_books_that_agree_cost_stripe_no_call_per_charge(giving: World) -> None:
    """Thousands of charges an hour must not become thousands of calls."""
    for _ in range(3):
        giving.give(50_00)
    calls = asked(giving)

    reconcile.last(days=3)

    assert calls == LISTS


def test_anothers_charges_are_asked_of_ever_more_rarely(giving: World) -> None:
    """A shop's thousand sales, asked of every hour for three days, would be a hundred and fifty thousand calls."""
    for _ in range(3):
        sell(giving, "guest@example.org")
    calls, most = asked(giving), 0

    for hour in range(40):
        calls.clear()
        report = reconcile.last(days=3)
        assert (report.charges, report.not_ours, report.agrees) == (3, 3, True)
        most += len([path for path in calls if path not in LISTS])
        giving.advance(hours=1) if hour < 39 else None

    assert calls == LISTS
    assert most == 3 * 2 * 7, "asked at hours 0, 1, 2, 4, 8, 16 and 32, with two calls each"


@pytest.mark.parametrize("hours", [0, 1, 20])
def test_a_wrong_verdict_lasts_no_longer_than_it_has_lasted(giving: World, hours: int) -> None:
    """Stripe may be slow to say which invoice a payment is for; a gift of ours is not given up for that."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, frequency="monthly"))
    payments = giving.standin.read(lambda world: world.things.pop("invoice_payment"))
    for _ in range(hours + 1):
        assert reconcile.last(days=3).not_ours == 1
        giving.advance(hours=1)

    giving.standin.read(lambda world: world.things.update(invoice_payment=payments))
    giving.advance(hours=hours)

    assert reconcile.last(days=3).facts_healed == 1
    assert len(giving.mails("Receipt")) == 1


def test_an_event_is_looked_into_however_long_its_charge_rests(giving: World) -> None:
    """Only reconcile rests."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, frequency="monthly"))
    payments = giving.standin.read(lambda world: world.things.pop("invoice_payment"))
    for _ in range(9):
        reconcile.last(days=3)
        giving.advance(hours=1)
    giving.standin.read(lambda world: world.things.update(invoice_payment=payments))
    (charge,) = giving.standin.read(lambda world: world.all("charge"))
    assert reconcile.last(days=3).not_ours == 1

    settle.charge(charge["id"])

    assert len(giving.gifts()) == 1


@pytest.mark.parametrize(
    ("spoil", "unhealed"),
    [
        (lambda world: world.all("balance_transaction")[0].update(source=None), 0),
        (lambda world: world.all("balance_transaction")[0].pop("amount"), 1),
        (lambda world: world.all("balance_transaction")[0].update(source="ch_unknown"), 1),
        (lambda world: world.all("refund")[0].update(charge=None), 0),
        (lambda world: world.all("refund")[0].pop("currency"), 1),
    ],
    ids=["a fee", "no amount", "no source", "of no charge", "no currency"],
)
def test_one_movement_that_cannot_be_read_stops_no_other(giving: World, spoil: Callable[[Any], object], unhealed: int) -> None:
    """It stopped the whole run: a refund from a balance of customers names no charge at all."""
    gift_id = giving.give(50_00)
    giving.standin.set_webhooks("drop")
    giving.standin.refund(charge=giving.charge_of(gift_id), amount=5_00)
    giving.standin.read(spoil)
    giving.pay(giving.start(20_00), email="ben@example.org")

    report = reconcile.last(days=3)

    assert len(report.unhealed) == unhealed
    assert [gift.money.minor for gift in giving.gifts("ben@example.org")] == [20_00]


LISTS = ["/v1/balance_transactions", "/v1/disputes"]


def asked(giving: World) -> list[str]:
    """The path of each call to Stripe from here on."""
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]
    return calls
