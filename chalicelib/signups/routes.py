"""The calls of email sign-up: joining, confirming, choosing, leaving."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from chalicelib import plain_text, tokens
from chalicelib.clock import now
from chalicelib.errors import InvalidInput
from chalicelib.giving.email_address import checked_email
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, FormFields, Routes, plain_fields
from chalicelib.mail import outbox
from chalicelib.signups import signup, store
from chalicelib.signups.signup import Consent, Interest, SignUp, Status
from chalicelib.signups.store import SignUpAsked

routes = Routes(__name__)

Line = Annotated[str, msgspec.Meta(max_length=100)]
Token = Annotated[str, msgspec.Meta(max_length=500)]


class SignUpRequest(msgspec.Struct, frozen=True):
    """A wish to get mails. `country` is ISO 3166-1 alpha-2, `locale` such as en-US."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    interests: Annotated[tuple[Interest, ...], msgspec.Meta(min_length=1, max_length=3)]
    name: Line | None = None
    postal_code: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None
    locale: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    source: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    website: Annotated[str, msgspec.Meta(max_length=200, description="Leave empty: people do not see it")] | None = None


class SignUpTaken(msgspec.Struct, frozen=True):
    """The same for every address."""

    message: str = "Please look into your mailbox: one press there confirms the sign-up."


class ByToken(msgspec.Struct, frozen=True):
    """The token in the mail."""

    token: Token


class Choice(msgspec.Struct, frozen=True):
    """Which mails to get from now on; none of them is leaving."""

    token: Token
    interests: Annotated[tuple[Interest, ...], msgspec.Meta(max_length=3)] = ()


class Leave(msgspec.Struct, frozen=True):
    """Leaving. The token may stand in the address instead, as RFC 8058 has it."""

    token: Token = ""


class Preferences(msgspec.Struct, frozen=True):
    """What an address gets. The address itself is not shown in full: the link may have been forwarded."""

    email_masked: str
    status: Status
    interests: tuple[Interest, ...]
    postal_code: str


_TAKEN = Answer(SignUpTaken(), 202, see_other="/sign-up/thanks")


def _sign_up_form(fields: FormFields) -> dict[str, Any]:
    plain = plain_fields(fields)
    return {**plain, "interests": fields.get("interests", [])}


def _choice_form(fields: FormFields) -> dict[str, Any]:
    return {"token": fields.get("token", [""])[-1], "interests": fields.get("interests", [])}


def _shown(stands: SignUp) -> Preferences:
    name, _, domain = stands.email.partition("@")
    return Preferences(f"{name[:1]}•••@{domain}", stands.status, stands.interests, stands.postal_code)


def _consent(action: Any, interests: tuple[Interest, ...] = ()) -> Consent:
    return Consent(now(), action, interests, signup.CONSENT_WORDING, signup.CONSENT_VERSION, ip=routes.caller().ip)


@routes.route(
    "/sign-ups", methods=("POST",), takes=SignUpRequest, gives=SignUpTaken, status=202,
    form=_sign_up_form, form_page="sign-up", cors=True,
)  # fmt: skip
def sign_up(wanted: SignUpRequest) -> Answer:
    """Ask for mails. The answer is the same whether the address is known or not."""
    if wanted.website:
        return _TAKEN
    email = checked_email(wanted.email, "email")
    lines = {name: plain_text.one_line(getattr(wanted, name) or "", name) for name in ("name", "postal_code", "source")}
    rate_limit.allow("sign_up", ip=routes.caller().ip, email=email)
    interests = tuple(dict.fromkeys(wanted.interests))
    more = {"country": wanted.country or "", "locale": wanted.locale or "", "ip": routes.caller().ip}
    outbox.ask(SignUpAsked(email, interests, now(), **lines, **more))
    return _TAKEN


@routes.route(
    "/sign-ups/confirm", methods=("POST",), takes=ByToken, gives=Preferences, form=plain_fields
)
def confirm(wanted: ByToken) -> Answer:
    """Confirm a sign-up by the token in the mail. Twice is harmless."""
    name = tokens.read("confirm", wanted.token, within=store.CONFIRM_WITHIN)
    stands = store.change_known(name, lambda known: signup.confirm(known, _consent("confirmed", known.wanted)))
    return Answer(_shown(stands), see_other="/sign-up/done")


@routes.route(
    "/sign-ups/preferences", gives=Preferences, page="preferences.html", query=("token", "saved")
)
def preferences() -> Answer:
    """What an address gets, by the token in any mail."""
    token = routes.query("token")
    stands = store.find(tokens.read("preferences", token))
    return Answer(_shown(stands), page={"token": token, "saved": bool(routes.query("saved"))})


@routes.route(
    "/sign-ups/preferences", methods=("PUT", "POST"), takes=Choice, gives=Preferences, form=_choice_form
)
def choose(wanted: Choice) -> Answer:
    """Get just these mails from now on. A form, which can only POST, may do so too."""
    name = tokens.read("preferences", wanted.token)
    interests = tuple(dict.fromkeys(wanted.interests))
    stands = store.change_known(name, lambda known: signup.choose(known, interests, _consent("changed", interests)))
    return Answer(_shown(stands), see_other=f"/sign-ups/preferences?token={wanted.token}&saved=yes")


@routes.route("/sign-ups/unsubscribe", page="unsubscribe.html", query=("token",))
def unsubscribe_page() -> Answer:
    """The page behind the unsubscribe link: one button. Reading it changes nothing."""
    token = routes.query("token")
    tokens.read("preferences", token)
    return Answer(ByToken(token))


@routes.route(
    "/sign-ups/unsubscribe", methods=("POST",), takes=Leave, gives=Preferences, form=plain_fields, query=("token",),
)  # fmt: skip
def unsubscribe(wanted: Leave) -> Answer:
    """Leave, by one click of a mail program (RFC 8058) or of a person."""
    token = wanted.token or routes.query("token")
    if not token:
        raise InvalidInput("The token is missing.", code="missing", field="token")
    name = tokens.read("preferences", token)
    stands = store.change_known(name, lambda known: signup.unsubscribe(known, _consent("unsubscribed")))
    return Answer(_shown(stands), see_other="/sign-ups/unsubscribed")


@routes.route("/sign-ups/unsubscribed", page="unsubscribed.html")
def unsubscribed() -> Answer:
    """The page after leaving."""
    return Answer(SignUpTaken("You will get no more of these mails."))
