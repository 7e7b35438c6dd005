"""A gift that a donor wishes to make, as it is asked for and as it may be given."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec

from chalicelib import charity, plain_text
from chalicelib.errors import InvalidInput
from chalicelib.gift_aid import asked
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.giving.email_address import checked_email
from chalicelib.giving.gift import Frequency
from chalicelib.money import Money

Line = Annotated[str, msgspec.Meta(max_length=100)]
GiftId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{22,64}$", description="A random id of at least 128 bits")]


class Tribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """In whose honour or memory a gift is made."""

    kind: Literal["in_honour", "in_memory"]
    name: Line
    note: Annotated[str, msgspec.Meta(max_length=300)] = ""


class GiftRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A gift that a donor wants to make. `amount` is in minor units of `currency` (ISO 4217).

    `gift_aid` is the donor's declaration, which counts once the gift is paid.
    A bare `true` declares nothing: it keeps that the donor would.
    """

    gift_id: GiftId
    amount: Annotated[int, msgspec.Meta(gt=0, le=99_999_999)]
    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
    frequency: Frequency
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    name: Line | None = None
    fund: Line | None = None
    tribute: Tribute | None = None
    cover_fees: bool = False
    gift_aid: bool | DeclarationWithGift = False
    source: Annotated[str, msgspec.Meta(max_length=200)] | dict[Line, Line] | None = None


def checked(wanted: GiftRequest) -> GiftRequest:
    """
    The wish as it may be given. Raises InvalidInput for what cannot be; writes and asks nothing.

    What was left open stays open: a default may change between two tries of
    one gift, and the gift must not become another by it.
    """
    facts = charity.current()
    currency = wanted.currency.lower()
    facts.check_amount(Money(wanted.amount, currency))
    if wanted.fund and wanted.fund not in facts.funds:
        raise InvalidInput("We have no such fund.", code="fund_unknown", field="fund")
    if wanted.tribute and not plain_text.one_line(wanted.tribute.name, "tribute"):
        raise InvalidInput("Whose name shall we write?", code="missing", field="tribute")
    return msgspec.structs.replace(
        wanted,
        currency=currency,
        fund=wanted.fund or None,
        email=checked_email(wanted.email, "email") if wanted.email else None,
        name=plain_text.one_line(wanted.name, "name") if wanted.name else None,
        gift_aid=_declared(wanted, currency),
    )


def _declared(wanted: GiftRequest, currency: str) -> bool | DeclarationWithGift:
    if isinstance(wanted.gift_aid, bool):
        return wanted.gift_aid
    if not charity.current().takes_gift_aid(currency):
        raise InvalidInput(
            "Gift Aid is for gifts in pounds to a charity in the UK.", code="gift_aid_not_here", field="gift_aid"
        )
    return asked.checked(wanted.gift_aid)


def hash_of(wanted: GiftRequest) -> str:
    """What binds a gift id to its wish: the same wish always has the same."""
    return hashlib.sha256(msgspec.json.encode(wanted, order="sorted")).hexdigest()
