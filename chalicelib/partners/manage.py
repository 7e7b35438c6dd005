"""
The donor's control over their monthly gift.

Stripe is asked first; what we keep and say follows from its answer. A
refusal or a timeout is passed on as what it is, never shown as success.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated

import msgspec

from chalicelib import charity, settings
from chalicelib.clock import now
from chalicelib.errors import Conflict, InvalidInput, NotFound, NotThere
from chalicelib.mail import outbox
from chalicelib.money import Money, in_words
from chalicelib.partners import store
from chalicelib.partners.partnership import Partnership, begin_of, check_day, check_pause, next_on_day
from chalicelib.partners.tell import PartnershipChanged
from chalicelib.processor import events, settle, stripe_api, unpaid

# Stripe takes a month's gift within about an hour of its time; while it does, the next one's day cannot be moved
# without the chance of a second gift, or of none.
BEING_TAKEN = timedelta(hours=1)


class Change(msgspec.Struct, frozen=True):
    """What to change. `amount` is in minor units of the gift's own currency; `day` is the day of the month."""

    amount: Annotated[int, msgspec.Meta(gt=0, le=99_999_999)] | None = None
    day: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None


class Pause(msgspec.Struct, frozen=True):
    """Until which day nothing is charged. Charges that fall into the pause are not made up for."""

    until: date


class Cancel(msgspec.Struct, frozen=True):
    """Why, if the donor wants to say."""

    reason: Annotated[str, msgspec.Meta(max_length=300)] = ""


def change(donor_id: str, partnership_id: str, wanted: Change) -> Partnership:
    """
    Set another amount, another day, or both.

    Raises InvalidInput, Conflict, NotFound, ProcessorRefused, ProcessorUnsure.
    """
    kept = _own(donor_id, partnership_id)
    amount = _checked_amount(wanted, kept)
    going_on = _going_on(donor_id, partnership_id)
    params: dict[str, object] = {"proration_behavior": "none"}
    said = []
    if amount:
        params |= _amount_params(going_on, amount)
        said.append(f"{in_words(amount)} a month")
    if wanted.day is not None and {kept.day, going_on.day} != {wanted.day}:
        params |= _day_params(going_on, wanted.day)
        said.append(f"on day {wanted.day}")
    if not said:
        return going_on  # the day that it is on already
    stripe_api.change_subscription(partnership_id, params)
    return _done(donor_id, partnership_id, " ".join(said))


def pause(donor_id: str, partnership_id: str, wanted: Pause) -> Partnership:
    """
    Charge nothing until that day, and nothing that is unpaid now.

    Source: https://docs.stripe.com/billing/subscriptions/pause-payment
    """
    going_on = _going_on(donor_id, partnership_id)
    resumes = begin_of(wanted.until, going_on.zone)
    check_pause(resumes, now())
    held = {"behavior": "void", "resumes_at": int(resumes.timestamp())}
    stripe_api.change_subscription(partnership_id, {"pause_collection": held})
    unpaid.give_up(partnership_id)
    return _done(donor_id, partnership_id, f"paused until {wanted.until:%d %B %Y}")


def resume(donor_id: str, partnership_id: str) -> Partnership:
    """
    End a pause now. The next charge is the next one due; nothing is made up for.

    While our own record says paused it is done again, which is harmless: a try
    whose answer was lost has told the donor nothing yet.
    """
    known = _own(donor_id, partnership_id)
    if known.state != "paused":
        known = _going_on(donor_id, partnership_id)
    if known.state != "paused":
        return known
    try:
        stripe_api.change_subscription(partnership_id, {"pause_collection": ""})
    except NotThere:
        return _going_on(donor_id, partnership_id)  # raises Conflict: it has ended meanwhile
    return _done(donor_id, partnership_id, "resumed")


