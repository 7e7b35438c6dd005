"""
Payment pages on which too many cards have failed are closed.

Stripe lets one card after the other be tried on a page for as long as it is
open, so a page that the guard let through would be worth any number of tries.

    failed ... failed ... failed --- told by the webhook --- closed

Nothing is counted here. Stripe keeps every charge that failed, so what is told
five times, late, or once more after a crash comes to the same number.
"""

from __future__ import annotations

import itertools

from chalicelib import log
from chalicelib.errors import NotThere, ProcessorRefused
from chalicelib.processor import checkouts, events, stripe_api
from chalicelib.processor.events import Object

# A donor mistypes twice and gives with the third card. Whoever fails three times has to begin anew,
# which the guard weighs like every beginning. What the number comes to: docs/card-testing.md.
CARDS = 3


def close_if_worn(failed: Object) -> None:
    """
    Close the page on which this charge failed, if that was one card too many.

    What is no page of ours is left alone. Raises ProcessorUnsure if nobody
    knows whether it is closed, and the queue comes again.
    """
    intent_id = events.id_of(events.intent_of(failed))
    if not _is_one_too_many(intent_id):
        return
    for page in stripe_api.checkouts_of(intent_id):
        if checkouts.status_of(page) == "open" and events.about_of(events.metadata_on(page)):
            _close(events.id_of(page))


def is_worn(page: Object) -> bool:
    """Whether so many cards failed on a page that its gift is to have no other."""
    payment = checkouts.payment_of(page)
    return payment is not None and _is_one_too_many(events.id_of(payment))


def _is_one_too_many(intent_id: str) -> bool:
    failed = (each for each in stripe_api.charges_of(intent_id) if events.has_failed(each))
    return len(list(itertools.islice(failed, CARDS))) == CARDS


def _close(session_id: str) -> None:
    """
    Expire a page at Stripe.

    One that was paid or ran out in this very moment is none to close. One on
    which a payment is under way Stripe refuses to close: it is paid by that,
    or the next failure comes here again.
    """
    try:
        stripe_api.expire_checkout(session_id)
    except (ProcessorRefused, NotThere) as refused:
        log.note("page_not_closed", session=session_id, code=refused.code)
    else:
        log.count("page_closed", session=session_id)
