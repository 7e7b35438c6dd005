"""
What is kept of a gift from before Stripe is asked: its wish by hash, its payment page, what became of it.

    attempt 1 |---- page A ----------------| over
                                            attempt 2 |---- page B ----...

Of two racers one decides, by a condition; the other reads what was decided.
A page that was kept stays the gift's page until it has come to nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib import items, keys
from chalicelib.clock import now
from chalicelib.errors import GiftTaken
from chalicelib.giving.gift import Frequency
from chalicelib.money import Money

# Stripe keeps idempotency keys, and at most its checkout pages, for 24 hours.
# An hour less leaves no moment in which one is gone and the other is not.
# Source: https://docs.stripe.com/api/idempotent_requests
PAGE_LIFETIME = timedelta(hours=23)
# Stripe makes no page that ends within half an hour.
# Source: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
TOO_SHORT = timedelta(minutes=31)

Progress = Literal["started", "processing", "failed", "expired"]
# What a page can come to; a later state never gives way to an earlier one.
RANK: dict[Progress, int] = {"started": 0, "processing": 1, "failed": 2, "expired": 2}

IS_THIS_PAYMENT = "attribute_exists(pk) AND (attribute_not_exists(charge_id) OR charge_id = :charge)"
IS_LATER = (
    "attribute_exists(pk) AND (attribute_not_exists(session_id) OR session_id = :session) "
    "AND (attribute_not_exists(progress_rank) OR progress_rank < :rank)"
)
# `:session` is the page that came to nothing, or a text that no page is named by.
STILL_WITHOUT_A_PAGE = (
    "attempt = :seen AND attribute_not_exists(charge_id) "
    "AND (attribute_not_exists(session_id) OR session_id = :session)"
)
HAS_NO_PAGE = "attempt = :attempt AND attribute_not_exists(session_id)"


class Started(msgspec.Struct, frozen=True):
    """A gift's own record. `attempt` counts pages, each good for a day; `amount` is what is charged, in minor units."""

    gift_id: str
    request_hash: str
    amount: int
    currency: str
    frequency: Frequency
    attempt_at: datetime
    attempt: int = 1
    session_id: str = ""
    checkout_url: str = ""
    progress: Progress = "started"
    donor_id: str = ""
    charge_id: str = ""

    @property
    def total(self) -> Money:
        """What is charged, as it was worked out when the gift was first asked for."""
        return Money(self.amount, self.currency)

    @property
    def page_ends_at(self) -> datetime:
        return self.attempt_at + PAGE_LIFETIME

    @property
    def is_over(self) -> bool:
        """Whether this attempt can come to nothing any more: its page ended, or it is too late to have one made."""
        return bool(self.session_id) or self.progress != "started" or now() > self.page_ends_at - TOO_SHORT


def keep(gift_id: str, request_hash: str, total: Money, frequency: Frequency) -> Started:
    """The gift's record, made now or before. Raises GiftTaken if it is another gift's."""
    made = Started(gift_id, request_hash, total.minor, total.currency, frequency, now())
    try:
        items.put(items.giving(), items.as_item(_key(gift_id), made), items.ABSENT)
    except items.ConditionFailed:
        known = read(gift_id)
        assert known is not None
        if known.request_hash != request_hash:
            raise GiftTaken from None
        return known
    return made


def read(gift_id: str) -> Started | None:
    """The record of a gift, or None for an id that nobody started."""
    item = items.get(items.giving(), _key(gift_id))
    return items.as_struct(item, Started) if item else None


def next_attempt(over: Started) -> Started:
    """The record ready for another page, now that this attempt is over; or what it has become meanwhile."""
    change = (
        "SET attempt = :next, attempt_at = :at, progress = :started, progress_rank = :zero "
        "REMOVE session_id, checkout_url"
    )
    values = {
        ":next": over.attempt + 1, ":at": keys.moment(now()), ":started": "started", ":zero": 0,
        ":seen": over.attempt, ":session": over.session_id or "none",
    }  # fmt: skip
    return items.as_struct(_update_or_read(over.gift_id, change, values, STILL_WITHOUT_A_PAGE), Started)


def keep_page(started: Started, session_id: str, url: str) -> Started:
    """
    The record with the page that was made for it, or with the one that another try had made before.

    Whatever came of the attempt before is forgotten: this page is a new beginning.
    """
    change = "SET session_id = :session, checkout_url = :url, progress = :started, progress_rank = :zero"
    values = {
        ":session": session_id, ":url": url, ":started": "started", ":zero": 0,
        ":attempt": started.attempt,
    }  # fmt: skip
    return items.as_struct(_update_or_read(started.gift_id, change, values, HAS_NO_PAGE), Started)


def paid(gift_id: str, donor_id: str, charge_id: str) -> bool:
    """
    Note on a gift's own record which charge pays it, and whose; False if that is another charge.

    Whoever paid: the record is the one place where two payers of one gift
    meet. Renewals have no such record.
    """
    values = {":donor": donor_id, ":charge": charge_id}
    try:
        items.update(
            items.giving(), _key(gift_id), "SET donor_id = :donor, charge_id = :charge", values, IS_THIS_PAYMENT
        )
    except items.ConditionFailed as overtaken:
        return overtaken.item is None
    return True


def progressed(gift_id: str, session_id: str, progress: Progress) -> None:
    """
    Note what became of a gift's payment page; never back to an earlier state, never by an older page.

    A word about a page that is not the gift's present one is left aside:
    the donor may already be paying on the next.
    """
    change, values = "SET progress = :progress, progress_rank = :rank", {":progress": progress, ":rank": RANK[progress]}
    try:
        items.update(items.giving(), _key(gift_id), change, {**values, ":session": session_id}, IS_LATER)
    except items.ConditionFailed:
        return


def _key(gift_id: str) -> keys.Key:
    return keys.pointer("GIFT", gift_id)


def _update_or_read(gift_id: str, change: str, values: items.Item, condition: str) -> items.Item:
    """What the record is after the change, or what it was found to be instead."""
    try:
        return items.update(items.giving(), _key(gift_id), change, values, condition)
    except items.ConditionFailed as overtaken:
        if overtaken.item is None:
            raise
        return overtaken.item
