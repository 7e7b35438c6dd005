"""
Leaving out one month's gift.

Stripe knows no such thing, but it knows pauses: one that ends a day after the
gift leaves out just that one. It is taken back like any pause, by resuming,
until its day has come.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from chalicelib.errors import Conflict
from chalicelib.partners.asked import Done, carry_out, day_in_words, going_on, not_while_taken, own
from chalicelib.partners.partnership import A_SKIP, Partnership


class Skip(msgspec.Struct, frozen=True):
    """
    Which gift is left out: the day that the donor was shown as the next one.

    It is named so that a second press, or a page left open for a month, skips no other.
    """

    next_charge_on: date


def skip(donor_id: str, partnership_id: str, wanted: Skip) -> Done:
    """
    Leave out the next gift. Nothing is owed for it, and the one after comes on its ordinary day.

    Raises Conflict if that is not the next one any more, while the one before
    is being taken, or if it is not active: in a pause nothing is taken anyhow,
    and a month that could not be taken is not skipped but paid or given up.
    """
    kept, stands = own(donor_id, partnership_id), going_on(donor_id, partnership_id)
    if stands.skips and stands.skips == kept.skips and stands.date_of(stands.skips) == wanted.next_charge_on:
        return Done(stands)
    due = _due(stands, wanted)
    held = {"behavior": "void", "resumes_at": int((due + A_SKIP).timestamp())}
    becomes = replace(stands.terms, paused=True, paused_until=due + A_SKIP)
    said = f"your gift of {day_in_words(wanted.next_charge_on)} is skipped"
    return Done(carry_out(stands, said, becomes, {"pause_collection": held}, nothing_owed=True), "skipped")


def _due(stands: Partnership, wanted: Skip) -> datetime:
    """
    The moment of the gift that is to be left out, if it can be.

    It may be skipped at Stripe and not in our record: a try that died or
    whose answer was lost is done again, and told.
    """
    due = stands.skips or stands.next_charge_at
    if stands.state != "active" and not stands.skips:
        raise Conflict("A gift can be skipped while the monthly gift is active.", code="partnership_not_active")
    if due is None or stands.date_of(due) != wanted.next_charge_on:
        raise Conflict("That is not your next gift any more. Please look again when it is.", code="not_the_next_gift")
    if not stands.skips:
        # A pause gives up all that is unpaid, and with the skipped gift this month's would be lost.
        not_while_taken(stands, "skip the next")
    return due
