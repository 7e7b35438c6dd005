"""
Which tax year a second belongs to, just before and at every boundary.

The instants are written in UTC and were worked out by hand from each zone's
published offset on that day, not by the zone database that the code asks.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import MisconfiguredError
from chalicelib.statements import tax_year

# country, zone, first second of the year there (UTC), first day, year that begins
BOUNDARIES = [
    ("US", "America/New_York", "2027-01-01T05:00:00", date(2027, 1, 1), 2027),  # UTC-5
    ("US", "America/Los_Angeles", "2027-01-01T08:00:00", date(2027, 1, 1), 2027),  # UTC-8
    ("US", "Pacific/Honolulu", "2027-01-01T10:00:00", date(2027, 1, 1), 2027),  # UTC-10
    ("CA", "America/Toronto", "2025-01-01T05:00:00", date(2025, 1, 1), 2025),  # UTC-5
    ("CA", "America/St_Johns", "2025-01-01T03:30:00", date(2025, 1, 1), 2025),  # UTC-3:30
    ("CA", "America/Vancouver", "2025-01-01T08:00:00", date(2025, 1, 1), 2025),  # UTC-8
    ("GB", "Europe/London", "2026-04-05T23:00:00", date(2026, 4, 6), 2026),  # summer time, UTC+1
    ("GB", "Europe/London", "2024-04-05T23:00:00", date(2024, 4, 6), 2024),  # a leap year
    ("AU", "Australia/Sydney", "2026-06-30T14:00:00", date(2026, 7, 1), 2026),  # winter, UTC+10
    ("AU", "Australia/Adelaide", "2026-06-30T14:30:00", date(2026, 7, 1), 2026),  # UTC+9:30
    ("AU", "Australia/Perth", "2026-06-30T16:00:00", date(2026, 7, 1), 2026),  # UTC+8
    ("AU", "Australia/Lord_Howe", "2026-06-30T13:30:00", date(2026, 7, 1), 2026),  # UTC+10:30
]  # fmt: skip


@pytest.mark.parametrize(("country", "zone", "begins", "day", "year"), BOUNDARIES)
def test_a_tax_year_begins_at_midnight_where_the_entity_is(
    country: str, zone: str, begins: str, day: date, year: int
) -> None:
    """
    One second decides the year a gift counts for, by the clock on the entity's wall.
    """
    first_second = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    before, at, after = (
        tax_year.settle(first_second + timedelta(seconds=seconds), ZoneInfo(zone)) for seconds in (-1, 0, 1)
    )

    assert (before, at, after) == (day - timedelta(days=1), day, day)
    assert [tax_year.of(each, country) for each in (before, at, after)] == [year - 1, year, year]


def test_the_zone_a_moment_is_written_in_does_not_matter() -> None:
    """
    Two ways to write one instant are one gift.
    """
    utc = datetime(2027, 1, 1, 7, 59, 59, tzinfo=UTC)
    tokyo = utc.astimezone(ZoneInfo("Asia/Tokyo"))

    assert date(2026, 12, 31) == tax_year.settle(utc, ZoneInfo("America/Los_Angeles"))
    assert date(2026, 12, 31) == tax_year.settle(tokyo, ZoneInfo("America/Los_Angeles"))


@pytest.mark.parametrize(
    ("country", "first", "last", "name"),
    [
        ("US", date(2026, 1, 1), date(2026, 12, 31), "2026"),
        ("CA", date(2026, 1, 1), date(2026, 12, 31), "2026"),
        ("GB", date(2026, 4, 6), date(2027, 4, 5), "2026–27"),
        ("AU", date(2026, 7, 1), date(2027, 6, 30), "2026–27"),
    ],
)
def test_a_tax_year_is_named_by_the_year_it_begins_in(country: str, first: date, last: date, name: str) -> None:
    """
    One number names a year in every country, and the paper shows it as people there say it.
    """
    assert first == tax_year.first_day(2026, country)
    assert last == tax_year.last_day(2026, country)
    assert name == tax_year.name(2026, country)


@settings(max_examples=200)
@given(day=st.dates(date(1990, 1, 1), date(2099, 12, 31)), country=st.sampled_from(sorted(tax_year.BEGINS)))
def test_every_day_is_in_exactly_one_tax_year(day: date, country: str) -> None:
    """
    No gift falls between two years or into both.
    """
    year = tax_year.of(day, country)

    assert tax_year.first_day(year, country) <= day <= tax_year.last_day(year, country)
    assert tax_year.last_day(year, country) + timedelta(days=1) == tax_year.first_day(year + 1, country)


@pytest.mark.parametrize(
    ("country", "day", "end"),
    [
        ("US", date(2026, 12, 31), date(2033, 12, 31)),
        ("GB", date(2026, 4, 5), date(2033, 12, 31)),
        ("GB", date(2026, 4, 6), date(2034, 12, 31)),
        ("AU", date(2026, 7, 1), date(2034, 12, 31)),
        ("DE", date(2026, 7, 1), date(2033, 12, 31)),
    ],
)
def test_records_are_counted_from_the_end_of_the_tax_year(country: str, day: date, end: date) -> None:
    """
    A tax office counts from the end of the year that it taxes, not from the gift; a country without statements has none.
    """
    assert end == tax_year.records_end(day, country, 7)


def test_an_unknown_country_is_refused() -> None:
    """
    A guessed tax year would be wrong on paper; a refusal is seen at once.
    """
    with pytest.raises(MisconfiguredError, match="XX"):
        tax_year.of(date(2026, 1, 1), "XX")


def test_a_moment_without_a_zone_is_refused() -> None:
    """
    The machine's own zone must never decide a tax year.
    """
    with pytest.raises(AssertionError):
        tax_year.settle(datetime(2026, 12, 31, 23), ZoneInfo("America/New_York"))  # noqa: DTZ001
