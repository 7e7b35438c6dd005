"""The billing portal: where a donor changes the card."""

from typing import Any

from local.standin import cards, customers, payment_methods, subscriptions
from local.standin.params import group, one_of, text
from local.standin.payment_methods import Payer
from local.standin.problems import Problem
from local.standin.routing import route
from local.standin.shapes import blank
from local.standin.world import Thing, World

KIND = "billing_portal.session"
OPEN_FOR = 60 * 60
after_completion = group(("type",), type=one_of("hosted_confirmation", "portal_homepage", "redirect"),
                         redirect=group(("return_url",), return_url=text),
                         hosted_confirmation=group(custom_message=text))


@route("POST /v1/billing_portal/sessions", ("customer",), customer=text, return_url=text, locale=text,
       configuration=text,
       flow_data=group(("type",), type=one_of("payment_method_update"), after_completion=after_completion))
def create(world: World, params: dict[str, Any]) -> Thing:
    customer = customers.find(world, params["customer"], "customer", 400)
    id = world.new_id("bps")
    return world.add(blank(
        KIND, id=id, configuration="bpc_standin", created=world.now(), customer=customer["id"],
        flow=_flow(params), livemode=False, locale=params.get("locale"), return_url=params.get("return_url"),
        url=f"{world.url}/p/session/{id}"))


def _flow(params: dict[str, Any]) -> Thing | None:
    if "flow_data" not in params:
        return None
    nothing = dict.fromkeys(("customer_update", "subscription_cancel", "subscription_pause", "subscription_update",
                             "subscription_update_confirm"))
    after = {"redirect": None, "hosted_confirmation": None, "type": "portal_homepage"}
    return nothing | {"type": params["flow_data"]["type"],
                      "after_completion": after | params["flow_data"].get("after_completion", {})}


def open_session(world: World, id: str) -> Thing:
    """Raises Problem: 404 if there is none, 409 once its hour is over."""
    session = world.get(KIND, id)
    if session is None:
        raise Problem(404, "no_such_session", f"No such portal session: {id}")
    if world.now() - session["created"] > OPEN_FOR:
        raise Problem(409, "session_expired", "This portal session is over.")
    return session


def change_card(world: World, customer_id: str, number: Any) -> Thing:
    """
    Make a new card the customer's default. Raises Problem.

    A subscription that has a card of its own, as Checkout gives it, goes on
    with that one: https://docs.stripe.com/customer-management/portal-deep-links
    """
    customer = world.get("customer", customer_id)
    if customer is None or customer.get("deleted"):
        raise Problem(404, "no_such_customer", f"No such customer: {customer_id}")
    source = cards.find(number)
    if source.decline:
        raise Problem(402, source.decline, cards.MESSAGES[source.decline][1])
    payer = Payer(customer["email"], customer["name"], customer["phone"], customer["address"] or {})
    method = payment_methods.enter(world, source, payer)
    payment_methods.attach(world, method, customer_id)
    settings = customer["invoice_settings"] | {"default_payment_method": method["id"]}
    world.change(customer, "customer.updated", invoice_settings=settings)
    return method


def current_card(world: World, customer_id: str) -> Thing | None:
    """The method that the portal shows: the customer's default, or else the one that a subscription has of its own."""
    customer = world.find("customer", customer_id)
    running = [each for each in world.all("subscription", customer=customer_id)
               if each["status"] in subscriptions.RUNNING and each["default_payment_method"]]
    chosen = customer["invoice_settings"]["default_payment_method"]
    return world.get("payment_method", chosen or (running[-1]["default_payment_method"] if running else None))
