"""
Starting a gift: from the donor's wish to Stripe's payment page.

The steps, each safe to repeat after a crash: check the wish; keep it under
its gift id, bound to a hash of itself; ask Stripe for a page under a key
made from the id; keep the page's address.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec

from chalicelib import charity, items, keys, plain_text, settings
from chalicelib.clock import now
from chalicelib.errors import Conflict, InvalidInput, NotFound
from chalicelib.giving import ledger
from chalicelib.giving.email_address import checked_email
from chalicelib.giving.gift import About, Frequency
from chalicelib.money import Money
from chalicelib.processor import checkouts, events, stripe_api

# Stripe keeps idempotency keys, and at most its checkout pages, for 24 hours.
# An hour less leaves no moment in which one is gone and the other is not.
# Source: https://docs.stripe.com/api/idempotent_requests
PAGE_LIFETIME = timedelta(hours=23)

Line = Annotated[str, msgspec.Meta(max_length=100)]
GiftId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{22,64}$", description="A random id of at least 128 bits")]
Progress = Literal["started", "processing", "failed", "expired"]
# What a gift's checkout can come to; a later state never gives way to an earlier one.
RANK: dict[Progress, int] = {"started": 0, "processing": 1, "failed": 2, "expired": 2}


class Tribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """In whose honour or memory a gift is made."""

    kind: Literal["in_honour", "in_memory"]
    name: Line
    note: Annotated[str, msgspec.Meta(max_length=300)] = ""


class GiftRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A gift that a donor wants to make. `amount` is in minor units of `currency` (ISO 4217)."""

    gift_id: GiftId
    amount: Annotated[int, msgspec.Meta(gt=0, le=99_999_999)]
    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
    frequency: Frequency
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    name: Line | None = None
    fund: Line | None = None
    tribute: Tribute | None = None
    cover_fees: bool = False
    gift_aid: bool = False
    source: Annotated[str, msgspec.Meta(max_length=200)] | dict[Line, Line] | None = None


class GiftStarted(msgspec.Struct, frozen=True):
    """Where the donor goes on to pay."""

    gift_id: str
    checkout_url: str


class GiftProgress(msgspec.Struct, frozen=True):
    """What anybody who knows a gift's id may know of it: no personal data. `amount` is in minor units."""

    gift_id: str
    state: Literal["started", "paid", "processing", "failed", "refunded"]
    amount: int
    currency: str
    frequency: Frequency


class Started(msgspec.Struct, frozen=True):
    """What is kept of a gift from before Stripe is asked. `attempt` counts pages, each good for a day."""

    gift_id: str
    request_hash: str
    amount: int
    currency: str
    frequency: Frequency
    attempt_at: datetime
    attempt: int = 1
    session_id: str = ""
    checkout_url: str = ""
    progress: Progress = "started"
    donor_id: str = ""
    charge_id: str = ""


def checked(wanted: GiftRequest) -> GiftRequest:
    """The wish with its defaults filled in. Raises InvalidInput for what cannot be given; writes and asks nothing."""
    facts = charity.current()
    currency = wanted.currency.lower()
    facts.check_amount(Money(wanted.amount, currency))
    fund = wanted.fund or next(iter(facts.funds))
    if fund not in facts.funds:
        raise InvalidInput("We have no such fund.", code="fund_unknown", field="fund")
    if wanted.tribute and not plain_text.one_line(wanted.tribute.name, "tribute"):
        raise InvalidInput("Whose name shall we write?", code="missing", field="tribute")
    return msgspec.structs.replace(
        wanted,
        currency=currency,
        fund=fund,
        email=checked_email(wanted.email, "email") if wanted.email else None,
        name=plain_text.one_line(wanted.name, "name") if wanted.name else None,
    )


