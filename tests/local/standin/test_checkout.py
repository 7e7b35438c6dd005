import pytest
import stripe

from .conftest import ASKS, BANK, BANK_CLOSED, DECLINED, GOOD, wanted


def test_a_gift_paid_on_the_page_is_a_charge_with_the_intents_metadata(give):
    """Only the PaymentIntent's metadata reaches the charge; the session's own does not."""
    session = give(payment_intent_data={"metadata": {"gift_id": "g1"}}, metadata={"elsewhere": "1"})
    charge = session.payment_intent.latest_charge

    assert ("complete", "paid") == (session.status, session.payment_status)
    assert {"gift_id": "g1"} == charge.metadata.to_dict()
    assert (50_00, 48_25) == (charge.amount, charge.balance_transaction.net)


def test_the_intent_exists_once_the_button_was_pressed(client, standin):
    """A session that nobody submitted has no PaymentIntent to find."""
    session = client.v1.checkout.sessions.create(wanted())
    assert session.payment_intent is None

    standin.pay(session.id, DECLINED, "ada@example.org", "Ada")

    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent


def test_a_declined_card_leaves_the_session_open_and_a_failed_charge(client, standin):
    """The donor may try again on the same page, and succeed."""
    session = client.v1.checkout.sessions.create(wanted())
    answer = standin.pay(session.id, "4000 0000 0000 9995", "ada@example.org", "Ada")
    assert ("declined", "insufficient_funds") == (answer["status"], answer["decline_code"])
    assert "open" == client.v1.checkout.sessions.retrieve(session.id).status

    answer = standin.pay(session.id, GOOD, "ada@example.org", "Ada")

    assert f"http://site/thanks?s={session.id}" == answer["redirect"]
    assert ["succeeded", "failed"] == [each.status for each in client.v1.charges.list().data]


def test_a_refused_authentication_makes_no_charge(client, standin):
    """3-D Secure comes before the bank is asked for money."""
    session = client.v1.checkout.sessions.create(wanted())

    assert "requires_action" == standin.pay(session.id, ASKS, "a@example.org", "A", confirm_3ds=None)["status"]
    assert "declined" == standin.pay(session.id, ASKS, "a@example.org", "A", confirm_3ds=False)["status"]
    assert [] == client.v1.charges.list().data

    assert "paid" == standin.pay(session.id, ASKS, "a@example.org", "A", confirm_3ds=True)["status"]


def test_a_session_expires_by_the_clock(client, standin, site):
    """After `expires_at` the page takes no money, and the expiry is told once."""
    session = client.v1.checkout.sessions.create(wanted())
    standin.advance(session.expires_at)

    with pytest.raises(Exception, match="expired"):
        standin.pay(session.id, GOOD, "ada@example.org", "Ada")
    assert ["checkout.session.expired"] == site.types


def test_card_after_card_is_tried_on_one_page(client, standin):
    """Stripe sets no end to it: each failure is a charge of the same PaymentIntent, and the page stays open."""
    session = client.v1.checkout.sessions.create(wanted())
    for _ in range(9):
        standin.pay(session.id, DECLINED, "ada@example.org", "Ada")
    session = client.v1.checkout.sessions.retrieve(session.id)

    tried = client.v1.charges.list({"payment_intent": session.payment_intent}).data
    assert ("open", ["failed"] * 9) == (session.status, [each.status for each in tried])
    assert [session.id] == [each.id for each in client.v1.checkout.sessions.list({"payment_intent": session.payment_intent}).data]


def test_a_failed_first_payment_of_a_subscription_names_its_customer_alone(client, standin):
    """Of the session Stripe tells nothing, and of the subscription there is none yet; a customer given before is there."""
    customer = client.v1.customers.create().id
    for given in ({"customer": customer}, {}):
        session = client.v1.checkout.sessions.create(wanted("subscription", **given))
        standin.pay(session.id, DECLINED, "ada@example.org", "Ada")

        charge = client.v1.charges.list({"limit": 1, "expand": ["data.payment_intent"]}).data[0]
        assert (given.get("customer"), {}) == (charge.customer, charge.payment_intent.metadata.to_dict())
        session = client.v1.checkout.sessions.retrieve(session.id)
        assert (None, None) == (session.payment_intent, session.subscription)


def test_a_customer_without_an_address_has_the_one_that_was_typed(client, standin):
    """The SDK: "If the Customer does not have a valid `email`, Checkout will set the email entered during the session"."""
    customers = [client.v1.customers.create(params).id for params in ({}, {"email": "known@example.org"})]
    for customer in customers:
        session = client.v1.checkout.sessions.create(wanted("subscription", customer=customer))
        standin.pay(session.id, GOOD, "ada@example.org", "Ada")

    assert ["ada@example.org", "known@example.org"] == [client.v1.customers.retrieve(each).email for each in customers]


