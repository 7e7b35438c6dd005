"""Refunds, in part or whole, and the ones that come back days later."""

from typing import Any

from stripe import Refund

from local.standin import balance
from local.standin.listing import matching, page
from local.standin.params import PAGE, merged, metadata, moment_range, one_of, text, whole
from local.standin.prices import shown
from local.standin.refusals import invalid, malformed
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import DAY, Thing, World

FAILS_AFTER = 3 * DAY
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


@route("POST /v1/refunds", charge=text, payment_intent=text, amount=whole, metadata=metadata, reason=one_of(*REASONS))
def create(world: World, params: dict[str, Any]) -> Thing:
    """Give money back, at most what is left. Raises Refused otherwise."""
    charge = _charge(world, params)
    amount = _amount(charge, params)
    refund = world.add(_new(world, charge, amount, params))
    moved = balance.book(world, "refund", -amount, refund, "refund", 0,
                         f"REFUND FOR CHARGE ({charge['description'] or charge['id']})", world.now())
    refund["balance_transaction"] = moved["id"]
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    _give_back(charge, amount)
    world.tell("charge.refunded", charge, previous)
    world.tell("refund.created", refund)
    _reach_the_donor(world, refund)
    if world.notes[charge["id"]].after == "refund_fails":
        world.plan(world.now() + FAILS_AFTER, fail, refund["id"])
    return refund


def _charge(world: World, params: dict[str, Any]) -> Thing:
    if "charge" in params:
        return _refundable(world.find("charge", params["charge"], "charge"))
    if "payment_intent" not in params:
        raise malformed("One of the following params should be provided for this request: payment_intent or "
                        "charge.", "charge", "parameter_missing")
    intent = world.find("payment_intent", params["payment_intent"], "payment_intent")
    if not intent["latest_charge"]:
        raise invalid("This PaymentIntent does not have a successful charge to refund.", "payment_intent")
    return _refundable(world.find("charge", intent["latest_charge"]))


def _refundable(charge: Thing) -> Thing:
    if charge["status"] != "succeeded":
        raise invalid(f"Charge {charge['id']} cannot be refunded: it has not succeeded.", "charge")
    if charge["disputed"]:
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge",
                      "charge_disputed")
    if charge["refunded"]:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge", "charge_already_refunded")
    return charge


def _amount(charge: Thing, params: dict[str, Any]) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if amount < 1:
        raise malformed("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if amount > left:
        currency = charge["currency"]
        raise invalid(f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on charge "
                      f"({shown(left, currency)})", "amount")
    return amount


def _new(world: World, charge: Thing, amount: int, params: dict[str, Any]) -> Thing:
    card = part(Refund.DestinationDetails.Card, type="refund", reference_status="pending",
                reference_type="acquirer_reference_number")
    details = {"type": "card", "card": card} if charge["payment_method_details"]["type"] == "card" else None
    return blank(
        "refund", id=world.new_id("re"), amount=amount, charge=charge["id"], created=world.now(),
        currency=charge["currency"], destination_details=details, metadata=merged({}, params.get("metadata")),
        payment_intent=charge["payment_intent"], reason=params.get("reason"), status="succeeded")


def _reach_the_donor(world: World, refund: Thing) -> None:
    """The card network names the refund, which Stripe tells twice."""
    before = refund["destination_details"]
    if before:
        refund["destination_details"] = before | {"card": before["card"] | {
            "reference": str(world.random.randrange(10**14, 10**15)), "reference_status": "available"}}
        _tell_update(world, refund, {"destination_details": before})


def _tell_update(world: World, refund: Thing, previous: Thing) -> None:
    world.tell("refund.updated", refund, previous)
    world.tell("charge.refund.updated", refund, previous)


def _give_back(charge: Thing, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def fail(world: World, id: str) -> None:
    """The donor's bank returned the refund: the money is the account's again."""
    refund = world.find("refund", id)
    if refund["status"] != "succeeded":
        return
    charge = world.find("charge", refund["charge"])
    back = balance.book(world, "refund_failure", refund["amount"], refund, "refund_failure", 0,
                        f"REFUND FAILURE FOR CHARGE ({charge['id']})", world.now())
    refund.update(status="failed", failure_balance_transaction=back["id"], failure_reason="expired_or_canceled_card")
    _give_back(charge, -refund["amount"])
    _tell_update(world, refund, {"failure_balance_transaction": None, "status": "succeeded"})
    world.tell("refund.failed", refund)


@route("GET /v1/refunds/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("refund", id)


@route("GET /v1/refunds", charge=text, payment_intent=text, created=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "refund", params, "charge", "payment_intent"), params, "/v1/refunds")


@route("POST /v1/refunds/{id}", metadata=metadata)
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    refund = world.find("refund", id)
    world.change(refund, "refund.updated", metadata=merged(refund["metadata"], params.get("metadata")))
    return refund
