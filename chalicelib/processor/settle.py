"""
From a hint to the books.

Every event, and reconcile, comes through here: fetch the object as it is
now, derive facts, write each once, then send what is due. All of it may run
any number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from chalicelib import charity, log
from chalicelib.errors import NotThere
from chalicelib.giving import checkout, donors, ledger, receipts
from chalicelib.giving.gift import About, Fact, Payment
from chalicelib.guard import outcomes
from chalicelib.partners import store as partnerships
from chalicelib.partners import tell
from chalicelib.partners.partnership import Partnership
from chalicelib.processor import events, stripe_api
from chalicelib.processor.events import Object
from chalicelib.processor.webhook import Hint
from chalicelib.statements.tax_year import settle as date_in_zone


def handle(hint: Hint) -> None:
    """Bring the books up to what Stripe says now about the object of an event."""
    work = HANDLERS.get(hint.type)
    if work is None:
        log.count("event_type_unknown", kind=hint.type)
        return
    try:
        work(hint)
    except NotThere:
        # An object can be gone before its event is handled; waiting for it would never end.
        log.count("object_gone", kind=hint.type, object=hint.object_id)


class Settled(msgspec.Struct, frozen=True):
    """
    What a charge came to: every fact that Stripe tells of it, and those of them that the books lacked.

    There is none of a payment that has not arrived, nor of another product's.
    """

    of: Literal["a gift", "no payment", "something else"]
    told: list[Fact] = []
    new: list[Fact] = []


def charge(charge_id: str) -> Settled:
    """
    Write every fact of a charge that is not written yet, and mail its receipt.

    A refund told of before its payment needs no special case: whatever the
    hint was, the whole charge is read. What the payment calls for is done
    after it was written, and it stands unfinished until all of that is done.
    """
    found = stripe_api.charge(charge_id)
    if not events.is_paid(found):
        _tell_guard(found)
        return Settled("no payment")
    about, subscription_id = _about(found)
    if about is None:
        log.count("charge_not_ours", charge=charge_id)
        return Settled("something else")
    donor_id, gift_at = _whose_and_when(found)
    told = _facts(found, gift_at, _payment(found, about, subscription_id, gift_at))
    new = ledger.record(donor_id, told)
    place = _place(charge_id)
    if place.unfinished:
        _look_out_for_the_erased(place)
    checkout.paid(about.gift_id, donor_id, charge_id)
    receipts.send(donor_id, place.gift_id)
    if subscription_id:
        partnership(subscription_id)
    outcomes.learn(found, about.gift_id, monthly=bool(subscription_id))
    ledger.finish(place)
    return Settled("a gift", told, new)


def session(session_id: str) -> None:
    """Bring a gift's own record up to what became of its checkout."""
    found = stripe_api.checkout(session_id)
    about = events.about_of(found.get("metadata"))
    if about is None:
        log.count("session_not_ours", session=session_id)
        return
    intent = found.get("payment_intent")
    if found["payment_status"] == "paid":
        for charge_id in _charges_of_session(found, intent):
            charge(charge_id)
        return
    checkout.progressed(about.gift_id, session_id, _progress(found, intent))


def invoice(invoice_id: str) -> None:
    """Settle the charges that paid an invoice, and see how its partnership stands."""
    found = stripe_api.invoice(invoice_id)
    if events.about_of_invoice(found) is None:
        log.count("invoice_not_ours", invoice=invoice_id)
        return
    for charge_id in _paid_charges(stripe_api.payment_intents_of(invoice_id)):
        charge(charge_id)
    partnership(events.subscription_of(found))


def partnership(subscription_id: str) -> None:
    """Keep how a subscription stands now, and tell the donor what they need to know."""
    stands = read_partnership(subscription_id)
    if stands:
        tell.how_it_stands(stands)


def read_partnership(subscription_id: str) -> Partnership | None:
    """
    Keep how a subscription stands now, and give it back; None if it is not ours or was never paid for.

        we: read version 4 ....... ask Stripe ....... write 5, if still 4
        other:        ... read 4 ... ask ... write 5 -> ours fails, we begin again

    So every answer that is kept was asked for after the one it replaces had
    been written: an old answer never covers a newer one.
    """
    for _ in range(partnerships.TRIES):
        seen = partnerships.seen(subscription_id)
        found = stripe_api.subscription(subscription_id)
        stands = events.partnership_of(found, seen.donor_id or _donor_of_subscription(found))
        if stands is None or partnerships.replace(stands, seen.version):
            return stands
    raise OverflowError("a partnership keeps changing while it is read")


def _tell_guard(found: Object) -> None:
    """
    Let the guard know of a payment that failed.

    One that names no gift of ours may still be the first of a monthly gift,
    whose subscription Stripe makes only once it is paid: it counts by its card.
    """
    if outcomes.is_news(found):
        about, subscription_id = _about(found)
        outcomes.learn(found, about.gift_id if about else "", monthly=bool(subscription_id))


