"""
The donor's control over their monthly gift.

Stripe is asked first; what we keep and say follows from its answer. A
refusal or a timeout is passed on as what it is, never shown as success.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Annotated

import msgspec

from chalicelib import charity, settings
from chalicelib.clock import now
from chalicelib.errors import Conflict, InvalidInput, NotFound, NotThere
from chalicelib.mail import outbox
from chalicelib.money import Money, in_words
from chalicelib.partners import store
from chalicelib.partners.partnership import Partnership, check_pause, next_on_day
from chalicelib.partners.tell import PartnershipChanged
from chalicelib.processor import events, settle, stripe_api


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
    going_on = _going_on(donor_id, partnership_id)
    if wanted.amount is None and wanted.day is None:
        raise InvalidInput("Say what to change: the amount or the day.", code="missing", field="amount")
    params: dict[str, object] = {"proration_behavior": "none"}
    said = []
    if wanted.amount is not None:
        amount = Money(wanted.amount, going_on.amount.currency)
        charity.current().check_amount(amount)
        params |= _amount_params(going_on, amount)
        said.append(f"{in_words(amount)} a month")
    if wanted.day is not None:
        params |= _day_params(going_on, wanted.day)
        said.append(f"on day {wanted.day}")
    stripe_api.change_subscription(partnership_id, params)
    return _done(donor_id, partnership_id, " ".join(said))


def pause(donor_id: str, partnership_id: str, wanted: Pause) -> Partnership:
    """Charge nothing until that day. Source: https://docs.stripe.com/billing/subscriptions/pause-payment"""
    _going_on(donor_id, partnership_id)
    resumes = datetime.combine(wanted.until, time(), UTC)
    check_pause(resumes, now())
    held = {"behavior": "void", "resumes_at": int(resumes.timestamp())}
    stripe_api.change_subscription(partnership_id, {"pause_collection": held})
    return _done(donor_id, partnership_id, f"paused until {wanted.until:%d %B %Y}")


def resume(donor_id: str, partnership_id: str) -> Partnership:
    """End a pause now. The next charge is the next one due; nothing is made up for."""
    going_on = _going_on(donor_id, partnership_id)
    if going_on.state != "paused":
        return going_on
    stripe_api.change_subscription(partnership_id, {"pause_collection": ""})
    return _done(donor_id, partnership_id, "resumed")


def cancel(donor_id: str, partnership_id: str, wanted: Cancel) -> Partnership:
    """End the monthly gift at once. Doing it twice is harmless. Its own mail follows from the state."""
    known = _own(donor_id, partnership_id)
    if known.state == "ended":
        return known
    # Ended already, by staff or by an earlier try whose answer was lost, is as good.
    with suppress(NotThere):
        stripe_api.cancel_subscription(partnership_id, {"cancellation_details": {"comment": wanted.reason}})
    return _done(donor_id, partnership_id, "ended")


def card_page(donor_id: str) -> str:
    """The address of Stripe's page for changing the card of the donor's monthly gift."""
    going_on = [each for each in store.of_donor(donor_id) if each.state != "ended"]
    if not going_on:
        raise Conflict("There is no monthly gift to change the card of.", code="no_partnership")
    return stripe_api.billing_portal(going_on[0].customer_id, f"{settings.current().site_url}/portal/partnerships")


def _own(donor_id: str, partnership_id: str) -> Partnership:
    found = store.one(donor_id, partnership_id)
    if found is None:
        raise NotFound("There is no such monthly gift.")
    return found


def _going_on(donor_id: str, partnership_id: str) -> Partnership:
    found = _own(donor_id, partnership_id)
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
    return {"trial_end": int(next_on_day(day, going_on.next_charge_at, now()).timestamp())}


def _done(donor_id: str, partnership_id: str, said: str) -> Partnership:
    """Read from Stripe what stands now, keep it, and have the donor told by mail."""
    settle.read_partnership(partnership_id)
    outbox.ask(PartnershipChanged(donor_id, partnership_id, said, secrets.token_hex(8)))
    return _own(donor_id, partnership_id)
