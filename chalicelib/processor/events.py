"""
Stripe's objects in the words of the ledger. Pure: dicts in, facts out.

Fields that we do not know are left aside. A value that we do not know is
never taken for one that we do. What decides whose an object is, or what it is
worth, must be there: see `understood`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.clock import from_epoch
from chalicelib.giving.donors import Address, Donor
from chalicelib.giving.gift import About, Fact, Kind, Payment, renewal_id
from chalicelib.money import Money
from chalicelib.partners.partnership import (
    END_REASONS,
    EndReason,
    Partnership,
    State,
    Trouble,
    day_of_month,
    first_charge_from,
    skipped_by,
)
from chalicelib.processor import said, vocabulary
from chalicelib.processor.understood import understood

Object = dict[str, Any]

# An invoice of which nothing is owed any more.
SETTLED = frozenset({"paid", "void", "uncollectible"})
# Disputes that are over, the money with the donor. A prevented one was given in to before it was formal.
# Source: https://docs.stripe.com/changelog/basil/2025-08-27/add-preventions-to-dispute
DECIDED_FOR_DONOR = frozenset({"lost", "prevented"})
UNPAID = frozenset({"pending", "failed"})
NEVER_PAID = frozenset({"incomplete", "incomplete_expired"})
# The parts of an address as Stripe names them, and as we do.
# Source: https://docs.stripe.com/api/charges/object#charge_object-billing_details-address
ADDRESS_PARTS = {
    "line1": "line1", "line2": "line2", "city": "city", "state": "region", "postal_code": "postal_code",
    "country": "country",
}  # fmt: skip
STATES: dict[str, State] = {
    "active": "active", "trialing": "active", "past_due": "payment_problem", "unpaid": "payment_problem",
    "canceled": "ended", "paused": "paused",
}  # fmt: skip

@understood
def metadata_on(thing: Object) -> Object:
    """The metadata that an object carries. An object without the field is none whose owner we could tell."""
    return thing["metadata"] or {}

@understood
def about_of(metadata: Object | None) -> About | None:
    """What the donor said of the gift, or None if the object is not one of ours."""
    return said.read(metadata or {})

@understood
def about_of_invoice(invoice: Object) -> About | None:
    """
    What the donor said of the monthly gift that this invoice is a month of.

    The first invoice is the gift the browser named; each later one gets an id
    of its own, and so does one for a reason that we do not know: it is paid,
    and an id made from its invoice is no other gift's. `source` and `fund` stay.
    """
    about, reason = about_of(_subscription_details(invoice).get("metadata")), invoice["billing_reason"]
    if about is None or reason == "subscription_create":
        return about
    if not isinstance(reason, str):
        raise TypeError("first month or a later one?")
    return msgspec.structs.replace(about, gift_id=renewal_id(invoice["id"]))

@understood
def subscription_of(invoice: Object) -> str:
    """The id of the subscription that an invoice belongs to, or an empty text."""
    return id_of(_subscription_details(invoice).get("subscription"))

@understood
def intent_of(charge: Object) -> Object | None:
    """The payment intent of a charge, whose metadata says whether it is ours; None for a charge without one."""
    intent: Object | None = charge["payment_intent"]
    return intent

@understood
def is_paid(charge: Object) -> bool:
    """
    Whether the money of this charge has arrived. A pending bank debit has not, though it is booked.

    Its balance transaction is not asked for: it may be missing for a while
    (charges are captured asynchronously since 2024-04-10), and when it was
    paid is known without it.
    """
    return bool(charge["paid"]) and charge["status"] == "succeeded" and bool(charge["captured"])

@understood
def is_unpaid(charge: Object) -> bool:
    """Whether Stripe says that no money of this charge has arrived: it is on its way, or came back."""
    return charge["status"] in UNPAID

@understood
def has_failed(charge: Object) -> bool:
    """Whether Stripe says that a charge came to nothing."""
    status: str = charge["status"]
    return status == "failed"

@understood
def is_by_card(charge: Object) -> bool:
    """Whether a charge succeeds as it is made. By any other way, known to us or not, it may be days later."""
    return (charge.get("payment_method_details") or {}).get("type") == "card"

@understood
def booked_at(charge: Object) -> datetime:
    """
    When the money of a charge was booked. A card's has succeeded then; a debit's has been submitted to the bank.

    Source: https://support.stripe.com/questions/changes-to-balance-transaction-behavior-for-debit-payment-methods
    """
    moved = charge.get("balance_transaction")
    return from_epoch(moved["created"] if isinstance(moved, dict) else charge["created"])

@understood
def payment_fact(charge: Object, at: datetime, payment: Payment) -> Fact:
    """The fact that a charge was paid, with all of its amount: Stripe's fee never reduces a gift."""
    money = _money(charge.get("amount_captured") or charge["amount"], charge["currency"])
    payment = msgspec.structs.replace(payment, method=method_of(charge))
    moved = id_of(charge.get("balance_transaction"))
    return Fact("payment", charge["id"], charge["id"], at, at, money, moved, payment)

