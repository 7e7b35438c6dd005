"""The calls by which a donor takes a copy of what is held of them, and has it forgotten."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from chalicelib.errors import Forbidden
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, Routes, plain_fields
from chalicelib.portal import erasure, export, sessions

routes = Routes(__name__)


class Erase(msgspec.Struct, frozen=True):
    """The word "erase", typed by the donor."""

    confirm: Annotated[str, msgspec.Meta(max_length=20)] = ""


class Erasing(msgspec.Struct, frozen=True):
    """The monthly gifts have ended; the rest is done within minutes, and one last mail says so."""

    erasing: bool = True


@routes.route("/portal/your-data", page="portal/your_data.html")
def your_data() -> Answer:
    """What a donor may do with what is held of them, and what stays."""
    caller = routes.caller()
    sessions.donor(caller)
    return Answer(Erase(), page={"recent": sessions.is_recent(caller)})


@routes.route("/portal/export", gives=Any, status=303, page="problem.html")
def take_copy() -> Answer:
    """Send the browser to a zip of everything that is held of the donor."""
    _require_a_person_here()
    caller = routes.caller()
    donor_id = sessions.donor(caller)
    rate_limit.allow("export", donor=donor_id, ip=caller.ip)
    return Answer(see_other=export.link_for(donor_id))


def _require_a_person_here() -> None:
    """
    Raise Forbidden if a browser says that it fetches ahead of its user, or that another site sent it.

    The copy is the one call by GET that gathers and writes. Browsers that say neither, and programs, are let through.
    Sources: https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#sec-purpose-header
    """
    ahead = "prefetch" in f"{routes.header('sec-purpose')} {routes.header('purpose')}".lower()
    if ahead or routes.header("sec-fetch-site").lower() == "cross-site":
        said = "A copy of your data is made only when you ask for it here, on the page “Your data”."
        raise Forbidden(said, code="ask_for_it_here")


@routes.route(
    "/portal/erase", methods=("POST",), takes=Erase, gives=Erasing, status=202, form=plain_fields, form_page="erase"
)
def erase(wanted: Erase) -> Answer:
    """End the monthly gifts and forget the donor. It cannot be undone, so it asks for a fresh sign-in and a word."""
    caller = routes.caller()
    donor_id = sessions.donor_recently(caller)
    rate_limit.allow("portal_change", donor=donor_id, session=caller.cookies.get(sessions.COOKIE, ""), ip=caller.ip)
    erasure.begin(donor_id, wanted.confirm)
    return Answer(Erasing(), 202, see_other="/portal/erased", cookies=(sessions.end(caller),))


@routes.route("/portal/erased", page="portal/erased.html")
def erased() -> Answer:
    """After asking to be forgotten."""
    return Answer(Erasing())
