"""What happens when a donor presses the button on the hosted Checkout page."""

from typing import Any

from stripe.checkout import Session

from local.standin import cards, customers, invoice_payments, invoices, payment_methods, payments, subscriptions
from local.standin.cards import Outcome
from local.standin.checkout import KIND
from local.standin.payment_methods import Payer
from local.standin.problems import Problem
from local.standin.shapes import part
from local.standin.world import Thing, World


def open_session(world: World, id: str) -> Thing:
    """Raises Problem: 404 if there is none, 409 if it is over."""
    session = world.get(KIND, id)
    if session is None:
        raise Problem(404, "no_such_session", f"No such Checkout Session: {id}")
    if session["status"] != "open":
        raise Problem(409, f"session_{session['status']}", f"This Checkout Session is {session['status']}.")
    return session


def submit(world: World, id: str, number: Any, payer: Payer, authenticated: bool | None) -> dict[str, Any]:
    """
    One press of the button. Answers `status`: paid, processing, declined or requires_action.

    `authenticated` None stops at 3-D Secure, as the page does before it has asked.
    """
    session, source = open_session(world, id), cards.find(number)
    payer = _with_known_email(session, payer)
    outcome = cards.judge(source, True, authenticated)
    if outcome.reason == "incorrect_number":
        return _answer(session, outcome)
    method = payment_methods.enter(world, source, payer)
    if world.notes[id]["free"]:
        outcome = _start_later(world, session, method, payer, outcome)
    elif outcome.status in ("declined", "requires_action"):
        outcome = payments.attempt(world, _intent(world, session), method, True, authenticated)
    elif session["mode"] == "payment":
        outcome = _give_once(world, session, method, payer)
    else:
        outcome = _give_monthly(world, session, method, payer)
    return _answer(session, outcome)


def _with_known_email(session: Thing, payer: Payer) -> Payer:
    known = (session["customer_details"] or {}).get("email")
    return Payer(known or payer.email, payer.name, payer.phone, payer.address)


def _answer(session: Thing, outcome: Outcome) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": outcome.status}
    if outcome.status in ("paid", "processing"):
        answer["redirect"] = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    if outcome.reason:
        answer |= {"decline_code": outcome.decline_code, "message": outcome.message}
    return answer


def _intent(world: World, session: Thing) -> Thing:
    """The PaymentIntent of this visit, made when the button is first pressed."""
    notes = world.notes[session["id"]]
    if "intent" not in notes:
        wanted = notes["wanted"].get("payment_intent_data", {})
        given = {name: wanted[name] for name in (
            "description", "metadata", "receipt_email", "setup_future_usage", "statement_descriptor_suffix",
            "statement_descriptor") if name in wanted}
        if session["mode"] == "subscription":
            given = {"description": "Subscription creation", "setup_future_usage": "off_session"}
        intent = payments.want(world, session["amount_total"], session["currency"], customer=session["customer"],
                               **given)
        notes["intent"] = intent["id"]
        if session["mode"] == "payment":
            session["payment_intent"] = intent["id"]
    return world.find("payment_intent", notes["intent"])


def _give_once(world: World, session: Thing, method: Thing, payer: Payer) -> Outcome:
    if session["customer"] or session["customer_creation"] == "always":
        session["customer"] = _customer(world, session, payer)["id"]
    intent = _intent(world, session)
    intent["customer"] = session["customer"]
    if intent["setup_future_usage"] and session["customer"]:
        payment_methods.attach(world, method, session["customer"])
    outcome = payments.attempt(world, intent, method, True, True)
    complete(world, session, payer, "paid" if outcome.status == "paid" else "unpaid")
    return outcome


def _give_monthly(world: World, session: Thing, method: Thing, payer: Payer) -> Outcome:
    subscription, invoice = _subscribe(world, session, method, payer)
    intent = _intent(world, session)
    intent["customer"] = session["customer"]
    invoices.finalize(world, invoice, intent)
    outcome = invoices.collect(world, invoice, method, on_session=True, authenticated=True)
    if outcome.status == "processing":
        world.change(subscription, "customer.subscription.updated", status="active")
    complete(world, session, payer, "paid" if outcome.status == "paid" else "unpaid")
    return outcome


def _start_later(world: World, session: Thing, method: Thing, payer: Payer, outcome: Outcome) -> Outcome:
    """Nothing is charged today; a card that would be declined is refused all the same."""
    if outcome.status in ("declined", "requires_action"):
        return outcome
    _, invoice = _subscribe(world, session, method, payer)
    invoices.finalize(world, invoice)
    complete(world, session, payer, "no_payment_required")
    return Outcome("paid")


def _subscribe(world: World, session: Thing, method: Thing, payer: Payer) -> tuple[Thing, Thing]:
    notes = world.notes[session["id"]]
    customer = _customer(world, session, payer)
    payment_methods.attach(world, method, customer["id"])
    customer["currency"] = customer["currency"] or session["currency"]
    subscription = subscriptions.start(world, customer, method, notes["lines"],
                                       notes["wanted"].get("subscription_data", {}))
    invoice = invoices.draft(world, subscription, "subscription_create", free=notes["free"])
    session.update(customer=customer["id"], subscription=subscription["id"], invoice=invoice["id"])
    return subscription, invoice


def _customer(world: World, session: Thing, payer: Payer) -> Thing:
    """Who pays: the session's customer, touched up where the session allows, or a new one."""
    if session["customer"] is None:
        given: dict[str, Any] = {"email": payer.email, "name": payer.name, "phone": payer.phone,
                                 "address": payer.full_address()}
        given["preferred_locales"] = [session["locale"] or "en"]
        return customers.create(world, {name: each for name, each in given.items() if each})
    customer = world.find("customer", session["customer"])
    if not customer["email"]:  # Checkout asks for one then, and keeps it on the customer
        world.change(customer, "customer.updated", email=payer.email)
    allowed = world.notes[session["id"]]["wanted"].get("customer_update", {})
    typed = {"name": payer.name, "address": payer.full_address() if payer.address else None}
    world.change(customer, "customer.updated", **{
        name: each for name, each in typed.items() if each and allowed.get(name) == "auto"})
    return customer


def complete(world: World, session: Thing, payer: Payer, payment_status: str) -> None:
    details = part(Session.CustomerDetails, email=payer.email, name=payer.name, phone=payer.phone,
                   address=payer.full_address(), tax_exempt="none", tax_ids=[])
    if session.get("name_collection", {}).get("individual"):
        details["individual_name"] = payer.name
        session["collected_information"] = part(Session.CollectedInformation, individual_name=payer.name)
    session.update(status="complete", payment_status=payment_status, customer_details=details, url=None)
    world.tell("checkout.session.completed", session)


def settled(world: World, intent: Thing, outcome: Outcome) -> None:
    """A bank debit made on this page arrived or came back."""
    session = of_intent(world, intent)
    if session is None or session["payment_status"] != "unpaid":
        return
    if outcome.status == "paid":
        session["payment_status"] = "paid"
        world.tell("checkout.session.async_payment_succeeded", session)
    else:
        world.tell("checkout.session.async_payment_failed", session)


def of_intent(world: World, intent: Thing) -> Thing | None:
    """The session whose button made this PaymentIntent."""
    invoice = invoice_payments.invoice_of(world, intent)
    for session in world.all(KIND, status="complete"):
        if session["payment_intent"] == intent["id"] or (invoice and session["invoice"] == invoice["id"]):
            return session
    return None


payments.WHEN_SETTLED.append(settled)
