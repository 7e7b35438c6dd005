"""The calls of the donor portal: signing in and out, the first page, contact info."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from chalicelib.errors import GivingError, InvalidInput, NotSignedIn, TooMany, TooManyGifts
from chalicelib.giving import history
from chalicelib.giving.email_address import checked_email
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, FormFields, Routes, cookie, plain_fields, require_own_form, require_own_origin
from chalicelib.partners import routes as partner_routes
from chalicelib.partners import store as partnerships
from chalicelib.portal import contact, known_browsers, sessions, sign_in
from chalicelib.portal.contact import Contact, ContactChange
from chalicelib.statements import shelf

routes = Routes(__name__)

# Strangers may have done it, who know the address: so it says what its owner can do.
TOO_OFTEN = (
    "That was too often, from here or for this address, perhaps by somebody else. Please use a browser in which you "
    "have signed in before, which is counted by itself, or wait: an hour is enough."
)
ADDRESS_FIELDS = ("line1", "line2", "city", "region", "postal_code", "country")


class SignInRequest(msgspec.Struct, frozen=True):
    """The address to which link and code go."""

    email: Annotated[str, msgspec.Meta(max_length=254)]


class SignInTaken(msgspec.Struct, frozen=True):
    """The same for every address."""

    message: str = "If we know this address, a mail with a link and a code is on its way. Both work for 10 minutes."


class SessionRequest(msgspec.Struct, frozen=True):
    """The token of the link, in the browser that asked; or, in any browser, the address and the code."""

    token: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class SignedIn(msgspec.Struct, frozen=True):
    signed_in: bool


def _contact_form(fields: FormFields) -> dict[str, Any]:
    """A form sends every field; an empty one takes a thing away."""
    plain = {name: values[-1] for name, values in fields.items()}
    wanted: dict[str, Any] = {name: plain[name] for name in contact.TEXTS if name in plain}
    address = {name: plain[name] for name in ADDRESS_FIELDS if name in plain}
    return {**wanted, "address": address} if address else wanted


def _contact_again(error: GivingError) -> Answer | None:
    """The form as it was typed, beside what it does not hold: the address of sign-in, which only proof changes."""
    if not isinstance(error, InvalidInput):
        return None
    return Answer(contact.of(sessions.donor(routes.caller())), template="portal/contact.html")


def _require_no_foreign_origin() -> None:
    """Another site may not sign its own account in here under a visitor's hands."""
    if routes.caller().origin:
        require_own_origin(routes.caller())


@routes.route("/portal", page="portal/home.html", gives=SignedIn)
def home() -> Answer:
    """The donor's first page; for everybody else the form to sign in."""
    try:
        records = sessions.records(routes.caller())
    except NotSignedIn:
        return Answer(SignedIn(signed_in=False), template="portal/sign_in.html")
    parts = {
        "donor": contact.of(records[0]),
        "gifts": [history.view(gift) for gift in history.newest(records, 5)],
        "partnerships": [partner_routes.view(each) for each in partnerships.of_person(records)],
        "statements": _statements(records),
    }
    return Answer(SignedIn(signed_in=True), page=msgspec.to_builtins(parts))


def _statements(records: tuple[str, ...]) -> list[shelf.Year] | None:
    """None where they cannot be told: the rest of the first page is shown all the same."""
    try:
        return shelf.years(records)
    except TooManyGifts:
        return None


@routes.route(
    "/portal/sign-in", methods=("POST",), takes=SignInRequest, gives=SignInTaken, status=202,
    form=plain_fields, form_page="sign-in",
)  # fmt: skip
def ask_to_sign_in(wanted: SignInRequest) -> Answer:
    """Have a link and a code sent. Status, body and calls made are the same for every address."""
    _require_no_foreign_origin()
    email = checked_email(wanted.email, "email")
    own = _counted("sign_in", email)
    asking = cookie(sign_in.COOKIE, sign_in.ask(email, own=own), seconds=sign_in.LIFETIME_SECONDS)
    return Answer(SignInTaken(), 202, see_other="/portal/code", cookies=(asking,))


