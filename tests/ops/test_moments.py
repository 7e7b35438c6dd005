"""Dates mean what a treasurer in that zone means by them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ops import moments
from ops.moments import NoMoment

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")


def _at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "zone", "first", "last"),
    [
        ("2026-01-31", NEW_YORK, _at(2026, 1, 31, 5), _at(2026, 2, 1, 4, 59, 59)),
        ("2026-03-08", NEW_YORK, _at(2026, 3, 8, 5), _at(2026, 3, 9, 3, 59, 59)),  # 23 hours
        ("2026-10-25", LONDON, _at(2026, 10, 24, 23), _at(2026, 10, 25, 23, 59, 59)),  # 25 hours
        ("2026-01-31T09:00:00Z", NEW_YORK, _at(2026, 1, 31, 9), _at(2026, 1, 31, 9)),
        ("2026-01-31T09:00:00-05:00", LONDON, _at(2026, 1, 31, 14), _at(2026, 1, 31, 14)),
    ],
)
def test_a_day_is_all_of_the_day_in_its_zone(text: str, zone: ZoneInfo, first: int, last: int) -> None:
    """Also on the days on which clocks are changed; a moment with its own zone is that moment."""
    assert (moments.first_second(text, zone), moments.last_second(text, zone)) == (first, last)
    assert moments.first_second(moments.shown(first, zone), LONDON) == first


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "31.01.2026", "2026-01-31T09:00:00", ""])
def test_what_names_no_moment_is_refused(text: str) -> None:
    """Guessing a zone would look at another day than was meant."""
    with pytest.raises(NoMoment):
        moments.first_second(text, NEW_YORK)


@pytest.mark.parametrize("name", ["New York", "../etc/passwd", ""])
def test_what_is_no_zone_is_refused(name: str) -> None:
    """By a word about zones, not by a traceback."""
    with pytest.raises(NoMoment):
        moments.zone_named(name)
