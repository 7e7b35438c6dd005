"""What a Checkout Session may be asked to be."""

from typing import Any

from local.standin import customers
from local.standin.prices import price_for
from local.standin.refusals import invalid, malformed, missing
from local.standin.world import DAY, Thing, World

SHORTEST, LONGEST = 30 * 60, DAY
LEEWAY = 60
"""Seconds by which `expires_at` may miss the limits, for a caller whose clock differs a little."""


def check(world: World, params: dict[str, Any]) -> None:
    """Raises Refused for parameters that contradict each other or name what does not exist."""
    mode, now = params["mode"], world.now()
    for name in ("success_url", "line_items"):
        if not params.get(name):
            raise missing(name)
    if "customer" in params and "customer_email" in params:
        raise malformed("You may only specify one of these parameters: customer, customer_email.", "customer_email")
    if "customer" in params:
        customers.find(world, params["customer"], "customer", 400)
    elif "customer_update" in params:
        raise malformed("`customer_update` can only be used with `customer`.", "customer_update")
    if "customer" in params and "customer_creation" in params:
        raise malformed("`customer_creation` can not be used with `customer`.", "customer_creation")
    wrong = {"payment": ("subscription_data", "payment_method_collection"),
             "subscription": ("payment_intent_data", "customer_creation")}
    for name in wrong[mode]:
        if name in params:
            raise malformed(f"You can not pass `{name}` in `{mode}` mode.", name)
    expires = params.get("expires_at", now + LONGEST)
    if not SHORTEST - LEEWAY <= expires - now <= LONGEST + LEEWAY:
        raise malformed("The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from "
                        "Checkout Session creation.", "expires_at")
    _check_later_start(world, params.get("subscription_data", {}))


def _check_later_start(world: World, wanted: dict[str, Any]) -> None:
    if wanted.get("billing_cycle_anchor") and wanted.get("proration_behavior") != "none":
        raise invalid("The stand-in plays `billing_cycle_anchor` with `proration_behavior=none` only.",
                      "subscription_data[proration_behavior]")
    for name in ("billing_cycle_anchor", "trial_end"):
        if name in wanted and wanted[name] <= world.now():
            raise malformed(f"The `{name}` must be in the future.", f"subscription_data[{name}]")


def lines_of(world: World, params: dict[str, Any]) -> list[tuple[Thing, int]]:
    """Prices and how many of each. Raises Refused where they do not suit the mode or each other."""
    lines = [_line(world, wanted, f"line_items[{i}]") for i, wanted in enumerate(params["line_items"])]
    kinds, currencies = {price["type"] for price, _ in lines}, {price["currency"] for price, _ in lines}
    if len(currencies) > 1:
        raise malformed("All line items must have the same currency.", "line_items")
    if params["mode"] == "payment" and "recurring" in kinds:
        raise malformed("You specified `payment` mode but passed a recurring price. Either switch to "
                        "`subscription` mode or use only one-time prices.", "line_items")
    if params["mode"] == "subscription" and kinds != {"recurring"}:
        raise malformed("You must provide at least one recurring price in `subscription` mode when using prices.",
                        "line_items")
    return lines


def _line(world: World, wanted: dict[str, Any], param: str) -> tuple[Thing, int]:
    if wanted.get("quantity", 0) < 1:
        raise malformed("Quantity is required. Add `quantity` to `line_items`.", f"{param}[quantity]",
                        "parameter_missing")
    if "price" in wanted:
        return world.find("price", wanted["price"], f"{param}[price]", 400), wanted["quantity"]
    if "price_data" not in wanted:
        raise missing(f"{param}[price_data]")
    return price_for(world, wanted["price_data"], f"{param}[price_data]"), wanted["quantity"]
