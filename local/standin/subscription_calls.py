"""The calls about subscriptions."""

from typing import Any

from stripe import Subscription

from local.standin import anniversaries, subscriptions
from local.standin.listing import matching, page, within
from local.standin.params import (
    PAGE,
    flag,
    free_text,
    group,
    many,
    merged,
    metadata,
    moment_range,
    one_of,
    or_empty,
    text,
    whole,
)
from local.standin.prices import plan_of, price_data, price_for
from local.standin.refusals import Refused, invalid, malformed, no_such
from local.standin.routing import route
from local.standin.shapes import part
from local.standin.world import DAY, Thing, World

cancellation_details = group(
    comment=free_text,
    feedback=or_empty(one_of("customer_service", "low_quality", "missing_features", "other", "switched_service",
                             "too_complex", "too_expensive", "unused")))
pause_collection = group(("behavior",), behavior=one_of("keep_as_draft", "mark_uncollectible", "void"),
                         resumes_at=whole)
anchor = group(("type",), type=one_of("now", "unchanged"))
STATUSES = one_of("active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused",
                  "trialing", "unpaid")


def trial_end(value: Any, name: str) -> Any:
    return value if value == "now" else whole(value, name)


@route("GET /v1/subscriptions/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("subscription", id)


@route("GET /v1/subscriptions", customer=text, status=STATUSES, created=moment_range, price=text,
       current_period_end=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    """Those canceled are left out unless asked for by `status`."""
    status = params.get("status", "running")
    wanted = {"running": set(subscriptions.RUNNING), "ended": {"canceled", "incomplete_expired"}}.get(status, {status})
    chosen = [each for each in matching(world, "subscription", params, "customer")
              if (status == "all" or each["status"] in wanted)
              and within(subscriptions.period_end(each), params.get("current_period_end", {}))
              and params.get("price") in (None, each["items"]["data"][0]["price"]["id"])]
    return page(chosen, params, "/v1/subscriptions")


@route("DELETE /v1/subscriptions/{id}", cancellation_details=cancellation_details, prorate=flag, invoice_now=flag)
def cancel(world: World, params: dict[str, Any], id: str) -> Thing:
    """At once. One canceled already is no longer found here, as with Stripe."""
    subscription = world.find("subscription", id)
    if subscription["status"] not in subscriptions.RUNNING:
        raise no_such("subscription", id)
    _note_cancellation(subscription, params)
    subscriptions.end(world, subscription, reason="cancellation_requested")
    return subscription


@route("POST /v1/subscriptions/{id}",
       items=many(group(id=text, price_data=price_data, price=text, quantity=whole, metadata=metadata)),
       proration_behavior=one_of("none", "create_prorations", "always_invoice"), billing_cycle_anchor=anchor,
       trial_end=trial_end, pause_collection=or_empty(pause_collection), cancel_at_period_end=flag,
       cancel_at=or_empty(whole), cancellation_details=cancellation_details, default_payment_method=text,
       description=free_text, metadata=metadata, off_session=flag,
       payment_behavior=one_of("allow_incomplete", "default_incomplete", "error_if_incomplete",
                               "pending_if_incomplete"))
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    subscription = world.find("subscription", id)
    _check(world, subscription, params)
    _note_cancellation(subscription, params)
    fields = _fields(world, subscription, params)
    if "items" in params:
        fields["items"] = _items(world, subscription, params)
    world.change(subscription, "customer.subscription.updated", **fields)
    _plan(world, subscription, params)
    _move(world, subscription, params)
    return subscription


def _check(world: World, subscription: Thing, params: dict[str, Any]) -> None:
    touched = set(params) - {"expand", "metadata", "cancellation_details"}
    if subscription["status"] not in subscriptions.RUNNING and touched:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    for name in ("cancel_at", "trial_end"):
        moment = params.get(name)
        if isinstance(moment, int) and moment <= world.now():
            raise malformed(f"The {name} timestamp can't be in the past.", name)
    resumes = (params.get("pause_collection") or {}).get("resumes_at")
    if resumes is not None and resumes <= world.now():
        raise malformed("resumes_at must be in the future.", "pause_collection[resumes_at]")
    if isinstance(params.get("trial_end"), int) and params["trial_end"] > world.now() + 2 * 366 * DAY:
        raise malformed("Invalid timestamp: can be no more than two years in the future.", "trial_end")
    if "default_payment_method" in params:
        _check_method(world, subscription, params["default_payment_method"])


def _check_method(world: World, subscription: Thing, id: str) -> None:
    method = world.find("payment_method", id, "default_payment_method", 400)
    if method["customer"] != subscription["customer"]:
        raise invalid("The payment method must be attached to the customer.", "default_payment_method")


def _note_cancellation(subscription: Thing, params: dict[str, Any]) -> None:
    if "cancellation_details" in params:
        subscription["cancellation_details"] = part(
            Subscription.CancellationDetails, **subscription["cancellation_details"] | params["cancellation_details"])


def _fields(world: World, subscription: Thing, params: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: params[name] for name in ("default_payment_method", "description") if name in params}
    fields["metadata"] = merged(subscription["metadata"], params.get("metadata"))
    if "pause_collection" in params:
        pause = params["pause_collection"]
        fields["pause_collection"] = pause and {"resumes_at": None} | pause
    return fields | _ending(world, subscription, params)


def _ending(world: World, subscription: Thing, params: dict[str, Any]) -> dict[str, Any]:
    """`cancel_at` and `cancel_at_period_end` exclude each other; each can be taken back."""
    if params.get("cancel_at") and params.get("cancel_at_period_end"):
        raise Refused(400, "You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
    if params.get("cancel_at_period_end"):
        moment = subscriptions.period_end(subscription)
        return _will_end(world, subscription, True, moment)
    if params.get("cancel_at"):
        return _will_end(world, subscription, False, params["cancel_at"])
    if "cancel_at" in params or "cancel_at_period_end" in params:
        details = subscription["cancellation_details"] | {"reason": None}
        return {"cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "cancellation_details": details}
    return {}


def _will_end(world: World, subscription: Thing, at_period_end: bool, moment: int) -> dict[str, Any]:
    details = subscription["cancellation_details"] | {"reason": "cancellation_requested"}
    return {"cancel_at": moment, "cancel_at_period_end": at_period_end, "canceled_at": world.now(),
            "cancellation_details": details}


def _items(world: World, subscription: Thing, params: dict[str, Any]) -> Thing:
    items = {item["id"]: item for item in subscription["items"]["data"]}
    for i, wanted in enumerate(params["items"]):
        if wanted.get("id") not in items:
            raise invalid("The stand-in changes the items a subscription has; it adds none.", f"items[{i}][id]")
        items[wanted["id"]] = _changed(world, items[wanted["id"]], wanted, params, f"items[{i}]")
    return subscription["items"] | {"data": list(items.values())}


def _changed(world: World, item: Thing, wanted: dict[str, Any], params: dict[str, Any], param: str) -> Thing:
    price = item["price"]
    if "price_data" in wanted:
        price = price_for(world, wanted["price_data"], f"{param}[price_data]")
    elif "price" in wanted:
        price = world.find("price", wanted["price"], f"{param}[price]", 400)
    old, new = item["price"], price
    if new["currency"] != old["currency"]:
        raise invalid("The currency of a subscription cannot be changed.", param)
    if (new["recurring"] or {}).get("interval") != old["recurring"]["interval"]:
        raise invalid("The stand-in does not play changes of interval.", param)
    quantity = wanted.get("quantity", item["quantity"])
    differs = (new["unit_amount"], quantity) != (old["unit_amount"], item["quantity"])
    if differs and params.get("proration_behavior") != "none":
        raise invalid("The stand-in plays `proration_behavior=none` only.", "proration_behavior")
    return item | {"price": dict(price), "plan": plan_of(price), "quantity": quantity}


def _plan(world: World, subscription: Thing, params: dict[str, Any]) -> None:
    pause = subscription["pause_collection"]
    if pause and pause["resumes_at"]:
        world.plan(pause["resumes_at"], subscriptions.resume, subscription["id"])
    if subscription["cancel_at"] and not subscription["cancel_at_period_end"]:
        world.plan(subscription["cancel_at"], subscriptions.end_as_planned, subscription["id"])


def _move(world: World, subscription: Thing, params: dict[str, Any]) -> None:
    """A trial or a new anchor begins another period now."""
    now, ends = world.now(), params.get("trial_end")
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    if isinstance(ends, int):
        subscriptions.move_period(world, subscription, now, ends, billing_cycle_anchor=ends, status="trialing",
                                  trial_start=now, trial_end=ends)
        subscriptions.bill(world, subscription, "subscription_update", free=True)
    elif params.get("billing_cycle_anchor", {}).get("type") == "now" or (
            ends == "now" and subscription["status"] == "trialing"):
        over = {"trial_end": now} if subscription["status"] == "trialing" else {}
        subscriptions.move_period(world, subscription, now, anniversaries.next_after(now, recurring, now),
                                  billing_cycle_anchor=now, status="active", **over)
        subscriptions.bill(world, subscription, "subscription_update")
