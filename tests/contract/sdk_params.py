"""
The parameters that Stripe knows at our very version, as its SDK declares them.

stripe-mock's description may be of an older version. The SDK's declarations
are of ours, but say nothing that a request could be refused by.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe

from tests.contract.recording import Sent

# What the SDK declares for each call of ours. Lists of one path may have several callers.
DECLARED = {
    "create_checkout": "checkout.SessionCreateParams",
    "checkout": "checkout.SessionRetrieveParams",
    "checkouts_tried": "checkout.SessionListParams",
    "expire_checkout": "checkout.SessionExpireParams",
    "create_customer": "CustomerCreateParams",
    "charge": "ChargeRetrieveParams",
    "success_of": "EventListParams",
    "refunds_of": "RefundListParams",
    "disputes_of": "DisputeListParams",
    "invoice": "InvoiceRetrieveParams",
    "invoice_paid_by": "InvoicePaymentListParams",
    "payment_intents_of": "InvoicePaymentListParams",
    "payments_for": "InvoicePaymentListParams",
    "charges_of": "ChargeListParams",
    "charges_tried": "ChargeListParams",
    "subscriptions": "SubscriptionListParams",
    "subscriptions_of": "SubscriptionListParams",
    "unpaid_invoices": "InvoiceListParams",
    # It finalizes a draft and voids what is open; of the latter it asks for nothing more.
    "void_invoice": "InvoiceFinalizeInvoiceParams",
    "subscription": "SubscriptionRetrieveParams",
    "change_subscription": "SubscriptionUpdateParams",
    "cancel_subscription": "SubscriptionCancelParams",
    "change_customer": "CustomerUpdateParams",
    "billing_portal": "billing_portal.SessionCreateParams",
    "fraud_warning": "radar.EarlyFraudWarningRetrieveParams",
    "/v1/balance_transactions": "BalanceTransactionListParams",
    "/v1/disputes": "DisputeListParams",
}
# Names that the SDK imports for type checkers alone.
UNSEEN = {"StripeContext": Any, "Mapping": Mapping, "Sequence": Sequence, "Any": Any}


def unknown(sent: Sent) -> list[str]:
    """The parameters of a request that are not declared, by name or by value."""
    declared = DECLARED.get(sent.asked_by) or DECLARED[sent.path]
    kind = functools.reduce(getattr, declared.split("."), stripe.params)
    return [f"{sent.asked_by}: {name}" for name in _strays(sent.params, kind, "")]


def _strays(given: Any, kind: Any, name: str) -> list[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return min((_strays(given, each, name) for each in _meant(inner)), key=_distance)
    if origin in {list, Sequence} and isinstance(given, dict):
        return [stray for place, each in given.items() for stray in _strays(each, inner[0], f"{name}[{place}]")]
    if origin in {dict, Mapping} and isinstance(given, dict):
        return [stray for part, each in given.items() for stray in _strays(each, inner[1], f"{name}[{part}]")]
    if hasattr(kind, "__required_keys__") and isinstance(given, dict):  # a TypedDict, whoever made it
        hints = _hints(kind)
        known = {part: each for part, each in given.items() if part in hints}
        strays = [stray for part, each in known.items() for stray in _strays(each, hints[part], f"{name}[{part}]")]
        return strays + [f"{name}[{part}]" for part in given if part not in hints]
    return [] if not isinstance(given, dict) and _reads(str(given), kind) else [f"{name}={given}"]


def _meant(alternatives: tuple[Any, ...]) -> tuple[Any, ...]:
    """The SDK adds "or any text" to each list of values, for values yet to come; ours are among the listed."""
    listed = any(get_origin(each) is Literal and get_args(each) != ("",) for each in alternatives)
    return tuple(each for each in alternatives if not (listed and each is str))


def _distance(strays: list[str]) -> tuple[int, int]:
    """How far an alternative is from what was given: few complaints, and those far inside, are near."""
    return len(strays), -min((stray.partition("=")[0].count("[") for stray in strays), default=0)


def _reads(text: str, kind: Any) -> bool:
    """Whether a form's text can be this."""
    if get_origin(kind) is Literal:
        return text in get_args(kind)
    return {str: True, int: text.lstrip("-").isdigit(), bool: text in {"true", "false"}}.get(kind, False)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, localns=UNSEEN)