@understood
def refund_facts(refund: Object, gift_at: datetime) -> list[Fact]:
    """
    What a refund did to our balance: money went out, and perhaps came back when it failed.

    Until a balance transaction exists nothing has moved.
    Source: https://docs.stripe.com/refunds#failed-refunds
    """
    money, charge_id = _money(refund["amount"], refund["currency"]), _charge_of(refund)
    names: tuple[tuple[Kind, str], ...] = (
        ("refund", "balance_transaction"),
        ("refund_failed", "failure_balance_transaction"),
    )
    return [
        Fact(kind, refund["id"], charge_id, gift_at, from_epoch(refund[field]["created"]), money, id_of(refund[field]))
        for kind, field in names
        if refund.get(field)
    ]

@understood
def dispute_facts(dispute: Object, gift_at: datetime) -> list[Fact]:
    """
    What a dispute did to our balance: withdrawn when it opened, reinstated if it was won, and that it was lost.

    An inquiry (`warning_…`) has moved nothing and gives no fact. A status that
    we do not know is kept as a fact that moves nothing and decides nothing.
    Source: https://docs.stripe.com/disputes/how-disputes-work
    """
    money, charge_id = _money(dispute["amount"], dispute["currency"]), _charge_of(dispute)
    status = dispute["status"]
    facts: dict[str, Fact] = {}
    for moved in sorted(dispute.get("balance_transactions") or [], key=lambda moved: moved["created"]):
        kind: Kind = "dispute" if moved["amount"] < 0 else "dispute_won"
        fact = Fact(kind, dispute["id"], charge_id, gift_at, from_epoch(moved["created"]), money, moved["id"])
        facts.setdefault(kind, fact)
    if facts and status in DECIDED_FOR_DONOR:
        facts["lost"] = msgspec.structs.replace(facts["dispute"], kind="dispute_lost", balance_transaction="")
    if not vocabulary.is_known("dispute", "status", status):
        opened = from_epoch(dispute["created"])
        facts["said"] = Fact("dispute_unclear", dispute["id"], charge_id, gift_at, opened, money, said=status)
    return list(facts.values())

@understood
def payer_of(charge: Object) -> Donor:
    """Who paid, from the customer or else from what was typed on the payment page."""
    typed = charge.get("billing_details") or {}
    payer = donor_of(charge["customer"] or {})
    return msgspec.structs.replace(
        payer,
        email=payer.email or typed.get("email") or charge.get("receipt_email") or "",
        name=payer.name or typed.get("name") or "",
        address=payer.address if payer.address != Address() else _address(typed.get("address")),
    )

@understood
def donor_of(customer: Object) -> Donor:
    """A Stripe customer as a donor who has no id yet."""
    locales = customer.get("preferred_locales") or [""]
    return Donor(
        donor_id="",
        email=customer.get("email") or "",
        name=customer.get("name") or "",
        phone=customer.get("phone") or "",
        address=_address(customer.get("address")),
        language=locales[0],
        customer_id=customer.get("id") or "",
    )

