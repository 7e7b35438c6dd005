"""
Comparing the books with Stripe, and healing them.

Events are lost, late or never made. Every movement of Stripe's balance must
stand in the ledger as a fact; a charge with one that does not is put through
the very function that the webhook's worker uses.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from chalicelib import clock, log
from chalicelib.errors import GivingError
from chalicelib.giving import ledger
from chalicelib.giving.gift import SIGN, Fact, Kind
from chalicelib.money import Money
from chalicelib.processor import events, settle, stripe_api
from chalicelib.processor.events import Object

DAY_SECONDS = 86_400
# Banks take two to three months over a dispute, and that it was lost moves no money: half a year covers them.
# Source: https://docs.stripe.com/disputes/how-disputes-work#timelines
DISPUTES_LAST_SECONDS = 180 * DAY_SECONDS
# What a balance transaction of each source is: when money leaves, and when it comes (back).
KINDS: dict[str, tuple[Kind, Kind]] = {
    "charge": ("payment", "payment"),
    "refund": ("refund", "refund_failed"),
    "dispute": ("dispute", "dispute_won"),
}


Name = tuple[str, str]


class Movement(msgspec.Struct, frozen=True):
    """One movement of Stripe's balance as the fact that it is, in the currency in which the donor was charged."""

    kind: Kind
    stripe_id: str
    charge_id: str
    money: Money

    @property
    def name(self) -> Name:
        return self.kind, self.stripe_id


class Totals(msgspec.Struct):
    """What moved in one currency, in minor units, by our books and by Stripe's."""

    ledger: int = 0
    stripe: int = 0


class Report(msgspec.Struct):
    """What one run looked at, healed, and could not heal. `unhealed` names charges that a person must look at."""

    charges: int = 0
    not_ours: int = 0
    facts_healed: int = 0
    unhealed: list[str] = []
    totals: dict[str, Totals] = {}

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to heal and the two totals of every currency are equal."""
        return not self.unhealed and all(each.ledger == each.stripe for each in self.totals.values())


def last(*, days: int) -> Report:
    """Reconcile the last `days` days, up to now."""
    now = clock.epoch_seconds()
    return between(now - days * DAY_SECONDS, now)


def between(first: int, last: int) -> Report:
    """
    Reconcile what moved from `first` to `last` (epoch seconds, inclusive).

    Stripe's balance transactions say what moved: a charge, a refund and its
    failure, a dispute and its reinstatement each have one of their own date.
    One charge that cannot be settled stops no other.
    """
    report = Report(totals=defaultdict(Totals))
    for charge_id, moved in sorted(_moved_by_charge(first, last).items()):
        report.charges += 1
        _reconcile_charge(charge_id, moved, report)
    report.totals = dict(report.totals)
    _say(report)
    return report


def _reconcile_charge(charge_id: str, moved: list[Movement], report: Report) -> None:
    known = _recorded(charge_id)
    if not _complete(known, moved) or _undecided(known):
        _settle(charge_id, report)
        known = _recorded(charge_id)
        if not known and charge_id not in report.unhealed:
            report.not_ours += 1
            return
        if not _complete(known, moved) and charge_id not in report.unhealed:
            report.unhealed.append(charge_id)
    _add_up(known, moved, report)


def _settle(charge_id: str, report: Report) -> None:
    try:
        report.facts_healed += len(settle.charge(charge_id))
    except GivingError as fault:
        log.count("reconcile_failed", charge=charge_id, code=fault.code)
        report.unhealed.append(charge_id)


def _moved_by_charge(first: int, last: int) -> dict[str, list[Movement]]:
    """What moved in that time, by charge; payouts and fees are nobody's gift."""
    by_charge: dict[str, list[Movement]] = defaultdict(list)
    for transaction in stripe_api.made_between("balance_transactions", first, last, expand=["data.source"]):
        movement = _movement(transaction)
        if movement:
            by_charge[movement.charge_id].append(movement)
    for dispute in stripe_api.made_between("disputes", first - DISPUTES_LAST_SECONDS, last):
        for charge_id in events.charges_named("dispute", dispute):
            by_charge[charge_id] += []  # one that was lost moves nothing and is looked at all the same
    return by_charge


def _movement(transaction: Object) -> Movement | None:
    """
    A balance transaction in the words of the ledger.

    Its own amount is in the currency of the charity's account; its source
    knows what the donor was charged, so totals agree also after conversion.
    Source: https://docs.stripe.com/reports/balance-transaction-types
    """
    source = transaction.get("source")
    if not isinstance(source, dict) or source.get("object") not in KINDS:
        return None
    outward, inward = KINDS[source["object"]]
    kind = outward if transaction["amount"] < 0 else inward
    minor = source.get("amount_captured") or source["amount"]
    (charge_id,) = events.charges_named(source["object"], source)
    return Movement(kind, source["id"], charge_id, Money(minor, source["currency"]))


def _recorded(charge_id: str) -> list[Fact]:
    place = ledger.place_of(charge_id)
    return ledger.facts_at(place) if place else []


def _complete(known: list[Fact], moved: list[Movement]) -> bool:
    """Whether the payment and every movement stand in the books."""
    return bool(known) and {each.name for each in moved} <= {(fact.kind, fact.stripe_id) for fact in known}


def _undecided(known: list[Fact]) -> bool:
    """Whether the books have an open dispute: that it was lost moves nothing, so only asking tells."""
    kinds = {fact.kind for fact in known}
    return "dispute" in kinds and not kinds & {"dispute_won", "dispute_lost"}


def _add_up(known: list[Fact], moved: list[Movement], report: Report) -> None:
    names = {each.name for each in moved}
    for each in moved:
        report.totals[each.money.currency].stripe += SIGN[each.kind] * each.money.minor
    for fact in known:
        if (fact.kind, fact.stripe_id) in names:
            report.totals[fact.money.currency].ledger += SIGN[fact.kind] * fact.money.minor


def _say(report: Report) -> None:
    if report.facts_healed:
        log.count("reconcile_healed", facts=report.facts_healed)
    if not report.agrees:
        log.count("reconcile_disagrees", charges=len(report.unhealed))