def start(wanted: GiftRequest) -> GiftStarted:
    """
    Give the payment page for a checked gift, the same one whenever the same gift is asked for.

    Raises Conflict if the gift id already stands for something else.
    """
    about, total = _about(wanted)
    started = _kept(wanted, total)
    if started.charge_id or started.progress == "processing":
        return GiftStarted(wanted.gift_id, thank_you_url(wanted.gift_id))
    if started.checkout_url and started.progress == "started" and not _run_out(started):
        return GiftStarted(wanted.gift_id, started.checkout_url)
    if _run_out(started) or started.progress in {"expired", "failed"}:
        instead = _instead_of_a_new_page(started)
        if instead:
            return GiftStarted(wanted.gift_id, instead)
        started = _next_attempt(started)
        if started.charge_id:
            return GiftStarted(wanted.gift_id, thank_you_url(wanted.gift_id))
    session = stripe_api.create_checkout(_page(wanted, about, total, started), key=_key(started))
    session_id, url = checkouts.page_of(session)
    if not _keep_page(started, session_id, url):
        return start(wanted)  # a later attempt has a newer page: that one is the gift's
    return GiftStarted(wanted.gift_id, url)


def progress_of(gift_id: str) -> GiftProgress:
    """How a gift stands. Raises NotFound for an id that nobody started."""
    started = _read(gift_id)
    if started is None:
        raise NotFound("There is no such gift.")
    return GiftProgress(gift_id, _state(started), started.amount, started.currency, started.frequency)


def paid(gift_id: str, donor_id: str, charge_id: str) -> None:
    """Note on a gift's own record that it is in the ledger, and where. Renewals have no such record."""
    is_this = "attribute_exists(pk) AND (attribute_not_exists(charge_id) OR charge_id = :charge)"
    try:
        items.update(
            items.giving(), keys.pointer("GIFT", gift_id), "SET donor_id = :donor, charge_id = :charge",
            {":donor": donor_id, ":charge": charge_id}, is_this,
        )  # fmt: skip
    except items.ConditionFailed:
        return


def progressed(gift_id: str, session_id: str, progress: Progress) -> None:
    """
    Note what became of a gift's payment page; never back to an earlier state, never by an older page.

    A word about a page that is not the gift's present one is left aside:
    the donor may already be paying on the next.
    """
    is_later = (
        "attribute_exists(pk) AND (attribute_not_exists(session_id) OR session_id = :session) "
        "AND (attribute_not_exists(progress_rank) OR progress_rank < :rank)"
    )
    values = {":progress": progress, ":rank": RANK[progress], ":session": session_id}
    try:
        items.update(
            items.giving(), keys.pointer("GIFT", gift_id),
            "SET progress = :progress, progress_rank = :rank", values, is_later,
        )  # fmt: skip
    except items.ConditionFailed:
        return


def thank_you_url(gift_id: str) -> str:
    return f"{settings.current().site_url}/thank-you?{urlencode({'gift': gift_id})}"


def _about(wanted: GiftRequest) -> tuple[About, Money]:
    given = Money(wanted.amount, wanted.currency)
    terms = charity.current().currencies[wanted.currency]
    total = Money(terms.with_fee(wanted.amount), wanted.currency) if wanted.cover_fees else given
    tribute = wanted.tribute
    about = About(
        gift_id=wanted.gift_id,
        frequency=wanted.frequency,
        fund=wanted.fund or "",
        source=urlencode(wanted.source) if isinstance(wanted.source, dict) else wanted.source or "",
        tribute_kind=tribute.kind if tribute else "",
        tribute_name=tribute.name if tribute else "",
        tribute_note=tribute.note if tribute else "",
        fees_covered=total.minor - given.minor,
        gift_aid=wanted.gift_aid,
    )
    return about, total


def _kept(wanted: GiftRequest, total: Money) -> Started:
    """The gift's record, made now or before. Raises Conflict if it is another gift's."""
    request_hash = hashlib.sha256(msgspec.json.encode(wanted, order="sorted")).hexdigest()
    started = Started(wanted.gift_id, request_hash, total.minor, total.currency, wanted.frequency, now())
    try:
        items.put(items.giving(), items.as_item(keys.pointer("GIFT", wanted.gift_id), started), items.ABSENT)
    except items.ConditionFailed:
        known = _read(wanted.gift_id)
        assert known is not None
        if known.request_hash != request_hash:
            raise Conflict(
                "This gift was started with other details. Please load the page again.",
                code="gift_id_taken", field="gift_id",
            ) from None  # fmt: skip
        return known
    return started


