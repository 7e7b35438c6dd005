"""Whose a charge or a monthly gift is, and when a charge was paid: asked once, when it is first met."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib import log
from chalicelib.errors import NotUnderstood
from chalicelib.giving import donors, ledger
from chalicelib.giving.gift import About
from chalicelib.processor import events, stripe_api
from chalicelib.processor.events import Object


class Whose(msgspec.Struct, frozen=True):
    """
    Whose a charge is: ours if it has an `about`, of that subscription if it is a month of one.

    `anothers` says that it names another product. A charge that names nothing
    is not ours either, but may be the failed first payment of a monthly gift.
    """

    about: About | None = None
    subscription_id: str = ""
    anothers: bool = False


def of_charge(found: Object) -> Whose:
    """
    Whose a charge is. Raises NotUnderstood if it names a gift itself and what it belongs to does not.

    Stripe copies the metadata of a payment intent onto its charge, once.
    Source: https://docs.stripe.com/metadata
    """
    whose = _by_what_it_pays(found)
    if whose.about is None and events.about_of(events.metadata_on(found)):
        raise NotUnderstood("A charge names a gift, but what it belongs to does not.")
    return whose


def donor_and_when(found: Object, place: ledger.Place | None) -> tuple[str, datetime]:
    """Whose gift a charge is and when it was made: settled the first time, read from its place ever after."""
    if place:
        return place.donor_id, place.gift_at
    return donors.found_or_made(events.payer_of(found), events.made_at(found)), _when(found)


def donor_of_subscription(found: Object) -> str:
    """
    Whose a partnership is.

    A customer without an address is not made a donor here: the payment, which
    brings what was typed on its page, comes at the same time. Until then this waits.
    """
    payer = events.customer_of(found)
    if not payer.email and not donors.id_by_customer(payer.customer_id):
        raise NotUnderstood("A partnership of a customer without an address, before its first payment.")
    return donors.found_or_made(payer, events.made_at(found))


def _by_what_it_pays(found: Object) -> Whose:
    """By the metadata of the payment intent, or of the subscription whose invoice it pays."""
    intent = events.intent_of(found)
    if intent is None:
        return Whose(anothers=True)  # ours all come from a Checkout session, which makes one
    said = events.metadata_on(intent)
    about = events.about_of(said)
    if about is not None:
        return Whose(about)
    paid = stripe_api.invoice_paid_by(events.id_of(intent))
    if paid is None:
        return Whose(anothers=bool(said))
    about = events.about_of_invoice(paid)
    return Whose(about, events.subscription_of(paid), anothers=about is None)


def _when(found: Object) -> datetime:
    """
    When a payment succeeded.

        card        charged, booked, succeeded
        bank debit  typed --- submitted to the bank, booked --- days --- succeeded

    When anything but a card succeeded stands in its event alone, however late
    that arrives. Where Stripe keeps it no more, the day of submission has to
    do, and staff are told.
    """
    booked = events.booked_at(found)
    if events.is_by_card(found):
        return booked
    succeeded = stripe_api.success_of(found["id"], booked)
    if succeeded is None:
        log.alarm("debit_dated_by_booking", charge=found["id"])
    return succeeded or booked