@understood
def is_about(event: Object, charge_id: str) -> bool:
    """Whether an event tells of this charge."""
    return id_of(event["data"]["object"]) == charge_id

@understood
def made_at(thing: Object) -> datetime:
    """When Stripe made an object."""
    return from_epoch(thing["created"])

@understood
def currency_of(subscription: Object) -> str:
    """In what a subscription is paid."""
    currency: str = subscription["currency"]
    return currency

@understood
def latest_invoice_of(subscription: Object) -> str:
    """The id of a subscription's latest invoice; "" before its first."""
    return id_of(subscription["latest_invoice"])

@understood
def customer_of(subscription: Object) -> Donor:
    """The customer of a subscription, as a donor who has no id yet."""
    return donor_of(subscription["customer"])

@understood
def method_of(paid_with: Object) -> str:
    """How it was paid, as a donor recognises it: "Visa •••• 4242". Works for a charge and a payment method."""
    details = paid_with.get("payment_method_details") or paid_with
    kind = details.get("type") or ""
    part = details.get(kind)
    part = part if isinstance(part, dict) else {}
    names = {"card": str(part.get("brand") or "Card").title(), "us_bank_account": "Bank account"}
    name = names.get(kind, kind.replace("_", " ").capitalize())
    return f"{name} •••• {part['last4']}" if part.get("last4") else name

@understood
def is_partnership(subscription: Object) -> bool:
    """Whether a subscription is one of ours, and was paid for at least once."""
    return about_of(metadata_on(subscription)) is not None and subscription["status"] not in NEVER_PAID

@understood
def item_of(subscription: Object) -> tuple[str, str]:
    """The ids of a subscription's one item and of its product."""
    item = subscription["items"]["data"][0]
    return item["id"], id_of(item["price"]["product"])

@understood
def partnership_of(
    subscription: Object, donor_id: str, time_zone: str, trouble: Trouble | None = None
) -> Partnership | None:
    """
    A subscription as the donor sees it, or None if it is not ours or was never paid for.

    `current_period_end` sits on the items since basil. A status that we do not
    know is kept as it was said, and shown as unclear rather than as active.
    """
    about = about_of(metadata_on(subscription))
    if about is None or not is_partnership(subscription):
        return None
    item = subscription["items"]["data"][0]
    paused, state = subscription["pause_collection"], _state(subscription)
    resumes = from_epoch(paused["resumes_at"]) if paused and paused.get("resumes_at") else None
    anchor = from_epoch(subscription["billing_cycle_anchor"])
    ended_at = subscription.get("ended_at") or subscription.get("canceled_at")
    ending = subscription.get("cancellation_details") or {}
    due = from_epoch(item["current_period_end"])
    return Partnership(
        partnership_id=subscription["id"],
        donor_id=donor_id,
        customer_id=id_of(subscription["customer"]),
        amount=_money(item["price"]["unit_amount"] * (item.get("quantity") or 1), item["price"]["currency"]),
        day=day_of_month(anchor, ZoneInfo(time_zone)),
        state=state,
        started_at=from_epoch(subscription["start_date"]),
        time_zone=time_zone,
        next_charge_at=_next_charge(subscription, state, due, resumes, anchor.day),
        paused_until=resumes if state == "paused" else None,
        skips=skipped_by(due, resumes) if state == "paused" else None,
        ends_at=_ends_at(subscription, due) if state not in {"ended", "unclear"} else None,
        ended_at=from_epoch(ended_at) if state == "ended" and ended_at else None,
        ended_by=str(ending.get("reason") or "") if state == "ended" else "",
        reason=_why_ended(ending) if state == "ended" else "",
        method=_method_of_subscription(subscription),
        method_id=id_of(subscription.get("default_payment_method")),
        gift_id=about.gift_id,
        fund=about.fund,
        source=about.source,
        trouble=trouble,
        said=subscription["status"] if state == "unclear" else "",
    )