def _charge_hint(hint: Hint) -> None:
    charge(hint.charge_id or hint.object_id)


def _fraud_warning(hint: Hint) -> None:
    """A bank suspects fraud: staff should refund before it becomes a dispute (https://docs.stripe.com/disputes/prevention)."""
    warning = stripe_api.fraud_warning(hint.object_id)
    log.alarm("early_fraud_warning", charge=events.id_of(warning["charge"]))
    charge(events.id_of(warning["charge"]))


def _about(found: Object) -> tuple[About | None, str]:
    """What the donor said of the gift, and the subscription if it is a month of one."""
    intent = found.get("payment_intent")
    if not isinstance(intent, dict):
        return None, ""
    about = events.about_of(intent.get("metadata"))
    if about is not None:
        return about, ""
    paid = stripe_api.invoice_paid_by(intent["id"])
    return (events.about_of_invoice(paid), events.subscription_of(paid)) if paid else (None, "")


def _whose_and_when(found: Object) -> tuple[str, datetime]:
    """Whose gift a charge is and when it was made: settled the first time, read back ever after."""
    place = ledger.place_of(found["id"])
    if place:
        return place.donor_id, place.gift_at
    return donors.found_or_made(events.payer_of(found)), events.paid_at(found)


def _place(charge_id: str) -> ledger.Place:
    """Where the ledger has it. Its gift id is not the donor's own if that gift was paid twice."""
    place = ledger.place_of(charge_id)
    assert place, "the payment has just been recorded"
    return place


def _look_out_for_the_erased(place: ledger.Place) -> None:
    """Money from somebody who wants to be forgotten: it is booked, nobody is mailed, and staff should look."""
    donor = donors.profile(place.donor_id)
    if donor and donor.erased_at:
        log.alarm("payment_after_erasure", charge=place.charge_id)


def _payment(found: Object, about: About, subscription_id: str, at: datetime) -> Payment:
    entity_id, entity = charity.current().entity_for(found["currency"])
    return Payment(
        about=about,
        entity=entity_id,
        given_on=date_in_zone(at, entity.zone),
        subscription_id=subscription_id,
    )


def _facts(found: Object, gift_at: datetime, payment: Payment) -> list[Fact]:
    facts = [events.payment_fact(found, gift_at, payment)]
    # A refund that failed leaves `amount_refunded` at zero: only asking tells.
    facts += [fact for refund in stripe_api.refunds_of(found["id"]) for fact in events.refund_facts(refund, gift_at)]
    if found.get("disputed"):
        facts += [fact for each in stripe_api.disputes_of(found["id"]) for fact in events.dispute_facts(each, gift_at)]
    return facts


def _progress(found: Object, intent: Object | str | None) -> checkout.Progress:
    if found["status"] == "expired":
        return "expired"
    status = intent.get("status") if isinstance(intent, dict) else None
    if found["status"] == "complete":
        return "processing" if status in {None, "processing", "succeeded"} else "failed"
    return "started"


def _charges_of_session(found: Object, intent: Object | str | None) -> list[str]:
    intents = [events.id_of(intent)] if intent else []
    if found.get("invoice"):
        intents = stripe_api.payment_intents_of(events.id_of(found["invoice"]))
    return _paid_charges(intents)


def _paid_charges(intent_ids: list[str]) -> list[str]:
    return [made["id"] for intent_id in intent_ids for made in stripe_api.charges_of(intent_id) if made.get("paid")]


def _donor_of_subscription(found: Object) -> str:
    if events.about_of(found.get("metadata")) is None or found["status"] in {"incomplete", "incomplete_expired"}:
        return ""
    customer = found["customer"]
    payer = events.donor_of(customer) if isinstance(customer, dict) else donors.Donor("", customer_id=str(customer))
    return donors.found_or_made(payer)


Work = Callable[[Hint], object]

HANDLERS: dict[str, Work] = {
    **dict.fromkeys(
        (
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
        ),
        lambda hint: session(hint.object_id),
    ),
    **dict.fromkeys(
        (
            "charge.succeeded", "charge.failed", "charge.refunded", "charge.updated",
            "refund.created", "refund.updated", "refund.failed",
            "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
            "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
        ),
        _charge_hint,
    ),
    **dict.fromkeys(
        ("invoice.paid", "invoice.payment_failed", "invoice.payment_action_required"),
        lambda hint: invoice(hint.object_id),
    ),
    **dict.fromkeys(
        ("customer.subscription.updated", "customer.subscription.deleted"),
        lambda hint: partnership(hint.object_id),
    ),
    "radar.early_fraud_warning.created": _fraud_warning,
}  # fmt: skip
