"""The calls by which a donor joins giving under another address, or takes it out. Opening a link joins nothing."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chalicelib.giving import donors
from chalicelib.giving.email_address import checked_email
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, Routes, plain_fields, told_by
from chalicelib.portal import joining, sessions
from chalicelib.portal.email_routes import Proof, asked_by, proven_by

routes = Routes(__name__)


class OtherEmail(msgspec.Struct, frozen=True):
    """Another address under which the donor gave."""

    other_email: Annotated[str, msgspec.Meta(max_length=254)]


class OtherEmailTaken(msgspec.Struct, frozen=True):
    """The same for every address."""

    message: str = "If there are gifts under it, a mail with link and code is on its way there. Both work for an hour."


class Joined(msgspec.Struct, frozen=True):
    """The other addresses whose giving is joined to the donor's. There is never a next page."""

    addresses: list[str]
    next: str | None = None


@routes.route("/portal/other-address", gives=Joined, page="portal/other_address.html")
def joined_page() -> Answer:
    """Which giving is joined, and where another address is typed; after ten minutes, why to sign in again first."""
    caller = routes.caller()
    found = joining.addresses(sessions.records(caller))
    return Answer(Joined(found), page={"recent": sessions.is_recent(caller)})


@routes.route(
    "/portal/other-address", methods=("POST",), takes=OtherEmail, gives=OtherEmailTaken, status=202,
    form=plain_fields, form_page="other-email",
)  # fmt: skip
def ask_to_join(wanted: OtherEmail) -> Answer:
    """Have a link and a code sent there, if gifts stand under it. The answer is the same for every address."""
    joining.ask(*asked_by(routes.caller(), wanted.other_email, "other_email"))
    return Answer(OtherEmailTaken(), 202, see_other="/portal/other-address/confirm")


@routes.route("/portal/other-address/confirm", page="portal/other_address_confirm.html")
def confirm_page() -> Answer:
    """Where the link leads and the code is typed."""
    sessions.donor(routes.caller())
    return Answer(OtherEmailTaken())


@routes.route(
    "/portal/other-address/confirm", methods=("POST",), takes=Proof, gives=Joined, form=plain_fields,
    form_page="other-email-code",
)  # fmt: skip
def confirm(wanted: Proof) -> Answer:
    """
    Join the giving under the proven address, once, and end every other session.

    The page says so next, also where a script pressed the button of the mailed link.
    """
    caller = routes.caller()
    donor_id = proven_by(caller, wanted)
    records = joining.confirm(donor_id, token=wanted.token, code=wanted.code, spared=sessions.id_of(caller))
    joined = Joined(joining.addresses(records))
    return Answer(joined, see_other="/portal/other-address", cookies=(told_by(caller, "joined"),))


@routes.route("/portal/other-address/take-out", methods=("POST",), takes=OtherEmail, gives=Joined, form=plain_fields)
def take_out(wanted: OtherEmail) -> Answer:
    """Take joined giving out again, and end every session, this one too. Wants a sign-in of the last 10 minutes."""
    caller = routes.caller()
    donor_id = sessions.donor_recently(caller)
    rate_limit.allow("portal_change", donor=donor_id, ip=caller.ip)
    joining.take_out(donor_id, checked_email(wanted.other_email, "other_email"))
    left = joining.addresses(donors.records(donor_id))
    return Answer(Joined(left), see_other="/portal", cookies=(sessions.end(caller),))
