"""One charge that nobody can settle keeps no other from being healed, run after run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.processor import reconcile, settle
from tests.giving_world import World

Poison = Callable[[World, str], None]


def _stripe_is_broken_for_it(giving: World, charge: str) -> None:
    giving.standin.fail(path=f"/v1/charges/{charge}", status=500, times=99)


def _its_object_lacks_what_we_need(giving: World, charge: str) -> None:
    giving.standin.read(lambda world: world.find("charge", charge).pop("captured"))


def _its_pointer_cannot_be_read(giving: World, charge: str) -> None:
    items.put(items.giving(), keys.pointer("CHARGE", charge) | {"donor_id": "1", "gift_at": "yesterday"})


def _its_payment_is_recorded_elsewhere(giving: World, charge: str) -> None:
    settle.charge(charge)
    place = ledger.place_of(charge)
    assert place
    items.delete(items.giving(), keys.donor(place.donor_id, keys.fact(place.gift_at, charge, "payment", charge)))


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (_stripe_is_broken_for_it, "ProcessorUnsure (payment_processor_unavailable) from APIError"),
        (_its_object_lacks_what_we_need, "NotUnderstood (payment_processor_not_understood)"),
        (_its_pointer_cannot_be_read, "ValidationError"),
        (_its_payment_is_recorded_elsewhere, "FactsDisagree (facts_disagree)"),
    ],
)
def test_one_poisoned_charge_stops_no_other(giving: World, poison: Poison, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named with its cause and raises the alarm, and every other charge is recorded."""
    giving.standin.set_webhooks("drop")
    for amount in (10_00, 20_00, 30_00):
        giving.pay(giving.start(amount))
    charges = sorted(giving.standin.read(lambda world: [each["id"] for each in world.all("charge")]))
    poison(giving, charges[0])

    for _ in range(2):
        report = reconcile.last(days=3)

        assert [(each.name, each.why.partition(" at ")[0]) for each in report.unhealed] == [(charges[0], why)]
        assert not report.agrees
        assert all(ledger.place_of(charge) for charge in charges[1:])
        assert capsys.readouterr().out.count('{"Name":"reconcile_failed"') == 1


def test_a_movement_that_cannot_be_read_hides_no_other(giving: World) -> None:
    """Stripe may write one differently one day."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(10_00))
    giving.pay(giving.start(20_00))

    def spoil(world: Any) -> str:
        del world.all("charge")[0]["currency"]
        return str(world.all("balance_transaction")[0]["id"])

    spoiled = giving.standin.read(spoil)

    report = reconcile.last(days=3)

    assert [(each.name, each.why) for each in report.unhealed] == [(spoiled, "unreadable")]
    assert report.facts_healed == 1
