"""
From a hint to the books.

Every event, and reconcile, comes through here: fetch the object as it is
now, derive facts, write each once, then send what is due. All of it may run
any number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Literal

import msgspec

from chalicelib import charity, log
from chalicelib.errors import NotThere
from chalicelib.gift_aid import pending as gift_aid
from chalicelib.giving import donors, ledger, receipts, started
from chalicelib.giving.gift import About, Fact, Payment, second_payment_id, without_their_half
from chalicelib.guard import outcomes
from chalicelib.partners import store as partnerships
from chalicelib.partners import tell
from chalicelib.partners.partnership import Partnership
from chalicelib.processor import checkouts, events, stripe_api, trouble, unpaid, whose, worn_pages
from chalicelib.processor.events import Object
from chalicelib.processor.webhook import Hint
from chalicelib.statements import superseding, yearly
from chalicelib.statements.tax_year import settle as date_in_zone


def handle(hint: Hint) -> None:
    """Bring the books up to what Stripe says now about the object of an event."""
    work = HANDLERS.get(hint.type)
    if work is None or not (hint.object_id or hint.charge_id):
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

    There is none of a payment that has not arrived, nor of another product's,
    nor of one of which Stripe says something that we do not know, or says that
    it succeeded and was not paid.
    """

    of: Literal["a gift", "no payment", "something else", "not known"]
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
        _look_at_failure(found)
        return Settled("no payment" if events.is_unpaid(found) else "not known")
    of = whose.of_charge(found)
    about, subscription_id = of.about, of.subscription_id
    if about is None:
        log.count("charge_not_ours", charge=charge_id)
        return Settled("something else")
    known = ledger.place_of(charge_id)
    donor_id, gift_at = whose.donor_and_when(found, known)
    booked = msgspec.structs.replace(about, gift_id=_booked_as(about.gift_id, donor_id, charge_id, known))
    told = _facts(found, gift_at, _payment(found, booked, subscription_id, gift_at))
    new = ledger.record(donor_id, told)
    _look_out_for_halves(charge_id, told)
    place = _place(charge_id)
    if place.unfinished:
        _look_out_for_the_erased(place)
        _learn_address(place, found)
    if place.unfinished and charity.current().takes_gift_aid(found["currency"]):
        gift_aid.take(donor_id, place.gift_id)
    receipts.send(donor_id, place.gift_id)
    superseding.look(place)
    if subscription_id:
        _watch_for_late_charge(found, partnership(subscription_id))
    outcomes.learn(found, about.gift_id, monthly=bool(subscription_id))
    ledger.finish(place)
    return Settled("a gift", told, new)


def session(session_id: str) -> None:
    """Bring a gift's own record up to what became of its checkout."""
    found = stripe_api.checkout(session_id)
    about = events.about_of(events.metadata_on(found))
    if about is None:
        log.count("session_not_ours", session=session_id)
        return
    if checkouts.may_be_paid(found):
        for charge_id in _charges_of_session(found):
            charge(charge_id)
        return
    started.progressed(about.gift_id, session_id, _progress(found))


def invoice(invoice_id: str) -> None:
    """Settle the charges that paid an invoice, and see how its partnership stands."""
    found = stripe_api.invoice(invoice_id)
    if events.about_of_invoice(found) is None:
        log.count("invoice_not_ours", invoice=invoice_id)
        return
    for charge_id in _paid_charges(stripe_api.payment_intents_of(invoice_id)):
        charge(charge_id)
    partnership(events.subscription_of(found))


def partnership(subscription_id: str) -> Partnership | None:
    """
    Keep how a subscription stands now, and tell the donor what they need to know.

    First it is put right at Stripe, and what is not to be taken is given up.
    Nothing is done for a state that we do not know. What is kept stands
    unfinished until all of that is done.
    """
    found, kept = _read_and_kept(subscription_id)
    if kept.stands and kept.stands.state != "unclear" and _put_right(found, kept.stands):
        found, kept = _read_and_kept(subscription_id)
    stands = kept.stands
    if stands is None:
        log.count("subscription_left_aside", subscription=subscription_id)
        return None
    if stands.state != "unclear":
        _give_up_unpaid(found, stands)
        tell.how_it_stands(stands)
    partnerships.finish(kept)
    return stands


