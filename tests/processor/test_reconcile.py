"""The books agree with Stripe, also when its events do not come."""

from __future__ import annotations

from chalicelib.processor import reconcile
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
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]

    reconcile.last(days=3)

    assert calls == ["/v1/balance_transactions", "/v1/disputes"]
