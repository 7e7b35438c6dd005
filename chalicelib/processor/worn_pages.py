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
from collections.abc import Iterable

from chalicelib import log
from chalicelib.errors import NotThere, ProcessorRefused
from chalicelib.processor import checkouts, events, stripe_api
from chalicelib.processor.events import Object

# A donor mistypes twice and gives with the third card. Whoever fails three times has to begin anew,
# which the guard weighs like every beginning. What the number comes to: docs/card-testing.md.
CARDS = 3


def page_of(failed: Object, *, names_gift: bool) -> Object | None:
    """The page of ours on which this charge failed, or None. A month of a monthly gift is not to be asked about."""
    by = checkouts.tried_by(failed, names_gift=names_gift)
    found = stripe_api.checkouts_tried(**by) if by else []
    return next((each for each in found if events.about_of(events.metadata_on(each))), None)


def close_if_worn(page: Object) -> None:
    """
    Close a page on which one card too many failed.

    Raises ProcessorUnsure if nobody knows whether it is closed, and the queue
    comes again.
    """
    if checkouts.status_of(page) == "open" and is_worn(page):
        _close(events.id_of(page))


def is_worn(page: Object) -> bool:
    """Whether so many cards failed on a page that its gift is to have no other."""
    by = checkouts.tried_on(page)
    return bool(by) and is_one_too_many(stripe_api.charges_tried(**by))


def is_one_too_many(charges: Iterable[Object]) -> bool:
    """Whether too many of the charges that were tried on one page failed."""
    return len(list(itertools.islice(filter(events.has_failed, charges), CARDS))) == CARDS


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
