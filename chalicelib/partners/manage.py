"""
The donor's control over their monthly gift.

Stripe is asked first; what we keep and say follows from its answer. A
refusal or a timeout is passed on as what it is, never shown as success.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated

import msgspec
from msgspec.structs import replace

from chalicelib import charity, settings
from chalicelib.clock import now
from chalicelib.errors import Conflict, InvalidInput, NotThere
from chalicelib.money import Money, in_words
from chalicelib.partners import store
from chalicelib.partners.asked import carry_out, day_in_words, done, going_on, own
from chalicelib.partners.partnership import EndReason, Partnership, begin_of, check_day, check_pause, next_on_day
from chalicelib.processor import events, stripe_api, unpaid

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
    """Why, if the donor wants to say: one of a few words, so that nothing personal is kept."""

    reason: EndReason = ""


def change(donor_id: str, partnership_id: str, wanted: Change) -> Partnership:
    """
    Set another amount, another day, or both.

    Raises InvalidInput, Conflict, NotFound, ProcessorRefused, ProcessorUnsure.
    """
    kept = own(donor_id, partnership_id)
    amount = _checked_amount(wanted, kept)
    stands = going_on(donor_id, partnership_id)
    params: dict[str, object] = {"proration_behavior": "none"}
    said, becomes = [], stands.terms
    if amount:
        params |= _amount_params(stands, amount)
        becomes = replace(becomes, amount=amount)
        said.append(f"{in_words(amount)} a month")
    if wanted.day is not None and {kept.day, stands.day} != {wanted.day}:
        params |= _day_params(stands, wanted.day)
        becomes = replace(becomes, day=wanted.day)
        said.append(f"on day {wanted.day}")
    if not said:
        return stands  # the day that it is on already
    return carry_out(stands, " ".join(said), becomes, params)


def pause(donor_id: str, partnership_id: str, wanted: Pause) -> Partnership:
    """
    Charge nothing until that day, and nothing that is unpaid now.

    Source: https://docs.stripe.com/billing/subscriptions/pause-payment
    """
    stands = going_on(donor_id, partnership_id)
    resumes = begin_of(wanted.until, stands.zone)
    check_pause(resumes, now())
    held = {"behavior": "void", "resumes_at": int(resumes.timestamp())}
    becomes = replace(stands.terms, paused=True, paused_until=resumes)
    said = f"paused until {day_in_words(wanted.until)}"
    return carry_out(stands, said, becomes, {"pause_collection": held}, nothing_owed=True)


def resume(donor_id: str, partnership_id: str) -> Partnership:
    """
    End a pause, or take a skip back, now. The next charge is the next one due; nothing is made up for.

    While our own record says paused it is done again, which is harmless: a try
    whose answer was lost has told the donor nothing yet.
    """
    known = own(donor_id, partnership_id)
    if known.state != "paused":
        known = going_on(donor_id, partnership_id)
    if known.state != "paused":
        return known
    said = f"your gift of {day_in_words(known.date_of(known.skips))} is not skipped" if known.skips else "resumed"
    becomes = replace(known.terms, paused=False, paused_until=None)
    try:
        return carry_out(known, said, becomes, {"pause_collection": ""})
    except NotThere:
        return going_on(donor_id, partnership_id)  # raises Conflict: it has ended meanwhile


def cancel(donor_id: str, partnership_id: str, wanted: Cancel) -> Partnership:
    """End the monthly gift at once, and what is unpaid of it. Twice is harmless. Its mail follows from the state."""
    known = own(donor_id, partnership_id)
    if known.state == "ended":
        return known
    # Ended already, by staff or by an earlier try whose answer was lost, is as good.
    with suppress(NotThere):
        stripe_api.cancel_subscription(partnership_id, {"cancellation_details": {"comment": wanted.reason}})
    unpaid.give_up(partnership_id)
    return done(known, "ended")


def card_page(donor_id: str, partnership_id: str = "") -> str:
    """
    The address of Stripe's page for changing the card of this monthly gift.

    Each may have a Stripe customer, and so a card, of its own. Without a name
    it is the one with a payment problem, or else the newest.
    """
    named = [own(donor_id, partnership_id)] if partnership_id else store.of_donor(donor_id)
    running = [each for each in named if each.state != "ended"]
    if not running:
        raise Conflict("There is no monthly gift to change the card of.", code="no_partnership")
    first = min(running, key=lambda each: each.state != "payment_problem")
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


def _amount_params(stands: Partnership, amount: Money) -> dict[str, object]:
    """
    The next charge is the new amount; nothing is charged or given back now.

    What the donor once added towards the fee belonged to the old amount.
    """
    item_id, product_id = events.item_of(stripe_api.subscription(stands.partnership_id))
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


def _day_params(stands: Partnership, day: int) -> dict[str, object]:
    """
    Stripe moves the day of all later charges to the end of a trial, and charges nothing until then.

    Source: https://docs.stripe.com/billing/subscriptions/billing-cycle#changing
    """
    if stands.state != "active" or stands.next_charge_at is None:
        raise Conflict("The day can be changed while the monthly gift is active.", code="partnership_not_active")
    check_day(day)
    if stands.next_charge_at < now() + BEING_TAKEN:
        raise Conflict(
            "This month's gift is just being taken. Please change the day in an hour.", code="gift_being_taken"
        )
    moved = next_on_day(day, stands.next_charge_at, now(), stands.zone)
    return {"trial_end": int(moved.timestamp())}
