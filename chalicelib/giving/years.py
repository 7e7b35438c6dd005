"""
What a donor's years add up to, kept so that ten thousand gifts need not be read for each page.

Whoever shows such a sum says how gifts are added up (Fold); here it is kept.
Not a counter: a sum is only ever folded from all facts of its year. The
ledger marks the year in the same transaction that writes a fact, so a fold
from before that fact is known to be old, and is made anew when next asked for:

    ledger   fact 7 + changes = 7 ........................ fact 8 + changes = 8
    page              changes is 7, fold 1..7, keep it if changes is still 7
    page, later                                             folded 7, changes 8: fold anew

What is made of gifts in some other place can be held to the same mark: `no_fact_since`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from chalicelib import items, keys, writes
from chalicelib.giving import ledger
from chalicelib.giving.gift import Gift

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

P = TypeVar("P", bound=msgspec.Struct)

# Far more than Stripe, or any donor, has lived.
MOST_YEARS = 300
UNCHANGED = "changes = :changes"


class Fold(NamedTuple, Generic[P]):
    """
    A way to add up gifts. Kept under `name` beside each year, as a list of parts; all years together come to all parts.

    `rules` names what decides the parts besides the gifts: code and facts of
    the charity. What was kept by other rules is folded anew.
    """

    name: str
    part: type[P]
    add_up: Callable[[Iterable[Gift]], list[P]]
    rules: str


class Kept(msgspec.Struct, frozen=True):
    """What a year's gifts came to when `folded` facts had come, by which rules."""

    folded: int = 0
    rules: str = ""
    parts: list[Any] = []


def parts_of(donor_id: str, fold: Fold[P]) -> list[P]:
    """
    What the donor's gifts add up to; years (UTC) in which nothing changed are not read again.

    Raises TooManyGifts for a year of more facts than one request reads.
    """
    years = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.YEARS, most=MOST_YEARS)
    return [part for year in years for part in _parts(donor_id, year, fold)]


def _parts(donor_id: str, year: items.Item, fold: Fold[P]) -> list[P]:
    kept = items.as_struct(year.get(fold.name, {}), Kept)
    if (kept.folded, kept.rules) == (year["changes"], fold.rules):
        return [items.as_struct(part, fold.part) for part in kept.parts]
    number = int(year["sk"].removeprefix(keys.YEARS))
    first, next_first = datetime(number, 1, 1, tzinfo=UTC), datetime(number + 1, 1, 1, tzinfo=UTC)
    parts = fold.add_up(ledger.gifts_between(donor_id, first, next_first - timedelta(seconds=1)))
    _keep(keys.donor(donor_id, year["sk"]), fold.name, Kept(year["changes"], fold.rules, parts))
    return parts


def _keep(year: keys.Key, name: str, kept: Kept) -> None:
    """
    Keep the parts, unless the year has moved on.

    Those that a fact overtook would be known as old by their number; the
    condition keeps them from replacing newer ones, and from bringing back
    what was taken away meanwhile.
    """
    values = {":kept": msgspec.to_builtins(kept), ":changes": kept.folded}
    with suppress(items.ConditionFailed):
        items.update(items.giving(), year, "SET #name = :kept", values, UNCHANGED, {"#name": name})


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
