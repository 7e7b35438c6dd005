"""The calls by which a gift begins and its progress is shown."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from chalicelib import clock, money, settings
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.gift_aid import asked
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.giving import checkout, history
from chalicelib.giving.checkout import GiftProgress, GiftStarted
from chalicelib.giving.wish import GiftId, GiftRequest, checked, hash_of
from chalicelib.guard import askers, card_testing, challenge, form_token
from chalicelib.guard.askers import Asker
from chalicelib.http import Answer, Csv, FormFields, Routes, plain_fields
from chalicelib.portal import sessions

routes = Routes(__name__)

# The thank-you page asks again every few seconds, this many times, then says where to look.
ASKS = 20
FIRST_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?(?=$|[,;])")
# The fields of a Gift Aid declaration on the giving form.
DECLARED = DeclarationWithGift.__struct_fields__


class GiftCall(GiftRequest, frozen=True, omit_defaults=True):
    """
    A gift, and what shows that a person asks for it.

    `form_token` comes from `GET /form-token`, at least 3 seconds before;
    `challenge` is the answer to a challenge, when one was asked for
    (`challenge_required`).
    """

    form_token: Annotated[str, msgspec.Meta(max_length=300)] = ""
    challenge: Annotated[str, msgspec.Meta(max_length=2_048)] = ""
    website: Annotated[str, msgspec.Meta(max_length=200, description="Leave empty: people do not see it")] = ""


class Challenge(msgspec.Struct, frozen=True):
    """The widget that puts a challenge, should one be asked for."""

    kind: Literal["turnstile", "stand-in"]
    site_key: str


class FormToken(msgspec.Struct, frozen=True):
    """What a page that shows a giving form of its own sends along with one gift."""

    gift_id: str
    form_token: str
    usable_at: datetime
    expires_at: datetime
    challenge: Challenge | None


def gift_form(fields: FormFields) -> dict[str, Any]:
    """
    The form's fields as a gift.

    The form has a row of amounts for each frequency and a free field: the
    free field wins, then the row that belongs to the frequency, then a plain
    `amount`. `amount_*` are minor units; what is typed is in whole ones.
    """
    plain = plain_fields(fields)
    chosen = plain.pop(f"amount_{plain.get('frequency', '')}", "")
    for unused in ("amount_once", "amount_monthly"):
        plain.pop(unused, None)
    typed = plain.pop("other_amount", "")
    if typed and (chosen in {"", "other"} or plain.get("amount") == "other"):
        plain["amount"] = money.from_typed(typed, plain.get("currency", "").lower()).minor
    elif chosen and chosen != "other":
        plain["amount"] = chosen
    return {**plain, **_tribute(plain), **_gift_aid(plain)}


def _gift_aid(plain: dict[str, Any]) -> dict[str, Any]:
    """The declaration, if its box is ticked; otherwise nothing of it is read, whatever else was typed."""
    typed = {name: plain.pop(name) for name in DECLARED if name in plain}
    return {"gift_aid": asked.from_form(typed)} if plain.get("gift_aid") == "yes" else {}


def _tribute(plain: dict[str, Any]) -> dict[str, Any]:
    kind, name = plain.pop("tribute_kind", ""), plain.pop("tribute_name", "")
    note = plain.pop("tribute_note", "")
    if not kind or kind == "none":
        return {}
    return {"tribute": {"kind": kind, "name": name, "note": note}}


@routes.route(
    "/gifts", methods=("POST",), takes=GiftCall, gives=GiftStarted, status=201,
    form=gift_form, form_page="give", cors=True,
)  # fmt: skip
def start_gift(wanted: GiftCall) -> Answer:
    """Start the gift whose id the browser made up, or answer as we did before."""
    if wanted.website:
        raise InvalidInput("That form cannot be taken.", code="form_invalid")
    gift = checked(_gift_in(wanted))
    card_testing.allow_gift(_attempt(wanted, gift))
    started = checkout.start(gift, routes.caller().ip, _language())
    return Answer(started, 201, see_other=started.checkout_url, cookies=askers.browser_cookies(routes.caller()))


@routes.route("/form-token", gives=FormToken, query=("gift_id",), cors=True)
def show_form_token() -> FormToken:
    """A token for one gift, to be sent with it no sooner than `usable_at`."""
    gift_id = checked_gift_id(routes.query("gift_id"))
    site_key, now = settings.current().turnstile_site_key, clock.now()
    kind: Literal["turnstile", "stand-in"] = "stand-in" if site_key == challenge.STAND_IN else "turnstile"
    return FormToken(
        gift_id=gift_id,
        form_token=form_token.issue(gift_id),
        usable_at=now + form_token.LEAST_AGE,
        expires_at=now + form_token.MOST_AGE,
        challenge=Challenge(kind, site_key) if site_key else None,
    )


def checked_gift_id(gift_id: str) -> str:
    """The id itself. Raises InvalidInput if no gift can have it."""
    try:
        return msgspec.convert(gift_id, GiftId)
    except msgspec.ValidationError as fault:
        raise InvalidInput("That is no gift's id.", code="invalid", field="gift_id") from fault


def _gift_in(wanted: GiftCall) -> GiftRequest:
    """The gift alone: what shows that a person asks differs from one try to the next and is no part of it."""
    return GiftRequest(**{name: getattr(wanted, name) for name in GiftRequest.__struct_fields__})


def _language() -> str:
    """The language that the browser asks for first, or "" if it names none: `en`, `es-MX`."""
    asked = FIRST_LANGUAGE.match(routes.header("accept-language"))
    return asked[0] if asked else ""


def _attempt(wanted: GiftCall, gift: GiftRequest) -> card_testing.Attempt:
    caller = routes.caller()
    return card_testing.Attempt(
        gift_id=gift.gift_id,
        contents=hash_of(gift),
        asker=Asker(ip=caller.ip, email=gift.email or "", browser=askers.browser_of(caller)),
        form_token=wanted.form_token,
        challenge=wanted.challenge,
    )


@routes.route("/gifts/{gift_id}", gives=GiftProgress, cors=True)
def show_gift(gift_id: str) -> GiftProgress:
    """How a gift stands, without any personal data."""
    return checkout.progress_of(gift_id)


@routes.route("/thank-you", page="thank_you.html", query=("gift", "try"))
def thank_you() -> Answer:
    """The page that Stripe sends the donor back to: it tells the truth, also when that is "not yet known"."""
    gift_id, tried = routes.query("gift"), routes.query("try", "0")
    if not gift_id:
        raise NotFound("There is no such gift.")
    attempt = min(int(tried), ASKS) if tried.isascii() and tried.isdigit() and len(tried) < 4 else 0
    return Answer(checkout.progress_of(gift_id), page={"attempt": attempt, "asks": ASKS})


@routes.route(
    "/portal/gifts", gives=history.GiftList, page="portal/gifts.html", query=("year", "fund", "frequency", "cursor")
)
def gifts() -> Answer:
    """The donor's giving history, newest first."""
    records = sessions.records(routes.caller())
    found = history.page(records, *(routes.query(name) for name in ("year", "cursor", "fund", "frequency")))
    sparse = found.next is not None and len(found.gifts) < history.PAGE
    return Answer(found, page={"further": bool(routes.query("cursor")), "sparse": sparse})


@routes.route("/portal/gifts.csv", gives=Csv, page="problem.html", query=("year", "fund", "frequency"))
def gifts_as_csv() -> Csv:
    """The same gifts, all of them, as a file for a spreadsheet."""
    records = sessions.records(routes.caller())
    return Csv(*history.table(records, *(routes.query(name) for name in ("year", "fund", "frequency"))))
