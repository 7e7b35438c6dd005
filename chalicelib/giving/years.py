"""
What a donor's years add up to, kept so that ten thousand gifts need not be read for each page.

Not a counter: a sum is only ever folded from all facts of its year. The
ledger marks the year in the same transaction that writes a fact, so a fold
from before that fact is known to be old, and is made anew when next asked for:

    ledger   fact 7 + changes = 7 ........................ fact 8 + changes = 8
    page              changes is 7, fold 1..7, keep it if changes is still 7
    page, later                                             folded 7, changes 8: fold anew
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.giving.sums import Sum, add_up

# Far more than Stripe, or any donor, has lived.
MOST_YEARS = 300
UNCHANGED = "changes = :changes"


class Year(msgspec.Struct, frozen=True):
    """One year (UTC) of a donor: how many facts came so far, and what they added up to when `folded` had come."""

    sk: str
    changes: int
    folded: int = 0
    sums: list[Sum] = []

    @property
    def number(self) -> int:
        return int(self.sk.removeprefix(keys.YEARS))


def sums_of(donor_id: str) -> list[Sum]:
    """What the donor's gifts add up to; years in which nothing changed are not read again."""
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.YEARS, most=MOST_YEARS)
    years = [items.as_struct(item, Year) for item in found]
    return [each for year in years for each in _sums(donor_id, year)]


def _sums(donor_id: str, year: Year) -> list[Sum]:
    if year.folded == year.changes:
        return year.sums
    first = datetime(year.number, 1, 1, tzinfo=UTC)
    last = datetime(year.number + 1, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    folded = add_up(ledger.gifts_between(donor_id, first, last))
    _keep(donor_id, year, folded)
    return folded


def _keep(donor_id: str, year: Year, folded: list[Sum]) -> None:
    """
    Keep the fold, unless the year has moved on.

    One that a fact overtook would be known as old by its number; the
    condition keeps it from replacing a newer one, and from bringing back
    what was taken away meanwhile.
    """
    values = {":sums": msgspec.to_builtins(folded), ":changes": year.changes}
    with suppress(items.ConditionFailed):
        items.update(
            items.giving(), keys.donor(donor_id, year.sk), "SET sums = :sums, folded = :changes", values, UNCHANGED
        )
