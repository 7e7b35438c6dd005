"""Disputes: a donor's bank takes a payment back, and may return it."""

from typing import Any

from stripe import Dispute

from local.standin import balance
from local.standin.listing import matching, page
from local.standin.params import PAGE, flag, merged, metadata, moment_range, text
from local.standin.refusals import invalid
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import DAY, Thing, World

ANSWER_WITHIN = 9 * DAY
OPEN = ("needs_response", "under_review")


def open_on(world: World, charge: Thing, reason: str = "fraudulent") -> Thing:
    """Withdraw what is left of the charge, and Stripe's fee. Raises Refused if there is nothing to dispute."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or charge["disputed"] or left <= 0:
        raise invalid("This charge cannot be disputed.", "charge", "charge_not_disputable")
    dispute = world.add(_new(world, charge, left, reason))
    charge["disputed"] = True
    world.tell("charge.dispute.created", dispute)
    taken = balance.book(world, "adjustment", -left, dispute, "dispute", balance.DISPUTE_FEE,
                         f"Chargeback withdrawal for {charge['id']}", world.now())
    dispute["balance_transactions"].append(taken)
    world.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _new(world: World, charge: Thing, amount: int, reason: str) -> Thing:
    return blank(
        "dispute", id=world.new_id("du"), amount=amount, balance_transactions=[], charge=charge["id"],
        created=world.now(), currency=charge["currency"], enhanced_eligibility_types=[],
        evidence=part(Dispute.Evidence, enhanced_evidence={}), is_charge_refundable=False, livemode=False, metadata={},
        evidence_details=part(Dispute.EvidenceDetails, due_by=world.now() + ANSWER_WITHIN, enhanced_eligibility={},
                              has_evidence=False, past_due=False, submission_count=0,
                              submission_method="not_submitted"),
        payment_intent=charge["payment_intent"], reason=reason, status="needs_response",
        payment_method_details=_details(charge))


def _details(charge: Thing) -> Thing | None:
    card = charge["payment_method_details"].get("card")
    if not card:
        return None
    return {"type": "card", "card": {"brand": card["brand"], "case_type": "chargeback",
                                     "network": card["network"], "network_reason_code": "10.4"}}


def close_as(world: World, dispute: Thing, won: bool) -> Thing:
    """The bank's decision; a dispute won brings the money back, not the fee."""
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed.", "dispute", "dispute_closed")
    before = dispute["status"]
    dispute["status"] = "won" if won else "lost"
    if won:
        back = balance.book(world, "adjustment", dispute["amount"], dispute, "dispute_reversal", 0,
                            f"Chargeback reversal for {dispute['charge']}", world.now())
        dispute["balance_transactions"].append(back)
    world.tell("charge.dispute.updated", dispute, {"status": before})
    world.tell("charge.dispute.closed", dispute)
    if won:
        world.tell("charge.dispute.funds_reinstated", dispute)
    return dispute


@route("GET /v1/disputes/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("dispute", id)


@route("GET /v1/disputes", charge=text, payment_intent=text, created=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "dispute", params, "charge", "payment_intent"), params, "/v1/disputes")


@route("POST /v1/disputes/{id}/close")
def close(world: World, params: dict[str, Any], id: str) -> Thing:
    """Accept the dispute, which loses it."""
    return close_as(world, world.find("dispute", id), won=False)


@route("POST /v1/disputes/{id}", metadata=metadata, submit=flag)
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    dispute = world.find("dispute", id)
    wanted: dict[str, Any] = {"metadata": merged(dispute["metadata"], params.get("metadata"))}
    if params.get("submit"):
        wanted["status"] = "under_review"
    world.change(dispute, "charge.dispute.updated", **wanted)
    return dispute
