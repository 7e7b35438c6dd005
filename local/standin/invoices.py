"""Invoices: what each period of a subscription asks of the donor, and how collecting it goes."""

from collections.abc import Callable

from stripe import Invoice, InvoiceLineItem

from local.standin import invoice_payments, payments
from local.standin.cards import Outcome
from local.standin.listing import whole_list
from local.standin.shapes import blank, part
from local.standin.world import DAY, Thing, World

WHEN_PAID: list[Callable[[World, Thing], None]] = []
WHEN_FAILED: list[Callable[[World, Thing], None]] = []
WHEN_GIVEN_UP: list[Callable[[World, Thing], None]] = []


def draft(world: World, subscription: Thing, reason: str, free: bool = False) -> Thing:
    """The invoice of the subscription's current period; `free` for the time before an anchor or a trial's end."""
    customer = world.find("customer", subscription["customer"])
    total = 0 if free else sum(_amount(item) for item in subscription["items"]["data"])
    id, now, period = world.new_id("in"), world.now(), subscription["items"]["data"][0]
    lines = [_line(world, id, subscription, item, 0 if free else _amount(item))
             for item in subscription["items"]["data"]]
    before = world.notes.get(subscription["id"], {}).get("last_start", now)
    invoice = world.add(blank(
        "invoice", id=id, account_country="US", account_name="Stand-in", amount_due=total, amount_overpaid=0,
        amount_paid=0, amount_paid_off_stripe=0, amount_remaining=total, amount_shipping=0, attempt_count=0,
        attempted=False, auto_advance=True, automatic_tax=part(Invoice.AutomaticTax, enabled=False),
        billing_reason=reason,
        collection_method="charge_automatically", created=now, currency=subscription["currency"],
        customer=customer["id"], customer_address=customer["address"], customer_email=customer["email"],
        customer_name=customer["name"], customer_phone=customer["phone"], customer_tax_exempt="none",
        customer_tax_ids=[], default_tax_rates=[], discounts=[], issuer={"type": "self"},
        lines=whole_list(lines, f"/v1/invoices/{id}/lines"), livemode=False, metadata={}, parent=_parent(subscription),
        payment_settings=part(Invoice.PaymentSettings), period_start=before,
        period_end=period["current_period_start"], post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0, starting_balance=0, status="draft",
        status_transitions=part(Invoice.StatusTransitions), subtotal=total, subtotal_excluding_tax=total, total=total,
        total_discount_amounts=[], total_excluding_tax=total, total_pretax_credit_amounts=[], total_taxes=[]))
    world.notes[id] = {"retries": 0}
    subscription["latest_invoice"] = id
    world.tell("invoice.created", invoice)
    return invoice


def _amount(item: Thing) -> int:
    return item["price"]["unit_amount"] * item["quantity"]


def _parent(subscription: Thing) -> Thing:
    details = part(Invoice.Parent.SubscriptionDetails, subscription=subscription["id"],
                   metadata=dict(subscription["metadata"]))
    return part(Invoice.Parent, type="subscription_details", subscription_details=details)


def _line(world: World, invoice: str, subscription: Thing, item: Thing, amount: int) -> Thing:
    price = item["price"]
    details = part(InvoiceLineItem.Parent.SubscriptionItemDetails, proration=False, subscription=subscription["id"],
                   subscription_item=item["id"])
    product = world.find("product", price["product"])
    return blank(
        "line_item", id=world.new_id("il"), amount=amount, currency=price["currency"], discount_amounts=[],
        description=f"{item['quantity']} × {product['name']}", discountable=True, discounts=[], invoice=invoice,
        livemode=False, metadata=dict(subscription["metadata"]),
        parent=part(InvoiceLineItem.Parent, type="subscription_item_details", subscription_item_details=details),
        period={"start": item["current_period_start"], "end": item["current_period_end"]}, pretax_credit_amounts=[],
        pricing=part(InvoiceLineItem.Pricing, type="price_details", unit_amount_decimal=str(price["unit_amount"]),
                     price_details={"price": price["id"], "product": price["product"]}),
        quantity=item["quantity"], quantity_decimal=str(item["quantity"]), subscription=subscription["id"],
        subtotal=amount, taxes=[])


