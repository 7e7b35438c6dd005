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

    assert (report.charges, report.facts_healed, report.failed) == (1, 1, [])
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
