"""
Which tax year a gift falls in. Pure: dates in, dates out.

A tax year is named by the calendar year in which it begins:

    US, CA   2026:  1 Jan 2026 ........ 31 Dec 2026
    GB       2026:  6 Apr 2026 ........  5 Apr 2027
    AU       2026:  1 Jul 2026 ........ 30 Jun 2027
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.errors import MisconfiguredError

# The month and day on which a country's tax year begins.
# US: IRS Publication 526. CA: Income Tax Act 249(1)(b). GB: Income Tax Act 2007 s 4. AU: ITAA 1997 s 4-10.
BEGINS = {"US": (1, 1), "CA": (1, 1), "GB": (4, 6), "AU": (7, 1)}


def settle(moment: datetime, zone: ZoneInfo) -> date:
    """
    The date of a gift whose payment succeeded at `moment`, where its legal entity keeps its books.

    The same second is 31 December in Los Angeles and 1 January in New York,
    so this is asked once, when the payment is recorded, and kept.
    """
    assert moment.tzinfo is not None, "a moment without a zone could be any of two days"
    return moment.astimezone(zone).date()


def of(day: date, country: str) -> int:
    """The tax year that `day` falls in. Raises MisconfiguredError for a country whose year we do not know."""
    return day.year if day >= first_day(day.year, country) else day.year - 1


def first_day(tax_year: int, country: str) -> date:
    """The day the tax year begins. Raises MisconfiguredError for a country whose year we do not know."""
    if country not in BEGINS:
        raise MisconfiguredError(f"No tax year is known for country {country}: see BEGINS in tax_year.py.")
    return date(tax_year, *BEGINS[country])


def last_day(tax_year: int, country: str) -> date:
    """The last day that still belongs to the tax year."""
    return first_day(tax_year + 1, country) - timedelta(days=1)


def records_end(day: date, country: str, years: int) -> date:
    """
    Until when the record of a gift of `day` is kept: 31 December, `years` after the year in which its tax year ends.

    Where we know no tax year, as where we issue no statements, the gift's own calendar year counts.
    """
    ends = last_day(of(day, country), country).year if country in BEGINS else day.year
    return date(ends + years, 12, 31)


def name(tax_year: int, country: str) -> str:
    """What people there call it: "2026", or "2026–27" where it crosses a new year."""
    ends = last_day(tax_year, country).year
    return str(tax_year) if ends == tax_year else f"{tax_year}–{ends % 100:02d}"
