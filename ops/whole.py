"""
The proof: every fact of the ledger against every movement of Stripe's balance, over all time.

Reconcile looks at charges that moved; a fact of a charge that Stripe never
heard of would escape it for ever. So here the ledger is read from end to end.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from chalicelib import clock, items, keys
from chalicelib.clock import from_epoch
from chalicelib.giving.gift import SIGN, Fact
from chalicelib.processor import comparing, movements, reconcile
from chalicelib.processor.movements import Movement, Name
from chalicelib.processor.report import Totals
from ops import moments, reconciling, scanning

# What is younger than this may be written by a worker, or booked by Stripe, while we look.
STILL_MOVING_SECONDS = 15 * 60
# The first gift may be among the lost ones: look at some time before the first that we know of.
BEFORE_SECONDS = 35 * reconcile.DAY_SECONDS


def run(given: argparse.Namespace, console: Console) -> bool:
    """Heal all time, then compare everything; whether both agree."""
    zone, last = reconciling.zone_of(given), clock.epoch_seconds() - STILL_MOVING_SECONDS
    console.print("Reading the whole ledger.")
    known = [int(fact.at.timestamp()) for fact in facts()]
    first = moments.first_second(given.first, zone) if given.first else min(known, default=last) - BEFORE_SECONDS
    healed = reconciling.over(first, last, zone, console)
    stand = [fact for fact in facts() if fact.at.timestamp() <= last]
    moved = moved_until(first, last, {fact.charge_id for fact in stand})
    wrong = sorted([*_unbacked(stand, moved), *_unequal(stand, moved)])
    _say(wrong, stand, console)
    totals = total(stand, moved.values())
    reconciling.show_totals(totals, f"All of the {len(stand)} facts, and all of Stripe's movements of them", console)
    proven = not wrong and all(each.ledger == each.stripe for each in totals.values())
    console.print("Every fact is backed by Stripe's balance." if proven else "The ledger is NOT Stripe's balance.")
    return proven and healed.agrees


def facts() -> Iterator[Fact]:
    """Every fact of the ledger."""
    for item in scanning.giving("begins_with(sk, :facts)", {":facts": keys.FACTS}):
        yield items.as_struct(item, Fact)


def moved_until(first: int, last: int, charges: set[str]) -> dict[Name, Movement]:
    """What moved of these charges. Of others nothing is ours, or reconcile has just named it."""
    found: dict[Name, Movement] = {}
    for start in range(first, last + 1, reconcile.SLICE_SECONDS):
        moved = movements.between(start, min(start + reconcile.SLICE_SECONDS - 1, last))
        for charge_id in charges & set(moved.by_charge):
            for movement in moved.by_charge[charge_id].values():
                movements.put_in(found, movement)
    return found


def total(stand: list[Fact], moved: Any) -> dict[str, Totals]:
    """
    What all facts come to, and what all movements do: two sums that know nothing of each other.

    But where Stripe converted. There a movement counts as the charge, refund
    or dispute says, as its fact does; that it became what the balance holds
    is shown by the rate alone.
    """
    totals: dict[str, Totals] = defaultdict(Totals)
    for fact in stand:
        totals[fact.money.currency].ledger += SIGN[fact.kind] * fact.money.minor
    for movement in moved:
        totals[movement.money.currency].stripe += movement.minor
    return dict(totals)


def _unbacked(stand: list[Fact], moved: dict[Name, Movement]) -> list[tuple[str, str]]:
    """The facts, by charge, that no movement backs. Some kinds move nothing."""
    return [
        (fact.charge_id, f"{fact.kind} {fact.stripe_id} of {fact.at:%Y-%m-%d}")
        for fact in stand
        if SIGN[fact.kind] and comparing.name(fact) not in moved
    ]


def _unequal(stand: list[Fact], moved: dict[Name, Movement]) -> list[tuple[str, str]]:
    """The movements, by charge, that are of another amount than their facts, or of one that is not to be trusted."""
    return [
        (moved[each].charge_id, f"{why}: {' '.join(each)}") for each, why in comparing.unequal(stand, moved).items()
    ]


def _say(wrong: list[tuple[str, str]], stand: list[Fact], console: Console) -> None:
    if stand:
        console.print(f"The oldest fact is of {from_epoch(int(min(fact.at.timestamp() for fact in stand))):%Y-%m-%d}.")
    if wrong:
        console.print(f"In the ledger, and not or otherwise at Stripe: {len(wrong)}")
    for charge_id, fact in wrong:
        console.print(f"  {charge_id}: {fact}", soft_wrap=True)