@routes.route("/portal/sign-in", page="portal/sign_in.html", query=("again",))
def sign_in_page() -> Answer:
    """The form to sign in, also for a donor who is signed in and must be once more."""
    return Answer(SignedIn(signed_in=False), page={"again": bool(routes.query("again"))})


@routes.route("/portal/code", page="portal/code.html")
def code_page() -> Answer:
    """Where the code is typed."""
    return Answer(SignInTaken(), page={"email": ""})


@routes.route("/portal/enter", page="portal/enter.html")
def enter_page() -> Answer:
    """Where the link in the mail leads. Nothing happens before a person presses the button."""
    return Answer(SignInTaken())


@routes.route(
    "/portal/session", methods=("POST",), takes=SessionRequest, gives=SignedIn, status=201,
    form=plain_fields, form_page="code",
)  # fmt: skip
def begin_session(wanted: SessionRequest) -> Answer:
    """Sign in with the link's token or the mail's code, once."""
    _require_no_foreign_origin()
    caller = routes.caller()
    if wanted.token:
        rate_limit.allow("session", ip=caller.ip)
        entered = sign_in.by_token(wanted.token, caller.cookies.get(sign_in.COOKIE, ""))
    else:
        entered = _by_code(wanted)
    known, remembering = known_browsers.remember(entered.donor_id, entered.email_sha256, caller)
    begun = sessions.begin(
        entered.donor_id, caller, remembering, joined=entered.joined, mailed_to=entered.mailed_to
    )
    cookies = (begun, known, cookie(sign_in.COOKIE, "", seconds=0))
    return Answer(SignedIn(signed_in=True), 201, see_other="/portal", cookies=cookies)


@routes.route("/portal/session", methods=("DELETE",), gives=SignedIn)
def end_session() -> Answer:
    """Sign out."""
    return _signed_out()


@routes.route("/portal/sign-out", methods=("POST",), gives=SignedIn, form=plain_fields)
def sign_out() -> Answer:
    """Sign out, for a form, which can only POST."""
    return _signed_out()


@routes.route("/portal/contact", gives=Contact, page="portal/contact.html")
def show_contact() -> Contact:
    """How to reach the donor."""
    return contact.of(sessions.donor(routes.caller()))


@routes.route(
    "/portal/contact", methods=("PATCH", "POST"), takes=ContactChange, gives=Contact, form=_contact_form,
    again=_contact_again,
)  # fmt: skip
def change_contact(wanted: ContactChange) -> Answer:
    """Change name, phone, address or language. A form, which can only POST, may do so too."""
    donor_id = sessions.donor_changing(routes.caller())
    return Answer(contact.change(donor_id, wanted), see_other="/portal/contact", told="contact")


def _counted(doing: Literal["sign_in", "session"], email: str) -> bool:
    """
    Count the try, and say whether it comes from a browser that the donor has used before. Raises TooMany.

    That one is counted by itself, all others by the address.
    """
    own = known_browsers.name_of(routes.caller(), email)
    try:
        rate_limit.allow(doing, ip=routes.caller().ip, email="" if own else email, browser=own)
    except TooMany as full:
        raise TooMany(TOO_OFTEN, retry_after=full.retry_after) from full
    return bool(own)


def _by_code(wanted: SessionRequest) -> sign_in.Entered:
    if not wanted.email or not wanted.code:
        raise InvalidInput("Send the token, or the address and the code.", code="missing", field="code")
    email = checked_email(wanted.email, "email")
    sign_in.check_code(wanted.code)
    own = _counted("session", email)
    return sign_in.by_code(email, wanted.code, own=own)


def _signed_out() -> Answer:
    require_own_origin(routes.caller())
    require_own_form(routes.caller())
    return Answer(SignedIn(signed_in=False), see_other="/portal", cookies=(sessions.end(routes.caller()),))
