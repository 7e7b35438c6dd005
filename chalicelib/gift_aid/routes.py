"""The donor's Gift Aid declaration in the portal: see, make, cancel."""

from __future__ import annotations

from datetime import date

import msgspec

from chalicelib.gift_aid import store
from chalicelib.gift_aid.store import DeclarationRequest
from chalicelib.http import Answer, Routes, plain_fields
from chalicelib.portal import sessions

routes = Routes(__name__)


class Declared(msgspec.Struct, frozen=True):
    """The declaration in force, if there is one, and the words of both kinds."""

    declared: bool
    made_on: date | None
    past: bool
    wording: dict[str, str]


@routes.route("/portal/gift-aid", gives=Declared, page="portal/gift_aid.html")
def show_declaration() -> Declared:
    """Whether the donor has declared, and what a declaration says."""
    return _shown(sessions.donor(routes.caller()))


@routes.route("/portal/gift-aid", methods=("POST",), takes=DeclarationRequest, gives=Declared, form=plain_fields)
def declare(wanted: DeclarationRequest) -> Answer:
    """Declare that tax may be reclaimed on gifts."""
    donor_id = sessions.donor_changing(routes.caller())
    store.declare(donor_id, wanted, routes.caller().ip)
    return Answer(_shown(donor_id), see_other="/portal/gift-aid")


@routes.route("/portal/gift-aid/cancel", methods=("POST",), gives=Declared, form=plain_fields)
def cancel() -> Answer:
    """End the declaration for gifts from now on."""
    donor_id = sessions.donor_changing(routes.caller())
    store.cancel(donor_id)
    return Answer(_shown(donor_id), see_other="/portal/gift-aid")


def _shown(donor_id: str) -> Declared:
    words = {scope: store.wording(scope) for scope in ("past_and_future", "future")}
    standing = [each for each in store.of_donor(donor_id) if each.cancelled_at is None]
    newest = standing[0] if standing else None
    return Declared(bool(standing), newest.made_on if newest else None, any(each.past for each in standing), words)
