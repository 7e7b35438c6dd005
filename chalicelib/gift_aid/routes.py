"""The donor's Gift Aid declarations in the portal: see, make, cancel."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from chalicelib import charity
from chalicelib.gift_aid import asked, cancelling, store
from chalicelib.gift_aid.asked import DeclarationRequest
from chalicelib.gift_aid.declaration import Declaration, Scope, that_counts
from chalicelib.http import Answer, FormFields, Routes, plain_fields
from chalicelib.portal import sessions

routes = Routes(__name__)

# How many declarations in force are shown; a donor may have made one with every gift.
SHOWN = 50


class Standing(msgspec.Struct, frozen=True):
    """
    A declaration in force, as the donor made it. `gift_id` is empty if it was made in the portal.

    `counts` marks the one that counts for gifts which have none of their own.
    """

    declaration_id: str
    made_on: date
    scope: Scope
    gift_id: str
    counts: bool
    title: str
    first_name: str
    last_name: str
    house: str
    postcode: str
    country: str
    wording: str


class Declared(msgspec.Struct, frozen=True):
    """
    What the donor has declared, and what can be.

    Of the lasting declarations the day of the one that counts; without any,
    since when they are cancelled; all in force, newest first; and the words of
    both lasting kinds.
    """

    declared: bool
    made_on: date | None
    cancelled_on: date | None
    past: bool
    wording: dict[str, str]
    declarations: list[Standing]


def declaration_form(fields: FormFields) -> dict[str, Any]:
    """The form's fields as a declaration."""
    return asked.from_form(plain_fields(fields))


@routes.route("/portal/gift-aid", gives=Declared, page="portal/gift_aid.html")
def show_declaration() -> Declared:
    """Whether the donor has declared, and what a declaration says."""
    return _shown(sessions.records(routes.caller()))


@routes.route(
    "/portal/gift-aid", methods=("POST",), takes=DeclarationRequest, gives=Declared, form=declaration_form,
    form_page="gift-aid",
)  # fmt: skip
def declare(wanted: DeclarationRequest) -> Answer:
    """Declare that tax may be reclaimed on gifts; once more where a name or home has changed."""
    records = sessions.records_changing(routes.caller())
    store.declare(records, wanted, routes.caller().ip)
    return Answer(_shown(records), see_other="/portal/gift-aid")


@routes.route("/portal/gift-aid/cancel", methods=("POST",), gives=Declared, form=plain_fields)
def cancel() -> Answer:
    """End every lasting declaration for gifts from now on, also one made with a gift that is not paid yet."""
    records = sessions.records_changing(routes.caller())
    for each in records:
        store.cancel(each)
    return Answer(_shown(records), see_other="/portal/gift-aid")


@routes.route("/portal/gift-aid/{declaration_id}/cancel", methods=("POST",), gives=Declared, form=plain_fields)
def cancel_one(declaration_id: str) -> Answer:
    """End one declaration for gifts from now on; one for a single gift is withdrawn."""
    records = sessions.records_changing(routes.caller())
    store.cancel_one(records, declaration_id)
    return Answer(_shown(records), see_other="/portal/gift-aid")


def _shown(records: tuple[str, ...]) -> Declared:
    # What a record has from another that it was taken out of goes by an errand: nobody sees it until then.
    standing = [each for each in store.standing(records) if each.declared_in in ("", records[0])]
    lasting = [each for each in standing if not each.only_this]
    counts = that_counts(lasting)
    return Declared(
        declared=bool(lasting),
        made_on=counts.made_on if counts else None,
        cancelled_on=None if lasting else _cancelled_on(records),
        past=any(each.past for each in lasting),
        wording={scope: store.wording(scope) for scope in ("past_and_future", "future")},
        declarations=[_standing(each, counts=each is counts) for each in standing[:SHOWN]],
    )


def _cancelled_on(records: tuple[str, ...]) -> date | None:
    """The day on which the donor last cancelled, where declarations are made."""
    moments, terms = [at for each in records for at in cancelling.moments(each)], charity.current().gift_aid
    if not moments or terms is None:
        return None
    return max(moments).astimezone(charity.current().entities[terms.entity].zone).date()


def _standing(told: Declaration, *, counts: bool) -> Standing:
    shown = (name for name in Standing.__struct_fields__ if name != "counts")
    return Standing(counts=counts, **{name: getattr(told, name) for name in shown})
