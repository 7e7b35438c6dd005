"""
Stripe's answers and events in the shapes of other API versions.

The stand-in speaks endive. What a version does not know yet is taken out, and
what it writes otherwise is rewritten; both lists were read off the annotations
of the SDK that was made for the version: stripe 11.6 (acacia), 12.0 (basil),
13.0 (clover), 15.0 (dahlia) and 16.1 (endive), for the fields the stand-in has.
Everything that the stand-in makes, rendered in basil, clover and dahlia, was held
against those annotations as `shapes.faults` does it for endive. Nothing strayed
but the event `invoice_payment.paid`, which the SDK of basil did not list yet.
Source: https://docs.stripe.com/changelog
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from chalicelib.processor import settle
from local.standin.in_process import InProcess
from local.standin.standin import Standin

Thing = dict[str, Any]

ACACIA, BASIL, CLOVER = "2025-02-24.acacia", "2025-03-31.basil", "2025-09-30.clover"
DAHLIA, ENDIVE = "2026-03-25.dahlia", "2026-10-28.endive"
IN_ORDER = (ACACIA, BASIL, CLOVER, DAHLIA, ENDIVE)

# By version: the fields that it was the first to have.
ADDED: dict[str, dict[str, tuple[str, ...]]] = {
    BASIL: {
        "charge": ("presentment_details",),
        "checkout.session": ("optional_items", "permissions", "presentment_details"),
        "payment_intent": ("presentment_details",),
        "refund": ("presentment_details",),
    },
    CLOVER: {
        "balance_transaction": ("balance_type",),
        "charge": ("billing_details.tax_id",),
        "checkout.session": (
            "automatic_tax.provider", "branding_settings", "customer_details.business_name",
            "customer_details.individual_name", "excluded_payment_method_types", "name_collection", "origin_context",
            "wallet_options",
        ),
        "customer": ("business_name", "individual_name"),
        "event": ("context",),
        "invoice": ("automatic_tax.provider",),
        "payment_intent": ("excluded_payment_method_types",),
        "payment_method": ("billing_details.tax_id",),
        "refund": ("pending_reason",),
        "subscription": ("billing_mode", "billing_thresholds"),
        "subscription_item": ("billing_thresholds",),
    },
    DAHLIA: {
        "charge": ("payment_method_details.us_bank_account.expected_debit_date",),
        "checkout.session": ("customer_account", "integration_identifier"),
        "customer": ("customer_account",),
        "invoice": ("customer_account",),
        "invoice_payment": ("payment.payment_record",),
        "line_item": ("quantity_decimal", "subtotal"),
        "payment_intent": (
            "amount_details.discount_amount", "amount_details.error", "amount_details.line_items",
            "amount_details.shipping", "amount_details.tax", "customer_account", "hooks", "payment_details",
        ),
        "payment_method": ("customer_account",),
        "subscription": ("customer_account", "presentment_details"),
    },
    ENDIVE: {
        "charge": (
            "payment_method_details.card.electronic_commerce_indicator",
            "payment_method_details.card.setup_credential_usage",
            "payment_method_details.card.stored_credential_usage", "payment_method_details.card.transaction_link_id",
        ),
        "checkout.session": ("allowed_payment_method_types", "managed_payments"),
        "dispute": (
            "evidence.appeal", "evidence_details.submission_method", "intended_submission_method",
            "payment_method_details.card.network",
        ),
        "invoice": ("amount_paid_off_stripe", "status_details"),
        "payment_intent": ("allowed_payment_method_types", "managed_payments", "payment_record"),
        "product": ("tax_details",),
        "refund": ("customer", "customer_account", "payment_method"),
        "subscription": (
            "billing_schedules", "cancellation_details.feedback_option", "invoice_settings.custom_fields",
            "invoice_settings.description", "invoice_settings.footer", "managed_payments", "status_details",
            "trial_settings.end_behavior.billing_cycle_anchor",
        ),
        "subscription_item": ("billed_until", "current_trial"),
    },
}  # fmt: skip

# dahlia renamed what a session's `ui_mode` may be: https://docs.stripe.com/changelog/dahlia/2026-03-25/updates-available-checkout-session-ui-modes
UI_MODES = {"hosted_page": "hosted", "embedded_page": "embedded", "elements": "custom"}


def rendered(standin: Standin, answer: Thing, version: str) -> Thing:
    """An answer or an event as Stripe writes it in `version`; acacia as far as events of ours are told in it."""
    told = copy.deepcopy(answer)
    _render(standin, told, version)
    return told


class Rendering(InProcess):
    """The SDK's way to Stripe, were Stripe to answer in another version."""

    def __init__(self, standin: Standin, version: str) -> None:
        super().__init__(standin)
        self._version = version

    def request(self, *asked: Any, **more: Any) -> Any:
        text, status, headers = super().request(*asked, **more)
        return json.dumps(rendered(self._standin, json.loads(text), self._version)), status, headers


