"""The calls by which a gift begins and its progress is shown."""

from __future__ import annotations

from typing import Any

from chalicelib import money
from chalicelib.errors import InvalidInput, NotFound
from chalicelib.giving import checkout, history
from chalicelib.giving.checkout import GiftProgress, GiftRequest, GiftStarted
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, FormFields, Routes, plain_fields
from chalicelib.portal import sessions

routes = Routes(__name__)

# The thank-you page asks again every few seconds, this many times, then says where to look.
ASKS = 20


def gift_form(fields: FormFields) -> dict[str, Any]:
    """
    The form's fields as a gift.

    The form has a row of amounts for each frequency and a free field: the
    free field wins, then the row that belongs to the frequency, then a plain
    `amount`. `amount_*` are minor units; what is typed is in whole ones.
    """
    plain = plain_fields(fields)
    if plain.pop("website", ""):
        raise InvalidInput("That form cannot be taken.", code="form_invalid")
    chosen = plain.pop(f"amount_{plain.get('frequency', '')}", "")
    for unused in ("amount_once", "amount_monthly"):
        plain.pop(unused, None)
    typed = plain.pop("other_amount", "")
    if typed and (chosen in {"", "other"} or plain.get("amount") == "other"):
        plain["amount"] = money.from_typed(typed, plain.get("currency", "").lower()).minor
    elif chosen and chosen != "other":
        plain["amount"] = chosen
    return {**plain, **_tribute(plain)}


def _tribute(plain: dict[str, Any]) -> dict[str, Any]:
    kind, name = plain.pop("tribute_kind", ""), plain.pop("tribute_name", "")
    note = plain.pop("tribute_note", "")
    if not kind or kind == "none":
        return {}
    return {"tribute": {"kind": kind, "name": name, "note": note}}


@routes.route(
    "/gifts", methods=("POST",), takes=GiftRequest, gives=GiftStarted, status=201,
    form=gift_form, form_page="give", cors=True,
)  # fmt: skip
def start_gift(wanted: GiftRequest) -> Answer:
    """Start the gift whose id the browser made up, or answer as we did before."""
    wanted = checkout.checked(wanted)
    rate_limit.allow("gift", ip=routes.caller().ip, email=wanted.email or "")
    started = checkout.start(wanted)
    return Answer(started, 201, see_other=started.checkout_url)


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


@routes.route("/portal/gifts", gives=history.GiftList, page="portal/gifts.html", query=("year", "cursor"))
def gifts() -> history.GiftList:
    """The donor's giving history, newest first."""
    return history.page(sessions.donor(routes.caller()), routes.query("year"), routes.query("cursor"))
