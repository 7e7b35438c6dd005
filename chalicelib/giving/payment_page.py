"""What Stripe is asked to show: a payment page for one gift."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

import msgspec

from chalicelib import charity, settings
from chalicelib.email_forms import on_the_wire
from chalicelib.giving.gift import About
from chalicelib.giving.started import Started
from chalicelib.giving.wish import GiftRequest
from chalicelib.money import Money
from chalicelib.processor import said
from chalicelib.statements import donor_facts

# Source: https://docs.stripe.com/api/metadata
MOST_METADATA_CHARS = 500


def total_of(wanted: GiftRequest) -> Money:
    """What is charged: the gift, and what Stripe keeps of it if the donor adds that."""
    gift = Money(wanted.amount, wanted.currency)
    return charity.current().with_fee(gift) if wanted.cover_fees else gift


def payer(wanted: GiftRequest, language: str) -> dict[str, object]:
    """
    The customer who is to pay a monthly gift.

    Made for its page, for nothing else tells on which page the first payment
    of a monthly gift failed: what Stripe makes by itself it makes only once
    that is paid.
    Sources: https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade,
    https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer
    """
    known: dict[str, object] = {"metadata": {"gift_id": wanted.gift_id}}
    if wanted.email:
        known["email"] = on_the_wire(wanted.email) or wanted.email
    return {**known, "preferred_locales": [language]} if language else known


def params(wanted: GiftRequest, started: Started, customer_id: str = "") -> dict[str, object]:
    """
    The parameters of the payment page; a monthly gift's has a customer.

    Source: https://docs.stripe.com/api/checkout/sessions/create
    """
    metadata = said.written(_about(wanted, started.total))
    monthly = wanted.frequency == "monthly"
    page: dict[str, object] = {
        "mode": "subscription" if monthly else "payment",
        "line_items": [{"price_data": _price(started.total, monthly=monthly), "quantity": 1}],
        "client_reference_id": wanted.gift_id,
        "metadata": metadata,
        "success_url": thank_you_url(wanted.gift_id),
        "cancel_url": f"{settings.current().site_url}/give?{urlencode(_wish(wanted))}",
        "expires_at": int(started.page_ends_at.timestamp()),
    }
    if wanted.email and not customer_id:
        page["customer_email"] = on_the_wire(wanted.email) or wanted.email
    if donor_facts.are_wanted(charity.current().entity_for(wanted.currency)[1].country):
        # The yearly statement cannot do without, and asking now is easier than in January.
        page["billing_address_collection"] = "required"
    if monthly:
        # What the donor types on the page goes to the customer, as it would to one whom the page made.
        typed = {"name": "auto", "address": "auto"}
        return {**page, "customer": customer_id, "customer_update": typed, "subscription_data": {"metadata": metadata}}
    return {
        **page, "submit_type": "donate", "customer_creation": "always", "payment_intent_data": {"metadata": metadata},
    }  # fmt: skip


def key(started: Started, asked: dict[str, object]) -> str:
    """
    The idempotency key under which a page, or the customer for it, is asked for.

    Equal tries have equal keys. After a deployment that changed a name or an
    address the same try asks for something else, and Stripe would refuse the
    old key for a day.
    """
    contents = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
    return f"gift-{started.gift_id}-{started.attempt}-{contents[:16]}"


def thank_you_url(gift_id: str) -> str:
    return f"{settings.current().site_url}/thank-you?{urlencode({'gift': gift_id})}"


def _about(wanted: GiftRequest, total: Money) -> About:
    facts, tribute = charity.current(), wanted.tribute
    fund = wanted.fund or next(iter(facts.funds))
    benefit = facts.benefit(fund, wanted.currency) if wanted.frequency == "once" else None
    return About(
        gift_id=wanted.gift_id,
        frequency=wanted.frequency,
        fund=fund,
        source=_as_far_as_kept(wanted.source) if isinstance(wanted.source, dict) else wanted.source or "",
        tribute_kind=tribute.kind if tribute else "",
        tribute_name=tribute.name if tribute else "",
        tribute_note=tribute.note if tribute else "",
        fees_covered=total.minor - wanted.amount,
        gift_aid=bool(wanted.gift_aid),
        advantage=benefit.value if benefit else 0,
        advantage_description=benefit.description if benefit else "",
    )


def _as_far_as_kept(source: dict[str, str]) -> str:
    """Whole entries, the first ones, as many as Stripe keeps: no gift fails over the name of a campaign."""
    kept: list[tuple[str, str]] = []
    for entry in source.items():
        if len(urlencode([*kept, entry])) > MOST_METADATA_CHARS:
            break
        kept.append(entry)
    return urlencode(kept)


def _price(total: Money, *, monthly: bool) -> dict[str, object]:
    name = charity.current().name
    price: dict[str, object] = {
        "currency": total.currency,
        "unit_amount": total.minor,
        "product_data": {"name": f"Monthly gift to {name}" if monthly else f"Gift to {name}"},
    }
    return {**price, "recurring": {"interval": "month"}} if monthly else price


def _wish(wanted: GiftRequest) -> dict[str, str]:
    """What the give page shows again when the donor comes back from the payment page."""
    return {"frequency": wanted.frequency, "amount": str(wanted.amount), "currency": wanted.currency}
