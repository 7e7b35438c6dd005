"""
The gifts of one person's records as if they were one record's.

Each gift stays in its own record, and sorts there by its moment; so records
are merged as they are read, and one cursor is a place in all of them:

    record 1   9 . 7 . . 4 . . |          read down to 4
    record 2   . 8 . . 5 . . 2 . 0 |      read down to 0
    page       9 8 7   5 4                what lies below 4 may still be overtaken: on the next page
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib import keys
from chalicelib.giving import ledger
from chalicelib.giving.gift import Gift


def page(
    records: tuple[str, ...], *, first: str = "", last: str = "", cursor: str = "", limit: int = 20,
    wanted: Callable[[Gift], bool] = lambda _: True,
) -> tuple[list[Gift], str]:  # fmt: skip
    """One page of the gifts that are `wanted`, newest first, and the cursor of the next or "": see `ledger.page`."""
    limit = min(limit, ledger.PAGE_LIMIT)
    pages = [
        ledger.page(each, first=first, last=last, cursor=cursor, limit=limit, wanted=wanted) for each in records
    ]
    read_down_to = max(end for _, end in pages)
    gifts = _newest_first(gift for found, _ in pages for gift in found if _place(gift) > read_down_to)
    if len(gifts) > limit:
        return gifts[:limit], ledger.before(gifts[limit - 1])
    return gifts, read_down_to


def gifts_between(records: tuple[str, ...], first: datetime, last: datetime) -> list[Gift]:
    """Every gift that was paid from `first` to `last` (UTC moments, inclusive), newest first."""
    return _newest_first(gift for each in records for gift in ledger.gifts_between(each, first, last))


def gift(records: tuple[str, ...], gift_id: str) -> tuple[str, Gift] | None:
    """One gift, with the record in which it stands, or None: another donor's gift is not looked at."""
    found = ((each, ledger.gift(each, gift_id)) for each in records)
    return next(((record, gift) for record, gift in found if gift), None)


def _newest_first(gifts: Iterable[Gift]) -> list[Gift]:
    return sorted(gifts, key=_place, reverse=True)


def _place(gift: Gift) -> str:
    return keys.gift(gift.given_at, gift.charge_id)
