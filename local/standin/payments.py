"""PaymentIntents: one wish to pay, over however many attempts it takes."""

from typing import Any

from stripe import PaymentIntent

from local.standin import cards, charges, disputes, fraud_warnings
from local.standin.cards import Outcome
from local.standin.listing import matching, page
from local.standin.params import PAGE, free_text, merged, metadata, moment_range, text
from local.standin.payment_methods import source_of
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import DAY, Thing, World

BANK_DEBIT_TAKES = 4 * DAY
WHEN_SETTLED: list[Any] = []
"""Called as `tell(world, intent, outcome)` when a delayed payment arrived or came back."""


def want(world: World, amount: int, currency: str, **given: Any) -> Thing:
    """A new PaymentIntent, told to the world."""
    id = world.new_id("pi")
    intent = world.add(blank(
        "payment_intent", id=id, amount=amount, amount_capturable=0,
        amount_details=part(PaymentIntent.AmountDetails), amount_received=0, capture_method="automatic_async",
        client_secret=world.new_id(f"{id}_secret", 25), confirmation_method="automatic", created=world.now(),
        currency=currency, livemode=False, metadata={}, payment_method_options={},
        payment_method_types=["card", "us_bank_account"], status="requires_payment_method"))
    intent.update(given)
    world.tell("payment_intent.created", intent)
    return intent


def attempt(world: World, intent: Thing, method: Thing, on_session: bool, authenticated: bool | None) -> Outcome:
    """Try to take the money with this method, and tell all that follows."""
    outcome = cards.judge(source_of(world, method), on_session, authenticated)
    intent.update(payment_method=method["id"], next_action=None, last_payment_error=None)
    if outcome.status == "requires_action":
        _ask_authentication(world, intent)
    elif outcome.reason == "authentication_required":
        _fail(world, intent, method, outcome, None)
    else:
        _charge(world, intent, method, outcome)
    return outcome


def _charge(world: World, intent: Thing, method: Thing, outcome: Outcome) -> None:
    charge = charges.make(world, intent, method, outcome)
    intent["latest_charge"] = charge["id"]
    if outcome.status == "declined":
        world.tell("charge.failed", charge)
        _fail(world, intent, method, outcome, charge)
    elif outcome.status == "processing":
        intent.update(status="processing")
        world.tell("charge.pending", charge)
        world.tell("payment_intent.processing", intent)
        world.plan(world.now() + BANK_DEBIT_TAKES, settle, charge["id"])
    else:
        world.tell("charge.succeeded", charge)
        _succeed(world, intent)
        _after(world, charge)


def _ask_authentication(world: World, intent: Thing) -> None:
    url = f"{world.url}/3ds/{intent['id']}"
    intent.update(status="requires_action", next_action={
        "type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": url}})
    world.tell("payment_intent.requires_action", intent)


def _succeed(world: World, intent: Thing) -> None:
    intent.update(status="succeeded", amount_received=intent["amount"], processing=None, next_action=None)
    world.tell("payment_intent.succeeded", intent)


def _fail(world: World, intent: Thing, method: Thing, outcome: Outcome, charge: Thing | None) -> None:
    intent.update(status="requires_payment_method", payment_method=None, processing=None, next_action=None)
    kind = "invalid_request_error" if outcome.reason == "authentication_required" else "card_error"
    intent["last_payment_error"] = part(
        PaymentIntent.LastPaymentError, type=kind, code=outcome.code, message=outcome.message,
        decline_code=outcome.decline_code if charge else None, charge=charge and charge["id"],
        payment_method=dict(method))
    world.tell("payment_intent.payment_failed", intent)


def _after(world: World, charge: Thing) -> None:
    """Some test cards bring trouble as soon as they have paid."""
    after = world.notes[charge["id"]].after
    if after == "dispute":
        disputes.open_on(world, charge, "fraudulent")
    elif after == "fraud_warning":
        fraud_warnings.warn(world, charge)


def settle(world: World, charge_id: str) -> None:
    """The bank's word on a delayed payment, if it is still awaited."""
    charge = world.find("charge", charge_id)
    if charge["status"] != "pending":
        return
    intent = world.find("payment_intent", charge["payment_intent"])
    later = world.notes[charge_id].later
    outcome = Outcome("declined", later) if later else Outcome("paid")
    if later:
        charges.fail(world, charge, outcome)
        _fail(world, intent, world.find("payment_method", charge["payment_method"]), outcome, charge)
    else:
        charges.succeed(world, charge)
        _succeed(world, intent)
    for told in WHEN_SETTLED:
        told(world, intent, outcome)


@route("GET /v1/payment_intents/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("payment_intent", id, "intent")


@route("GET /v1/payment_intents", created=moment_range, customer=text, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "payment_intent", params, "customer"), params, "/v1/payment_intents")


@route("POST /v1/payment_intents/{id}", description=free_text, metadata=metadata, receipt_email=free_text)
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    """No event: Stripe tells of a PaymentIntent's progress, not of its metadata."""
    intent = world.find("payment_intent", id, "intent")
    intent.update({name: each for name, each in params.items() if name not in ("expand", "metadata")})
    intent["metadata"] = merged(intent["metadata"], params.get("metadata"))
    return intent
