"""
How every monthly gift stands, compared with Stripe once a day.

Reconcile follows money, and a monthly gift that ended, was paused or could
not be taken has moved none. So all of them are listed as they are at Stripe,
and those that are kept otherwise go through the very function that the
webhook's worker uses: a mail whose event was lost is sent then, once.
"""

from __future__ import annotations

import msgspec

from chalicelib import clock, log
from chalicelib.errors import GivingError
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
        if events.about_of(found.get("metadata")) is None:
            continue
        report.partnerships += 1
        if not _as_kept(found):
            _settle(found["id"], report)
    log.note("partnerships_looked_at", partnerships=report.partnerships, settled=report.healed)
    return report


def _as_kept(found: Object) -> bool:
    """
    Whether a subscription is kept as Stripe lists it.

    Why a payment failed stands in no list, so one with a payment problem is
    always looked at anew; it has a retry or an end before it every few days.
    So is one whose donor may have chosen another card.
    """
    kept = partnerships.kept(found["id"])
    told = events.partnership_of(found, kept.donor_id if kept else "", settle.zone_of(found))
    if told is None:
        return True
    return told == kept and told.state != "payment_problem" and not trouble.newer_card(found)


def _settle(subscription_id: str, report: Report) -> None:
    try:
        settle.partnership(subscription_id)
    except GivingError as fault:
        log.alarm("reconcile_failed", about=subscription_id, why=fault.code)
        report.unhealed.append(subscription_id)
    else:
        report.healed += 1
