"""Charges: each attempt to move a donor's money, whether it went well or not."""

from typing import Any

from stripe import Charge

from local.standin import balance
from local.standin.cards import Outcome, Source
from local.standin.expand import INCLUDED
from local.standin.listing import matching, page, whole_list
from local.standin.params import PAGE, free_text, group, merged, metadata, moment_range, one_of, text
from local.standin.payment_methods import brand_of, source_of
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import Thing, World

STATUS = {"paid": "succeeded", "processing": "pending", "declined": "failed"}


def make(world: World, intent: Thing, method: Thing, outcome: Outcome) -> Thing:
    """
    The charge of one attempt; one that was not declined has its balance transaction at once.

    A bank debit's is made when it is submitted to the bank, days before it succeeds.
    Source: https://support.stripe.com/questions/changes-to-balance-transaction-behavior-for-debit-payment-methods
    """
    source = source_of(world, method)
    paid, taken = outcome.status == "paid", outcome.status != "declined"
    id = world.new_id("py" if source.bank else "ch")
    charge = world.add(blank(
        "charge", id=id, amount=intent["amount"],
        amount_captured=intent["amount"] if taken else 0,
        amount_refunded=0, billing_details=dict(method["billing_details"]), captured=taken,
        calculated_statement_descriptor=_descriptor(intent), created=world.now(), currency=intent["currency"],
        customer=intent["customer"], description=intent["description"], disputed=False, fraud_details={},
        livemode=False, metadata=dict(intent["metadata"]), outcome=_outcome(source, outcome), paid=paid,
        payment_intent=intent["id"], payment_method=method["id"], radar_options={},
        payment_method_details=_details(source, method, intent), receipt_email=intent["receipt_email"],
        receipt_url=f"{world.url}/receipts/{id}" if paid else None, refunded=False,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"], status=STATUS[outcome.status],
        failure_code=outcome.code, failure_message=outcome.message))
    if taken:
        _book(world, charge, source)
    world.notes[id] = source
    return charge


def succeed(world: World, charge: Thing) -> None:
    """A delayed payment arrived."""
    charge.update(status="succeeded", paid=True, receipt_url=f"{world.url}/receipts/{charge['id']}")
    world.tell("charge.succeeded", charge)


def fail(world: World, charge: Thing, outcome: Outcome) -> None:
    """A delayed payment came back: a second balance transaction takes away what the first brought."""
    moved = balance.book(world, "payment_failure_refund", -charge["amount"], charge, "charge_failure")
    charge.update(status="failed", paid=False, captured=False, amount_captured=0,
                  failure_code=outcome.code, failure_message=outcome.message,
                  failure_balance_transaction=moved["id"])
    world.tell("charge.failed", charge)


def _book(world: World, charge: Thing, source: Source) -> None:
    fee = balance.fee_on(charge["amount"], source.bank)
    moved = balance.book(world, "payment" if source.bank else "charge", charge["amount"], charge, "charge", fee,
                         charge["description"])
    charge["balance_transaction"] = moved["id"]


def _descriptor(intent: Thing) -> str:
    suffix = intent["statement_descriptor_suffix"]
    return f"GIVING* {suffix}"[:22] if suffix else "GIVING"


def _outcome(source: Source, outcome: Outcome) -> Thing:
    declined = outcome.status == "declined"
    return part(
        Charge.Outcome, network_status="declined_by_network" if declined else "approved_by_network",
        reason=outcome.decline_code if declined else None,
        risk_level="not_assessed" if source.bank else "elevated" if source.after == "fraud_warning" else "normal",
        risk_score=None if source.bank else 71 if source.after == "fraud_warning" else 20,
        seller_message="The bank did not return any further details with this decline." if declined
        else "Payment complete.",
        type="issuer_declined" if declined else "authorized")


def _details(source: Source, method: Thing, intent: Thing) -> Thing:
    if source.bank:
        known = {name: method["us_bank_account"][name]
                 for name in ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4",
                              "routing_number")}
        details = part(Charge.PaymentMethodDetails.UsBankAccount, **known)
        return {"type": "us_bank_account", "us_bank_account": details}
    return {"type": "card", "card": _card(source, method["card"], intent)}


def _card(source: Source, card: Thing, intent: Thing) -> Thing:
    kinds = Charge.PaymentMethodDetails.Card
    same = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status")
    secure = part(kinds.ThreeDSecure, authentication_flow="challenge", result="authenticated", version="2.2.0")
    return part(
        kinds, **{name: card[name] for name in same}, amount_authorized=intent["amount"], network=brand_of(source),
        checks=part(kinds.Checks, address_postal_code_check="pass", cvc_check="pass"),
        extended_authorization={"status": "disabled"}, incremental_authorization={"status": "unavailable"},
        multicapture={"status": "unavailable"}, network_token={"used": False},
        overcapture={"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        three_d_secure=secure if source.asks_authentication else None)


@route("GET /v1/charges/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("charge", id)


@route("GET /v1/charges", created=moment_range, customer=text, payment_intent=text, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "charge", params, "customer", "payment_intent"), params, "/v1/charges")


@route("POST /v1/charges/{id}", description=free_text, metadata=metadata, receipt_email=free_text,
       fraud_details=group(user_report=one_of("safe", "fraudulent")))
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    charge = world.find("charge", id)
    wanted = {name: each for name, each in params.items() if name not in ("expand", "metadata")}
    wanted["metadata"] = merged(charge["metadata"], params.get("metadata"))
    world.change(charge, "charge.updated", **wanted)
    return charge


def refunds_of(world: World, charge: Thing) -> Thing:
    return whole_list(world.all("refund", charge=charge["id"])[::-1], f"/v1/charges/{charge['id']}/refunds")


INCLUDED["charge", "refunds"] = refunds_of
