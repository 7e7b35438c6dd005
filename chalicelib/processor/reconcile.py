"""
Comparing the books with Stripe, and healing them.

Events are lost, late or never made. Every movement of Stripe's balance must
stand in the ledger as a fact; a charge with one that does not is put through
the very function that the webhook's worker uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import msgspec

from chalicelib import clock, log
from chalicelib.errors import GivingError, NotUnderstood
from chalicelib.giving import ledger
from chalicelib.giving.gift import SIGN, Fact, Kind
from chalicelib.money import Money
from chalicelib.processor import events, not_ours, settle, stripe_api
from chalicelib.processor.events import Object
from chalicelib.processor.understood import understood

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
# In Stripe's own words: what moves for one of these must have its source in the answer.
# Source: https://docs.stripe.com/reports/reporting-categories
CATEGORIES = frozenset({"charge", "refund", "refund_failure", "dispute", "dispute_reversal"})

Name = tuple[str, str]
T = TypeVar("T")


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
    """What one run looked at, healed, and could not heal. `unhealed` names what a person must look at."""

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
    for charge_id, moved in sorted(_moved_by_charge(first, last, report).items()):
        report.charges += 1
        _reconcile_charge(charge_id, moved, report)
    report.totals = dict(report.totals)
    _say(report)
    return report


def _reconcile_charge(charge_id: str, moved: list[Movement], report: Report) -> None:
    known = _recorded(charge_id)
    if not known and not_ours.rests(charge_id):
        report.not_ours += 1
        return
    if not _complete(known, moved) or _undecided(known):
        if _is_anothers(charge_id, report):
            return
        known = _recorded(charge_id)
        if not _complete(known, moved) and charge_id not in report.unhealed:
            report.unhealed.append(charge_id)
    _add_up(known, moved, report)


def _is_anothers(charge_id: str, report: Report) -> bool:
    """Settle the charge; whether it turned out to be another product's. Not known is not another's."""
    try:
        new = settle.charge(charge_id)
    except GivingError as fault:
        _give_up(charge_id, fault, report)
        return False
    if new is None:
        not_ours.remember(charge_id)
        report.not_ours += 1
        return True
    report.facts_healed += len(new)
    return False


def _give_up(name: str, fault: GivingError, report: Report) -> None:
    log.count("reconcile_failed", charge=name, code=fault.code)
    report.unhealed.append(name)


def _moved_by_charge(first: int, last: int, report: Report) -> dict[str, list[Movement]]:
    """What moved in that time, by charge; payouts and fees are nobody's gift."""
    by_charge: dict[str, list[Movement]] = defaultdict(list)
    for transaction in stripe_api.made_between("balance_transactions", first, last, expand=["data.source"]):
        movement = _read(transaction, _movement, report)
        if movement:
            by_charge[movement.charge_id].append(movement)
    for dispute in stripe_api.made_between("disputes", first - DISPUTES_LAST_SECONDS, last):
        charge_id = _read(dispute, events.charge_named, report)
        if charge_id:
            by_charge[charge_id] += []  # one that was lost moves nothing and is looked at all the same
    return by_charge


def _read(thing: Object, read: Callable[[Object], T], report: Report) -> T | None:
    """What `read` makes of a listed object. One that cannot be understood stops no other."""
    try:
        return read(thing)
    except NotUnderstood as fault:
        _give_up(str(thing.get("id")), fault, report)
        return None


@understood
def _movement(transaction: Object) -> Movement | None:
    """
    A balance transaction in the words of the ledger.

    Its own amount is in the currency of the charity's account; its source
    knows what the donor was charged, so totals agree also after conversion.
    Source: https://docs.stripe.com/reports/balance-transaction-types
    """
    source = transaction["source"]
    if isinstance(source, str) and transaction["reporting_category"] in CATEGORIES:
        raise ValueError("a movement without its source")
    if not isinstance(source, dict) or source["object"] not in KINDS:
        return None
    charge_id = events.charge_named(source)
    if not charge_id:
        return None  # money given back that no charge brought, from a balance that donors do not have
    outward, inward = KINDS[source["object"]]
    kind = outward if transaction["amount"] < 0 else inward
    minor = source.get("amount_captured") or source["amount"]
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