def cancel(donor_id: str, partnership_id: str, wanted: Cancel) -> Partnership:
    """End the monthly gift at once, and what is unpaid of it. Twice is harmless. Its mail follows from the state."""
    known = _own(donor_id, partnership_id)
    if known.state == "ended":
        return known
    # Ended already, by staff or by an earlier try whose answer was lost, is as good.
    with suppress(NotThere):
        stripe_api.cancel_subscription(partnership_id, {"cancellation_details": {"comment": wanted.reason}})
    unpaid.give_up(partnership_id)
    return _done(donor_id, partnership_id, "ended")


def card_page(donor_id: str, partnership_id: str = "") -> str:
    """
    The address of Stripe's page for changing the card of this monthly gift.

    Each may have a Stripe customer, and so a card, of its own. Without a name
    it is the one with a payment problem, or else the newest.
    """
    named = [_own(donor_id, partnership_id)] if partnership_id else store.of_donor(donor_id)
    going_on = [each for each in named if each.state != "ended"]
    if not going_on:
        raise Conflict("There is no monthly gift to change the card of.", code="no_partnership")
    first = min(going_on, key=lambda each: each.state != "payment_problem")
    return stripe_api.billing_portal(first.customer_id, f"{settings.current().site_url}/portal/partnerships")


def _checked_amount(wanted: Change, kept: Partnership) -> Money | None:
    """The amount that is wanted, if one is; checked before Stripe is asked anything. Raises InvalidInput."""
    if wanted.amount is None:
        if wanted.day is None:
            raise InvalidInput("Say what to change: the amount or the day.", code="missing", field="amount")
        return None
    amount = Money(wanted.amount, kept.amount.currency)
    charity.current().check_amount(amount)
    return amount


def _own(donor_id: str, partnership_id: str) -> Partnership:
    found = store.one(donor_id, partnership_id)
    if found is None:
        raise NotFound("There is no such monthly gift.")
    return found


def _going_on(donor_id: str, partnership_id: str) -> Partnership:
    """
    The monthly gift as it is at Stripe now: what we kept may be older than its latest renewal.

    It is not kept here: what we kept also tells which change was not told to the donor yet.
    """
    found = _own(donor_id, partnership_id)
    if found.state != "ended":
        found = settle.partnership_now(partnership_id) or found
    if found.state == "ended":
        raise Conflict("This monthly gift has ended.", code="partnership_ended")
    return found


def _amount_params(going_on: Partnership, amount: Money) -> dict[str, object]:
    """
    The next charge is the new amount; nothing is charged or given back now.

    What the donor once added towards the fee belonged to the old amount.
    """
    item_id, product_id = events.item_of(stripe_api.subscription(going_on.partnership_id))
    price = {
        "currency": amount.currency,
        "product": product_id,
        "recurring": {"interval": "month"},
        "unit_amount": amount.minor,
    }
    return {
        "items": [{"id": item_id, "price_data": price, "quantity": 1}],
        "metadata": {"fees_covered": "0"},
    }


def _day_params(going_on: Partnership, day: int) -> dict[str, object]:
    """
    Stripe moves the day of all later charges to the end of a trial, and charges nothing until then.

    Source: https://docs.stripe.com/billing/subscriptions/billing-cycle#changing
    """
    if going_on.state != "active" or going_on.next_charge_at is None:
        raise Conflict("The day can be changed while the monthly gift is active.", code="partnership_not_active")
    check_day(day)
    if going_on.next_charge_at < now() + BEING_TAKEN:
        raise Conflict(
            "This month's gift is just being taken. Please change the day in an hour.", code="gift_being_taken"
        )
    moved = next_on_day(day, going_on.next_charge_at, now(), going_on.zone)
    return {"trial_end": int(moved.timestamp())}


def _done(donor_id: str, partnership_id: str, said: str) -> Partnership:
    """
    Have the donor told by mail, then read from Stripe what stands now, and keep it.

    In this order, so that a change which died in between is one that our own
    record does not have, and is done and told when it is asked for again.
    """
    outbox.ask(PartnershipChanged(donor_id, partnership_id, said, secrets.token_hex(8)))
    settle.read_partnership(partnership_id)
    return _own(donor_id, partnership_id)
