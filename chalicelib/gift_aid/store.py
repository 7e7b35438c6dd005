"""Declarations as they are kept: under their donor, without an end, changed only by cancelling."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal

import msgspec

from chalicelib import charity, clock, items, keys, plain_text
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.gift_aid.declaration import Declaration

# Outward and inward part. Source: Royal Mail's formats, as HMRC's schedule checks them.
POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?) ?([0-9][A-Z]{2})")
NOT_CANCELLED = "attribute_exists(pk) AND attribute_not_exists(cancelled_at)"
MOST = 200
FORMULA = ("=", "+", "-", "@")


class DeclarationRequest(msgspec.Struct, frozen=True):
    """What the form sends, no longer than HMRC's schedule takes. `scope`: which gifts; `taxpayer`: that it is so."""

    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    last_name: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    house: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    postcode: Annotated[str, msgspec.Meta(min_length=5, max_length=10)]
    scope: Literal["future", "past_and_future"]
    taxpayer: Literal["yes", ""] = ""
    title: Annotated[str, msgspec.Meta(max_length=4)] = ""


def wording(scope: str) -> str:
    """What the donor is shown and agrees to, whole. Raises NotFound for a charity that takes no declarations."""
    terms = charity.current().gift_aid
    if terms is None:
        raise NotFound("We take no Gift Aid declarations.")
    name = charity.current().entities[terms.entity].legal_name
    wish = terms.past_and_future if scope == "past_and_future" else terms.future
    return "\n".join(text.format(legal_name=name) for text in (wish, terms.responsibility, terms.tell_us))


def declare(donor_id: str, wanted: DeclarationRequest, ip: str) -> None:
    """Keep the declaration with the very words. The same one sent twice on a day is one."""
    words, terms = wording(wanted.scope), charity.current().gift_aid
    assert terms is not None, "wording() has refused"
    if wanted.taxpayer != "yes":
        raise InvalidInput("Please confirm that you have read this and pay UK tax.", code="missing", field="taxpayer")
    made = _made(wanted, words, terms.entity, ip)
    if any(_says_the_same(made, each) for each in of_donor(donor_id)):
        return
    name = hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest()[:16]
    made = msgspec.structs.replace(made, declaration_id=f"{made.made_on.isoformat()}-{name}")
    key = keys.donor(donor_id, keys.declaration(made.declaration_id))
    items.put(items.giving(), items.as_item(key, made), items.ABSENT)


def of_donor(donor_id: str) -> list[Declaration]:
    """All the donor's declarations, newest first, cancelled ones too."""
    found, _ = items.query(
        items.giving(), keys.donor(donor_id)["pk"], prefix=keys.DECLARATIONS, backward=True, limit=MOST
    )
    return [items.as_struct(item, Declaration) for item in found]


def cancel(donor_id: str) -> None:
    """End every declaration of the donor for gifts from now on. Cancelling twice changes nothing."""
    for each in of_donor(donor_id):
        if each.cancelled_at is None:
            _end(donor_id, each)


def _made(wanted: DeclarationRequest, words: str, entity: str, ip: str) -> Declaration:
    at = clock.now()
    return Declaration(
        declaration_id="",
        entity=entity,
        title=_entered(wanted, "title"),
        first_name=_entered(wanted, "first_name", needed=True),
        last_name=_entered(wanted, "last_name", needed=True),
        house=_entered(wanted, "house", needed=True),
        postcode=_postcode(wanted.postcode),
        past=wanted.scope == "past_and_future",
        wording=words,
        made_at=at,
        made_on=at.astimezone(charity.current().entities[entity].zone).date(),
        ip=ip,
    )


def _entered(wanted: DeclarationRequest, name: str, *, needed: bool = False) -> str:
    """The trimmed text. What a spreadsheet takes for a formula is refused: it would run where the claim is opened."""
    text = plain_text.one_line(getattr(wanted, name), name)
    if needed and not text:
        raise InvalidInput("Please fill this in.", code="missing", field=name)
    if text.startswith(FORMULA):
        raise InvalidInput("This cannot begin with that character.", code="invalid", field=name)
    return text


def _end(donor_id: str, declaration: Declaration) -> None:
    key = keys.donor(donor_id, keys.declaration(declaration.declaration_id))
    try:
        items.update(items.giving(), key, "SET cancelled_at = :at", {":at": keys.moment(clock.now())}, NOT_CANCELLED)
    except items.ConditionFailed:
        return  # cancelled meanwhile by the same donor elsewhere: that moment stands


def _says_the_same(new: Declaration, old: Declaration) -> bool:
    apart = {"declaration_id", "made_at", "ip"}
    same = all(getattr(new, name) == getattr(old, name) for name in new.__struct_fields__ if name not in apart)
    return same and old.cancelled_at is None


def _postcode(typed: str) -> str:
    found = POSTCODE.fullmatch(" ".join(typed.upper().split()))
    if not found:
        raise InvalidInput("That is no UK postcode, such as SW1A 1AA.", code="invalid", field="postcode")
    return f"{found[1]} {found[2]}"
