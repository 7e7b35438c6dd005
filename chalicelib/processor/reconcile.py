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
from chalicelib.giving.gift import SIGN, Fact
from chalicelib.processor import events, settle, stripe_api
from chalicelib.processor.events import Object

DAY_SECONDS = 86_400


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


def _reconcile_charge(charge_id: str, moved: dict[str, Object], report: Report) -> None:
    known = _recorded(charge_id)
    if not _complete(known, moved) or _undecided(known):
        try:
            report.facts_healed += len(settle.charge(charge_id))
        except GivingError as fault:
            log.count("reconcile_failed", charge=charge_id, code=fault.code)
            report.unhealed.append(charge_id)
        known = _recorded(charge_id)
        if not known and charge_id not in report.unhealed:
            report.not_ours += 1
            return
        if not _complete(known, moved) and charge_id not in report.unhealed:
            report.unhealed.append(charge_id)
    _add_up(known, moved, report)


def _moved_by_charge(first: int, last: int) -> dict[str, dict[str, Object]]:
    """The balance transactions of the time, by charge and by their own id; payouts and fees are nobody's gift."""
    moved: dict[str, dict[str, Object]] = defaultdict(dict)
    for transaction in stripe_api.made_between("balance_transactions", first, last, expand=["data.source"]):
        source = transaction.get("source")
        if isinstance(source, dict) and source.get("object") in {"charge", "refund", "dispute"}:
            for charge_id in events.charges_named(source["object"], source):
                moved[charge_id][transaction["id"]] = transaction
    for dispute in stripe_api.made_between("disputes", first, last):
        for charge_id in events.charges_named("dispute", dispute):
            moved[charge_id]
    return moved


def _recorded(charge_id: str) -> list[Fact]:
    place = ledger.place_of(charge_id)
    return ledger.facts_at(place) if place else []


def _complete(known: list[Fact], moved: dict[str, Object]) -> bool:
    """Whether the payment and every movement stand in the books."""
    return bool(known) and moved.keys() <= {fact.balance_transaction for fact in known}


def _undecided(known: list[Fact]) -> bool:
    """Whether the books have an open dispute: that it was lost moves nothing, so only asking tells."""
    kinds = {fact.kind for fact in known}
    return "dispute" in kinds and not kinds & {"dispute_won", "dispute_lost"}


def _add_up(known: list[Fact], moved: dict[str, Object], report: Report) -> None:
    for transaction in moved.values():
        report.totals[transaction["currency"]].stripe += transaction["amount"]
    for fact in known:
        if fact.balance_transaction in moved:
            report.totals[fact.money.currency].ledger += SIGN[fact.kind] * fact.money.minor


def _say(report: Report) -> None:
    if report.facts_healed:
        log.count("reconcile_healed", facts=report.facts_healed)
    if not report.agrees:
        log.count("reconcile_disagrees", charges=len(report.unhealed))
