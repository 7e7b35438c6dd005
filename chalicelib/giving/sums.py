"""What gifts add up to. Pure: folded from gifts each time, and never two currencies together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from chalicelib.giving.gift import Frequency, Gift


class Sum(msgspec.Struct, frozen=True):
    """
    What gifts of one year, currency, fund and frequency add up to, in minor units.

    `year` is that of their dates in the taker's tax zone. `refunded` went back
    by us, `disputed` by the donors' banks: given = kept + refunded + disputed.
    """

    year: int
    currency: str
    fund: str
    frequency: Frequency
    gifts: int
    kept: int
    refunded: int
    disputed: int


class Total(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was kept of the gifts in one currency, and what was not, in minor units. Two are never added together."""

    currency: str
    kept: int
    refunded: int = 0
    disputed: int = 0


class YearTotal(msgspec.Struct, frozen=True):
    """What was kept of the gifts of one year in one currency."""

    year: int
    currency: str
    gifts: int
    kept: int


def add_up(gifts: Iterable[Gift]) -> list[Sum]:
    """The sums of the gifts, one for each year, currency, fund and frequency that occurs."""
    parts = defaultdict(list)
    for gift in gifts:
        parts[gift.given_on.year, gift.money.currency, gift.about.fund, gift.about.frequency].append(gift)
    return [
        Sum(
            *about,
            gifts=len(those),
            kept=sum(gift.kept.minor for gift in those),
            refunded=sum(gift.refunded.minor for gift in those),
            disputed=sum((gift.money - gift.kept - gift.refunded).minor for gift in those),
        )
        for about, those in sorted(parts.items())
    ]


def totals(sums: Iterable[Sum]) -> list[Total]:
    """One total for each currency, by its code."""
    parts: dict[str, list[Sum]] = defaultdict(list)
    for each in sums:
        parts[each.currency].append(each)
    return [
        Total(
            currency,
            kept=sum(each.kept for each in those),
            refunded=sum(each.refunded for each in those),
            disputed=sum(each.disputed for each in those),
        )
        for currency, those in sorted(parts.items())
    ]


def by_year(sums: Iterable[Sum]) -> list[YearTotal]:
    """One total for each currency and year in which something was given, oldest year first."""
    parts: dict[tuple[str, int], list[Sum]] = defaultdict(list)
    for each in sums:
        parts[each.currency, each.year].append(each)
    return [
        YearTotal(year, currency, sum(each.gifts for each in those), sum(each.kept for each in those))
        for (currency, year), those in sorted(parts.items())
    ]
