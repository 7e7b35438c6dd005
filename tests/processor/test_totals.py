"""The total that is called Stripe's is what Stripe's balance moved, and nothing that moved is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.clock import from_epoch
from chalicelib.processor import reconcile
from tests.giving_world import World
from tests.ops.conftest import Ended, run

__all__ = ["run"]  # a fixture of the command line's

BANK = "000123456789"
ANOTHER = ["another amount moved: payment {charge}", "another amount moved: refund {refund}"]


def spoil(giving: World, *changes: dict[str, Any]) -> None:
    """Have Stripe's balance say otherwise, one change for each of its movements, the oldest first."""

    def write(world: Any) -> None:
        for moved, change in zip(world.all("balance_transaction"), changes, strict=True):
            moved.update(change)

    giving.standin.read(write)


def refunded(giving: World) -> dict[str, str]:
    """A gift of 50.00 of which 10.00 were given back, an hour ago; what its charge and refund are called."""
    charge = giving.charge_of(giving.give(50_00))
    giving.standin.refund(charge=charge, amount=10_00)
    giving.deliver()
    giving.advance(hours=1)
    return {"charge": charge, "refund": giving.standin.read(lambda world: world.all("refund")[0]["id"])}


@pytest.mark.parametrize("both_ways", [False, True], ids=["hourly", "both ways"])
def test_another_amount_in_the_balance_than_of_the_charge_is_a_difference(
    giving: World, both_ways: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The charge and the refund say 50.00 and 10.00, and so do the books; what moved was 49.00 and 25.00."""
    names = refunded(giving)
    spoil(giving, {"amount": 49_00}, {"amount": -25_00})

    report = reconcile.last(days=3, both_ways=both_ways)

    assert [(each.name, each.why) for each in report.unhealed] == [(names["charge"], ", ".join(ANOTHER).format(**names))]
    assert {code: (each.ledger, each.stripe) for code, each in report.totals.items()} == {"usd": (40_00, 24_00)}
    assert not report.agrees
    said = capsys.readouterr().out
    assert ('{"Name":"reconcile_disagrees"' in said, '{"Name":"reconcile_failed"' in said) == (True, True)


def test_two_wrong_amounts_that_cancel_out_are_a_difference_all_the_same(giving: World) -> None:
    """A sum is not a proof of its parts."""
    refunded(giving)
    spoil(giving, {"amount": 51_00}, {"amount": -11_00})

    report = reconcile.last(days=3)

    assert {(each.ledger, each.stripe) for each in report.totals.values()} == {(40_00, 40_00)}
    assert not report.agrees


@pytest.mark.parametrize(("amounts", "stripe"), [((49_00, -25_00), "$24.00"), ((51_00, -11_00), "$40.00")])
def test_the_whole_ledger_is_held_against_the_balance_itself(
    giving: World, run: Callable[..., Ended], amounts: tuple[int, int], stripe: str
) -> None:
    """What finance staff keep with the year's papers names the movement and its sum."""
    names = refunded(giving)
    spoil(giving, *({"amount": amount} for amount in amounts))

    ended = run("reconcile", "--whole")

    assert not ended.well
    assert all(f"{names['charge']}: {each.format(**names)}" in ended.said for each in ANOTHER)
    assert f"USD      │ $40.00 │ {stripe}" in ended.said
    assert "The ledger is NOT Stripe's balance." in ended.said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"currency": "gbp", "amount": 39_37, "exchange_rate": 0.787321}, ""),
        ({"currency": "gbp", "amount": 39_36, "exchange_rate": 0.787321}, ""),
        ({"currency": "gbp", "amount": 38_00, "exchange_rate": 0.787321}, "not converted at its rate"),
        ({"currency": "jpy", "amount": 7_461, "exchange_rate": 1.492135}, ""),
        ({"currency": "gbp", "amount": 39_37, "exchange_rate": None}, "converted at no rate"),
    ],
    ids=["its rate", "rounded", "another rate", "no minor unit", "no rate"],
)
def test_what_stripe_converted_counts_as_it_was_charged_if_its_rate_bears_it_out(
    giving: World, change: dict[str, Any], why: str
) -> None:
    """The balance is then in a currency in which nobody gave; the rate is all there is to check."""
    charge = giving.charge_of(giving.give(50_00))
    spoil(giving, change)

    report = reconcile.last(days=3)

    assert {code: (each.ledger, each.stripe) for code, each in report.totals.items()} == {"usd": (50_00, 50_00)}
    assert [each.why for each in report.unhealed] == ([f"{why}: payment {charge}"] if why else [])
    assert report.agrees is not bool(why)


@pytest.mark.parametrize("seconds", [0, 8 * 86_400], ids=["in one week", "in two"])
def test_what_moved_twice_for_one_thing_is_a_difference(giving: World, run: Callable[..., Ended], seconds: int) -> None:
    """The second of two movements must not stand for the first; weeks apart only the whole look can tell."""
    charge = giving.charge_of(giving.give(50_00))
    again = {"id": "txn_again", "created": clock.epoch_seconds() + seconds}
    giving.advance(days=10)
    giving.standin.read(lambda world: world.add({**world.all("balance_transaction")[0], **again}))

    ended = run("reconcile", "--whole")

    assert not ended.well
    assert f"{charge}: moved more than once: payment {charge}" in ended.said
    assert "$50.00 │ $100.00" in ended.said
    assert reconcile.last(days=30).agrees is bool(seconds)


def test_a_debit_whose_booking_stripe_does_not_tell_is_a_gift_all_the_same(giving: World) -> None:
    """It was "no payment", hour after hour, with its money in the balance and no alarm."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id, BANK)
    giving.advance(days=5)
    arrived = giving.standin.read(lambda world: world.all("event", type="charge.succeeded")[0]["created"])
    giving.standin.read(lambda world: world.all("charge")[0].update(balance_transaction=None))

    report = reconcile.last(days=7)

    assert (report.facts_healed, report.not_paid, report.agrees) == (1, 0, True)
    assert [(gift.gift_id, gift.given_at) for gift in giving.gifts()] == [(gift_id, from_epoch(arrived))]
    assert len(giving.mails("Receipt")) == 1


@pytest.mark.parametrize("field", ["paid", "captured"])
def test_money_of_a_charge_that_succeeded_is_never_passed_over(giving: World, field: str) -> None:
    """Stripe contradicts itself: nothing is written, and a person looks for as long as it does."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    charge = giving.standin.read(lambda world: world.all("charge")[0]["id"])
    giving.standin.read(lambda world: world.all("charge")[0].update({field: False}))

    report = reconcile.last(days=3)

    assert [(each.name, each.why) for each in report.unhealed] == [(charge, f"not in the books: payment {charge}")]
    assert {code: (each.ledger, each.stripe) for code, each in report.totals.items()} == {"usd": (0, 50_00)}


@pytest.mark.parametrize("days", [0, 5], ids=["pending", "failed"])
def test_a_debit_on_its_way_or_come_back_is_no_alarm(giving: World, days: int) -> None:
    """Stripe books it before it is paid, and takes it back where it fails: neither is the charity's to chase."""
    giving.pay(giving.start(50_00), "000111111116")
    giving.advance(days=days)

    report = reconcile.last(days=7, both_ways=True)

    assert (report.not_paid, report.unhealed, report.agrees) == (1, [], True)