def _put_right(found: Object, stands: Partnership) -> bool:
    """
    Have a subscription stand at Stripe as it should; whether something was asked for, and it stands anew.

    It takes up the donor's new card. Where no event had told of it when its
    donor was erased it is ended: nobody else could, for it is of no page of
    ours, and its donor can sign in no more.
    """
    if stands.state != "ended" and donors.is_erased(stands.donor_id):
        # Ended already, by staff or by an earlier try whose answer was lost, is as good.
        with suppress(NotThere):
            stripe_api.cancel_subscription(stands.partnership_id, {})
        return True
    card = trouble.newer_card(found)
    if card:
        stripe_api.change_subscription(stands.partnership_id, {"default_payment_method": card})
    return bool(card)


def _give_up_unpaid(found: Object, stands: Partnership) -> None:
    """Give up what was asked for and is not to be taken. A month that was not paid is not made up for in the next."""
    if trouble.takes_nothing(found):
        unpaid.give_up(stands.partnership_id)
    elif stands.state == "payment_problem":
        unpaid.give_up(stands.partnership_id, but=events.latest_invoice_of(found))


def read_partnership(subscription_id: str) -> Partnership | None:
    """Keep how a subscription stands now, and give it back; None if it is not ours or was never paid for."""
    return _read_and_kept(subscription_id)[1].stands


def _read_and_kept(subscription_id: str) -> tuple[Object, partnerships.Seen]:
    """
    A subscription and how it is kept from now on: nothing if it is not ours or was never paid for.

        we: read version 4 ....... ask Stripe ....... write 5, if still 4
        other:        ... read 4 ... ask ... write 5 -> ours fails, we begin again

    So every answer that is kept was asked for after the one it replaces had
    been written: an old answer never covers a newer one. What the donor is to
    be told because it differs is asked for before it is kept.
    """
    for _ in range(partnerships.TRIES):
        seen = partnerships.seen(subscription_id)
        found, stands = _as_it_stands(subscription_id, seen)
        if stands is None:
            return found, partnerships.Seen()
        if seen.stands and seen.stands.method_id not in {"", stands.method_id}:
            tell.paid_from_another(stands)
        unfinished = seen.unfinished or stands != seen.stands
        if partnerships.replace(stands, seen.version, unfinished=unfinished):
            return found, partnerships.Seen(stands.donor_id, seen.version + 1, stands, unfinished)
    raise OverflowError("a partnership keeps changing while it is read")


def partnership_now(subscription_id: str) -> Partnership | None:
    """How a subscription stands at Stripe now, without keeping it; None if it is not ours or was never paid for."""
    return _as_it_stands(subscription_id, partnerships.seen(subscription_id))[1]


def _as_it_stands(subscription_id: str, seen: partnerships.Seen) -> tuple[Object, Partnership | None]:
    found = stripe_api.subscription(subscription_id)
    if not events.is_partnership(found):
        return found, None
    owed = trouble.unpaid_invoice(found)
    why = trouble.of(owed, stripe_api.payments_for(events.id_of(owed))) if owed else None
    donor_id = seen.donor_id or whose.donor_of_subscription(found)
    return found, events.partnership_of(found, donor_id, zone_of(found), why)


def zone_of(found: Object) -> str:
    """The time zone in which the gifts of a subscription are dated: the one of the entity that takes them."""
    return charity.current().entity_for(events.currency_of(found))[1].time_zone


def _watch_for_late_charge(found: Object, stands: Partnership | None) -> None:
    """
    Count money that was taken of a donor whose monthly gift had ended: staff must give it back.

    Only a charge that began after the end is one: a bank debit begun before
    may arrive days later, and a charge of the very second was there first.
    Counted whenever it is met until it is given back, so that no crash hides it.
    """
    if stands and stands.ended_at and events.made_at(found) > stands.ended_at and not found.get("refunded"):
        log.alarm("charged_after_end", charge=events.id_of(found), subscription=stands.partnership_id)


