"""What a donor who thinks of ending a monthly gift may rather want: less, a pause, a month left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from chalicelib.money import Money, decimals
from chalicelib.partners.partnership import Partnership, begin_of, can_pause, months_later

# How many gifts a pause leaves out. To leave out one is a skip, and is offered as such where that can be.
PAUSES_IN_MONTHS = (1, 3)
# More buttons than this are no help to choose.
MOST_AMOUNTS = 4


class Break(msgspec.Struct, frozen=True):
    """A pause to choose: how many gifts it leaves out, and the day on which it ends."""

    months: int
    until: date


class Instead(msgspec.Struct, frozen=True):
    """
    What can be chosen instead of ending it, each by one of the calls about the gift as it stands.

    `amounts` are smaller ones in minor units, the largest first; `skip_on` is
    the gift that can be skipped.
    """

    amounts: list[int] = []
    breaks: list[Break] = []
    skip_on: date | None = None


def of_ending(stands: Partnership, now: datetime, suggested: Iterable[int], least: int) -> Instead:
    """
    What is left of it for this gift. `suggested` and `least` are the charity's, in minor units.

    Each does something that is not so already, and none is refused when it is chosen.
    """
    if stands.state == "ended":
        return Instead()
    skip_on = stands.date_of(stands.next_charge_at) if stands.state == "active" else None
    offered = [each for each in breaks(stands, now) if each.months > 1 or not skip_on]
    return Instead(smaller(stands.amount, suggested, least), offered, skip_on)


def smaller(amount: Money, suggested: Iterable[int], least: int) -> list[int]:
    """The suggested amounts below this one, or else the half of it in whole units, and the least that can be given."""
    unit = 10 ** decimals(amount.currency)
    below = {each for each in suggested if least <= each < amount.minor} or {amount.minor // 2 // unit * unit}
    possible = {each for each in below | {least} if least <= each < amount.minor}
    return sorted(possible, reverse=True)[:MOST_AMOUNTS]


def breaks(stands: Partnership, now: datetime) -> list[Break]:
    """
    Pauses that leave out so many of the gifts to come, and end on the day of the one after them.

    Counted from today they could end before anything was left out. The month
    that could not be taken is given up by a pause, so it is one of them.
    """
    if stands.next_charge_at is None:
        return []
    local, owed = stands.next_charge_at.astimezone(stands.zone), stands.state == "payment_problem"
    offered = [Break(months, months_later(local, months - owed).date()) for months in PAUSES_IN_MONTHS]
    return [each for each in offered if can_pause(begin_of(each.until, stands.zone), now)]
