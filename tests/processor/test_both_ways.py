"""The books hold what Stripe's balance holds, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from chalicelib.money import Money
from chalicelib.processor import reconcile
from local.standin import balance
from tests.giving_world import World


def _given(giving: World) -> tuple[ledger.Place, Fact]:
    """A gift of an hour ago, with its place and its payment."""
    gift_id = giving.give(50_00)
    giving.advance(hours=1)
    place = ledger.place_of(giving.charge_of(gift_id))
    assert place
    return place, ledger.facts_at(place)[0]


def _write(place: ledger.Place, fact: Fact) -> None:
    """Put a fact into the books as nobody should."""
    sort = keys.fact(fact.gift_at, fact.charge_id, fact.kind, fact.stripe_id)
    items.put(items.giving(), items.as_item(keys.donor(place.donor_id, sort), fact))


def _totals(report: reconcile.Report) -> dict[str, tuple[int, int]]:
    return {code: (each.ledger, each.stripe) for code, each in report.totals.items()}


def test_a_refund_that_stripe_never_made_is_found_by_the_daily_look(giving: World) -> None:
    """It takes money off a donor's statement that the charity still has."""
    place, payment = _given(giving)
    _write(place, Fact("refund", "re_invented", place.charge_id, place.gift_at, payment.at + timedelta(minutes=5), Money(10_00, "usd")))

    report = reconcile.last(days=3, both_ways=True)

    assert [(each.name, each.why) for each in report.unhealed] == [(place.charge_id, "not at Stripe: refund re_invented")]
    assert _totals(report) == {"usd": (40_00, 50_00)}
    assert not report.agrees


def test_what_is_booked_at_both_sides_is_left_alone_both_ways(giving: World) -> None:
    """Refunded, failed, disputed, won and lost: no fact of it is too many, and Stripe is not asked again."""
    cards = ["4000000000005126", "4000000000000259", "4000000000000259"]
    gifts = [giving.give(50_00, card=card) for card in cards]
    giving.standin.refund(charge=giving.charge_of(gifts[0]), amount=10_00)
    for dispute, won in zip(giving.standin.read(lambda world: world.all("dispute")), (True, False), strict=True):
        giving.standin.close_dispute(dispute["id"], won)
    giving.advance(days=5)
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]

    report = reconcile.last(days=6, both_ways=True)

    assert (report.agrees, _totals(report)) == (True, {"usd": (100_00, 100_00)})
    assert calls == ["/v1/balance_transactions", "/v1/disputes"]


def test_what_is_recorded_while_we_look_is_not_too_much(giving: World) -> None:
    """A worker may write a refund whose movement came just after the list."""
    place, payment = _given(giving)
    giving.standin.refund(charge=place.charge_id, amount=10_00)
    giving.deliver()
    a_minute_ago = int(giving.time.now().timestamp()) - 60

    report = reconcile.between(a_minute_ago - 3 * 86_400, a_minute_ago, both_ways=True)

    assert (report.agrees, _totals(report)) == (True, {"usd": (50_00, 50_00)})
    assert payment.money.minor == 50_00


def test_another_amount_is_a_difference_and_names_the_charge(giving: World) -> None:
    """The same name with other money: a person must look, also when nothing is missing."""
    place, payment = _given(giving)
    _write(place, msgspec.structs.replace(payment, money=Money(49_00, "usd")))

    report = reconcile.last(days=3)

    assert [(each.name, each.why.partition(" at ")[0]) for each in report.unhealed] == [(place.charge_id, "FactsDisagree (facts_disagree)")]
    assert _totals(report) == {"usd": (49_00, 50_00)}


def test_a_payment_that_is_taken_back_by_nothing_we_know_is_not_hidden(giving: World) -> None:
    """Stripe can reverse a payment without refund or dispute; the ledger has no fact for it, so a person must look."""
    place, _ = _given(giving)

    def reverse(world: Any) -> None:
        balance.book(world, "payment_reversal", -50_00, world.find("charge", place.charge_id), "charge")

    giving.standin.read(reverse)

    report = reconcile.last(days=3)

    assert [(each.name, each.why) for each in report.unhealed] == [(place.charge_id, f"not in the books: reversal {place.charge_id}")]
    assert _totals(report) == {"usd": (50_00, 0)}
