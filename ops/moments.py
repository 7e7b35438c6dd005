"""Dates and moments as staff write them. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


class NoMoment(ValueError):
    """What was written names no moment; the message says how to write one."""


def first_second(text: str, zone: ZoneInfo) -> int:
    """When a day begins in `zone`, or the moment that is written with its own zone (epoch seconds)."""
    return int(_start(text, zone).timestamp())


def last_second(text: str, zone: ZoneInfo) -> int:
    """The last second of a day in `zone`, also of one with 23 or 25 hours; or the very moment that is written."""
    if _is_day(text):
        return int(_midnight(date.fromisoformat(text) + timedelta(days=1), zone).timestamp()) - 1
    return first_second(text, zone)


def shown(seconds: int, zone: ZoneInfo) -> str:
    """A moment as `first_second` reads it back."""
    return datetime.fromtimestamp(seconds, zone).isoformat()


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name. Raises NoMoment."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError) as fault:
        raise NoMoment(f"{name} is no time zone. One is, for example, America/New_York.") from fault


def _start(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = _midnight(date.fromisoformat(text), zone) if _is_day(text) else datetime.fromisoformat(text)
    except ValueError as fault:
        raise NoMoment(f"{text} is no moment. Write 2026-01-31, or 2026-01-31T09:00:00Z.") from fault
    if moment.tzinfo is None:
        raise NoMoment(f"{text} says no time zone. Add Z, or an offset such as -05:00.")
    return moment


def _is_day(text: str) -> bool:
    return len(text) == len("2026-01-31")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
