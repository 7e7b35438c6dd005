"""Bars of giving by year, as numbers for a drawing. Pure; the drawing itself is templates/parts/by_year.html."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

# Parts of the drawing's width, in percent: the year stands before its bar and the amount behind it, also on a phone.
YEAR_PERCENT, BAR_PERCENT = 15, 50


class Bar(msgspec.Struct, frozen=True):
    """One year. `width` and `end` are in percent of the drawing; a year without gifts has no width."""

    year: int
    gifts: int
    kept: int
    width: float
    end: float


class Chart(msgspec.Struct, frozen=True):
    """The years of one currency, oldest first, without a gap: a year in which nothing was given is one of them."""

    currency: str
    bars: list[Bar]


def by_currency(totals: Iterable[Mapping[str, Any]]) -> list[Chart]:
    """A chart for each currency, each with a scale of its own: two currencies are not compared."""
    parts: dict[str, dict[int, Mapping[str, Any]]] = {}
    for each in totals:
        parts.setdefault(each["currency"], {})[each["year"]] = each
    return [Chart(currency, _bars(parts[currency])) for currency in sorted(parts)]


def _bars(years: Mapping[int, Mapping[str, Any]]) -> list[Bar]:
    most = max(each["kept"] for each in years.values())
    nothing = {"gifts": 0, "kept": 0}
    return [_bar(year, years.get(year, nothing), most) for year in range(min(years), max(years) + 1)]


def _bar(year: int, total: Mapping[str, Any], most: int) -> Bar:
    width = round(BAR_PERCENT * max(total["kept"], 0) / most, 2) if most > 0 else 0.0
    return Bar(year, total["gifts"], total["kept"], width, round(YEAR_PERCENT + width, 2))
