"""
How every monthly gift stands, compared with Stripe once a day.

Reconcile follows money, and a monthly gift that ended, was paused or could
not be taken has moved none. So all of them are listed as they are at Stripe,
and those that are kept otherwise go through the very function that the
webhook's worker uses: a mail whose event was lost is sent then, once. So do
those that are kept unfinished, because somebody stumbled over what follows.
"""

from __future__ import annotations

import msgspec

from chalicelib import clock, letters, log
from chalicelib.errors import MailHeld
from chalicelib.partners import store as partnerships
from chalicelib.processor import events, settle, stripe_api, trouble
from chalicelib.processor.events import Object

# As far back as the daily reconcile looks: what ended before was seen on one of the days since.
ENDED_SINCE_SECONDS = 35 * 86_400


class Report(msgspec.Struct):
    """What one run looked at and healed. `unhealed` names the subscriptions that a person must look at."""

    partnerships: int = 0
    healed: int = 0
    unhealed: list[str] = []


def look() -> Report:
    """
    Look at every monthly gift that goes on or ended lately. One that cannot be settled stops no other.

    Stripe is asked for lists of a hundred; for a gift that stands as it is
    kept it is asked nothing more.
    """
    report = Report()
    for found in stripe_api.subscriptions(clock.epoch_seconds() - ENDED_SINCE_SECONDS):
        try:
            _look_at(found, report)
        except MailHeld:
            # A worker is mailing this very moment; until it is done the monthly gift stands unfinished.
            log.note("reconcile_waits", subscription=_name(found))
        except Exception as fault:  # noqa: BLE001 - what ails one must not keep all the others from being looked at
            log.alarm("reconcile_failed", about=_name(found), why=letters.cause_of(fault))
            report.unhealed.append(_name(found))
    log.note("partnerships_looked_at", partnerships=report.partnerships, settled=report.healed)
    return report


def _look_at(found: Object, report: Report) -> None:
    if events.about_of(events.metadata_on(found)) is None:
        return
    report.partnerships += 1
    if not _as_kept(found):
        settle.partnership(events.id_of(found))
        report.healed += 1


def _as_kept(found: Object) -> bool:
    """
    Whether a subscription is kept as Stripe lists it, and all that this calls for was done.

    Why a payment failed stands in no list, so one with a payment problem is
    always looked at anew; it has a retry or an end before it every few days.
    So is one whose donor may have chosen another card.
    """
    if not events.is_partnership(found):
        return True
    seen = partnerships.seen(events.id_of(found))
    if seen.unfinished or trouble.newer_card(found):
        return False
    kept = seen.stands
    told = events.partnership_of(found, seen.donor_id, settle.zone_of(found))
    return kept is not None and kept.state != "payment_problem" and kept == told


def _name(found: Object) -> str:
    """What a subscription is called for a person, also one that cannot be read."""
    return str(found.get("id"))
