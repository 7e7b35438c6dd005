"""Every kind of object, at every stage of its life, against the SDK's own annotations."""

import pytest

from local.standin import shapes

from .conftest import ASKS, BANK, BANK_CLOSED, DECLINED, FAILS_LATER, GOOD, at, wanted


@pytest.fixture
def lived(client, standin, give):
    """A world in which everything that can happen did."""
    give(payment_intent_data={"metadata": {"gift_id": "g"}, "statement_descriptor_suffix": "GIFT"},
         name_collection={"individual": {"enabled": True}}, custom_text={"submit": {"message": "Thank you"}},
         customer_creation="always", phone_number_collection={"enabled": True})
    for card in (BANK, BANK_CLOSED, "4000000000000259", "4000000000005423", "4000000000005126"):
        give(card)
    standin.pay(client.v1.checkout.sessions.create(wanted()).id, DECLINED, "a@example.org", "A")
    standin.pay(client.v1.checkout.sessions.create(wanted()).id, ASKS, "a@example.org", "A", confirm_3ds=False)
    client.v1.checkout.sessions.create(wanted("subscription"))
    monthly = [give(card, mode="subscription") for card in (GOOD, ASKS, FAILS_LATER, BANK)]
    paused = give(mode="subscription").subscription.id
    client.v1.subscriptions.update(paused, {"pause_collection": {"behavior": "void", "resumes_at": at(2026, 3, 9)}})
    moved = give(mode="subscription").subscription.id
    client.v1.subscriptions.update(moved, {"trial_end": at(2026, 2, 20), "proration_behavior": "none"})
    for charge in client.v1.charges.list({"limit": 100}).data:
        if charge.status == "succeeded" and not charge.disputed:
            client.v1.refunds.create({"charge": charge.id, "amount": 100})
    standin.close_dispute(client.v1.disputes.list().data[0].id, won=True)
    standin.change_card(monthly[0].customer, GOOD)
    client.v1.billing_portal.sessions.create({"customer": monthly[0].customer, "return_url": "http://site/",
                                              "flow_data": {"type": "payment_method_update"}})
    client.v1.subscriptions.update(monthly[0].subscription.id, {"cancel_at_period_end": True})
    standin.advance(at(2026, 4, 20))
    return standin


def test_every_object_is_what_the_sdk_says(lived):
    """A field that the SDK promises is there and of its type, in the books and in every event."""
    kinds = {kind for kind, things in lived.world.things.items() if things}
    stored = [each for things in lived.world.things.values() for each in things.values()]
    told = [each["data"]["object"] for each in lived.events()]

    faults = {fault for each in stored + told for fault in shapes.faults(each)}

    assert set() == faults
    assert {"balance_transaction", "billing_portal.session", "charge", "checkout.session", "customer", "dispute",
            "event", "invoice", "invoice_payment", "payment_intent", "payment_method", "price", "product", "refund",
            "radar.early_fraud_warning", "subscription"} == kinds


def test_expanded_answers_are_whole(lived):
    """Expansion puts objects of the right kind in the right places."""
    session = lived.request("GET", "/v1/checkout/sessions", {"status": "complete", "expand": [
        "data.line_items", "data.customer", "data.payment_intent.latest_charge", "data.subscription"]}).body
    charges = lived.request("GET", "/v1/charges", {"expand": [
        "data.balance_transaction.source", "data.refunds", "data.customer"]}).body
    invoices = lived.request("GET", "/v1/invoices", {"expand": ["data.payments", "data.customer.subscriptions"]}).body

    assert [] == shapes.faults(session) + shapes.faults(charges) + shapes.faults(invoices)
    assert [] == shapes.faults(lived.request("GET", "/v1/account").body)


@pytest.mark.parametrize("spoil", [
    lambda charge: charge.pop("amount"),
    lambda charge: charge.update(amount="5000"),
    lambda charge: charge.update(paid=1),
    lambda charge: charge.update(status="done"),
    lambda charge: charge.update(invoice="in_1"),
    lambda charge: charge.update(presentment_details=None),
    lambda charge: charge["billing_details"].pop("email"),
])
def test_the_checker_sees_what_is_wrong(standin, give, spoil):
    """A checker that never complains guards nothing."""
    charge = dict(standin.request("GET", f"/v1/charges/{give().payment_intent.latest_charge.id}").body)
    assert [] == shapes.faults(charge)

    spoil(charge)

    assert 1 == len(shapes.faults(charge))
