"""The calls about invoices, and what a delayed payment does to one."""

from typing import Any

from local.standin import invoice_payments, invoices, payments
from local.standin.cards import Outcome
from local.standin.listing import matching, page
from local.standin.params import PAGE, flag, moment_range, one_of, text
from local.standin.refusals import declined, invalid
from local.standin.routing import route
from local.standin.world import Thing, World

STATUS = one_of("draft", "open", "paid", "uncollectible", "void")


@route("GET /v1/invoices/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("invoice", id, "invoice")


@route("GET /v1/invoices", subscription=text, customer=text, status=STATUS, created=moment_range,
       collection_method=text, **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    chosen = [each for each in matching(world, "invoice", params, "customer", "status")
              if params.get("subscription") in (None, invoices.subscription_of(each))]
    return page(chosen, params, "/v1/invoices")


@route("GET /v1/invoices/{id}/lines", **PAGE)
def lines(world: World, params: dict[str, Any], id: str) -> Thing:
    found = world.find("invoice", id, "invoice")["lines"]["data"]
    return page(found[::-1], params, f"/v1/invoices/{id}/lines")


@route("POST /v1/invoices/{id}/pay", payment_method=text, off_session=flag)
def pay(world: World, params: dict[str, Any], id: str) -> Thing:
    """Try now, by hand. Raises Refused (402) if the card is declined or wants the donor."""
    invoice = _open(world, id, "pay")
    method = (world.find("payment_method", params["payment_method"], "payment_method", 400)
              if "payment_method" in params else invoices.method_for(world, invoice))
    if method is None:
        raise invalid("There is no `default_payment_method` set on this Customer or Invoice.", None,
                      "invoice_payment_intent_requires_action")
    outcome = invoices.collect(world, invoice, method, scheduled=False)
    if outcome.status == "requires_action":
        raise declined(Outcome("declined", "authentication_required"))
    if outcome.status == "declined":
        intent = invoice_payments.intent_of(world, invoice)
        raise declined(outcome, charge=intent and intent["latest_charge"])
    return invoice


@route("POST /v1/invoices/{id}/finalize", auto_advance=flag)
def finalize(world: World, params: dict[str, Any], id: str) -> Thing:
    """A draft becomes an open invoice; with `auto_advance` false it is not collected."""
    invoice = world.find("invoice", id, "invoice")
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.", None,
                      "invoice_already_finalized")
    invoice["auto_advance"] = params.get("auto_advance", invoice["auto_advance"])
    if invoice["auto_advance"]:
        invoices.advance(world, id)
    else:
        invoices.finalize(world, invoice)
    return invoice


@route("POST /v1/invoices/{id}/void")
def void(world: World, params: dict[str, Any], id: str) -> Thing:
    invoice = _open(world, id, "void")
    invoices.void(world, invoice)
    for told in invoices.WHEN_PAID:
        told(world, invoice)
    return invoice


@route("POST /v1/invoices/{id}/mark_uncollectible")
def mark_uncollectible(world: World, params: dict[str, Any], id: str) -> Thing:
    invoice = _open(world, id, "mark as uncollectible")
    invoices.mark_uncollectible(world, invoice)
    return invoice


def _open(world: World, id: str, what: str) -> Thing:
    invoice = world.find("invoice", id, "invoice")
    if invoice["status"] == "paid" and what == "pay":
        raise invalid("Invoice is already paid", None, "invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"You can only {what} an open invoice; this one is {invoice['status']}.", None,
                      "invoice_not_editable")
    intent = invoice_payments.intent_of(world, invoice)
    if intent and intent["status"] == "processing":
        raise invalid("This invoice has a payment that is still processing.", None, "payment_intent_unexpected_state")
    return invoice


def settled(world: World, intent: Thing, outcome: Outcome) -> None:
    """A bank debit for an invoice arrived or came back."""
    invoice = invoice_payments.invoice_of(world, intent)
    if invoice and invoice["status"] == "open":
        if outcome.status == "paid":
            invoices.mark_paid(world, invoice)
        else:
            invoices.mark_failed(world, invoice, outcome)


payments.WHEN_SETTLED.append(settled)