Post = Callable[[bytes, dict[str, str]], int]


def posting(standin: Standin, version: str, post: Post) -> Post:
    """Webhooks of an endpoint that was made for another version, signed as they then read."""

    def send(body: bytes, headers: dict[str, str]) -> int:
        event = json.loads(body)
        if event["type"] not in settle.HANDLERS:
            return 200  # an endpoint is sent what it asked for
        return post(*signed(rendered(standin, event, version), headers["Stripe-Signature"]))

    return send


def signed(event: Thing, like: str = "t=0", secret: str = "whsec_local_0123456789") -> tuple[bytes, dict[str, str]]:
    """The body of an event and its headers, stamped with the moment that another signature names."""
    body, at = json.dumps(event).encode(), like.partition(",")[0].removeprefix("t=")
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return body, {"Stripe-Signature": f"t={at},v1={mac.hexdigest()}"}


def _render(standin: Standin, thing: Any, version: str) -> None:
    """In place, and so is everything in it, from the inside out."""
    for each in thing if isinstance(thing, list) else list(thing.values()) if isinstance(thing, dict) else ():
        _render(standin, each, version)
    if not isinstance(thing, dict) or not isinstance(thing.get("object"), str):
        return
    kind = thing["object"]
    for newer in IN_ORDER[IN_ORDER.index(version) + 1 :]:
        for path in ADDED.get(newer, {}).get(kind, ()):
            _take_out(thing, path.split("."))
    if kind == "checkout.session" and version < DAHLIA:
        thing["ui_mode"] = UI_MODES[thing["ui_mode"]]
    if kind == "event":
        thing["api_version"] = version
    if version == ACACIA and kind in BEFORE_BASIL:
        BEFORE_BASIL[kind](standin, thing)


def _take_out(thing: Any, path: list[str]) -> None:
    for step in path[:-1]:
        thing = thing.get(step) if isinstance(thing, dict) else None
    if isinstance(thing, dict):
        thing.pop(path[-1], None)


# Before basil, payments and invoices named each other, and a subscription had one period for all of its items.
# Source: https://docs.stripe.com/changelog/basil#2025-03-31.basil


def _with_invoice(standin: Standin, thing: Thing) -> None:
    intent = thing["id"] if thing["object"] == "payment_intent" else thing["payment_intent"]
    paid = [each for each in standin.world.all("invoice_payment") if each["payment"]["payment_intent"] == intent]
    thing["invoice"] = paid[0]["invoice"] if paid else None


def _with_payment(standin: Standin, invoice: Thing) -> None:
    details = (invoice.pop("parent") or {}).get("subscription_details") or {}
    paid = [each["payment"]["payment_intent"] for each in standin.world.all("invoice_payment", invoice=invoice["id"])]
    intent = standin.world.get("payment_intent", paid[0] if paid else None) or {"id": None, "latest_charge": None}
    invoice.update(
        subscription=details.get("subscription"), subscription_details={"metadata": details.get("metadata")},
        payment_intent=intent["id"], charge=intent["latest_charge"], paid=invoice["status"] == "paid",
        paid_out_of_band=False, application_fee_amount=None, discount=None, quote=None, tax=None, transfer_data=None,
    )  # fmt: skip
    for newer in ("amount_overpaid", "confirmation_secret", "total_taxes"):
        invoice.pop(newer, None)


def _with_period(_: Standin, subscription: Thing) -> None:
    for name in ("current_period_start", "current_period_end"):
        for item in subscription["items"]["data"]:
            subscription[name] = item.pop(name)
    subscription.update(discount=None, billing_thresholds=None)


BEFORE_BASIL: dict[str, Callable[[Standin, Thing], None]] = {
    "charge": _with_invoice,
    "payment_intent": _with_invoice,
    "invoice": _with_payment,
    "subscription": _with_period,
}
