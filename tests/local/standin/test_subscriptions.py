from datetime import UTC, datetime

import pytest
import stripe

from .conftest import ASKS, BANK_CLOSED, FAILS_LATER, GOOD, at


def renewals(subscription) -> datetime:
    return datetime.fromtimestamp(subscription["items"].data[0].current_period_end, UTC)


def test_a_monthly_gift_is_a_subscription_with_a_paid_invoice(client, give):
    """The first payment hangs on the invoice; the intent's metadata is empty and the invoice snapshots ours."""
    session = give(mode="subscription", subscription_data={"metadata": {"gift_id": "g1"}})
    invoice = session.subscription.latest_invoice
    intent = client.v1.payment_intents.retrieve(invoice.payments.data[0].payment.payment_intent)

    assert ("paid", "active") == (session.payment_status, session.subscription.status)
    assert ("subscription_create", "paid", 50_00) == (invoice.billing_reason, invoice.status, invoice.amount_paid)
    assert {"gift_id": "g1"} == invoice.parent.subscription_details.metadata.to_dict()
    assert {} == intent.metadata.to_dict()


def test_an_invoice_payment_leads_from_the_intent_to_the_invoice(client, give):
    """Since the basil versions this is the only way back."""
    invoice = give(mode="subscription").subscription.latest_invoice
    intent = invoice.payments.data[0].payment.payment_intent

    found = client.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent}}).data
    assert [invoice.id] == [each.invoice for each in found]


def test_the_31st_comes_back_after_a_short_month(client, standin, give):
    """Renewals count from the anchor, not from the last renewal."""
    id = give(mode="subscription").subscription.id
    seen = [renewals(client.v1.subscriptions.retrieve(id)).day]
    for month in (3, 4):
        standin.advance(at(2026, month, 1))
        seen.append(renewals(client.v1.subscriptions.retrieve(id)).day)

    assert [28, 31, 30] == seen
    assert ["subscription_cycle", "subscription_cycle", "subscription_create"] == [
        each.billing_reason for each in client.v1.invoices.list({"subscription": id}).data]


def test_a_failed_renewal_is_retried_and_then_ends_the_gift(client, standin, give, site):
    """Three, five and seven days after the attempt before; then Stripe gives up."""
    id = give(FAILS_LATER, mode="subscription").subscription.id
    standin.advance(at(2026, 3, 1))
    assert "past_due" == client.v1.subscriptions.retrieve(id).status

    standin.advance(at(2026, 3, 16))

    ended = client.v1.subscriptions.retrieve(id)
    assert ("canceled", "payment_failed") == (ended.status, ended.cancellation_details.reason)
    failed = [datetime.fromtimestamp(each.created, UTC).strftime("%m-%d")
              for each in site.received if each.type == "invoice.payment_failed"]
    assert ["02-28", "03-03", "03-08", "03-15"] == failed
    assert "customer.subscription.deleted" == site.types[-1]


def test_a_new_card_saves_a_failing_gift_at_the_next_retry(client, standin, give):
    """The billing portal changes the customer's default; the subscription goes on with its own card until it is given the new one."""
    session = give(FAILS_LATER, mode="subscription")
    standin.advance(at(2026, 3, 1))
    card = standin.change_card(session.customer, GOOD)
    assert card["id"] != client.v1.subscriptions.retrieve(session.subscription.id).default_payment_method
    client.v1.subscriptions.update(session.subscription.id, {"default_payment_method": card["id"]})

    standin.advance(at(2026, 3, 4))

    saved = client.v1.subscriptions.retrieve(session.subscription.id, {"expand": ["latest_invoice"]})
    assert ("active", "paid", 2) == (saved.status, saved.latest_invoice.status, saved.latest_invoice.attempt_count)


def test_paying_by_hand_says_402_or_saves(client, standin, give):
    """`pay` tells a decline as an error; the plan of retries stays."""
    session = give(FAILS_LATER, mode="subscription")
    standin.advance(at(2026, 3, 1))
    invoice = client.v1.invoices.list({"status": "open"}).data[0]

    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(invoice.id)
    assert ("card_declined", "generic_decline") == (declined.value.code, declined.value.error.decline_code)

    card = standin.change_card(session.customer, GOOD)
    assert "paid" == client.v1.invoices.pay(invoice.id, {"payment_method": card["id"]}).status
    assert "active" == client.v1.subscriptions.retrieve(session.subscription.id).status


def test_a_renewal_may_want_the_donor(client, standin, give, site):
    """Away from the donor nobody confirms 3-D Secure; on the hosted invoice page the donor can."""
    id = give(ASKS, mode="subscription").subscription.id
    standin.advance(at(2026, 3, 1))
    invoice = client.v1.subscriptions.retrieve(id, {"expand": ["latest_invoice"]}).latest_invoice
    assert {"invoice.payment_action_required", "invoice.payment_failed"} <= set(site.types)

    assert "declined" == standin.pay_invoice(invoice.id, confirm_3ds=False)["status"]
    assert "paid" == standin.pay_invoice(invoice.id, confirm_3ds=True)["status"]
    assert "active" == client.v1.subscriptions.retrieve(id).status


