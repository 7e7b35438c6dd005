"""
Starting a gift: from the donor's wish to Stripe's payment page, one page and one payment for one gift id.

The steps, each safe to repeat after a crash: keep the wish under its gift
id, bound to a hash of itself; let a Gift Aid declaration wait beside it; look
what its page has come to, if it has one; else ask Stripe for a page under a
key made from the id; keep the page.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib import clock, keys
from chalicelib.errors import NotFound, PageWorn, ProcessorUnsure
from chalicelib.gift_aid import pending
from chalicelib.giving import ledger, payment_page, started
from chalicelib.giving.gift import Frequency
from chalicelib.giving.payment_page import thank_you_url
from chalicelib.giving.started import Started
from chalicelib.giving.wish import GiftId, GiftRequest, Tribute, checked, hash_of
from chalicelib.processor import checkouts, events, stripe_api, worn_pages

# A wish and its beginning are asked for together.
__all__ = [
    "GiftId", "GiftProgress", "GiftRequest", "GiftStarted", "Tribute", "checked", "progress_of", "start",
    "thank_you_url",
]  # fmt: skip

# The other of two clicks needs about a second to have its page made. More
# rounds than this are no racing clicks, and the page that waits for us ends.
ROUNDS = 6
ROUND_SECONDS = 1.0
CONFLICT, SERVER_ERROR = 409, 500


class GiftStarted(msgspec.Struct, frozen=True):
    """Where the donor goes on to pay."""

    gift_id: str
    checkout_url: str


class GiftProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What anybody who knows a gift's id may know of it: no personal data. `amount` is in minor units.

    `tried_again` is there when a payment failed and the payment processor asks the bank again by itself.
    """

    gift_id: str
    state: Literal["started", "paid", "processing", "failed", "refunded"]
    amount: int
    currency: str
    frequency: Frequency
    tried_again: bool = False


def start(wanted: GiftRequest, ip: str = "", language: str = "") -> GiftStarted:
    """
    Give the payment page for a checked gift, the same one whenever the same gift is asked for.

    A gift that was paid, or is being paid, leads to its thanks instead.
    Raises GiftTaken if the gift id already stands for something else, and
    PageWorn if too many cards failed on its page.
    """
    known = started.keep(wanted.gift_id, hash_of(wanted), payment_page.total_of(wanted), wanted.frequency)
    _let_declaration_wait(wanted, known, ip)
    for _ in range(ROUNDS):
        place = _place(known)
        if place:
            return GiftStarted(wanted.gift_id, place)
        if known.is_over:
            known = started.next_attempt(known)
            continue
        page = _page(wanted, known, language)
        known = started.keep_page(known, *page) if page else started.read(wanted.gift_id) or known
        if page and known.session_id == page[0]:
            return GiftStarted(wanted.gift_id, page[1])
    raise ProcessorUnsure("Your gift is being started by another click. Please look again in a minute.", retry_after=30)


def progress_of(gift_id: str) -> GiftProgress:
    """How a gift stands. Raises NotFound for an id that nobody started."""
    known = started.read(gift_id)
    if known is None:
        raise NotFound("There is no such gift.")
    state = _state(known)
    # Only a bank debit fails after the page was left, and a monthly one has its subscription by then.
    tried_again = state == "failed" and known.progress == "failed" and known.frequency == "monthly"
    return GiftProgress(gift_id, state, known.amount, known.currency, known.frequency, tried_again)


def _let_declaration_wait(wanted: GiftRequest, known: Started, ip: str) -> None:
    """Before there is a page to pay on, so that no payment can be booked ahead of it; not after it was booked."""
    if isinstance(wanted.gift_aid, bool) or known.charge_id:
        return
    pending.keep(wanted.gift_id, wanted.gift_aid, keys.email_hash(wanted.email) if wanted.email else "", ip)


def _place(known: Started) -> str:
    """
    Where the donor of a started gift goes; "" if a page has to be made.

    The word that a page was paid may be days late, and then our own record
    knows of no payment: Stripe is asked, before a second page could take the
    gift a second time.
    """
    if known.charge_id:
        return thank_you_url(known.gift_id)
    if not known.session_id:
        return ""  # a page whose address never reached us was shown to nobody
    session = stripe_api.checkout(known.session_id)
    if checkouts.status_of(session) == "open":
        _, url = checkouts.page_of(session)
        return url
    if not checkouts.came_to_nothing(session):
        return thank_you_url(known.gift_id)
    if worn_pages.is_worn(session):
        raise PageWorn  # a page for the asking would be three more cards that the guard has not weighed
    return ""


def _page(wanted: GiftRequest, known: Started, language: str = "") -> tuple[str, str] | None:
    """
    Id and address of this attempt's page, made now or before; None while another click has it made.

    A lost answer is asked for again under the same key, and finds the page
    that was made. Stripe repeats an error of its own for a day, so after one
    the next try gets another key; the page that may have been made was never shown.
    """
    try:
        asked = payment_page.params(wanted, known, _customer(wanted, known, language))
        return checkouts.page_of(stripe_api.create_checkout(asked, key=payment_page.key(known, asked)))
    except ProcessorUnsure as unsure:
        if unsure.answer == CONFLICT:
            clock.sleep(ROUND_SECONDS)
            return None
        if unsure.answer >= SERVER_ERROR:
            started.next_attempt(known)
        raise


def _customer(wanted: GiftRequest, known: Started, language: str) -> str:
    """The id of the customer for this attempt at a monthly gift, made now or before; "" for a gift once."""
    if wanted.frequency == "once":
        return ""
    asked = payment_page.payer(wanted, language)
    return events.id_of(stripe_api.create_customer(asked, key=payment_page.key(known, asked)))


def _state(known: Started) -> Literal["started", "paid", "processing", "failed", "refunded"]:
    if known.charge_id:
        place = ledger.place_of(known.charge_id)
        gift = ledger.gift_at(place) if place else None
        return "refunded" if gift and gift.state == "refunded" else "paid"
    return "failed" if known.progress == "expired" else known.progress
