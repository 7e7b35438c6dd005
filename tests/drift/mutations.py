"""
One thing that Stripe says otherwise than ever before, in every object of a kind.

Which fields there are to change, and how each may be, is told by the SDK's
annotations and by what the stand-in answers: nothing is listed by hand but
what our code reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec
from stripe import StripeObject

from local.standin.shapes import _options, class_of, fields_of, is_expandable, is_optional, without_none

Thing = dict[str, Any]
How = Literal["gone", "null", "new word", "expanded", "an id"]
NEW_WORD = "something_new"
ADDED = {"brand_new": {"object": "novelty", "words": ["x"]}, "also_new": NEW_WORD, "new_at": 1}

# Every field that our code reads of an object, by the object's kind. What is not here can become anything: a test
# changes all of it at once.
READ: dict[str, tuple[str, ...]] = {
    "balance_transaction": ("amount", "created", "currency", "exchange_rate", "reporting_category", "source"),
    "charge": (
        "amount", "amount_captured", "balance_transaction", "billing_details", "billing_details.address",
        "billing_details.address.line1", "billing_details.email", "billing_details.name", "captured", "created",
        "currency", "customer", "disputed", "metadata", "paid", "payment_intent", "payment_method_details",
        "payment_method_details.card", "payment_method_details.card.brand", "payment_method_details.card.fingerprint",
        "payment_method_details.card.last4", "payment_method_details.type", "payment_method_details.us_bank_account",
        "payment_method_details.us_bank_account.last4", "receipt_email", "refunded", "status",
    ),
    "checkout.session": ("customer", "invoice", "metadata", "payment_intent", "payment_status", "status"),
    "customer": (
        "address", "address.country", "email", "invoice_settings", "invoice_settings.default_payment_method", "name",
        "phone", "preferred_locales",
    ),
    "dispute": ("amount", "balance_transactions", "charge", "created", "currency", "status"),
    "event": ("created", "data", "data.object"),
    "invoice": (
        "amount_remaining", "attempted", "billing_reason", "currency", "hosted_invoice_url", "next_payment_attempt",
        "parent", "parent.subscription_details", "parent.subscription_details.metadata",
        "parent.subscription_details.subscription", "status",
    ),
    "invoice_payment": ("invoice", "payment", "payment.payment_intent"),
    "payment_intent": (
        "last_payment_error", "last_payment_error.code", "last_payment_error.decline_code", "metadata", "status",
    ),
    "payment_method": ("created", "card", "card.brand", "card.last4", "type"),
    "price": ("currency", "product", "unit_amount"),
    "refund": ("amount", "balance_transaction", "charge", "currency", "failure_balance_transaction", "status"),
    "subscription": (
        "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "canceled_at", "cancellation_details",
        "cancellation_details.comment", "cancellation_details.reason", "currency", "customer",
        "default_payment_method", "ended_at", "items", "latest_invoice", "metadata", "pause_collection", "pause_collection.behavior", "start_date", "status",
    ),
    "subscription_item": ("current_period_end", "price", "quantity"),
}  # fmt: skip
# Words, though the SDK calls them texts.
WORDS = {
    ("refund", "status"), ("charge", "payment_method_details.type"), ("payment_method", "type"),
    ("charge", "payment_method_details.card.brand"), ("payment_method", "card.brand"),
    ("balance_transaction", "reporting_category"),
}  # fmt: skip
# Told apart by them, or drawn from: the SDK itself would stumble.
NEVER = {"id", "object"}


class Mutation(msgspec.Struct, frozen=True, order=True):
    """What becomes of one field of every object of a kind."""

    kind: str
    path: str
    how: How

    def __str__(self) -> str:
        return f"{self.kind}.{self.path} {self.how}"


def possible(answers: list[Thing]) -> list[Mutation]:
    """Every way in which something in these answers may change by itself."""
    return sorted({each for answer in answers for thing in objects(answer) for each in of_object(thing)})


def objects(answer: Any) -> Iterator[Thing]:
    """Every object in an answer, however deep."""
    for each in answer if isinstance(answer, list) else answer.values() if isinstance(answer, dict) else ():
        yield from objects(each)
    # What an event carries is called `object` too.
    if isinstance(answer, dict) and str(answer.get("object")) in READ:
        yield answer


def apply(answer: Thing, mutations: tuple[Mutation, ...]) -> None:
    """Change the answer in place. The most deeply named first, so that each still finds its field."""
    for thing in list(objects(answer)):
        for each in sorted(mutations, key=lambda each: -each.path.count(".")):
            if each.kind == thing["object"]:
                _change(thing, each.path.split("."), each.how)


def add_fields(answer: Any) -> None:
    """Put fields that nobody knows into every hash, metadata left alone: those are ours."""
    for each in answer if isinstance(answer, list) else list(answer.values()) if isinstance(answer, dict) else ():
        add_fields(each)
    if isinstance(answer, dict):
        answer.update(ADDED)


def change_all_unread(answer: Thing, reads: dict[str, tuple[str, ...]] = READ) -> int:
    """Let every field that we do not read be gone or say a new word. How many did."""
    changed = 0
    for thing in list(objects(answer)):
        for each in list(of_object(thing)):
            read = any(one == each.path or one.startswith(f"{each.path}.") for one in reads[each.kind])
            if not read and each.how in {"gone", "new word"}:
                changed += 1
                _change(thing, each.path.split("."), each.how)
    return changed


def of_object(thing: Thing) -> Iterator[Mutation]:
    """What may change in one object, in those inside it left aside."""
    kind = thing["object"]
    yield from (Mutation(kind, *each) for each in _of_hash(kind, thing, class_of(kind), ""))


def _of_hash(kind: str, hash_: Thing, cls: Any, path: str) -> Iterator[tuple[str, How]]:
    for field, annotation in fields_of(cls).items():
        at = f"{path}{field}"
        if field in hash_ and field not in NEVER:
            yield from ((at, how) for how in _hows(kind, at, hash_[field], annotation))
            inner = without_none(annotation)
            if isinstance(hash_[field], dict) and isinstance(inner, type) and issubclass(inner, StripeObject):
                yield from _of_hash(kind, hash_[field], inner, f"{at}.")


def _hows(kind: str, path: str, value: Any, annotation: Any) -> Iterator[How]:
    """What Stripe may do to a field: leave out an optional one, say null, another word, or more or less of an object."""
    if is_optional(annotation):
        yield "gone"
    if isinstance(value, (dict, list)) or is_optional(annotation):
        yield "null"
    if isinstance(value, str) and (_is_word(annotation) or (kind, path) in WORDS):
        yield "new word"
    if is_expandable(annotation) and isinstance(value, str):
        yield "expanded"
    if is_expandable(annotation) and isinstance(value, dict):
        yield "an id"


def _is_word(annotation: Any) -> bool:
    return any(get_origin(option) is Literal and get_args(option) for option in _options(without_none(annotation)))


def _change(holder: Any, path: list[str], how: How) -> None:
    for step in path[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else None
    field = path[-1]
    if not isinstance(holder, dict) or field not in holder:
        return
    value = holder[field]
    if how == "gone":
        del holder[field]
    elif how == "null":
        holder[field] = None
    elif how == "new word" and isinstance(value, str):
        holder[field] = NEW_WORD
    elif how == "expanded" and isinstance(value, str):
        holder[field] = {"id": value, "object": "novelty"}
    elif how == "an id" and isinstance(value, dict):
        holder[field] = value["id"]
