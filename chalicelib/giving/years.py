"""
What a donor's years add up to, kept so that ten thousand gifts need not be read for each page.

Whoever shows such a sum says how gifts are added up (Fold); here it is kept.
Not a counter: a sum is only ever folded from all facts of its year. The
ledger marks the year in the same transaction that writes a fact, so a fold
from before that fact is known to be old, and is made anew when next asked for:

    ledger   fact 7 + changes = 7 ........................ fact 8 + changes = 8
    page              changes is 7, fold 1..7, keep it if changes is still 7
    page, later                                             folded 7, changes 8: fold anew
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.giving.gift import Gift

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
