"""A donor's giving as the portal shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from chalicelib import charity, items, keys
from chalicelib.errors import InvalidInput, TooManyGifts
from chalicelib.giving import choice, spreadsheet, together, years
from chalicelib.giving.gift import Gift
from chalicelib.giving.gift_view import GiftView, happened, view
from chalicelib.giving.sums import Sum, Total, YearTotal, add_up, by_year, totals

__all__ = ["PAGE", "GiftList", "GiftView", "newest", "page", "table", "view"]

PAGE = 20
# Its rules are the code's alone: raise the number when `add_up`, or what it asks a gift, comes to something else.
SUMS = years.Fold("giving", Sum, add_up, rules="1")
# All the time in which a gift can be.
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC))


class GiftList(msgspec.Struct, frozen=True):
    """
    A page of gifts, newest first: at most 20. There is more as long as there is a `next`.

    Where the wanted gifts are rare a page may hold fewer, even none, and
    still have a `next`: a request reads only so far. `totals` are of all gifts
    that the filter lets through, also those of other pages; `by_year` likewise,
    but of every year. `years` are those in which the donor gave, `funds` what
    the filter takes: names by id.
    """

    gifts: list[GiftView]
    next: str | None
    year: int | None = None
    years: list[int] = []
    totals: list[Total] = []
    fund: str = ""
    frequency: str = ""
    funds: dict[str, str] = {}
    by_year: list[YearTotal] = []


def newest(records: tuple[str, ...], most: int) -> list[Gift]:
    """The latest gifts of a donor, in all of their records."""
    return together.page(records, limit=most)[0]


def page(
    records: tuple[str, ...], year: str = "", cursor: str = "", fund: str = "", frequency: str = ""
) -> GiftList:
    """
    A page of the donor's gifts, of those asked for.

    Raises InvalidInput for what cannot be asked for, and TooManyGifts if one
    year's are more than can be added up.
    """
    if cursor and not _is_place(cursor):
        raise InvalidInput("That is no page of this list.", code="cursor_invalid", field="cursor")
    sums = _sums(records)
    funds = _funds(sums)
    wanted = choice.read(year, fund, frequency, funds)
    gifts, following = together.page(records, **wanted.range(), cursor=cursor, limit=PAGE, wanted=wanted.takes)
    return GiftList(
        gifts=[view(gift) for gift in gifts],
        next=following or None,
        year=wanted.year,
        years=sorted({each.year for each in sums}, reverse=True),
        totals=totals(filter(wanted.counts, sums)),
        fund=wanted.fund,
        frequency=wanted.frequency,
        funds=funds,
        by_year=by_year(filter(wanted.of_any_year().counts, sums)),
    )


def table(records: tuple[str, ...], year: str = "", fund: str = "", frequency: str = "") -> tuple[str, str]:
    """
    The gifts asked for as one CSV file: its name and its text.

    Raises InvalidInput for what cannot be asked for, and if the gifts are
    more than one answer holds: a part of them must not look like all. Raises
    TooManyGifts if the year asked for is too much by itself.
    """
    funds = _funds(_sums(records)) if fund else charity.current().funds
    wanted = choice.read(year, fund, frequency, funds)
    try:
        found = together.gifts_between(records, *(wanted.moments() or EVER))
        gifts = [gift for gift in found if wanted.takes(gift)]
    except TooManyGifts as fault:
        if wanted.year:
            raise
        raise _too_many() from fault
    entities = {name: entity.legal_name for name, entity in charity.current().entities.items()}
    text = spreadsheet.written(gifts, funds=charity.current().funds, entities=entities, told=happened)
    if not spreadsheet.fits(text):
        raise _too_many()
    return f"giving-{wanted.year}.csv" if wanted.year else "giving.csv", text


def _sums(records: tuple[str, ...]) -> list[Sum]:
    """What each record adds up to: the sums of one year may come once from each."""
    return [each for record in records for each in years.parts_of(record, SUMS)]


def _too_many() -> InvalidInput:
    return InvalidInput("These are more gifts than one file can hold. Choose a year.", code="too_many", field="year")


def _funds(sums: list[Sum]) -> dict[str, str]:
    """The charity's funds by id, and those that it no longer has but the donor gave for."""
    current = charity.current().funds
    return {**current, **{each.fund: each.fund for each in sums if each.fund and each.fund not in current}}


def _is_place(cursor: str) -> bool:
    """Whether a fact could stand there. It can show nothing but this donor's own gifts, wherever it came from."""
    return cursor.startswith(keys.FACTS) and len(cursor.encode()) <= items.KEY_BYTES["sk"]
