import pytest
import stripe

DAY = 24 * 60 * 60


def test_refunds_in_parts_never_exceed_the_charge(client, give):
    """What is left can be returned, a cent more cannot."""
    charge = give().payment_intent.latest_charge.id
    client.v1.refunds.create({"charge": charge, "amount": 20_00})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"charge": charge, "amount": 30_01})
    client.v1.refunds.create({"charge": charge})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge})

    found = client.v1.charges.retrieve(charge, {"expand": ["refunds"]})
    assert "charge_already_refunded" == refused.value.code
    assert (50_00, True, [30_00, 20_00]) == (
        found.amount_refunded, found.refunded, [each.amount for each in found.refunds.data])


def test_a_refund_can_fail_later_and_gives_the_money_back_to_the_charity(client, standin, give, site):
    """A refund's success is not its end."""
    intent = give("4000000000005126").payment_intent
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert "succeeded" == refund.status

    standin.advance(refund.created + 3 * DAY)

    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert ("failed", 50_00, "refund_failure") == (
        failed.status, failed.failure_balance_transaction.amount, failed.failure_balance_transaction.type)
    assert 0 == client.v1.charges.retrieve(intent.latest_charge.id).amount_refunded
    assert {"refund.updated", "refund.failed", "charge.refund.updated"} <= set(site.types[-3:])


def test_a_dispute_takes_amount_and_fee_and_returns_the_amount_if_won(client, standin, give, site):
    """Funds go at once; a win brings back the amount and keeps the fee."""
    charge = give("4000000000000259").payment_intent.latest_charge.id
    dispute = client.v1.disputes.list({"charge": charge}).data[0]
    assert ("needs_response", "fraudulent", [-65_00]) == (
        dispute.status, dispute.reason, [each.net for each in dispute.balance_transactions])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge})
    assert "charge_disputed" == refused.value.code

    standin.close_dispute(dispute.id, won=True)
    standin.tick()

    won = client.v1.disputes.retrieve(dispute.id)
    assert ("won", [-65_00, 50_00]) == (won.status, [each.net for each in won.balance_transactions])
    assert ["charge.dispute.closed", "charge.dispute.funds_reinstated"] == site.types[-2:]


def test_accepting_a_dispute_loses_it(client, standin, give):
    """The money stays away, and the dispute cannot be closed again."""
    dispute = standin.dispute(give().payment_intent.latest_charge.id, "product_not_received")["id"]

    assert "lost" == client.v1.disputes.close(dispute).status
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute)


def test_an_early_fraud_warning_names_its_charge(client, give):
    """It comes before any dispute, while a refund still helps."""
    charge = give("4000000000005423").payment_intent.latest_charge.id

    assert [charge] == [each.charge for each in client.v1.radar.early_fraud_warnings.list().data]


def test_the_balance_is_the_sum_of_its_movements(client, standin, give):
    """The desk's books and the list of balance transactions are one truth."""
    give(), give(currency="gbp")
    standin.refund(charge=give().payment_intent.latest_charge.id, amount=10_00)

    listed = client.v1.balance_transactions.list({"currency": "usd"}).data
    assert standin.state()["balance"]["usd"]["net"] == sum(each.net for each in listed) == 2 * 48_25 - 10_00
    assert {"charge", "refund"} == {each.reporting_category for each in listed}
