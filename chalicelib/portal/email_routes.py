"""The calls that change the address of sign-in. Opening a link changes nothing: mail scanners open links."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chalicelib.errors import InvalidInput
from chalicelib.giving.email_address import checked_email
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, Caller, Routes, plain_fields, require_own_origin, told_by
from chalicelib.portal import contact, email_change, email_undo, sessions
from chalicelib.portal.contact import Contact

routes = Routes(__name__)


class NewEmail(msgspec.Struct, frozen=True):
    """The address to change to."""

    new_email: Annotated[str, msgspec.Meta(max_length=254)]


class NewEmailTaken(msgspec.Struct, frozen=True):
    """The same for every address."""

    message: str = "A mail with a link and a code is on its way to the new address. Both work for an hour."


class Proof(msgspec.Struct, frozen=True):
    """The token of the link or the code of the mail, in a session of the donor who asked."""

    token: Annotated[str, msgspec.Meta(max_length=300)] = ""
    code: Annotated[str, msgspec.Meta(max_length=20)] = ""


class UndoToken(msgspec.Struct, frozen=True):
    """What the mail to the old address carries: the token of its link, or the code."""

    token: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    code: Annotated[str, msgspec.Meta(max_length=60)] = ""


class Undone(msgspec.Struct, frozen=True):
    undone: bool = True


def asked_by(caller: Caller, typed: str, field: str) -> tuple[str, str]:
    """The donor who asks to prove an address, and the address: signed in just now, and not asking too often."""
    donor_id = sessions.donor_recently(caller)
    email = checked_email(typed, field)
    rate_limit.allow("email_change", donor=donor_id, email=email, ip=caller.ip)
    return donor_id, email


def proven_by(caller: Caller, given: Proof) -> str:
    """The donor in whose session something was given as proof, and not too often. Nothing is looked up yet."""
    donor_id = sessions.donor_changing(caller)
    if not given.token and not given.code:
        raise InvalidInput("Please type the 8 digits from the mail.", code="missing", field="code")
    rate_limit.allow("session", ip=caller.ip)
    return donor_id


@routes.route("/portal/email", page="portal/email.html")
def email_page() -> Answer:
    """Where a new address is typed; after more than ten minutes, why to sign in again first."""
    caller = routes.caller()
    shown = contact.of(sessions.donor(caller))
    return Answer(shown, page={"recent": sessions.is_recent(caller)})


@routes.route(
    "/portal/email", methods=("POST",), takes=NewEmail, gives=NewEmailTaken, status=202,
    form=plain_fields, form_page="new-email",
)  # fmt: skip
def ask_for_change(wanted: NewEmail) -> Answer:
    """Have a link and a code sent to the new address. The answer is the same for every address."""
    email_change.ask(*asked_by(routes.caller(), wanted.new_email, "new_email"))
    return Answer(NewEmailTaken(), 202, see_other="/portal/email/confirm")


@routes.route("/portal/email/confirm", page="portal/email_confirm.html")
def confirm_page() -> Answer:
    """Where the link leads and the code is typed."""
    sessions.donor(routes.caller())
    return Answer(NewEmailTaken())


@routes.route(
    "/portal/email/confirm", methods=("POST",), takes=Proof, gives=Contact, form=plain_fields,
    form_page="new-email-code",
)  # fmt: skip
def confirm(wanted: Proof) -> Answer:
    """
    Change the address to the proven one, once, and end every other session.

    The page says so next, also where a script pressed the button of the mailed link.
    """
    caller = routes.caller()
    donor_id = proven_by(caller, wanted)
    email_change.confirm(donor_id, token=wanted.token, code=wanted.code, spared=sessions.id_of(caller))
    return Answer(contact.of(donor_id), see_other="/portal/contact", cookies=(told_by(caller, "email"),))


@routes.route("/portal/email/undo", page="portal/email_undo.html")
def undo_page() -> Answer:
    """The button that undoes a change, and where the code is typed; reading the page does not."""
    return Answer(Undone(undone=False))


@routes.route(
    "/portal/email/undo", methods=("POST",), takes=UndoToken, gives=Undone, form=plain_fields, form_page="undo-email"
)
def undo(wanted: UndoToken) -> Answer:
    """Bring the old address back and end every session. Whoever reads the old mailbox may."""
    caller = routes.caller()
    if caller.origin:
        require_own_origin(caller)
    if not wanted.token and not wanted.code:
        raise InvalidInput("Please type the 20 digits from the mail.", code="code_missing", field="code")
    rate_limit.allow("session", ip=caller.ip)
    email_undo.undo(token=wanted.token, code=wanted.code)
    return Answer(Undone(), see_other="/portal/email/undone")


@routes.route("/portal/email/undone", page="portal/email_undone.html")
def undone_page() -> Answer:
    """After undoing."""
    return Answer(Undone())
