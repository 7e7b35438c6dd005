"""What stands in the way of a monthly gift, from Stripe's objects. Pure: dicts in, answers out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.clock import from_epoch
from chalicelib.money import Money
from chalicelib.partners.partnership import Reason, Trouble
from chalicelib.processor.events import Object, id_of
from chalicelib.processor.understood import understood

# What Stripe says of a payment that failed, where a donor can make something
# of it. The first two: the bank wants its customer, and did not get through.
# Banks' suspicions (stolen, lost, fraudulent) are not for us to pass on.
# Source: https://docs.stripe.com/declines/codes
REASONS: dict[str, Reason] = {
    "authentication_required": "bank_asks",
    "payment_intent_authentication_failure": "bank_asks",
    "expired_card": "card_expired",
    "insufficient_funds": "funds",
}


@understood
def unpaid_invoice(subscription: Object) -> Object | None:
    """The invoice that makes a subscription past due, once the bank was asked to pay it: a draft was not."""
    invoice = subscription.get("latest_invoice")
    if subscription["status"] not in {"past_due", "unpaid"} or not isinstance(invoice, dict):
        return None
    return invoice if invoice["status"] == "open" and invoice.get("attempted") else None


@understood
def of(invoice: Object, payments: Iterable[Object]) -> Trouble:
    """Why an unpaid invoice was not paid. `payments` are its payment intents, the newest first."""
    retry = invoice.get("next_payment_attempt")
    return Trouble(
        invoice_id=invoice["id"],
        because=_reason(next(iter(payments), None)),
        owed=Money(invoice["amount_remaining"], invoice["currency"]),
        pay_url=invoice.get("hosted_invoice_url") or "",
        retry_at=from_epoch(retry) if retry else None,
    )


@understood
def takes_nothing(subscription: Object) -> bool:
    """Whether the donor was told that nothing is taken: it has ended, or every charge of its pause is given up."""
    pause = subscription.get("pause_collection") or {}
    return subscription["status"] == "canceled" or pause.get("behavior") == "void"


@understood
def newer_card(subscription: Object) -> str:
    """
    The payment method that the donor has chosen since, or "" if the subscription has the latest.

    Checkout gives a subscription a card of its own. Stripe's portal changes
    the customer's default only, and then Stripe would go on asking the old
    card. A default of which only the id is known is taken to be newer.
    Source: https://docs.stripe.com/customer-management/portal-deep-links
    """
    chosen, own = _default_of(subscription.get("customer")), subscription.get("default_payment_method")
    if not chosen or not own or subscription["status"] == "canceled" or id_of(chosen) == id_of(own):
        return ""
    older = isinstance(chosen, dict) and isinstance(own, dict) and chosen["created"] < own["created"]
    return "" if older else id_of(chosen)


def _default_of(customer: Any) -> Any:
    settings = customer.get("invoice_settings") if isinstance(customer, dict) else None
    return (settings or {}).get("default_payment_method")


def _reason(payment: Object | None) -> Reason:
    """Why a payment failed: what the bank asks for now, or the latest thing that it said."""
    if payment is None:
        return "declined"
    if payment["status"] == "requires_action":
        return "bank_asks"
    error = payment.get("last_payment_error") or {}
    said = (REASONS.get(str(error.get(name))) for name in ("decline_code", "code"))
    return next(filter(None, said), "declined")