def _look_at_failure(found: Object) -> None:
    """
    Let the guard know of a card that failed, and close the page on which one too many did.

    One that names no gift of ours may still be the first of a monthly gift,
    whose subscription Stripe makes only once it is paid: its page names it, or
    it counts by its card. At a renewal nobody is at a page.
    """
    if not (events.has_failed(found) and events.is_by_card(found)):
        return
    of = whose.of_charge(found)
    if of.anothers:
        log.count("charge_not_ours", charge=events.id_of(found))
        return
    page = None if of.subscription_id else worn_pages.page_of(found, names_gift=of.about is not None)
    about = of.about or (events.about_of(events.metadata_on(page)) if page else None)
    outcomes.learn(found, about.gift_id if about else "", monthly=bool(of.subscription_id))
    if page:
        worn_pages.close_if_worn(page)


def _charge_hint(hint: Hint) -> None:
    charge(hint.charge_id or hint.object_id)


def _fraud_warning(hint: Hint) -> None:
    """
    A bank suspects fraud: staff should refund before it becomes a dispute.

    They are told unless the charge has proved to be another product's, also if it cannot be settled.
    Source: https://docs.stripe.com/disputes/prevention
    """
    charge_id, of = events.charge_named(stripe_api.fraud_warning(hint.object_id)), "not known"
    try:
        of = charge(charge_id).of
    finally:
        if of != "something else":
            log.alarm("early_fraud_warning", charge=charge_id)


def _customer(hint: Hint) -> None:
    """A donor may have changed the card: each of their monthly gifts takes it up."""
    for each in stripe_api.subscriptions_of(hint.object_id):
        partnership(events.id_of(each))


def _booked_as(gift_id: str, donor_id: str, charge_id: str, known: ledger.Place | None) -> str:
    """
    The id under which a charge is booked: the gift's own, or one of the charge's own if another charge pays that gift.

    Noted on the gift's record before anything is recorded, so that of two
    payers, each on a worker, one is the gift's. What is booked keeps its id.
    """
    stands = known.gift_id if known else gift_id
    if started.paid(stands, donor_id, charge_id):
        return stands
    log.alarm("gift_paid_twice", charge=charge_id)
    return stands if known else second_payment_id(charge_id)


def _place(charge_id: str) -> ledger.Place:
    """Where the ledger has it. Its gift id is not the donor's own if that gift was paid twice."""
    place = ledger.place_of(charge_id)
    assert place, "the payment has just been recorded"
    return place


def _look_out_for_the_erased(place: ledger.Place) -> None:
    """Money from somebody who wants to be forgotten: it is booked, nobody is mailed, and staff should look."""
    if donors.is_erased(place.donor_id):
        log.alarm("payment_after_erasure", charge=place.charge_id)
        ledger.forget_tributes(place.donor_id)


def _learn_address(place: ledger.Place, found: Object) -> None:
    """An address typed on the payment page may be the one that a statement waits for."""
    typed = events.payer_of(found).address
    if typed.reaches:
        donors.take_address(place.donor_id, typed)
        yearly.look_again(place.donor_id)


def _look_out_for_halves(charge_id: str, told: list[Fact]) -> None:
    """Stripe tells of money that came back and not of its going: it is counted as neither, and staff should look."""
    if without_their_half(told):
        log.alarm("half_untold", charge=charge_id)


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


def _first_payment(found: Object) -> Object | None:
    """The payment intent behind a monthly gift's page: only its invoice leads there."""
    invoice_id = events.id_of(found.get("invoice"))
    return next(iter(stripe_api.payments_for(invoice_id)), None) if invoice_id else None


def _progress(found: Object) -> started.Progress:
    match checkouts.status_of(found):
        case "expired":
            return "expired"
        case "complete":
            payment = checkouts.payment_of(found) or _first_payment(found)
            return "failed" if payment and checkouts.has_failed(payment) else "processing"
        case _:
            return "started"


def _charges_of_session(found: Object) -> list[str]:
    if found.get("invoice"):
        return _paid_charges(stripe_api.payment_intents_of(events.id_of(found["invoice"])))
    intent_id = events.id_of(found.get("payment_intent"))
    return _paid_charges([intent_id] if intent_id else [])


def _paid_charges(intent_ids: list[str]) -> list[str]:
    made = [each for intent_id in intent_ids for each in stripe_api.charges_of(intent_id)]
    return [events.charge_named(each) for each in made if each.get("paid")]


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
    "customer.updated": _customer,
    "radar.early_fraud_warning.created": _fraud_warning,
}  # fmt: skip
