"""A Gift Aid declaration as it is asked for, with a gift or in the portal, and as it may be made. Keeps nothing."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from chalicelib import charity, places, plain_text
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.gift_aid.declaration import HOME, Declaration, Scope
from chalicelib.giving import spreadsheet

# Outward and inward part. Source: Royal Mail's formats, as HMRC's schedule checks them.
POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?) ?([0-9][A-Z]{2})")
# Where post is taken in, and nobody lives. HMRC wants the home of the donor.
NO_HOME = re.compile(
    r"""
      \bc\W*/\W*o\b | \bc\.\s*o\.(?!\w)               # c/o, C / O, c.o.
    | \bcare[\W_]+of\b
    | \b(?:p[\W_]*o|post[\W_]*office)[\W_]*box(?![a-z])  # PO Box 7, P.O. Box, POBox7; not Poboxworth
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What cannot be left out, and what is said where it was.
NEEDED = {
    "first_name": "Please write your first name, or its initial.",
    "last_name": "Please write your last name.",
    "house": "Please write the name or number of your home.",
    "postcode": "Please write the postcode of your home.",
}

Name = Annotated[str, msgspec.Meta(max_length=35)]


class DeclarationWithGift(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a donor declares, no longer than HMRC's schedule takes.

    `house` is the name or number of the donor's home, `postcode` may be left
    empty outside of the UK, `scope` says which gifts, `taxpayer` that it is so.
    """

    first_name: Name
    last_name: Name
    house: Annotated[str, msgspec.Meta(max_length=40)]
    postcode: Annotated[str, msgspec.Meta(max_length=10)]
    scope: Scope
    taxpayer: Literal["yes", ""] = ""
    title: Annotated[str, msgspec.Meta(max_length=4)] = ""
    country: Annotated[str, msgspec.Meta(min_length=2, max_length=2, description="ISO 3166-1")] = HOME


class DeclarationRequest(DeclarationWithGift, frozen=True, omit_defaults=True):
    """The same in the portal, where there is no gift that it could be made with."""

    scope: Literal["future", "past_and_future"]


def from_form(typed: dict[str, Any]) -> dict[str, Any]:
    """A plain form's fields, with what was left empty as empty: then it is `checked` that says what is missing."""
    return {**dict.fromkeys(NEEDED, ""), **typed}


D = TypeVar("D", bound=DeclarationWithGift)


def wording(scope: str) -> str:
    """What the donor is shown and agrees to, whole. Raises NotFound for a charity that takes no declarations."""
    terms = charity.current().gift_aid
    if terms is None:
        raise NotFound("We take no Gift Aid declarations.")
    name = charity.current().entities[terms.entity].legal_name
    wishes = {"this_gift": terms.this_gift, "future": terms.future, "past_and_future": terms.past_and_future}
    return "\n".join(text.format(legal_name=name) for text in (wishes[scope], terms.responsibility, terms.tell_us))


def checked(asked: D) -> D:
    """The declaration as it may be made. Raises InvalidInput naming the field: without one of its parts it is none."""
    country = asked.country.upper()
    if country != HOME and not places.is_country(country):
        raise InvalidInput("We do not know that country.", code="invalid", field="country")
    good = msgspec.structs.replace(
        asked,
        title=_entered(asked.title, "title"),
        first_name=_entered(asked.first_name, "first_name", needed=True),
        last_name=_entered(asked.last_name, "last_name", needed=True),
        house=_home(asked.house),
        postcode=_postcode(asked.postcode) if country == HOME else _entered(asked.postcode, "postcode"),
        country=country,
    )
    if asked.taxpayer != "yes":
        raise InvalidInput("Please confirm that you have read this and pay UK tax.", code="missing", field="taxpayer")
    return good


def made(asked: DeclarationWithGift, at: datetime, ip: str, gift_id: str = "") -> Declaration:
    """The declaration with the very words, as it was made at a moment; the caller gives it its id."""
    words, terms = wording(asked.scope), charity.current().gift_aid
    assert terms is not None, "wording() has refused"
    return Declaration(
        declaration_id="",
        entity=terms.entity,
        title=asked.title,
        first_name=asked.first_name,
        last_name=asked.last_name,
        house=asked.house,
        postcode=asked.postcode,
        country=asked.country,
        past=asked.scope == "past_and_future",
        only_this=asked.scope == "this_gift",
        gift_id=gift_id,
        wording=words,
        made_at=at,
        made_on=at.astimezone(charity.current().entities[terms.entity].zone).date(),
        ip=ip,
    )


def _entered(typed: str, name: str, *, needed: bool = False) -> str:
    """The trimmed text. What a spreadsheet takes for a formula is refused: it would run where the claim is opened."""
    text = plain_text.one_line(typed, name)
    if needed and not text:
        raise InvalidInput(NEEDED[name], code="missing", field=name)
    if spreadsheet.FORMULA.search(text):
        raise InvalidInput("Nothing here can begin with = + - or @.", code="invalid", field=name)
    return text


def _home(typed: str) -> str:
    house = _entered(typed, "house", needed=True)
    if NO_HOME.search(unicodedata.normalize("NFKC", house)):
        raise InvalidInput(
            "Please write the name or number of your own home: no PO box, and no address in care of somebody else.",
            code="no_home", field="house",
        )  # fmt: skip
    return house


def _postcode(typed: str) -> str:
    found = POSTCODE.fullmatch(" ".join(_entered(typed, "postcode", needed=True).upper().split()))
    if not found:
        raise InvalidInput("That is no UK postcode, such as SW1A 1AA.", code="invalid", field="postcode")
    return f"{found[1]} {found[2]}"
