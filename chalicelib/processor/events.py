"""Stripe's objects in the words of the ledger. Pure: dicts in, facts out; unknown fields and values are left aside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.clock import from_epoch
from chalicelib.giving.donors import Address, Donor
from chalicelib.giving.gift import About, Fact, Kind, Payment, renewal_id
from chalicelib.money import Money
from chalicelib.partners.partnership import Partnership, State, Trouble, day_of_month, first_charge_from

Object = dict[str, Any]

# In Stripe's metadata all values are texts of at most 500 characters.
# Source: https://docs.stripe.com/metadata
ABOUT_FIELDS = {field.name: field for field in msgspec.structs.fields(About)}

# An invoice of which nothing is owed any more.
SETTLED = frozenset({"paid", "void", "uncollectible"})

def metadata_of(about: About) -> dict[str, str]:
    """What travels with the payment so that the ledger can be rebuilt from Stripe alone."""
    built = msgspec.to_builtins(about)
    return {name: str(value).lower() if value is True else str(value) for name, value in built.items()}

def about_of(metadata: Object | None) -> About | None:
    """What the donor said of the gift, or None if the object is not one of ours."""
    if not metadata or not metadata.get("gift_id"):
        return None
    ours = {name: value for name, value in metadata.items() if name in ABOUT_FIELDS}
    try:
        return msgspec.convert(ours, About, strict=False)
    except msgspec.ValidationError:
        # Somebody edited the metadata by hand; the gift is still that gift.
        return About(gift_id=str(metadata["gift_id"]))

def about_of_invoice(invoice: Object) -> About | None:
    """
    What the donor said of the monthly gift that this invoice is a month of.

    The first invoice is the gift the browser named; each later one gets an id
    of its own. `source` and `fund` stay.
    """
    details = _subscription_details(invoice)
    about = about_of(details.get("metadata"))
    if about is None or invoice.get("billing_reason") == "subscription_create":
        return about
    return msgspec.structs.replace(about, gift_id=renewal_id(invoice["id"]))

def subscription_of(invoice: Object) -> str:
    """The id of the subscription that an invoice belongs to, or an empty text."""
    return id_of(_subscription_details(invoice).get("subscription"))

def is_paid(charge: Object) -> bool:
    """
    Whether the money of this charge has arrived, and when is known.

    A pending bank debit has not arrived. Just after success the balance
    transaction may be missing for a while (charges are captured
    asynchronously since 2024-04-10; `charge.updated` brings it): a card's
    date is known without it, a debit's is not.
    """
    arrived = bool(charge.get("paid")) and charge.get("status") == "succeeded" and charge.get("captured", True)
    at_once = (charge.get("payment_method_details") or {}).get("type") == "card"
    return arrived and (at_once or isinstance(charge.get("balance_transaction"), dict))

def paid_at(charge: Object) -> datetime:
    """
    The moment the payment succeeded.

    A bank debit is created days before it succeeds; its balance transaction
    is made when it does.
    """
    moved = charge.get("balance_transaction")
    return from_epoch(moved["created"] if isinstance(moved, dict) else charge["created"])

def payment_fact(charge: Object, at: datetime, payment: Payment) -> Fact:
    """The fact that a charge was paid, with all of its amount: Stripe's fee never reduces a gift."""
    money = Money(charge.get("amount_captured") or charge["amount"], charge["currency"])
    payment = msgspec.structs.replace(payment, method=method_of(charge))
    moved = id_of(charge.get("balance_transaction"))
    return Fact("payment", charge["id"], charge["id"], at, at, money, moved, payment)

def refund_facts(refund: Object, gift_at: datetime) -> list[Fact]:
    """
    What a refund did to our balance: money went out, and perhaps came back when it failed.

    Until a balance transaction exists nothing has moved.
    Source: https://docs.stripe.com/refunds#failed-refunds
    """
    money = Money(refund["amount"], refund["currency"])
    names: tuple[tuple[Kind, str], ...] = (
        ("refund", "balance_transaction"),
        ("refund_failed", "failure_balance_transaction"),
    )
    return [
        Fact(kind, refund["id"], id_of(refund["charge"]), gift_at, _moved_at(refund[field], refund), money,
             id_of(refund[field]))
        for kind, field in names
        if refund.get(field)
    ]  # fmt: skip

def dispute_facts(dispute: Object, gift_at: datetime) -> list[Fact]:
    """
    What a dispute did to our balance: withdrawn when it opened, reinstated if it was won, and that it was lost.

    An inquiry (`warning_…`) has moved nothing and gives no fact.
    Source: https://docs.stripe.com/disputes/how-disputes-work
    """
    money = Money(dispute["amount"], dispute["currency"])
    charge_id = id_of(dispute["charge"])
    facts: dict[str, Fact] = {}
    for moved in sorted(dispute.get("balance_transactions") or [], key=lambda moved: moved["created"]):
        kind: Kind = "dispute" if moved["amount"] < 0 else "dispute_won"
        fact = Fact(kind, dispute["id"], charge_id, gift_at, from_epoch(moved["created"]), money, moved["id"])
        facts.setdefault(kind, fact)
    if facts and dispute.get("status") == "lost":
        facts["lost"] = msgspec.structs.replace(facts["dispute"], kind="dispute_lost", balance_transaction="")
    return list(facts.values())

