"""A partnership: a monthly gift and what happens next. Pure."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.errors import InvalidInput
from chalicelib.money import Money

# Unclear: Stripe says something of it that we do not know, kept in `said`. Nothing is promised and nothing mailed.
State = Literal["active", "payment_problem", "paused", "ended", "unclear"]
Reason = Literal["bank_asks", "card_expired", "funds", "declined"]
# Why a donor ended it, in words of ours only: what donors would write themselves is theirs, and personal.
EndReason = Literal["", "cost", "another_cause", "rather_once", "dissatisfied", "other"]
# How the page and the staff's count put them.
END_REASONS: dict[EndReason, str] = {
    "cost": "I cannot afford it at present",
    "another_cause": "I give to another cause now",
    "rather_once": "I would rather give now and then",
    "dissatisfied": "I am not happy with how it went",
    "other": "Another reason",
}

# A pause ends within a year: after that a donor is better asked anew.
LONGEST_PAUSE_DAYS = 366
# Every month has this day. Stripe takes the day of the first charge for all
# later ones, so a gift moved to the 31st in April would stay on the 30th.
LAST_DAY_TO_CHOOSE = 28
# A skipped gift is a pause that ends a day after it: Stripe may begin a month up to an hour late, and by then the
# pause must not be over.
A_SKIP = timedelta(days=1)
NOON = time(12)


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Why a month's gift was not taken: this is what its donor can do something about.

    `bank_asks` is no refusal: the bank wants the donor to confirm, at
    `pay_url`. There any other failed month can be paid as well. `retry_at` is
    when Stripe asks the bank again by itself, if it will.
    """

    invoice_id: str
    because: Reason
    owed: Money
    pay_url: str = ""
    retry_at: datetime | None = None


class Terms(msgspec.Struct, frozen=True):
    """What a donor decides about a monthly gift that goes on. A renewal changes none of it."""

    amount: Money
    day: int
    paused: bool
    paused_until: datetime | None = None


class Partnership(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One Freedom Partner's monthly gift as Stripe has it.

    Moments are in UTC, as Stripe bills. What a donor is shown are dates in
    `time_zone`, where the receipts are dated too.
    """

    partnership_id: str
    donor_id: str
    customer_id: str
    amount: Money
    day: int
    state: State
    started_at: datetime
    time_zone: str = "UTC"
    next_charge_at: datetime | None = None
    paused_until: datetime | None = None
    skips: datetime | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    reason: EndReason = ""
    method: str = ""
    method_id: str = ""
    gift_id: str = ""
    fund: str = ""
    source: str = ""
    trouble: Trouble | None = None
    said: str = ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def date_of(self, moment: datetime | None) -> date | None:
        """The date of one of the moments as it is shown."""
        return moment.astimezone(self.zone).date() if moment else None

    @property
    def terms(self) -> Terms:
        return Terms(self.amount, self.day, self.state == "paused", self.paused_until)

    @property
    def lapsed(self) -> bool:
        """Whether it ended because it could not be taken, and not because somebody ended it."""
        return self.state == "ended" and self.ended_by == "payment_failed"


def day_of_month(anchor: datetime, zone: tzinfo) -> int:
    """
    On which day of the month the charges fall that count from `anchor`, as the donor sees it.

    Stripe counts months in UTC and takes the last day where a month is too
    short: from 31 January to 28 February, 31 March, 30 April. Late in the
    evening UTC's 1st is the last day here, whatever its number.

    Source: https://docs.stripe.com/billing/subscriptions/billing-cycle
    """
    return max(months_later(anchor, months).astimezone(zone).day for months in range(12))


def first_charge_from(due: datetime, day: int, resumes: datetime) -> datetime:
    """
    The first monthly charge on or after the end of a pause. `day` is the anchor's, in UTC.

    Charges that fall into the pause are given up, not saved up: paused until
    1 September with charges on the 10th, the next is on 10 September.
    """
    while due < resumes:
        due = on_day(*_following_month(due), day, due)
    return due


def skipped_by(due: datetime, resumes: datetime | None) -> datetime | None:
    """
    The one gift that a pause leaves out, if it ends within a day after it; else it is a pause like any other.

    Read off Stripe's own dates, so that no note of ours can say otherwise.
    """
    return due if resumes and due < resumes <= due + A_SKIP else None


def next_on_day(day: int, due: datetime, now: datetime, zone: tzinfo = UTC) -> datetime:
    """
    When the next charge falls after the donor moved it to `day`: at noon there.

    It stays in the month in which it was due, unless that day is past; then
    it is the next month's. So no calendar month ever has two.
    """
    noon = datetime.combine(due.astimezone(zone), NOON, zone)
    moved = on_day(noon.year, noon.month, day, noon)
    if moved <= now:
        moved = on_day(*_following_month(noon), day, noon)
    return moved.astimezone(UTC)


def first_on_each_day(stands: Partnership, now: datetime) -> dict[int, date]:
    """
    For each day to choose, the date of the first gift on it; nothing where the day cannot be changed.

    A day on which none comes any more, because the gift is to end before, is left out.
    """
    due = stands.next_charge_at
    if stands.state != "active" or due is None:
        return {}
    days = range(1, LAST_DAY_TO_CHOOSE + 1)
    first = {day: due if day == stands.day else next_on_day(day, due, now, stands.zone) for day in days}
    comes = {day: at for day, at in first.items() if not stands.ends_at or at < stands.ends_at}
    return {day: at.astimezone(stands.zone).date() for day, at in comes.items()}


def begin_of(day: date, zone: tzinfo) -> datetime:
    """The moment at which a day begins there."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def on_day(year: int, month: int, day: int, like: datetime) -> datetime:
    """That day of the month at the time of `like`; the month's last day where it is shorter."""
    return like.replace(year=year, month=month, day=min(day, calendar.monthrange(year, month)[1]))


def can_pause(until: datetime, now: datetime) -> bool:
    """Whether a pause may last until then."""
    return now < until <= now + timedelta(days=LONGEST_PAUSE_DAYS)


def pause_between(now: datetime, zone: tzinfo) -> tuple[date, date]:
    """The first and the last day until which a pause may last."""
    last = now + timedelta(days=LONGEST_PAUSE_DAYS)
    return now.astimezone(zone).date() + timedelta(days=1), last.astimezone(zone).date()


def check_pause(until: datetime, now: datetime) -> None:
    """Raise InvalidInput unless a pause may last until then."""
    if not can_pause(until, now):
        raise InvalidInput("Choose a day within the next twelve months.", code="pause_invalid", field="until")


def check_day(day: int) -> None:
    """Raise InvalidInput unless a gift can be moved to that day of every month."""
    if not 1 <= day <= LAST_DAY_TO_CHOOSE:
        message = "Choose a day from the 1st to the 28th, which every month has."
        raise InvalidInput(message, code="day_invalid", field="day")


def _following_month(moment: datetime) -> tuple[int, int]:
    return (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)


def months_later(start: datetime, months: int) -> datetime:
    """The same day and time so many months later; the month's last day where it is shorter."""
    years, month = divmod(start.month - 1 + months, 12)
    return on_day(start.year + years, month + 1, start.day, start)
