"""
Comparing the books with Stripe, and healing them.

Events are lost, late or never made. So every charge, refund and dispute of
a time is listed at Stripe and put through the very function that the
webhook's worker uses.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from chalicelib import clock, log
from chalicelib.errors import GivingError
from chalicelib.processor import events, settle, stripe_api

DAY_SECONDS = 86_400


class Report(msgspec.Struct):
    """What one run looked at, healed, and could not heal."""

    charges: int = 0
    facts_healed: int = 0
    failed: list[str] = []


def last(*, days: int) -> Report:
    """Reconcile the last `days` days, up to now."""
    now = clock.epoch_seconds()
    return between(now - days * DAY_SECONDS, now)


def between(first: int, last: int) -> Report:
    """
    Reconcile what Stripe made from `first` to `last` (epoch seconds, inclusive).

    One charge that cannot be settled stops no other; it is counted, and an
    alarm stands on the count.
    """
    report = Report()
    for charge_id in sorted(set(_charges_touched(first, last))):
        report.charges += 1
        try:
            report.facts_healed += len(settle.charge(charge_id))
        except GivingError as fault:
            report.failed.append(charge_id)
            log.count("reconcile_failed", charge=charge_id, code=fault.code)
    if report.facts_healed:
        log.count("reconcile_healed", facts=report.facts_healed)
    return report


def _charges_touched(first: int, last: int) -> Iterator[str]:
    for charge in stripe_api.made_between("charges", first, last):
        if events.is_paid(charge):
            yield charge["id"]
    for kind in ("refunds", "disputes"):
        for thing in stripe_api.made_between(kind, first, last):
            yield from events.charges_named(kind, thing)