def finalize(world: World, invoice: Thing, intent: Thing | None = None, collect: bool = True) -> None:
    """Number the invoice and, if there is something to collect, join it with a PaymentIntent."""
    customer = world.find("customer", invoice["customer"])
    number, customer["next_invoice_sequence"] = customer["next_invoice_sequence"], customer["next_invoice_sequence"] + 1
    invoice.update(status="open", number=f"{customer['invoice_prefix']}-{number:04d}", effective_at=world.now(),
                   ending_balance=0, hosted_invoice_url=f"{world.url}/i/{invoice['id']}",
                   invoice_pdf=f"{world.url}/i/{invoice['id']}/pdf")
    invoice["status_transitions"]["finalized_at"] = world.now()
    if collect and invoice["amount_due"]:
        invoice_payments.join(world, invoice, intent or _intent(world, invoice))
    world.tell("invoice.finalized", invoice)
    if collect and not invoice["amount_due"]:
        mark_paid(world, invoice)


def _intent(world: World, invoice: Thing) -> Thing:
    first = invoice["billing_reason"] == "subscription_create"
    return payments.want(
        world, invoice["amount_due"], invoice["currency"], customer=invoice["customer"],
        description="Subscription creation" if first else "Subscription update", setup_future_usage="off_session")


def collect(world: World, invoice: Thing, method: Thing | None, on_session: bool = False,
            authenticated: bool | None = None, scheduled: bool = True) -> Outcome:
    """One attempt to have this invoice paid, and what follows from it."""
    intent = invoice_payments.intent_of(world, invoice)
    assert intent is not None, "only a finalized invoice with an amount is collected"
    if method is None:
        outcome = Outcome("declined", "generic_decline")
    else:
        outcome = payments.attempt(world, intent, method, on_session, authenticated)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    if outcome.status == "paid":
        mark_paid(world, invoice)
    elif outcome.status == "processing":
        invoice["next_payment_attempt"] = None
    else:
        mark_failed(world, invoice, outcome, scheduled)
    return outcome


def mark_paid(world: World, invoice: Thing) -> None:
    invoice.update(status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, attempted=True,
                   auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["paid_at"] = world.now()
    invoice_payments.paid(world, invoice)
    world.tell("invoice.paid", invoice)
    world.tell("invoice.payment_succeeded", invoice)
    for told in WHEN_PAID:
        told(world, invoice)


def mark_failed(world: World, invoice: Thing, outcome: Outcome, scheduled: bool = True) -> None:
    """Plan the next attempt, or give up after the last; an attempt asked for by hand changes no plan."""
    if scheduled:
        _plan_retry(world, invoice)
    if outcome.status == "requires_action":
        world.tell("invoice.payment_action_required", invoice)
    world.tell("invoice.payment_failed", invoice)
    for told in WHEN_FAILED:
        told(world, invoice)
    if scheduled and invoice["next_payment_attempt"] is None:
        for told in WHEN_GIVEN_UP:
            told(world, invoice)


def _plan_retry(world: World, invoice: Thing) -> None:
    notes = world.notes[invoice["id"]]
    left = world.retry_after_days[notes["retries"]:]
    notes["retries"] += 1
    invoice["next_payment_attempt"] = world.now() + left[0] * DAY if left else None
    if left:
        world.plan(invoice["next_payment_attempt"], retry, invoice["id"])


def advance(world: World, id: str) -> None:
    """The end of a draft's time: it is finalized and collected, whatever became of its subscription."""
    invoice = world.find("invoice", id)
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        finalize(world, invoice)
        if invoice["status"] == "open":
            collect(world, invoice, method_for(world, invoice))


def retry(world: World, id: str) -> None:
    """The planned next attempt, unless the invoice was settled or the plan changed since."""
    invoice = world.find("invoice", id)
    due = invoice["next_payment_attempt"]
    if invoice["status"] == "open" and due is not None and due <= world.now():
        collect(world, invoice, method_for(world, invoice))


def method_for(world: World, invoice: Thing) -> Thing | None:
    """The subscription's own payment method, or else the customer's default."""
    subscription = world.find("subscription", subscription_of(invoice))
    customer = world.find("customer", invoice["customer"])
    settings = customer.get("invoice_settings") or {}
    return world.get("payment_method",
                     subscription["default_payment_method"] or settings.get("default_payment_method"))


def subscription_of(invoice: Thing) -> str:
    return invoice["parent"]["subscription_details"]["subscription"]


def void(world: World, invoice: Thing) -> None:
    intent = invoice_payments.intent_of(world, invoice)
    if intent and intent["status"] not in ("succeeded", "canceled"):
        intent.update(status="canceled", canceled_at=world.now(), cancellation_reason="void_invoice")
        world.tell("payment_intent.canceled", intent)
    invoice_payments.canceled(world, invoice)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["voided_at"] = world.now()
    world.tell("invoice.voided", invoice)


def mark_uncollectible(world: World, invoice: Thing) -> None:
    invoice.update(status="uncollectible", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now()
    world.tell("invoice.marked_uncollectible", invoice)
