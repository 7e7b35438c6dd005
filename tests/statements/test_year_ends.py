"""
Every year's end, to the second, in thirteen zones, against a table worked out without our code or its zone database.

The table is arithmetic: hours east of Greenwich, and which months have
summer time there, as each authority publishes them. Tax years of the four
countries begin in January, April or July, and only in Sydney is a clock changed near such a day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from chalicelib.statements import tax_year
from chalicelib.statements.countries import COUNTRIES
from tests.statements.papers import FACTS

# zone: minutes east of Greenwich on 1 January, 6 April and 1 July. The years below all keep these rules.
OFFSETS = {
    "America/New_York": (-300, -240, -240),
    "America/Chicago": (-360, -300, -300),
    "America/Denver": (-420, -360, -360),
    "America/Phoenix": (-420, -420, -420),
    "America/Los_Angeles": (-480, -420, -420),
    "Pacific/Honolulu": (-600, -600, -600),
    "America/St_Johns": (-210, -150, -150),
    "America/Toronto": (-300, -240, -240),
    "Europe/London": (0, 60, 60),
    "Australia/Perth": (480, 480, 480),
    "Australia/Brisbane": (600, 600, 600),
    "Australia/Sydney": (660, 600, 600),
    "Asia/Kolkata": (330, 330, 330),
}
BEGINS = {"US": (1, 1), "CA": (1, 1), "GB": (4, 6), "AU": (7, 1)}
SEASON = {1: 0, 4: 1, 7: 2}
# Sydney puts its clocks back on the first Sunday of April, at three in the morning: in these years that is the sixth or seventh.
STILL_SUMMER = {("Australia/Sydney", 4, year): 660 for year in (2013, 2014, 2019, 2024, 2025)}
YEARS = range(2010, 2027)


def table() -> list[tuple[str, str, datetime, date, int]]:
    """Country, zone, instant, the date there, the tax year: a second before, the first second, a second after."""
    rows = []
    for (country, (month, day)), (zone, offsets), year in product(BEGINS.items(), OFFSETS.items(), YEARS):
        east = STILL_SUMMER.get((zone, month, year), offsets[SEASON[month]])
        first = datetime(year, month, day, tzinfo=UTC) - timedelta(minutes=east)
        eve = date(year, month, day) - timedelta(days=1)
        rows += [
            (country, zone, first - timedelta(seconds=1), eve, year - 1),
            (country, zone, first, date(year, month, day), year),
            (country, zone, first + timedelta(seconds=1), date(year, month, day), year),
        ]
    return rows


def test_every_instant_around_a_years_end_lands_in_its_year() -> None:
    """
    A gift at the stroke of midnight is in one year, and it is the right one.
    """
    rows = table()
    landed = [
        (country, zone, at, day := tax_year.settle(at, ZoneInfo(zone)), tax_year.of(day, country))
        for country, zone, at, _, _ in rows
    ]

    assert len(rows) == len(BEGINS) * len(OFFSETS) * len(YEARS) * 3 >= 2400
    assert rows == landed


def test_every_zone_that_we_ship_is_in_the_table() -> None:
    """
    The clocks by which charity.toml's own entities keep their books are tried themselves, not ones like them.
    """
    assert {entity.time_zone for entity in FACTS.entities.values()} <= set(OFFSETS)


def test_every_country_with_documents_is_in_the_table() -> None:
    """
    Whoever adds a country adds the day its year begins, here too.
    """
    assert set(COUNTRIES) == set(BEGINS)
