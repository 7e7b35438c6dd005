"""The donor's Gift Aid declarations in the portal: see, make, cancel."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from chalicelib.gift_aid import asked, store
from chalicelib.gift_aid.asked import DeclarationRequest
from chalicelib.gift_aid.declaration import Declaration, Scope
from chalicelib.http import Answer, FormFields, Routes, plain_fields
from chalicelib.portal import sessions

routes = Routes(__name__)

# How many declarations in force are shown; a donor may have made one with every gift.
SHOWN = 50


class Standing(msgspec.Struct, frozen=True):
    """A declaration in force, as the donor made it. `gift_id` is empty if it was made in the portal."""

    declaration_id: str
    made_on: date
    scope: Scope
    gift_id: str
    first_name: str
    last_name: str
    house: str
    postcode: str
    country: str
    wording: str


class Declared(msgspec.Struct, frozen=True):
    """
    What the donor has declared, and what can be.

    Of the lasting declarations the newest in force; all in force, newest
    first; and the words of both lasting kinds.
    """

    declared: bool
    made_on: date | None
    past: bool
    wording: dict[str, str]
    declarations: list[Standing]


def declaration_form(fields: FormFields) -> dict[str, Any]:
    """The form's fields as a declaration."""
    return asked.from_form(plain_fields(fields))


@routes.route("/portal/gift-aid", gives=Declared, page="portal/gift_aid.html")
def show_declaration() -> Declared:
    """Whether the donor has declared, and what a declaration says."""
    return _shown(sessions.donor(routes.caller()))


@routes.route(
    "/portal/gift-aid", methods=("POST",), takes=DeclarationRequest, gives=Declared, form=declaration_form,
    form_page="gift-aid",
)  # fmt: skip
def declare(wanted: DeclarationRequest) -> Answer:
    """Declare that tax may be reclaimed on gifts."""
    donor_id = sessions.donor_changing(routes.caller())
    store.declare(donor_id, wanted, routes.caller().ip)
    return Answer(_shown(donor_id), see_other="/portal/gift-aid")


@routes.route("/portal/gift-aid/cancel", methods=("POST",), gives=Declared, form=plain_fields)
def cancel() -> Answer:
    """End every lasting declaration for gifts from now on."""
    donor_id = sessions.donor_changing(routes.caller())
    store.cancel(donor_id)
    return Answer(_shown(donor_id), see_other="/portal/gift-aid")


@routes.route("/portal/gift-aid/{declaration_id}/cancel", methods=("POST",), gives=Declared, form=plain_fields)
def cancel_one(declaration_id: str) -> Answer:
    """End one declaration for gifts from now on; one for a single gift is withdrawn."""
    donor_id = sessions.donor_changing(routes.caller())
    store.cancel_one(donor_id, declaration_id)
    return Answer(_shown(donor_id), see_other="/portal/gift-aid")


def _shown(donor_id: str) -> Declared:
    words = {scope: store.wording(scope) for scope in ("past_and_future", "future")}
    standing = [each for each in store.of_donor(donor_id) if each.cancelled_at is None]
    lasting = [each for each in standing if not each.only_this]
    newest = lasting[0] if lasting else None
    return Declared(
        declared=bool(lasting),
        made_on=newest.made_on if newest else None,
        past=any(each.past for each in lasting),
        wording=words,
        declarations=[_standing(each) for each in standing[:SHOWN]],
    )


def _standing(told: Declaration) -> Standing:
    return Standing(**{name: getattr(told, name) for name in Standing.__struct_fields__})
