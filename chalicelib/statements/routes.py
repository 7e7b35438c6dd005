"""Statements and receipts in the portal. A PDF never passes through here: the browser is sent to where it is kept."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from chalicelib.errors import NotFound
from chalicelib.http import Answer, Routes
from chalicelib.portal import sessions
from chalicelib.statements import receipts, refused, register, shelf

routes = Routes(__name__)

TAX_YEAR = re.compile(r"20[0-9]{2}")
NUMBER = re.compile(r"[1-9][0-9]{0,3}")
# Random 128 bits, however a page wrote them; nothing longer is asked of the ledger.
GIFT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Statements(msgspec.Struct, frozen=True):
    """The tax years for which a statement can be had, newest first. There is never a next page."""

    statements: list[shelf.Year]
    next: str | None = None


@routes.route("/portal/statements", gives=Statements, page="portal/statements.html")
def list_statements() -> Statements:
    """The tax years in which the donor gave, one for each legal entity."""
    return Statements(shelf.years(sessions.records(routes.caller())))


@routes.route(
    "/portal/statements/{tax_year}", gives=Any, status=303, page="problem.html", query=("entity", "number", "series")
)
def open_statement(tax_year: str) -> Answer:
    """
    Issue the statement if it is not issued yet, and send the browser to the PDF.

    With a `number` it is the one that was issued under it, also one that has been replaced. `series` names those of
    giving under another address which had a statement of its own when it was joined.
    """
    records = sessions.records(routes.caller())
    if not TAX_YEAR.fullmatch(tax_year):
        raise NotFound("There is no such tax year.")
    entity = routes.query("entity") or shelf.entity_of(records, int(tax_year))
    donor_id = shelf.record_of(records, entity, routes.query("series"))
    number = routes.query("number")
    if number:
        return Answer(see_other=register.link(_numbered(donor_id, entity, int(tax_year), number)))
    with refused.told_to_staff():
        return Answer(see_other=register.link(register.issue(donor_id, entity, int(tax_year))))


def _numbered(donor_id: str, entity: str, tax_year: int, number: str) -> register.Issued:
    if not NUMBER.fullmatch(number):
        raise NotFound("There is no statement of that number.")
    return shelf.numbered(donor_id, entity, tax_year, int(number))


@routes.route("/portal/gifts/{gift_id}/receipt", gives=Any, status=303, page="problem.html")
def open_receipt(gift_id: str) -> Answer:
    """Send the browser to the PDF of one gift's receipt."""
    records = sessions.records(routes.caller())
    if not GIFT_ID.fullmatch(gift_id):
        raise NotFound("There is no such gift.")
    with refused.told_to_staff():
        return Answer(see_other=receipts.link_for(records, gift_id))
