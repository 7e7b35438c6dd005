"""
What a donor's years add up to, kept so that ten thousand gifts need not be read for each page.

Not a counter: a sum is only ever folded from all facts of its year. The
ledger marks the year in the same transaction that writes a fact, so a fold
from before that fact is known to be old, and is made anew when next asked for:

    ledger   fact 7 + changes = 7 ........................ fact 8 + changes = 8
    page              changes is 7, fold 1..7, keep it if changes is still 7
    page, later                                             folded 7, changes 8: fold anew

What is made of gifts in some other place can be held to the same mark: `no_fact_since`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib import items, keys, writes
from chalicelib.giving import ledger
from chalicelib.giving.sums import Sum, add_up

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

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


def no_fact_since(records: tuple[str, ...], first: datetime, last: datetime) -> list[TransactWriteItemTypeDef]:
    """
    Parts of a transaction that goes through only if since this call no fact came of the years from `first` to `last`.

    Asked for before the gifts are read, they keep what was made of them from
    being written once it is not true any more:

        we       this ... read the gifts .............. write: refused
        ledger                            ... a fact ...
    """
    return [each for record in records for each in _unchanged(record, first, last)]


def _unchanged(record: str, first: datetime, last: datetime) -> list[TransactWriteItemTypeDef]:
    numbers = range(first.astimezone(UTC).year, last.astimezone(UTC).year + 1)
    sorts = [keys.year(datetime(number, 1, 1, tzinfo=UTC)) for number in numbers]
    found, _ = items.query(
        items.giving(), keys.donor(record)["pk"], first=sorts[0], last=sorts[-1], limit=len(sorts)
    )
    changes = {each["sk"]: each["changes"] for each in found}
    return [_still(keys.donor(record, sort), changes.get(sort)) for sort in sorts]


def _still(key: keys.Key, changes: int | None) -> TransactWriteItemTypeDef:
    """The check that a year had this many facts, and no more. Of one that had none nothing stands."""
    if changes is None:
        return writes.check(items.giving(), key, items.ABSENT)
    return writes.check(items.giving(), key, UNCHANGED, {":changes": changes})
