"""A partnership: a monthly gift and what happens next. Pure."""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.errors import InvalidInput
from chalicelib.money import Money

# Unclear: Stripe says something of it that we do not know, kept in `said`. Nothing is promised and nothing mailed.
State = Literal["active", "payment_problem", "paused", "ended", "unclear"]

# A pause ends within a year: after that a donor is better asked anew.
LONGEST_PAUSE_DAYS = 366


class Partnership(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Freedom Partner's monthly gift as Stripe has it. Moments are in UTC, as Stripe bills."""

    partnership_id: str
    donor_id: str
    customer_id: str
    amount: Money
    day: int
    state: State
    started_at: datetime
    next_charge_at: datetime | None = None
    paused_until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    method: str = ""
    gift_id: str = ""
    fund: str = ""
    source: str = ""
    said: str = ""


def first_charge_from(due: datetime, day: int, resumes: datetime) -> datetime:
    """
    The first monthly charge on or after the end of a pause.

    Charges that fall into the pause are given up, not saved up: paused until
    1 September with charges on the 10th, the next is on 10 September.
    """
    while due < resumes:
        due = on_day(*_following_month(due), day, due)
    return due


def next_on_day(day: int, due: datetime, now: datetime) -> datetime:
    """
    When the next charge falls after the donor moved it to `day`.

    It stays in the month in which it was due, unless that day is past; then
    it is the next month's. So no calendar month ever has two.
    """
    moved = on_day(due.year, due.month, day, due)
    return moved if moved > now else on_day(*_following_month(due), day, due)


def on_day(year: int, month: int, day: int, like: datetime) -> datetime:
    """That day of the month at the time of `like`; the month's last day where it is shorter."""
    return like.replace(year=year, month=month, day=min(day, calendar.monthrange(year, month)[1]))


def check_pause(until: datetime, now: datetime) -> None:
    """Raise InvalidInput unless a pause may last until then."""
    days = (until - now).days
    if until <= now or days > LONGEST_PAUSE_DAYS:
        raise InvalidInput("Choose a day within the next twelve months.", code="pause_invalid", field="until")


def _following_month(moment: datetime) -> tuple[int, int]:
    return (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