@understood
def id_of(reference: Any) -> str:
    """The id of an object that may be expanded, may be an id, and may be missing."""
    return str(reference["id"]) if isinstance(reference, dict) else str(reference or "")

@understood
def charge_named(thing: Object) -> str:
    """The id of the charge that a charge, a refund, a dispute or a fraud warning is about; "" if it names none."""
    return id_of(thing["id"] if thing["object"] == "charge" else thing["charge"])

@understood
def intents_paying(payments: list[Object]) -> list[str]:
    """The payment intents among an invoice's payments; money may also come some other way, which is not ours."""
    named = [id_of(payment["payment"].get("payment_intent")) for payment in payments]
    return [intent_id for intent_id in named if intent_id]

@understood
def payments_paying(payments: list[Object]) -> list[Object]:
    """The payment intents themselves, expanded; the same ones."""
    return [payment["payment"]["payment_intent"] for payment in payments if payment["payment"].get("payment_intent")]

@understood
def invoice_paid(payments: list[Object]) -> Object | None:
    """The invoice that the first of these payments pays, expanded; None if there is no payment."""
    return dict(payments[0]["invoice"]) if payments else None

def _charge_of(thing: Object) -> str:
    """The charge under which a fact stands. One that stands under none would never be found again."""
    charge_id = charge_named(thing)
    if not charge_id:
        raise ValueError("money of no charge")
    return charge_id

def _money(minor: Any, currency: str) -> Money:
    """Money that a fact may hold: nothing is not an amount, and Stripe's signs are in the balance, not here."""
    if not isinstance(minor, int) or minor <= 0:
        raise ValueError("an amount that is not positive")
    return Money(minor, currency)

def _state(subscription: Object) -> State:
    state, invoice = STATES.get(subscription["status"], "unclear"), subscription.get("latest_invoice")
    # What was given up is owed no more, whatever Stripe still calls the subscription.
    if state == "payment_problem" and isinstance(invoice, dict) and invoice["status"] in SETTLED:
        state = "active"
    return "paused" if state == "active" and subscription["pause_collection"] else state

def _next_charge(
    subscription: Object, state: State, due: datetime, resumes: datetime | None, day: int
) -> datetime | None:
    if state in {"ended", "unclear"} or (state == "paused" and not resumes):
        return None
    following = first_charge_from(due, day, resumes) if state == "paused" and resumes else due
    ends = _ends_at(subscription, due)
    return None if ends and ends <= following else following

def _ends_at(subscription: Object, due: datetime) -> datetime | None:
    """When staff have it end, if they do: at a moment, or with the month that was paid for."""
    if subscription.get("cancel_at"):
        return from_epoch(subscription["cancel_at"])
    return due if subscription["cancel_at_period_end"] else None

def _why_ended(details: Object) -> EndReason:
    """The reason that a donor picked in the portal. What staff wrote there in words of their own is not taken over."""
    return next((reason for reason in END_REASONS if reason == details.get("comment")), "")

def _method_of_subscription(subscription: Object) -> str:
    customer = subscription.get("customer")
    fallback = customer.get("invoice_settings") or {} if isinstance(customer, dict) else {}
    method = subscription.get("default_payment_method") or fallback.get("default_payment_method")
    return method_of(method) if isinstance(method, dict) else ""

def _subscription_details(invoice: Object) -> Object:
    """What an invoice says of its subscription; nothing if it has none, which must not be a matter of where we look."""
    details: Object = (invoice["parent"] or {}).get("subscription_details") or {}
    if not details and str(invoice["billing_reason"]).startswith("subscription"):
        raise ValueError("a month of a subscription that is not named")
    return details

def _address(given: Object | None) -> Address:
    return Address(**{ours: ((given or {}).get(theirs) or "").strip() for theirs, ours in ADDRESS_PARTS.items()})
