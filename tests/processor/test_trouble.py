"""What Stripe's objects say of a month that was not paid."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.processor import events, trouble


def payment(status: str = "requires_payment_method", **error: str) -> dict[str, Any]:
    return {"id": "pi_1", "status": status, "last_payment_error": error or None}


@pytest.mark.parametrize(
    ("failed", "because"),
    [
        (payment("requires_action"), "bank_asks"),
        (payment(code="authentication_required", decline_code="authentication_required"), "bank_asks"),
        (payment(code="card_declined", decline_code="authentication_required"), "bank_asks"),
        (payment(code="payment_intent_authentication_failure"), "bank_asks"),
        (payment(code="expired_card", decline_code="expired_card"), "card_expired"),
        (payment(code="card_declined", decline_code="insufficient_funds"), "funds"),
        (payment(code="insufficient_funds"), "funds"),
        (payment(code="card_declined", decline_code="stolen_card"), "declined"),
        (payment(code="card_declined", decline_code="made_up_next_year"), "declined"),
        (payment(code="card_declined"), "declined"),
        (payment(), "declined"),
        (None, "declined"),
    ],
)
def test_why_a_payment_failed_is_told_where_it_is_of_use(failed: dict[str, Any] | None, because: str) -> None:
    """Expired, not enough, or the bank asks; anything else, and what banks suspect, is only "could not be taken"."""
    assert trouble._reason(failed) == because


@pytest.mark.parametrize(
    ("chosen", "own", "status", "newer"),
    [
        ({"id": "pm_2", "created": 20}, {"id": "pm_1", "created": 10}, "active", "pm_2"),
        ({"id": "pm_2", "created": 20}, {"id": "pm_1", "created": 30}, "active", ""),
        ({"id": "pm_1", "created": 10}, {"id": "pm_1", "created": 10}, "past_due", ""),
        ({"id": "pm_2", "created": 20}, {"id": "pm_1", "created": 10}, "canceled", ""),
        ({"id": "pm_2", "created": 20}, None, "active", ""),
        (None, {"id": "pm_1", "created": 10}, "active", ""),
        ("pm_2", {"id": "pm_1", "created": 10}, "active", "pm_2"),
        ("pm_1", {"id": "pm_1", "created": 10}, "active", ""),
    ],
)
def test_only_a_newer_card_is_taken_up(chosen: Any, own: Any, status: str, newer: str) -> None:
    """The one chosen last, whichever way it was chosen; an ended gift needs none."""
    customer = {"invoice_settings": {"default_payment_method": chosen}}

    assert trouble.newer_card({"status": status, "customer": customer, "default_payment_method": own}) == newer


@pytest.mark.parametrize("customer", ["cus_1", None, {"id": "cus_1", "deleted": True}, {"invoice_settings": None}])
def test_a_customer_that_is_gone_has_no_newer_card(customer: Any) -> None:
    """Erased at Stripe, or not expanded."""
    own = {"id": "pm_1", "created": 10}

    assert trouble.newer_card({"status": "active", "customer": customer, "default_payment_method": own}) == ""


def subscription(status: str, invoice: Any, **more: Any) -> dict[str, Any]:
    """As much of a subscription as says whether something is owed."""
    price = {"unit_amount": 25_00, "currency": "usd"}
    return {
        "id": "sub_1", "status": status, "metadata": {"gift_id": "a" * 32}, "customer": "cus_1", "latest_invoice": invoice,
        "billing_cycle_anchor": 1_773_144_000, "start_date": 1_773_144_000,
        "pause_collection": None, "cancel_at_period_end": False,
        "items": {"data": [{"price": price, "quantity": 1, "current_period_end": 1_775_822_400}]}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "invoice", "is_unpaid"),
    [
        ("past_due", {"status": "open", "attempted": True}, True),
        ("unpaid", {"status": "open", "attempted": True}, True),
        ("past_due", {"status": "open", "attempted": False}, False),
        ("past_due", {"status": "draft", "attempted": False}, False),
        ("past_due", {"status": "uncollectible", "attempted": True}, False),
        ("active", {"status": "open", "attempted": True}, False),
        ("past_due", "in_1", False),
        ("past_due", None, False),
    ],
)
def test_a_month_has_failed_once_the_bank_was_asked_and_something_is_owed(status: str, invoice: Any, is_unpaid: bool) -> None:
    """Not before: the donor would be told of a failure that has not happened."""
    assert bool(trouble.unpaid_invoice(subscription(status, invoice))) is is_unpaid


PAUSED = {"pause_collection": {"behavior": "void", "resumes_at": None}}


@pytest.mark.parametrize(
    ("status", "invoice", "more", "state"),
    [
        ("past_due", "open", {}, "payment_problem"), ("past_due", "draft", {}, "payment_problem"),
        ("past_due", "void", {}, "active"), ("past_due", "uncollectible", {}, "active"),
        ("past_due", "void", PAUSED, "paused"), ("past_due", "open", PAUSED, "payment_problem"),
        ("trialing", "paid", {}, "active"), ("active", "void", PAUSED, "paused"), ("canceled", "open", {}, "ended"),
    ],
)  # fmt: skip
def test_what_was_given_up_is_no_payment_problem(status: str, invoice: str, more: Any, state: str) -> None:
    """Whatever Stripe still calls the subscription: a pause voids the month that was owed, and then it is paused."""
    stands = events.partnership_of(subscription(status, {"status": invoice, "attempted": True}, **more), "d", "UTC")

    assert stands
    assert stands.state == state
