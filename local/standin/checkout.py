"""Checkout Sessions: one visit to the hosted page, from its making to its end."""

from typing import Any

from stripe.checkout import Session

from local.standin.checkout_rules import LONGEST, check, lines_of
from local.standin.expand import INCLUDED
from local.standin.listing import matching, page, whole_list
from local.standin.params import (
    PAGE,
    flag,
    group,
    many,
    merged,
    metadata,
    moment_range,
    one_of,
    text,
    whole,
)
from local.standin.prices import check_total, price_data
from local.standin.refusals import invalid
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import Thing, World

KIND = "checkout.session"

line_item = group(price=text, price_data=price_data, quantity=whole, metadata=metadata)
message = group(("message",), message=text)
custom_text = group(after_submit=message, shipping_address=message, submit=message, terms_of_service_acceptance=message)
asked = group(("enabled",), enabled=flag, optional=flag)
payment_intent_data = group(
    description=text, metadata=metadata, receipt_email=text, setup_future_usage=one_of("off_session", "on_session"),
    statement_descriptor=text, statement_descriptor_suffix=text, capture_method=one_of("automatic", "automatic_async"))
subscription_data = group(
    description=text, metadata=metadata, billing_cycle_anchor=whole, trial_end=whole,
    proration_behavior=one_of("none", "create_prorations"))


@route("POST /v1/checkout/sessions", ("mode",),
       mode=one_of("payment", "subscription"), line_items=many(line_item), customer=text, customer_email=text,
       customer_creation=one_of("always", "if_required"), success_url=text, cancel_url=text,
       customer_update=group(address=one_of("auto", "never"), name=one_of("auto", "never"),
                             shipping=one_of("auto", "never")),
       submit_type=one_of("auto", "book", "donate", "pay", "subscribe"), client_reference_id=text, metadata=metadata,
       payment_intent_data=payment_intent_data, subscription_data=subscription_data, locale=text, expires_at=whole,
       billing_address_collection=one_of("auto", "required"), ui_mode=one_of("hosted_page"), custom_text=custom_text,
       name_collection=group(business=asked, individual=asked), excluded_payment_method_types=many(text),
       phone_number_collection=group(("enabled",), enabled=flag), currency=text, allow_promotion_codes=flag,
       payment_method_collection=one_of("always", "if_required"),
       adaptive_pricing=group(enabled=flag), origin_context=one_of("web"))
def create(world: World, params: dict[str, Any]) -> Thing:
    """A page to pay on, open until `expires_at`. Raises Refused."""
    check(world, params)
    lines = lines_of(world, params)
    currency, total = lines[0][0]["currency"], sum(price["unit_amount"] * number for price, number in lines)
    check_total(total, currency)
    starts_later = "billing_cycle_anchor" in params.get("subscription_data", {}) or (
        "trial_end" in params.get("subscription_data", {}))
    session = world.add(_new(world, params, currency, 0 if starts_later else total))
    world.notes[session["id"]] = {"wanted": params, "lines": lines, "free": starts_later,
                                  "items": [_item(world, *line) for line in lines]}
    world.plan(session["expires_at"], expire_if_open, session["id"])
    return session


SAME = ("billing_address_collection", "cancel_url", "client_reference_id", "customer", "customer_email", "locale",
        "mode", "success_url", "allow_promotion_codes", "origin_context")


def _new(world: World, params: dict[str, Any], currency: str, total: int) -> Thing:
    id, payment = world.new_id("cs_test", 58), params["mode"] == "payment"
    creation = None if not payment or "customer" in params else params.get("customer_creation", "if_required")
    return blank(
        KIND, id=id, adaptive_pricing={"enabled": False} | params.get("adaptive_pricing", {}),
        amount_subtotal=total, amount_total=total, automatic_tax=part(Session.AutomaticTax, enabled=False),
        created=world.now(), currency=currency, custom_fields=[], custom_text=_custom_text(params),
        customer_creation=creation, customer_details=_known_details(world, params),
        discounts=None if payment else [],
        excluded_payment_method_types=params.get("excluded_payment_method_types"),
        expires_at=params.get("expires_at", world.now() + LONGEST), livemode=False,
        metadata=merged({}, params.get("metadata")), name_collection=_name_collection(params),
        payment_method_collection="if_required" if payment else params.get("payment_method_collection", "always"),
        payment_method_options={}, payment_method_types=["card", "us_bank_account"], payment_status="unpaid",
        phone_number_collection={"enabled": False} | params.get("phone_number_collection", {}),
        shipping_options=[], status="open", submit_type=params.get("submit_type"),
        total_details=part(Session.TotalDetails, amount_discount=0, amount_shipping=0, amount_tax=0),
        ui_mode="hosted_page", url=f"{world.url}/c/pay/{id}") | {name: params.get(name) for name in SAME}


def _name_collection(params: dict[str, Any]) -> Thing | None:
    if "name_collection" not in params:
        return None
    return part(Session.NameCollection, **{name: {"optional": False} | wanted
                                           for name, wanted in params["name_collection"].items()})


def _custom_text(params: dict[str, Any]) -> Thing:
    return part(Session.CustomText, **params.get("custom_text", {}))


def _known_details(world: World, params: dict[str, Any]) -> Thing | None:
    customer = world.get("customer", params.get("customer"))
    email = customer["email"] if customer else params.get("customer_email")
    return part(Session.CustomerDetails, email=email, tax_exempt="none") if email else None


def _item(world: World, price: Thing, quantity: int) -> Thing:
    amount = price["unit_amount"] * quantity
    return blank(
        "item", id=world.new_id("li"), amount_discount=0, amount_subtotal=amount, amount_tax=0, amount_total=amount,
        currency=price["currency"], description=world.find("product", price["product"])["name"], metadata={},
        price=dict(price), quantity=quantity)


def expire_if_open(world: World, id: str) -> None:
    session = world.find(KIND, id)
    if session["status"] == "open":
        session.update(status="expired", url=None)
        world.tell("checkout.session.expired", session)


@route("GET /v1/checkout/sessions/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find(KIND, id)


@route("GET /v1/checkout/sessions", payment_intent=text, subscription=text, customer=text,
       customer_details=group(email=text), status=one_of("open", "complete", "expired"), created=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    chosen = matching(world, KIND, params, "payment_intent", "subscription", "customer", "status")
    email = params.get("customer_details", {}).get("email")
    chosen = [each for each in chosen if email in (None, (each["customer_details"] or {}).get("email"))]
    return page(chosen, params, "/v1/checkout/sessions")


@route("POST /v1/checkout/sessions/{id}", metadata=metadata)
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    session = world.find(KIND, id)
    session["metadata"] = merged(session["metadata"], params.get("metadata"))
    return session


@route("POST /v1/checkout/sessions/{id}/expire")
def expire(world: World, params: dict[str, Any], id: str) -> Thing:
    session = world.find(KIND, id)
    if session["status"] != "open":
        raise invalid('Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has '
                      f"a status of {session['status']}.")
    expire_if_open(world, id)
    return session


@route("GET /v1/checkout/sessions/{id}/line_items", **PAGE)
def line_items(world: World, params: dict[str, Any], id: str) -> Thing:
    world.find(KIND, id)
    return page(world.notes[id]["items"][::-1], params, f"/v1/checkout/sessions/{id}/line_items")


def items_of(world: World, session: Thing) -> Thing:
    return whole_list(world.notes[session["id"]]["items"], f"/v1/checkout/sessions/{session['id']}/line_items")


INCLUDED[KIND, "line_items"] = items_of
