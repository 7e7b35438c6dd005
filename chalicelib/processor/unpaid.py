"""
Giving up what a monthly gift has asked for and not got.

Stripe goes on collecting an invoice that was made before a pause, finalizes a
draft whatever became of its subscription, and leaves open, to be paid by
whoever still has the link, what was unpaid when a subscription ended.
Sources: https://docs.stripe.com/billing/subscriptions/pause-payment,
https://docs.stripe.com/api/subscriptions/cancel
"""

from __future__ import annotations

from chalicelib import log
from chalicelib.errors import NotThere, ProcessorRefused
from chalicelib.processor import stripe_api


def give_up(subscription_id: str, *, but: str = "") -> None:
    """
    Void every unpaid invoice of a subscription, except the one named by `but`.

    One that was paid in this very moment, or whose bank debit is under way,
    cannot be voided any more. What it brings is a gift like any other.
    """
    for invoice in stripe_api.unpaid_invoices(subscription_id):
        if invoice["id"] == but:
            continue
        try:
            stripe_api.void_invoice(invoice)
        except (ProcessorRefused, NotThere) as refused:
            log.note("invoice_not_voided", invoice=invoice["id"], code=refused.code)
