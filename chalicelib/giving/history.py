"""A donor's giving as the portal shows it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from chalicelib import charity, items, keys
from chalicelib.clock import now
from chalicelib.errors import InvalidInput
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact, Frequency, Gift

PAGE = 20
# The farthest that local midnight lies from UTC's, either way.
ZONES_REACH = timedelta(hours=14)


class GiftView(msgspec.Struct, frozen=True):
    """A gift as its donor sees it. Amounts are in minor units; `given_on` is the date in the taker's tax zone."""

    gift_id: str
    state: Literal["paid", "refunded", "disputed"]
    amount: int
    currency: str
    kept: int
    refunded: int
    frequency: Frequency
    given_at: datetime
    given_on: date
    fund: str
    method: str
    partnership_id: str | None


class Total(msgspec.Struct, frozen=True):
    """What was kept of all gifts in one currency, in minor units. Currencies are never added together."""

    currency: str
    kept: int


class GiftList(msgspec.Struct, frozen=True):
    """A page of gifts, newest first. `totals` are of the whole year, if one was asked for."""

    gifts: list[GiftView]
    next: str | None
    year: int | None = None
    years: list[int] = []
    totals: list[Total] = []


def view(gift: Gift) -> GiftView:
    """A gift in the words of the API."""
    return GiftView(
        gift_id=gift.gift_id,
        state=gift.state,
        amount=gift.money.minor,
        currency=gift.money.currency,
        kept=gift.kept.minor,
        refunded=gift.refunded.minor,
        frequency=gift.about.frequency,
        given_at=gift.given_at,
        given_on=gift.given_on,
        fund=charity.current().funds.get(gift.about.fund, ""),
        method=gift.method,
        partnership_id=gift.subscription_id or None,
    )


def newest(donor_id: str, most: int) -> list[Gift]:
    """The donor's latest gifts."""
    return ledger.page(donor_id, limit=most)[0]


def page(donor_id: str, year: str = "", cursor: str = "") -> GiftList:
    """A page of the donor's gifts, of one year if it is named. Raises InvalidInput for what cannot be one."""
    if cursor and not _is_place(cursor):
        raise InvalidInput("That is no page of this list.", code="cursor_invalid", field="cursor")
    if not year:
        gifts, following = ledger.page(donor_id, cursor=cursor, limit=PAGE)
        return GiftList([view(gift) for gift in gifts], following or None, None, _years(donor_id))
    wanted = _year(year)
    first, last = _around(wanted)
    ends = {"first": keys.FACTS + keys.moment(first), "last": keys.FACTS + keys.moment(last) + "~"}
    gifts, following = ledger.page(donor_id, **ends, cursor=cursor, limit=PAGE)
    shown = [view(gift) for gift in gifts if gift.given_on.year == wanted]
    return GiftList(shown, following or None, wanted, _years(donor_id), _totals(donor_id, wanted))


def _is_place(cursor: str) -> bool:
    """Whether a fact could stand there. It can show nothing but this donor's own gifts, wherever it came from."""
    return cursor.startswith(keys.FACTS) and len(cursor.encode()) <= items.KEY_BYTES["sk"]


def _totals(donor_id: str, year: int) -> list[Total]:
    kept: dict[str, int] = {}
    for gift in ledger.gifts_between(donor_id, *_around(year)):
        if gift.given_on.year == year:
            kept[gift.money.currency] = kept.get(gift.money.currency, 0) + gift.kept.minor
    return [Total(currency, kept[currency]) for currency in sorted(kept)]


def _years(donor_id: str) -> list[int]:
    """The years that may hold gifts, newest first: from the first gift until now."""
    found, _ = items.query(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.FACTS, limit=1)
    if not found:
        return []
    first = items.as_struct(found[0], Fact).gift_at - ZONES_REACH
    return list(range((now() + ZONES_REACH).year, first.year - 1, -1))


def _around(year: int) -> tuple[datetime, datetime]:
    """The UTC moments between which every gift of the year lies, in whichever zone it was settled."""
    return datetime(year, 1, 1, tzinfo=UTC) - ZONES_REACH, datetime(year + 1, 1, 1, tzinfo=UTC) + ZONES_REACH


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 2000 <= int(text[:5]) <= 2200):
        raise InvalidInput("That is not a year.", code="year_invalid", field="year")
    return int(text)
