"""When a subscription renews: counted from its anchor, so that the 31st comes back after a short month."""

import calendar
from datetime import UTC, datetime, timedelta
from itertools import count

from local.standin.world import Thing

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def next_after(anchor: int, recurring: Thing, moment: int) -> int:
    """The first renewal after `moment`, in unix seconds."""
    interval, number = recurring["interval"], recurring["interval_count"]
    start = datetime.fromtimestamp(anchor, UTC)
    for times in count(0):
        if interval in MONTHS:
            due = months_later(start, times * number * MONTHS[interval])
        else:
            due = start + timedelta(days=times * number * DAYS[interval])
        if due.timestamp() > moment:
            return int(due.timestamp())
    raise AssertionError("time ended")


def months_later(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day if it is shorter."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))