def payer_of(charge: Object) -> Donor:
    """Who paid, from the customer or else from what was typed on the payment page."""
    typed = charge.get("billing_details") or {}
    customer = charge.get("customer") if isinstance(charge.get("customer"), dict) else {}
    assert isinstance(customer, dict)
    payer = donor_of(customer)
    return msgspec.structs.replace(
        payer,
        email=payer.email or typed.get("email") or charge.get("receipt_email") or "",
        name=payer.name or typed.get("name") or "",
        address=payer.address if payer.address != Address() else _address(typed.get("address")),
    )

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

def method_of(paid_with: Object) -> str:
    """How it was paid, as a donor recognises it: "Visa •••• 4242". Works for a charge and a payment method."""
    details = paid_with.get("payment_method_details") or paid_with
    kind = details.get("type") or ""
    part = details.get(kind) or {}
    names = {"card": str(part.get("brand") or "Card").title(), "us_bank_account": "Bank account"}
    name = names.get(kind, kind.replace("_", " ").capitalize())
    return f"{name} •••• {part['last4']}" if part.get("last4") else name

def partnership_of(
    subscription: Object, donor_id: str, time_zone: str, trouble: Trouble | None = None
) -> Partnership | None:
    """
    A subscription as the donor sees it, or None if it is not ours or was never paid for.

    `current_period_end` sits on the items since basil.
    """
    about = about_of(subscription.get("metadata"))
    if about is None or subscription["status"] in {"incomplete", "incomplete_expired"}:
        return None
    item = subscription["items"]["data"][0]
    paused = subscription.get("pause_collection")
    resumes = from_epoch(paused["resumes_at"]) if paused and paused.get("resumes_at") else None
    state = _state(subscription)
    anchor = from_epoch(subscription["billing_cycle_anchor"])
    ended_at = subscription.get("ended_at") or subscription.get("canceled_at")
    due = from_epoch(item["current_period_end"])
    return Partnership(
        partnership_id=subscription["id"],
        donor_id=donor_id,
        customer_id=id_of(subscription["customer"]),
        amount=Money(item["price"]["unit_amount"] * (item.get("quantity") or 1), item["price"]["currency"]),
        day=day_of_month(anchor, ZoneInfo(time_zone)),
        state=state,
        started_at=from_epoch(subscription["start_date"]),
        time_zone=time_zone,
        next_charge_at=_next_charge(subscription, state, due, resumes, anchor.day),
        paused_until=resumes if state == "paused" else None,
        ended_at=from_epoch(ended_at) if state == "ended" and ended_at else None,
        ended_by=str((subscription.get("cancellation_details") or {}).get("reason") or "") if state == "ended" else "",
        method=_method_of_subscription(subscription),
        gift_id=about.gift_id,
        fund=about.fund,
        source=about.source,
        trouble=trouble,
    )

def id_of(reference: Any) -> str:
    """The id of an object that may be expanded, may be an id, and may be missing."""
    return str(reference["id"]) if isinstance(reference, dict) else str(reference or "")

def charges_named(kind: str, thing: Object) -> Iterable[str]:
    """The charge that an event's object is about, where the object itself says so."""
    named = thing.get("id") if kind == "charge" else id_of(thing.get("charge"))
    return [str(named)] if named else []

def _state(subscription: Object) -> State:
    status, invoice = subscription["status"], subscription.get("latest_invoice")
    if status == "canceled":
        return "ended"
    # What was given up is owed no more, whatever Stripe still calls the subscription.
    owes = not isinstance(invoice, dict) or invoice["status"] not in SETTLED
    if status in {"past_due", "unpaid"} and owes:
        return "payment_problem"
    return "paused" if subscription.get("pause_collection") or status == "paused" else "active"

def _next_charge(
    subscription: Object, state: State, due: datetime, resumes: datetime | None, day: int
) -> datetime | None:
    if state == "ended" or subscription.get("cancel_at_period_end"):
        return None
    if state == "paused":
        return first_charge_from(due, day, resumes) if resumes else None
    return due

def _method_of_subscription(subscription: Object) -> str:
    customer = subscription.get("customer")
    fallback = customer.get("invoice_settings") or {} if isinstance(customer, dict) else {}
    method = subscription.get("default_payment_method") or fallback.get("default_payment_method")
    return method_of(method) if isinstance(method, dict) else ""

def _subscription_details(invoice: Object) -> Object:
    return (invoice.get("parent") or {}).get("subscription_details") or {}

def _moved_at(moved: Any, otherwise: Object) -> datetime:
    return from_epoch(moved["created"] if isinstance(moved, dict) else otherwise["created"])

def _address(given: Object | None) -> Address:
    known = {name: (given or {}).get(name) or "" for name in ("line1", "line2", "city", "postal_code", "country")}
    return Address(**known, region=(given or {}).get("state") or "")
