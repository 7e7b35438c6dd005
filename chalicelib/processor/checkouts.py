"""What Stripe says of a Checkout session. Pure."""

from __future__ import annotations

from chalicelib.processor.events import Object, id_of
from chalicelib.processor.understood import understood

# A payment intent in one of these took no money and will take none by itself.
# Any other may still: the donor has a small deposit to confirm, for one.
# Source: https://docs.stripe.com/payments/paymentintents/lifecycle
FELL_THROUGH = frozenset({"requires_payment_method", "canceled"})
# What waits for its donor waits in vain once the page is gone.
LEFT = frozenset({"requires_action", "requires_confirmation"})


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
def payment_of(session: Object) -> Object | None:
    """Its payment intent, expanded. A monthly gift's page has none of its own: the first invoice has."""
    intent: Object | None = session["payment_intent"]
    return intent


@understood
def has_failed(intent: Object) -> bool:
    """Whether a payment came to nothing. Not known is not failed: the donor may yet be charged."""
    status: str = intent["status"]
    return status in FELL_THROUGH


@understood
def came_to_nothing(session: Object) -> bool:
    """
    Whether nothing was paid on a page that is over, and nothing is on its way.

    A page may run out while its last payment is under way. A monthly gift's
    subscription is there once its page is complete, and tries again by itself
    what failed.
    """
    intent = payment_of(session)
    if status_of(session) == "expired":
        return intent is None or has_failed(intent) or intent["status"] in LEFT
    return intent is not None and has_failed(intent)


@understood
def tried_on(session: Object) -> dict[str, str]:
    """By what the cards that were tried on its page are found; nothing if none was."""
    return _found_by(session["payment_intent"], session["customer"])


@understood
def tried_by(charge: Object, *, names_gift: bool) -> dict[str, str]:
    """
    By what the page is found on which a charge failed; nothing if it cannot be.

    The payment intent of a monthly gift's first payment belongs to no page
    that Stripe would tell, but its customer was made for that page alone.
    """
    return _found_by(charge["payment_intent"] if names_gift else None, charge["customer"])


def _found_by(intent: Object | str | None, customer: Object | str | None) -> dict[str, str]:
    known = {"payment_intent": id_of(intent), "customer": id_of(customer)}
    return next(({name: each} for name, each in known.items() if each), {})


@understood
def page_of(session: Object) -> tuple[str, str]:
    """The id and the address of an open session."""
    return session["id"], session["url"]
