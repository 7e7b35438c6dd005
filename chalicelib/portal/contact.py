"""A donor's contact info: what they may read and change themselves."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chalicelib import items, keys, places, plain_text
from chalicelib.errors import InvalidInput, NotSignedIn
from chalicelib.giving import donors
from chalicelib.giving.donors import Address, Donor
from chalicelib.statements import wording, yearly

Line = Annotated[str, msgspec.Meta(max_length=120)]
TEXTS = ("name", "receipt_name", "phone", "language")

# Digits as people group them, and an extension: "+1 (555) 010-0199 ext. 4", "555 0100 x4".
PHONE = r"^[0-9+() ./-]*(,? *([eE][xX][tT](\.|ension)?|[xX]) *[0-9]{1,8} *)?$"
Country = Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$", description="ISO 3166-1 alpha-2, or empty")]

Language = Annotated[str, msgspec.Meta(max_length=35, description="One that documents are written in, or empty")]


class AddressInput(msgspec.Struct, frozen=True):
    line1: Line = ""
    line2: Line = ""
    city: Line = ""
    region: Line = ""
    postal_code: Annotated[str, msgspec.Meta(max_length=20)] = ""
    country: Country = ""


class ContactChange(msgspec.Struct, frozen=True):
    """
    What to change; what is left out stays. An empty text takes a thing away.

    An address is one thing and is replaced whole: the flat of the old house is not one of the new.
    """

    name: Line | None = None
    receipt_name: Line | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40, pattern=PHONE)] | None = None
    address: AddressInput | None = None
    language: Language | None = None


class Contact(msgspec.Struct, frozen=True):
    """How to reach a donor, with every part of the address, empty ones too. The email changes only by proof."""

    email: str
    name: str
    receipt_name: str
    phone: str
    address: dict[str, str]
    language: str


def of(donor_id: str) -> Contact:
    """The donor's contact info."""
    return _shown(_profile(donor_id))


def change(donor_id: str, wanted: ContactChange) -> Contact:
    """
    Change the named parts and nothing else. Raises InvalidInput.

    A statement that waited for them is issued: see `yearly`.
    """
    parts = {name: part for name in TEXTS if (part := getattr(wanted, name)) is not None}
    for name, part in parts.items():
        parts[name] = plain_text.one_line(part, name)
    if wanted.address:
        parts["address"] = _one_line_each(wanted.address)
        if wanted.address.country and not places.is_country(wanted.address.country):
            raise InvalidInput("We know of no such country.", code="country_unknown", field="country")
    if not parts:
        return of(donor_id)
    if "language" in parts:
        _check_language(donor_id, parts["language"])
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in parts)
    values = {f":{name}": part for name, part in parts.items()}
    names = {f"#{name}": name for name in parts}
    try:
        changed = items.update(items.giving(), keys.donor(donor_id), expression, values, donors.NOT_ERASED, names)
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone
    yearly.look_again(donor_id)
    return _shown(items.as_struct(changed, Donor))


def _profile(donor_id: str) -> Donor:
    found = donors.profile(donor_id)
    if found is None or found.erased_at:
        raise NotSignedIn("Please sign in.")
    return found


def _shown(donor: Donor) -> Contact:
    address = {name: getattr(donor.address, name) for name in Address.__struct_fields__}
    return Contact(donor.email, donor.name, donor.receipt_name, donor.phone, address, donor.language)


def _one_line_each(address: AddressInput) -> dict[str, str]:
    """Each part with its ends trimmed: what is kept of a blank is nothing."""
    parts = {}
    for name in address.__struct_fields__:
        try:
            parts[name] = plain_text.one_line(getattr(address, name), name)
        except InvalidInput as fault:
            raise InvalidInput(fault.message, code=fault.code, field="address", part=name) from fault
    return parts


def _check_language(donor_id: str, language: str) -> None:
    """
    Raise InvalidInput for a language in which there is nothing to read.

    One that is kept already may stay: Stripe tells us what a donor's browser
    spoke, and the form sends every field, whichever was meant.
    """
    if language and language not in wording.LANGUAGES and language != _profile(donor_id).language:
        said = f"We write in {' and '.join(wording.LANGUAGES.values())}. Please choose one of them."
        raise InvalidInput(said, code="language_unknown", field="language")
