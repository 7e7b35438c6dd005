"""
A Gift Aid declaration, which gifts it covers, and their rows in a claim. Pure.

    past      |<-- four years back -->| made ....... gifts covered ....... | cancelled
    future                            | made ....... gifts covered ....... | cancelled
    only this                         | the gift that it was made with; nothing once it is withdrawn

Source: HMRC, Gift Aid declarations: claiming tax back on donations, and the
charities online schedule guidance (columns and their limits).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.giving.gift import Gift

Scope = Literal["this_gift", "future", "past_and_future"]

YEARS_BACK = 4
HOME = "GB"
# What it says of the person who made it.
OF_THE_DECLARANT = ("title", "first_name", "last_name", "house", "postcode", "country", "ip", "declared_in")
# What HMRC's schedule has for the postcode of a donor who lives abroad.
ABROAD = "X"
COLUMNS = (
    "Title", "First name or initial", "Last name", "House name or number", "Postcode", "Aggregated donations",
    "Sponsored event", "Donation date", "Amount",
)  # fmt: skip


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a donor declared to a legal entity: word for word, when, from where, and with which gift.

    It covers gifts from then on, and with `past` those of the four years
    before. It never expires; `cancelled_at` ends it for later gifts. With
    `only_this` it covers the gift it was made with, until it is withdrawn.
    A `gift_id` says that it was made on the giving form, and counts since that
    gift was paid; without one it was made in the portal. `declared_in` is the
    record in whose portal it was made for this one, joined to it; `voided`
    that this one turned out to be another's: then it never covered anything,
    and is kept for what was claimed on it.
    """

    declaration_id: str
    entity: str
    first_name: str
    last_name: str
    house: str
    past: bool
    wording: str
    made_at: datetime
    made_on: date
    # Empty texts are not kept, so what may be empty has a default to come back to.
    postcode: str = ""
    ip: str = ""
    title: str = ""
    cancelled_at: datetime | None = None
    country: str = HOME
    gift_id: str = ""
    only_this: bool = False
    declared_in: str = ""
    voided: bool = False

    @property
    def scope(self) -> Scope:
        """Which gifts it is for."""
        if self.only_this:
            return "this_gift"
        return "past_and_future" if self.past else "future"


def covers(declaration: Declaration, gift: Gift) -> bool:
    """
    Whether tax may be reclaimed on this gift because of this declaration.

    Never on one refunded or in dispute, with something in return, or whose own declaration was withdrawn.
    """
    withdrawn = declaration.only_this and declaration.cancelled_at is not None
    may_be_claimed_on = gift.state == "paid" and not gift.about.advantage
    return may_be_claimed_on and not withdrawn and reaches(declaration, gift)


def reaches(declaration: Declaration, gift: Gift) -> bool:
    """Whether the gift is one of those that were declared, whatever became of it."""
    if declaration.voided or gift.entity != declaration.entity or gift.kept.currency != "gbp":
        return False
    with_it = gift.gift_id == declaration.gift_id
    if declaration.only_this:
        return with_it
    begins = _years_before(declaration.made_on, YEARS_BACK) if declaration.past else declaration.made_on
    ended = declaration.cancelled_at is not None and gift.given_at >= declaration.cancelled_at
    return (with_it or gift.given_on >= begins) and not ended


def that_counts(declarations: Iterable[Declaration], gift_id: str = "") -> Declaration | None:
    """
    Of declarations that cover a gift the one it rests on; without a gift's id, any gift that has none of its own.

    The one made with the gift; else the newest made in the portal, by who had
    proven the mailbox; else the newest made with another gift, for which
    anybody may have typed the address.
    """
    newest = sorted(declarations, key=lambda each: (each.made_at, each.declaration_id), reverse=True)
    own = [each for each in newest if gift_id and each.gift_id == gift_id]
    return next(iter([*own, *(each for each in newest if not each.gift_id), *newest]), None)


def same_home(one: Declaration, other: Declaration) -> bool:
    """Whether both name the same person and home, as a claim has them."""
    names = ("first_name", "last_name", "house", "postcode", "country")
    return all(getattr(one, name).casefold() == getattr(other, name).casefold() for name in names)


def as_cancelled(declaration: Declaration, cancelled: Iterable[datetime]) -> Declaration:
    """
    The declaration as the donor's cancelling left it, at the first of these moments that is not before it was made.

    One for a single gift says nothing of later ones, and stays as it is.
    """
    if declaration.only_this or declaration.cancelled_at:
        return declaration
    # Cancelling is kept to the second: what was made within that second was there to be cancelled.
    made_at = declaration.made_at.replace(microsecond=0)
    ended = min((at for at in cancelled if at >= made_at), default=None)
    return msgspec.structs.replace(declaration, cancelled_at=ended)


def row(told: Declaration, given_on: date, pence: int) -> tuple[str, ...]:
    """
    A gift's line of the schedule. What does not apply is blank, never 0.

    HMRC wants a space for the hyphen of a double-barrelled name, and no postcode of another country.
    """
    last_name = told.last_name.replace("-", " ")
    postcode = told.postcode if told.country == HOME else ABROAD
    day, amount = given_on.strftime("%d/%m/%y"), f"{Decimal(pence) / 100:.2f}"
    return (told.title, told.first_name, last_name, told.house, postcode, "", "", day, amount)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February, and no such day that year
        return day.replace(year=day.year - years, day=28)