def test_only_an_open_session_can_be_expired(client, standin, give, site):
    """It takes no money from then on, which is told once. One that is over already is refused."""
    session = client.v1.checkout.sessions.create(wanted())
    assert ("expired", None) == ((gone := client.v1.checkout.sessions.expire(session.id)).status, gone.url)
    with pytest.raises(Exception, match="expired"):
        standin.pay(session.id, GOOD, "ada@example.org", "Ada")
    standin.tick()
    assert ["checkout.session.expired"] == site.types

    for over in (session.id, give().id):
        with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
            client.v1.checkout.sessions.expire(over)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.checkout.sessions.expire("cs_nobody")
    assert "resource_missing" == unknown.value.code


def test_a_bank_debit_is_complete_before_it_is_paid(client, standin, give, site):
    """`completed` may say unpaid; money has a balance transaction as soon as it is submitted to the bank."""
    session = give(BANK)
    assert ("complete", "unpaid") == (session.status, session.payment_status)
    assert "pending" == session.payment_intent.latest_charge.status
    booked = session.payment_intent.latest_charge.balance_transaction

    standin.advance(session.created + 5 * 24 * 60 * 60)

    charge = client.v1.charges.retrieve(session.payment_intent.latest_charge.id, {"expand": ["balance_transaction"]})
    assert ("succeeded", booked.id, session.created) == (
        charge.status, charge.balance_transaction.id, charge.balance_transaction.created)
    assert "checkout.session.async_payment_succeeded" == site.types[-1]


def test_a_bank_debit_may_come_back(client, standin, give, site):
    """A closed account is told days later, and what was booked is taken away again."""
    session = give(BANK_CLOSED)
    standin.settle(session=session.id)
    standin.tick()

    charge = client.v1.charges.list().data[0]
    moved = {each.id: each.net + each.fee for each in client.v1.balance_transactions.list().data}
    assert ("failed", "account_closed") == (charge.status, charge.failure_code)
    assert 0 == moved[charge.balance_transaction] + moved[charge.failure_balance_transaction]
    assert ["charge.failed", "payment_intent.payment_failed",
            "checkout.session.async_payment_failed"] == site.types[-3:]


def test_events_of_a_gift_come_in_stripes_order(standin, give, site):
    """Each event holds its object as it was then."""
    give(customer_creation="always")
    standin.tick()

    assert ["customer.created", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
            "checkout.session.completed"] == site.types
    assert "requires_payment_method" == site.received[1].data.object["status"]


@pytest.mark.parametrize(("params", "code", "param"), [
    ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
    ({"mode": None}, "parameter_missing", "mode"),
    ({"line_items": None}, "parameter_missing", "line_items"),
    ({"amount": 49}, "amount_too_small", None),
    ({"amount": 29, "currency": "gbp"}, "amount_too_small", None),
    ({"amount": 100_000_000}, "amount_too_large", None),
    ({"customer": "cus_nobody"}, "resource_missing", "customer"),
    ({"line_items": [{"price_data": {"currency": "usd", "unit_amount": "x", "product_data": {"name": "G"}}}]},
     "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
])
def test_what_stripe_refuses_is_refused(client, params, code, param):
    """A parameter that is let through here would fail in production."""
    sized = {name: params[name] for name in ("amount", "currency") if name in params}
    asked = wanted(**sized) | {name: each for name, each in params.items() if name not in sized}
    asked = {name: each for name, each in asked.items() if each is not None}

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(asked)

    assert (400, code, param) == (refused.value.http_status, refused.value.code, refused.value.param)


def test_a_session_of_a_known_customer_updates_only_what_it_may(client, standin):
    """`customer_update` says which of the typed details reach the customer."""
    customer = client.v1.customers.create({"email": "ada@example.org", "name": "Ada"})
    session = client.v1.checkout.sessions.create(
        wanted(customer=customer.id, customer_update={"address": "auto"}))
    standin.pay(session.id, GOOD, "other@example.org", "Other", {"country": "FR"})

    found = client.v1.customers.retrieve(customer.id)
    assert ("ada@example.org", "Ada", "FR") == (found.email, found.name, found.address.country)


def test_sessions_are_found_by_their_payment(client, give):
    """A charge leads back to the page it was made on."""
    first, _ = give(), give()

    found = client.v1.checkout.sessions.list({"payment_intent": first.payment_intent.id}).data
    assert [first.id] == [each.id for each in found]
    assert "Gift" == client.v1.checkout.sessions.line_items.list(first.id).data[0].description
