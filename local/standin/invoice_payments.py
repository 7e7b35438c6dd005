"""Invoice payments: which PaymentIntent pays which invoice."""

from typing import Any

from stripe import InvoicePayment

from local.standin.expand import INCLUDED
from local.standin.listing import matching, page, whole_list
from local.standin.params import PAGE, group, moment_range, one_of, text
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import Thing, World


def join(world: World, invoice: Thing, intent: Thing) -> Thing:
    """Say that this PaymentIntent is to pay this invoice."""
    return world.add(blank(
        "invoice_payment", id=world.new_id("inpay"), amount_requested=invoice["amount_due"], created=world.now(),
        currency=invoice["currency"], invoice=invoice["id"], is_default=True, livemode=False,
        payment=part(InvoicePayment.Payment, type="payment_intent", payment_intent=intent["id"]), status="open",
        status_transitions=part(InvoicePayment.StatusTransitions)))


def of(world: World, invoice: Thing) -> Thing | None:
    found = world.all("invoice_payment", invoice=invoice["id"])
    return found[-1] if found else None


def intent_of(world: World, invoice: Thing) -> Thing | None:
    joined = of(world, invoice)
    return world.find("payment_intent", joined["payment"]["payment_intent"]) if joined else None


def invoice_of(world: World, intent: Thing) -> Thing | None:
    """The invoice that this PaymentIntent pays, if it pays one."""
    for each in world.all("invoice_payment"):
        if each["payment"]["payment_intent"] == intent["id"]:
            return world.find("invoice", each["invoice"])
    return None


def paid(world: World, invoice: Thing) -> None:
    joined = of(world, invoice)
    if joined:
        joined.update(status="paid", amount_paid=invoice["amount_due"])
        joined["status_transitions"]["paid_at"] = world.now()
        world.tell("invoice_payment.paid", joined)


def canceled(world: World, invoice: Thing) -> None:
    joined = of(world, invoice)
    if joined:
        joined["status"] = "canceled"
        joined["status_transitions"]["canceled_at"] = world.now()


@route("GET /v1/invoice_payments/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("invoice_payment", id, "invoice_payment")


@route("GET /v1/invoice_payments", invoice=text, status=one_of("open", "paid", "canceled"), created=moment_range,
       payment=group(("type",), type=one_of("payment_intent"), payment_intent=text), **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    intent = params.get("payment", {}).get("payment_intent")
    chosen = [each for each in matching(world, "invoice_payment", params, "invoice", "status")
              if intent in (None, each["payment"]["payment_intent"])]
    return page(chosen, params, "/v1/invoice_payments")


def payments_of(world: World, invoice: Thing) -> Thing:
    joined = world.all("invoice_payment", invoice=invoice["id"])
    return whole_list(joined[::-1], f"/v1/invoices/{invoice['id']}/payments")


INCLUDED["invoice", "payments"] = payments_of
