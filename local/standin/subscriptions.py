"""Subscriptions: how one starts, renews, pauses, fails and ends."""

from typing import Any

from stripe import Subscription

from local.standin import anniversaries, invoices
from local.standin.listing import whole_list
from local.standin.prices import plan_of
from local.standin.shapes import blank, part
from local.standin.world import Thing, World

RUNNING = ("active", "trialing", "past_due", "incomplete", "unpaid", "paused")


def start(world: World, customer: Thing, method: Thing, lines: list[tuple[Thing, int]],
          wanted: dict[str, Any]) -> Thing:
    """A subscription to these prices, not yet paid for; `wanted` is Checkout's `subscription_data`."""
    now, id = world.now(), world.new_id("sub")
    anchor = wanted.get("trial_end") or wanted.get("billing_cycle_anchor") or now
    ends = anchor if anchor > now else anniversaries.next_after(now, lines[0][0]["recurring"], now)
    items = [_item(world, id, price, quantity, now, ends) for price, quantity in lines]
    trial = "trial_end" in wanted
    subscription = world.add(blank(
        "subscription", id=id, automatic_tax=part(Subscription.AutomaticTax, enabled=False),
        billing_cycle_anchor=anchor, billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        billing_schedules=[], cancel_at_period_end=False, cancellation_details=part(Subscription.CancellationDetails),
        collection_method="charge_automatically", created=now, currency=lines[0][0]["currency"],
        customer=customer["id"], default_payment_method=method["id"], default_tax_rates=[],
        description=wanted.get("description"), discounts=[],
        invoice_settings=part(Subscription.InvoiceSettings, issuer={"type": "self"}),
        items=whole_list(items, f"/v1/subscription_items?subscription={id}"), livemode=False,
        metadata=wanted.get("metadata", {}), start_date=now, status="trialing" if trial else "incomplete",
        payment_settings=part(Subscription.PaymentSettings, save_default_payment_method="off"),
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice", "billing_cycle_anchor": None}},
        trial_start=now if trial else None, trial_end=wanted.get("trial_end")))
    world.tell("customer.subscription.created", subscription)
    world.plan(ends, renew, id)
    return subscription


def _item(world: World, subscription: str, price: Thing, quantity: int, start: int, end: int) -> Thing:
    return blank(
        "subscription_item", id=world.new_id("si", 14), created=world.now(), current_period_start=start,
        current_period_end=end, discounts=[], metadata={}, plan=plan_of(price), price=dict(price), quantity=quantity,
        subscription=subscription, tax_rates=[])


def period_end(subscription: Thing) -> int:
    return subscription["items"]["data"][0]["current_period_end"]


def with_period(subscription: Thing, start: int, end: int) -> Thing:
    """The subscription's items, moved to another period."""
    items = subscription["items"]
    return items | {"data": [item | {"current_period_start": start, "current_period_end": end}
                             for item in items["data"]]}


def move_period(world: World, subscription: Thing, start: int, end: int, **fields: Any) -> None:
    """Begin another period, tell it, and plan its end."""
    world.notes[subscription["id"]] = {"last_start": subscription["items"]["data"][0]["current_period_start"]}
    world.change(subscription, "customer.subscription.updated",
                 items=with_period(subscription, start, end), **fields)
    world.plan(end, renew, subscription["id"])


def renew(world: World, id: str) -> None:
    """The end of a period, if it still ends now: the next one begins and is billed."""
    subscription = world.find("subscription", id)
    ended = period_end(subscription)
    if subscription["status"] not in ("active", "trialing", "past_due") or ended > world.now():
        return
    if subscription["cancel_at_period_end"] or (subscription["cancel_at"] or ended + 1) <= ended:
        end(world, subscription, reason="cancellation_requested")
        return
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    until = anniversaries.next_after(subscription["billing_cycle_anchor"], recurring, ended)
    status = "active" if subscription["status"] == "trialing" else subscription["status"]
    move_period(world, subscription, ended, until, status=status)
    bill(world, subscription, "subscription_cycle")


def bill(world: World, subscription: Thing, reason: str, free: bool = False) -> None:
    """Invoice the current period and collect it, unless collection is paused."""
    invoice = invoices.draft(world, subscription, reason, free)
    pause = subscription["pause_collection"]
    if pause and not free:
        _set_aside(world, invoice, pause["behavior"])
        return
    if world.draft_seconds and reason == "subscription_cycle":
        world.plan(world.now() + world.draft_seconds, invoices.advance, invoice["id"])
    else:
        invoices.advance(world, invoice["id"])


def _set_aside(world: World, invoice: Thing, behavior: str) -> None:
    if behavior == "keep_as_draft":
        invoice["auto_advance"] = False
        return
    invoices.finalize(world, invoice, collect=False)
    aside = invoices.void if behavior == "void" else invoices.mark_uncollectible
    aside(world, invoice)


def resume(world: World, id: str) -> None:
    """The planned end of a pause, if it is still planned."""
    subscription = world.find("subscription", id)
    pause = subscription["pause_collection"]
    if subscription["status"] in RUNNING and pause and (pause["resumes_at"] or world.now() + 1) <= world.now():
        world.change(subscription, "customer.subscription.updated", pause_collection=None)


def end_as_planned(world: World, id: str) -> None:
    subscription = world.find("subscription", id)
    planned = subscription["cancel_at"]
    if subscription["status"] in RUNNING and planned is not None and planned <= world.now():
        end(world, subscription, reason="cancellation_requested")


def end(world: World, subscription: Thing, reason: str) -> None:
    """For good: a canceled subscription never comes back, and its open invoices are no longer collected."""
    now = world.now()
    subscription["cancellation_details"] = subscription["cancellation_details"] | {"reason": reason}
    subscription.update(status="canceled", ended_at=now, canceled_at=subscription["canceled_at"] or now,
                        pause_collection=None)
    for invoice in open_invoices(world, subscription["id"]):
        invoice.update(auto_advance=False, next_payment_attempt=None)
    world.tell("customer.subscription.deleted", subscription)


def open_invoices(world: World, id: str) -> list[Thing]:
    return [each for each in world.all("invoice", status="open") if invoices.subscription_of(each) == id]


def paid(world: World, invoice: Thing) -> None:
    """Paying the latest invoice makes an unpaid subscription whole again."""
    subscription = world.find("subscription", invoices.subscription_of(invoice))
    if subscription["latest_invoice"] == invoice["id"] and subscription["status"] in ("past_due", "incomplete"):
        world.change(subscription, "customer.subscription.updated", status="active")


def failed(world: World, invoice: Thing) -> None:
    subscription = world.find("subscription", invoices.subscription_of(invoice))
    if subscription["status"] in ("active", "trialing"):
        world.change(subscription, "customer.subscription.updated", status="past_due")


def given_up(world: World, invoice: Thing) -> None:
    subscription = world.find("subscription", invoices.subscription_of(invoice))
    if subscription["status"] in RUNNING:
        end(world, subscription, reason="payment_failed")


invoices.WHEN_PAID.append(paid)
invoices.WHEN_FAILED.append(failed)
invoices.WHEN_GIVEN_UP.append(given_up)
