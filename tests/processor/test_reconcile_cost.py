"""What a run costs when the books agree, as they nearly always do: exact numbers, so that speed is kept."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from chalicelib.processor import reconcile
from local.standin import balance
from tests.giving_world import World
from tests.test_cost import counted

CHARGES = 120


@pytest.fixture
def many(giving: World) -> World:
    """A charity with 120 gifts, each recorded and done with, of an hour ago."""
    gift_id = giving.give(50_00)
    place = ledger.place_of(giving.charge_of(gift_id))
    assert place
    payment = ledger.facts_at(place)[0]
    for number in range(1, CHARGES):
        _again(giving, place, payment, f"ch_{number:024}")
    giving.advance(hours=1)
    return giving


def _again(giving: World, place: ledger.Place, payment: Fact, charge_id: str) -> None:
    """The same gift once more, at Stripe and, as recording it leaves it, in the books."""

    def at_stripe(world: Any) -> None:
        charge = world.add(copy.deepcopy(world.all("charge")[0]) | {"id": charge_id})
        balance.book(world, "charge", charge["amount"], charge, "charge")

    giving.standin.read(at_stripe)
    fact = msgspec.structs.replace(payment, stripe_id=charge_id, charge_id=charge_id)
    stands = keys.donor(place.donor_id, keys.fact(fact.gift_at, charge_id, "payment", charge_id))
    pointer = msgspec.structs.replace(place, charge_id=charge_id)
    items.put(items.giving(), items.as_item(stands, fact))
    items.put(items.giving(), items.as_item(keys.pointer("CHARGE", charge_id), pointer))


def test_hourly_a_hundred_gifts_are_two_reads(many: World) -> None:
    """Where they stand, and their payments: 20,000 gifts are 400 calls, and no write."""
    with counted() as calls:
        report = reconcile.last(days=3)

    assert (report.charges, report.agrees, report.totals["usd"].ledger) == (CHARGES, True, CHARGES * 50_00)
    assert calls == 2 * ["BatchGetItem", "BatchGetItem"]


def test_daily_each_gift_is_one_read_more(many: World) -> None:
    """To see what is too many, all of a gift's facts are read; none of it asks Stripe."""
    with counted() as calls:
        report = reconcile.last(days=3, both_ways=True)

    assert (report.charges, report.agrees) == (CHARGES, True)
    assert sorted(calls) == 2 * ["BatchGetItem"] + CHARGES * ["Query"]
