"""Customers: whom Stripe charges."""

from typing import Any

from stripe import Customer

from local.standin.expand import INCLUDED
from local.standin.listing import page, whole_list, within
from local.standin.params import (
    PAGE,
    address,
    free_text,
    group,
    many,
    merged,
    metadata,
    moment_range,
    one_of,
    or_empty,
    text,
)
from local.standin.refusals import no_such
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import Thing, World

FIELDS: dict[str, Any] = dict(
    address=or_empty(address), description=free_text, email=free_text, metadata=metadata, name=free_text,
    phone=free_text, preferred_locales=many(text), individual_name=free_text, business_name=free_text,
    tax_exempt=one_of("none", "exempt", "reverse"),
    shipping=or_empty(group(address=address, name=text, phone=free_text)),
    invoice_settings=group(default_payment_method=free_text),
)


@route("POST /v1/customers", **FIELDS)
def create(world: World, params: dict[str, Any]) -> Thing:
    id = world.new_id("cus", 14)
    customer = world.add(blank(
        "customer", id=id, balance=0, created=world.now(), delinquent=False, livemode=False, metadata={},
        invoice_prefix=world.new_id("", 8)[1:].upper(), next_invoice_sequence=1, preferred_locales=[],
        tax_exempt="none", invoice_settings=part(Customer.InvoiceSettings)))
    customer.update(_wanted(world, customer, params))
    world.tell("customer.created", customer)
    return customer


@route("POST /v1/customers/{id}", **FIELDS)
def update(world: World, params: dict[str, Any], id: str) -> Thing:
    customer = find(world, id)
    world.change(customer, "customer.updated", **_wanted(world, customer, params))
    return customer


@route("GET /v1/customers/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("customer", id)


@route("DELETE /v1/customers/{id}")
def delete(world: World, params: dict[str, Any], id: str) -> Thing:
    """Erase a customer: running subscriptions end, the id stays known as deleted."""
    from local.standin import subscriptions
    customer = find(world, id)
    for subscription in world.all("subscription", customer=id):
        if subscription["status"] in subscriptions.RUNNING:
            subscriptions.end(world, subscription, reason="cancellation_requested")
    gone = {"id": id, "object": "customer", "deleted": True}
    world.tell("customer.deleted", customer)
    world.things["customer"][id] = gone
    return gone


@route("GET /v1/customers", email=text, created=moment_range, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    there = [each for each in world.all("customer") if not each.get("deleted")]
    chosen = [each for each in there if params.get("email") in (None, each["email"])
              and within(each["created"], params.get("created", {}))]
    return page(chosen, params, "/v1/customers")


def find(world: World, id: str, param: str = "id", status: int = 404) -> Thing:
    """The customer, not deleted. Raises Refused."""
    customer = world.find("customer", id, param, status)
    if customer.get("deleted"):
        raise no_such("customer", id, param, status)
    return customer


def _wanted(world: World, customer: Thing, params: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: each for name, each in params.items() if name != "expand"}
    if "metadata" in wanted:
        wanted["metadata"] = merged(customer["metadata"], wanted["metadata"])
    if wanted.get("address"):
        wanted["address"] = part(Customer.Address, **wanted["address"])
    if "invoice_settings" in wanted:
        method = wanted["invoice_settings"].get("default_payment_method")
        if method:
            world.find("payment_method", method, "invoice_settings[default_payment_method]", 400)
        wanted["invoice_settings"] = customer["invoice_settings"] | wanted["invoice_settings"]
    return wanted


def subscriptions_of(world: World, customer: Thing) -> Thing:
    running = [each for each in world.all("subscription", customer=customer["id"]) if each["status"] != "canceled"]
    return whole_list(running[::-1], f"/v1/customers/{customer['id']}/subscriptions")


def nothing(field: str) -> Any:
    return lambda world, customer: whole_list([], f"/v1/customers/{customer['id']}/{field}")


INCLUDED["customer", "subscriptions"] = subscriptions_of
INCLUDED["customer", "sources"] = nothing("sources")
INCLUDED["customer", "tax_ids"] = nothing("tax_ids")