def _instead_of_a_new_page(started: Started) -> str:
    """
    Where the donor goes while Stripe says that the last page is open, paid, or being paid; "" if it came to nothing.

    The word that it was paid may be days late, and then our own record knows
    of no payment: a new page would take the gift a second time.
    """
    if not started.session_id:
        return ""  # its address never reached us, so nobody was shown it
    session = stripe_api.checkout(started.session_id)
    if checkouts.status_of(session) == "open":
        _, url = checkouts.page_of(session)
        return url
    over = checkouts.status_of(session) == "expired" or checkouts.fell_through(session)
    return "" if over else thank_you_url(started.gift_id)


def _next_attempt(started: Started) -> Started:
    """The record of a gift whose page has run out, ready for a new page; of two racers one decides."""
    try:
        changed = items.update(
            items.giving(), keys.pointer("GIFT", started.gift_id),
            "SET attempt = :next, attempt_at = :at, progress = :started, progress_rank = :zero "
            "REMOVE session_id, checkout_url",
            {":next": started.attempt + 1, ":at": keys.moment(now()), ":started": "started", ":zero": 0,
             ":seen": started.attempt},
            "attempt = :seen AND attribute_not_exists(charge_id)",
        )  # fmt: skip
    except items.ConditionFailed as overtaken:
        if overtaken.item is None:
            raise
        changed = overtaken.item
    return items.as_struct(changed, Started)


def _keep_page(started: Started, session_id: str, url: str) -> bool:
    """Keep the page's address; False if a later attempt has begun."""
    try:
        items.update(
            items.giving(), keys.pointer("GIFT", started.gift_id),
            "SET session_id = :session, checkout_url = :url",
            {":session": session_id, ":url": url, ":attempt": started.attempt},
            "attempt = :attempt",
        )  # fmt: skip
    except items.ConditionFailed:
        return False
    return True


def _page(wanted: GiftRequest, about: About, total: Money, started: Started) -> dict[str, object]:
    """
    The parameters of the payment page: a function of the gift alone, so that a retry asks for the very same.

    Source: https://docs.stripe.com/api/checkout/sessions/create
    """
    facts, metadata = charity.current(), events.metadata_of(about)
    monthly = wanted.frequency == "monthly"
    product = {"name": f"Monthly gift to {facts.name}" if monthly else f"Gift to {facts.name}"}
    price: dict[str, object] = {"currency": total.currency, "unit_amount": total.minor, "product_data": product}
    params: dict[str, object] = {
        "mode": "subscription" if monthly else "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "client_reference_id": wanted.gift_id,
        "metadata": metadata,
        "success_url": thank_you_url(wanted.gift_id),
        "cancel_url": f"{settings.current().site_url}/give?{urlencode(_wish(wanted))}",
        "expires_at": int((started.attempt_at + PAGE_LIFETIME).timestamp()),
    }
    if wanted.email:
        params["customer_email"] = wanted.email
    if monthly:
        price["recurring"] = {"interval": "month"}
        return {**params, "subscription_data": {"metadata": metadata}}
    return {
        **params,
        "submit_type": "donate",
        "customer_creation": "always",
        "payment_intent_data": {"metadata": metadata},
    }


def _wish(wanted: GiftRequest) -> dict[str, str]:
    """What the give page shows again when the donor comes back from the payment page."""
    return {"frequency": wanted.frequency, "amount": str(wanted.amount), "currency": wanted.currency}


def _key(started: Started) -> str:
    return f"gift-{started.gift_id}-{started.attempt}"


def _run_out(started: Started) -> bool:
    """
    Whether a new page is needed.

    A page that somebody may have open lives to its end, so that no two can be
    paid. One whose address never reached us was never shown; Stripe would not
    make it any more half an hour before its end.
    Source: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
    """
    ends = started.attempt_at + PAGE_LIFETIME
    return now() > (ends if started.checkout_url else ends - timedelta(minutes=31))


def _state(started: Started) -> Literal["started", "paid", "processing", "failed", "refunded"]:
    if started.charge_id:
        place = ledger.place_of(started.charge_id)
        gift = ledger.gift_at(place) if place else None
        return "refunded" if gift and gift.state == "refunded" else "paid"
    return "failed" if started.progress == "expired" else started.progress


def _read(gift_id: str) -> Started | None:
    item = items.get(items.giving(), keys.pointer("GIFT", gift_id))
    return items.as_struct(item, Started) if item else None
