"""What Stripe says of a Checkout session. Pure."""

from __future__ import annotations

from chalicelib.processor.events import Object
from chalicelib.processor.understood import understood

# A payment intent in one of these took no money and will take none by itself.
# Any other may still: the donor has a small deposit to confirm, for one.
# Source: https://docs.stripe.com/payments/paymentintents/lifecycle
FELL_THROUGH = frozenset({"requires_payment_method", "canceled"})


@understood
def status_of(session: Object) -> str:
    """Open, complete, expired, or something new."""
    status: str = session["status"]
    return status


@understood
def may_be_paid(session: Object) -> bool:
    """Whether there may be charges to settle: Stripe says that it was paid, or says something new."""
    return session["payment_status"] not in {"unpaid", "no_payment_required"}


@understood
def fell_through(session: Object) -> bool:
    """Whether its payment came to nothing. Not known is not failed: the donor may yet be charged."""
    intent = session["payment_intent"]
    return intent is not None and intent["status"] in FELL_THROUGH


@understood
def page_of(session: Object) -> tuple[str, str]:
    """The id and the address of an open session."""
    return session["id"], session["url"]
