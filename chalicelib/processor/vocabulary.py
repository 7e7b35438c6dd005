"""
Stripe's words on which something depends here, and the ones among them that we know. Pure.

Stripe adds values to its enumerations without a new version. A word that is
not listed is counted wherever an answer says it, so that operators see it
before donors do. What is done with one is said where it is read; nothing
takes it for one of these. A test holds this list against the SDK's. So is what
staff typed into a gift's metadata and nobody can read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chalicelib.processor import said

# Source: https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible
KNOWN: dict[tuple[str, str], frozenset[str]] = {
    ("charge", "status"): frozenset({"succeeded", "pending", "failed"}),
    ("checkout.session", "status"): frozenset({"open", "complete", "expired"}),
    ("checkout.session", "payment_status"): frozenset({"paid", "unpaid", "no_payment_required"}),
    ("dispute", "status"): frozenset({
        "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review",
        "won", "lost", "prevented", "appeal_needs_response", "appeal_under_review",
    }),
    ("invoice", "billing_reason"): frozenset({
        "subscription_create", "subscription_cycle", "subscription_update", "subscription_threshold", "subscription",
        "automatic_pending_invoice_item_invoice", "manual", "quote_accept", "upcoming",
    }),
    ("invoice", "status"): frozenset({"draft", "open", "paid", "uncollectible", "void"}),
    ("payment_intent", "status"): frozenset({
        "requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing",
        "succeeded", "canceled",
    }),
    ("refund", "status"): frozenset({"pending", "requires_action", "succeeded", "failed", "canceled"}),
    ("subscription", "status"): frozenset({
        "incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused",
    }),
}  # fmt: skip

# Words of an enumeration look like this. Whatever else stands there is not repeated in a log.
WORD = re.compile(r"[a-z0-9_.]{1,60}")


def is_known(kind: str, field: str, value: object) -> bool:
    """Whether a value that stands in this field of an object of this kind is one of those listed."""
    return isinstance(value, str) and value in KNOWN[kind, field]


def unknown(answer: Any) -> set[tuple[str, str]]:
    """The fields in an answer, however deep, that hold a word we do not know, each with the word."""
    return set(_unknown(answer))


def _unknown(thing: Any) -> Iterator[tuple[str, str]]:
    if isinstance(thing, list):
        for each in thing:
            yield from _unknown(each)
    elif isinstance(thing, dict):
        kind = str(thing.get("object"))
        yield from ((f"{kind}.metadata.{field}", "?") for field in _unreadable(thing.get("metadata")))
        for field, value in thing.items():
            if value is not None and (kind, field) in KNOWN and not is_known(kind, field, value):
                yield f"{kind}.{field}", value if isinstance(value, str) and WORD.fullmatch(value) else "?"
            yield from _unknown(value)


def _unreadable(metadata: object) -> list[str]:
    """What stands there is not repeated: it may be a person's name."""
    return said.unreadable(metadata) if isinstance(metadata, dict) else []
