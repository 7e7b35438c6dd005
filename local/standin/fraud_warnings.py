"""Early fraud warnings: an issuer suspects a payment before any dispute."""

from typing import Any

from local.standin.listing import matching, page
from local.standin.params import PAGE, moment_range, text
from local.standin.routing import route
from local.standin.shapes import blank
from local.standin.world import Thing, World

KIND = "radar.early_fraud_warning"


def warn(world: World, charge: Thing) -> Thing:
    warning = world.add(blank(
        KIND, id=world.new_id("issfr"), actionable=True, charge=charge["id"], created=world.now(),
        fraud_type="misc", livemode=False, payment_intent=charge["payment_intent"]))
    world.tell("radar.early_fraud_warning.created", warning)
    return warning


@route("GET /v1/radar/early_fraud_warnings/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find(KIND, id, "early_fraud_warning")


@route("GET /v1/radar/early_fraud_warnings", charge=text, payment_intent=text, created=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, KIND, params, "charge", "payment_intent"), params, "/v1/radar/early_fraud_warnings")
