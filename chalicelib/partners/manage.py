"""
The donor's control over their monthly gift.

Stripe is asked first; what we keep and say follows from its answer. A
refusal or a timeout is passed on as what it is, never shown as success.

What is asked for and stands so already is no change: Stripe is asked for
nothing and nobody is mailed. It stands so when both Stripe and our own record
say it; while they differ, a try that died or whose answer was lost has told
the donor nothing yet.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, TypeVar

import msgspec
from msgspec.structs import replace

from chalicelib import charity, settings
from chalicelib.clock import now
from chalicelib.errors import Conflict, InvalidInput, NotThere
from chalicelib.money import Money, in_words
from chalicelib.partners import store
from chalicelib.partners.asked import Done, What, carry_out, day_in_words, done, going_on, not_while_taken, own
from chalicelib.partners.partnership import EndReason, Partnership, begin_of, check_day, check_pause, next_on_day
from chalicelib.processor import events, stripe_api, unpaid

# Stripe takes a month's gift within about an hour of its time; while it does, the next one's day cannot be moved
# without the chance of a second gift, or of none.
BEING_TAKEN = timedelta(hours=1)

CHANGED: dict[tuple[bool, bool], What] = {
    (False, False): "nothing", (True, False): "amount", (False, True): "day", (True, True): "amount_and_day",
}  # fmt: skip

T = TypeVar("T")


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


def change(donor_id: str, partnership_id: str, wanted: Change) -> Done:
    """
    Set another amount, another day, or both. The page sends both, whichever was meant.

    Raises InvalidInput, Conflict, NotFound, ProcessorRefused, ProcessorUnsure.
    """
    kept = own(donor_id, partnership_id)
    asked_for = _checked_amount(wanted, kept)
    stands = going_on(donor_id, partnership_id)
    amount = _unless_so(asked_for, kept.amount, stands.amount)
    day = _unless_so(wanted.day, kept.day, stands.day)
    what = CHANGED[amount is not None, day is not None]
    if what == "nothing":
        return Done(stands)
    said = " ".join([*([f"{in_words(amount)} a month"] if amount else []), *([f"on day {day}"] if day else [])])
    params = {**_amount_params(stands, amount), **_day_params(stands, day)}
    if not params:
        return Done(done(stands, said), what)  # done at Stripe by an earlier try, and not told yet
    becomes = replace(stands.terms, amount=amount or stands.amount, day=day or stands.day)
    return Done(carry_out(stands, said, becomes, {"proration_behavior": "none", **params}), what)


def pause(donor_id: str, partnership_id: str, wanted: Pause) -> Done:
    """
    Charge nothing until that day, and nothing that is unpaid now.

    Source: https://docs.stripe.com/billing/subscriptions/pause-payment
    """
    kept, stands = own(donor_id, partnership_id), going_on(donor_id, partnership_id)
    resumes = begin_of(wanted.until, stands.zone)
    check_pause(resumes, now())
    if kept.paused_until == stands.paused_until == resumes:
        # An earlier try may have died between the pause and this, its other half.
        unpaid.give_up(partnership_id)
        return Done(stands)
    held = {"behavior": "void", "resumes_at": int(resumes.timestamp())}
    becomes = replace(stands.terms, paused=True, paused_until=resumes)
    said = f"paused until {day_in_words(wanted.until)}"
    return Done(carry_out(stands, said, becomes, {"pause_collection": held}, nothing_owed=True), "paused")


def resume(donor_id: str, partnership_id: str) -> Done:
    """
    End a pause, or take a skip back, now. The next charge is the next one due; nothing is made up for.

    While our own record says paused it is done again, which is harmless: a try
    whose answer was lost has told the donor nothing yet.
    """
    known = own(donor_id, partnership_id)
    if known.state != "paused":
        known = going_on(donor_id, partnership_id)
    if known.state != "paused":
        return Done(known)
    said = f"your gift of {day_in_words(known.date_of(known.skips))} is not skipped" if known.skips else "resumed"
    becomes = replace(known.terms, paused=False, paused_until=None)
    try:
        resumed = carry_out(known, said, becomes, {"pause_collection": ""})
    except NotThere:
        return Done(going_on(donor_id, partnership_id))  # raises Conflict: it has ended meanwhile
    return Done(resumed, "not_skipped" if known.skips else "resumed")


def cancel(donor_id: str, partnership_id: str, wanted: Cancel) -> Done:
    """End the monthly gift at once, and what is unpaid of it. Twice is harmless. Its mail follows from the state."""
    known = own(donor_id, partnership_id)
    if known.state == "ended":
        return Done(known)
    # Ended already, by staff or by an earlier try whose answer was lost, is as good.
    with suppress(NotThere):
        stripe_api.cancel_subscription(partnership_id, {"cancellation_details": {"comment": wanted.reason}})
    unpaid.give_up(partnership_id)
    return Done(done(known, "ended"), "ended")


def card_page(records: tuple[str, ...], partnership_id: str = "") -> str:
    """
    The address of Stripe's page for changing the card of this monthly gift.

    Each may have a Stripe customer, and so a card, of its own. Without a name
    it is the one with a payment problem, or else the newest.
    """
    holder = store.holder(records, partnership_id) if partnership_id else ""
    named = [own(holder, partnership_id)] if holder else store.of_person(records)
    running = [each for each in named if each.state != "ended"]
    if not running:
        raise Conflict("There is no monthly gift to change the card of.", code="no_partnership")
    first = min(running, key=lambda each: each.state != "payment_problem")
    return stripe_api.billing_portal(first.customer_id, f"{settings.current().site_url}/portal/partnerships")


def _checked_amount(wanted: Change, kept: Partnership) -> Money | None:
    """
    The amount that is wanted, if one is; another one than before is checked before Stripe is asked anything.

    What is given already may go on, though less could not be begun with today. Raises InvalidInput.
    """
    if wanted.amount is None:
        if wanted.day is None:
            raise InvalidInput("Say what to change: the amount or the day.", code="missing", field="amount")
        return None
    amount = Money(wanted.amount, kept.amount.currency)
    if amount != kept.amount:
        charity.current().check_amount(amount)
    return amount


def _unless_so(wanted: T | None, kept: T, stands: T) -> T | None:
    """What is wanted, unless it is wanted no other than it is: by our own record, and at Stripe."""
    return None if {wanted} == {kept, stands} else wanted


def _amount_params(stands: Partnership, amount: Money | None) -> dict[str, object]:
    """
    The next charge is the new amount; nothing is charged or given back now.

    What the donor once added towards the fee belonged to the old amount, and stays while that does.
    """
    if amount is None or amount == stands.amount:
        return {}
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


def _day_params(stands: Partnership, day: int | None) -> dict[str, object]:
    """
    Stripe moves the day of all later charges to the end of a trial, and charges nothing until then.

    Source: https://docs.stripe.com/billing/subscriptions/billing-cycle#changing
    """
    if day is None or day == stands.day:
        return {}
    if stands.state != "active" or stands.next_charge_at is None:
        raise Conflict("The day can be changed while the monthly gift is active.", code="partnership_not_active")
    check_day(day)
    if stands.next_charge_at < now() + BEING_TAKEN:
        raise Conflict(
            "This month's gift is just being taken. Please change the day in an hour.", code="gift_being_taken"
        )
    # A move begins another period, and its invoice over nothing is the latest: nobody would hear if this month's fails.
    not_while_taken(stands, "change the day")
    moved = next_on_day(day, stands.next_charge_at, now(), stands.zone)
    return {"trial_end": int(moved.timestamp())}
