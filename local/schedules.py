"""When a schedule of EventBridge falls due: `rate(1 hour)` and `cron(15 3 * * ? *)`, in UTC as there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
# A day of four years comes back within them; a cron that never does is a mistake.
SEARCHED_DAYS = 4 * 366


def next_due(expression: str, after: datetime) -> datetime:
    """The first moment after `after`. A rate counts from there. Raises ValueError for what we do not use."""
    if rate := RATE.fullmatch(expression):
        return after + int(rate[1]) * UNITS[rate[2]]
    if cron := CRON.fullmatch(expression):
        return _next_of_cron(cron.groups(), after)
    raise ValueError(f"Neither a rate nor a cron that the local run can play: {expression}")


def _next_of_cron(fields: tuple[str, ...], after: datetime) -> datetime:
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    today = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(SEARCHED_DAYS):
        day = today + timedelta(days=days)
        if not _is_day(fields, day):
            continue
        for hour in hours:
            for minute in minutes:
                moment = day.replace(hour=hour, minute=minute, tzinfo=UTC)
                if moment > after:
                    return moment
    raise ValueError(f"This cron never falls due: {' '.join(fields)}")


def _is_day(fields: tuple[str, ...], day: datetime) -> bool:
    sunday_is_one = day.isoweekday() % 7 + 1
    return (
        day.day in _numbers(fields[2], 1, 31)
        and day.month in _numbers(fields[3], 1, 12)
        and sunday_is_one in _numbers(fields[4], 1, 7)
        and day.year in _numbers(fields[5], 1970, 2199)
    )


def _numbers(field: str, least: int, most: int) -> list[int]:
    """What one field allows: `*`, `?`, `5`, `1,15`, `1-5`, `0/15`."""
    if field in {"*", "?"}:
        return list(range(least, most + 1))
    allowed: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        start, _, end = span.partition("-")
        first = least if start == "*" else int(start)
        last = int(end) if end else (most if step else first)
        allowed.update(range(first, last + 1, int(step or 1)))
    return sorted(allowed)