def test_a_pause_voids_what_falls_in_it_and_ends_by_itself(client, standin, give, site):
    """Paused collection makes invoices and charges nothing."""
    id = give(mode="subscription").subscription.id
    client.v1.subscriptions.update(id, {"pause_collection": {"behavior": "void", "resumes_at": at(2026, 3, 20)}})

    standin.advance(at(2026, 4, 1))

    assert ["paid", "void", "paid"] == [each.status for each in client.v1.invoices.list({"subscription": id}).data]
    assert client.v1.subscriptions.retrieve(id).pause_collection is None
    assert 2 == len(client.v1.charges.list().data)


def test_a_pause_can_be_taken_back(client, give):
    """An empty string unsets, as everywhere in Stripe's forms."""
    id = give(mode="subscription").subscription.id
    client.v1.subscriptions.update(id, {"pause_collection": {"behavior": "void"}})

    assert client.v1.subscriptions.update(id, {"pause_collection": ""}).pause_collection is None


def test_a_new_amount_holds_from_the_next_renewal(client, standin, give):
    """Without prorations nothing is charged or returned for the running month."""
    subscription = give(mode="subscription").subscription
    item = subscription["items"].data[0]
    price = {"currency": "usd", "product": item.price.product, "recurring": {"interval": "month"}, "unit_amount": 70_00}
    client.v1.subscriptions.update(subscription.id, {
        "items": [{"id": item.id, "price_data": price}], "proration_behavior": "none"})

    standin.advance(at(2026, 3, 1))

    assert [70_00, 50_00] == [each.amount for each in client.v1.charges.list().data]


def test_a_trial_moves_the_day_of_giving(client, standin, give):
    """`trial_end` charges nothing until then, and anchors the renewals there."""
    id = give(mode="subscription").subscription.id
    moved = client.v1.subscriptions.update(id, {"trial_end": at(2026, 3, 15), "proration_behavior": "none"})
    assert ("trialing", at(2026, 3, 15)) == (moved.status, moved.billing_cycle_anchor)

    standin.advance(at(2026, 3, 16))

    found = client.v1.subscriptions.retrieve(id)
    assert ("active", 15) == (found.status, renewals(found).day)
    assert [50_00, 0, 50_00] == [each.amount_paid for each in client.v1.invoices.list({"subscription": id}).data]


def test_a_new_anchor_bills_now(client, give):
    """`billing_cycle_anchor` is an object since endive; a plain `now` is refused."""
    id = give(mode="subscription").subscription.id
    client.v1.subscriptions.update(id, {"billing_cycle_anchor": {"type": "now"}, "proration_behavior": "none"})
    assert 2 == len(client.v1.invoices.list({"subscription": id}).data)

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.update(id, {"billing_cycle_anchor": "now"})


def test_a_gift_ends_at_the_period_end_or_at_once_and_only_once(client, standin, give):
    """Canceling again is Stripe's 404, not a success."""
    later, now = give(mode="subscription").subscription.id, give(mode="subscription").subscription.id
    client.v1.subscriptions.update(later, {"cancel_at_period_end": True})
    client.v1.subscriptions.cancel(now, {"cancellation_details": {"comment": "moving"}})
    standin.advance(at(2026, 3, 1))

    ended = client.v1.subscriptions.retrieve(now)
    assert ("canceled", "moving") == (ended.status, ended.cancellation_details.comment)
    assert "canceled" == client.v1.subscriptions.retrieve(later).status
    assert 2 == len(client.v1.charges.list().data)
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.subscriptions.cancel(now)
    assert (404, "resource_missing") == (gone.value.http_status, gone.value.code)
    assert [] == client.v1.subscriptions.list().data
    assert 2 == len(client.v1.subscriptions.list({"status": "all"}).data)


def test_a_monthly_bank_debit_that_comes_back_is_retried(client, standin, give):
    """A delayed first payment leaves the gift running until the bank has spoken."""
    session = give(BANK_CLOSED, mode="subscription")
    assert ("unpaid", "active") == (session.payment_status, session.subscription.status)

    standin.settle(session=session.id)

    found = client.v1.subscriptions.retrieve(session.subscription.id, {"expand": ["latest_invoice"]})
    assert ("past_due", "open") == (found.status, found.latest_invoice.status)


def test_a_subscription_expands_four_levels_deep(client, give):
    """`items.data.price.product` is how a gift's name is read."""
    id = give(mode="subscription").subscription.id
    found = client.v1.subscriptions.retrieve(id, {"expand": ["items.data.price.product", "default_payment_method"]})

    assert "Gift" == found["items"].data[0].price.product.name
    assert "4242" == found.default_payment_method.card.last4
