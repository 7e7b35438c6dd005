"""
The only place that calls Stripe: our pinned version, a timeout on every call, an end to every retry.

Answers are plain dicts, because Stripe's objects stopped being dicts and
their fields come and go with the API version. A call has three outcomes,
never two: done, refused (ProcessorRefused, NotThere) and unknown
(ProcessorUnsure). Words in an answer that we do not know are counted here,
whoever asked.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chalicelib import log, settings
from chalicelib.errors import NotThere, ProcessorRefused, ProcessorUnsure
from chalicelib.processor import events, vocabulary
from chalicelib.processor.understood import understood

if TYPE_CHECKING:
    from datetime import datetime

    from stripe import HTTPClient, StripeClient

# https://docs.stripe.com/upgrades - moved by hand, with the stand-in and the contract tests.
API_VERSION = "2026-10-28.endive"
# Stripe answers within 2 seconds as a rule; the page that waits for us ends after 15.
TIMEOUT_SECONDS = (3.0, 6.0)
# One more try: with its idempotency key the SDK may repeat any call, and the queue repeats the rest.
RETRIES = 1
PAGE = 100
# Stripe keeps events for 30 days. The one looked for is among the newest as a rule.
EVENTS_LIMIT = 3_000
# Lists end: 200 pages are 20,000 charges in one window of reconcile.
PAGES_LIMIT = 200

Object = dict[str, Any]

CHARGE_PARTS = ["balance_transaction", "payment_intent", "customer"]
SUBSCRIPTION_PARTS = ["default_payment_method", "customer.invoice_settings.default_payment_method", "latest_invoice"]


_transport: HTTPClient | None = None


def set_transport(transport: HTTPClient | None = None) -> None:
    """Reach Stripe over `transport` from here on; over the network again when none is given."""
    global _transport  # noqa: PLW0603 - the seam at which a test stands in for the network
    _transport = transport
    client.cache_clear()


@functools.cache
def client() -> StripeClient:
    """The SDK's client for this process."""
    import stripe  # noqa: PLC0415 - 90 ms that pages and sign-ups never need

    given = settings.current()
    return stripe.StripeClient(
        given.stripe_api_key,
        stripe_version=API_VERSION,
        max_network_retries=RETRIES,
        base_addresses={"api": given.stripe_api_base} if given.stripe_api_base else None,
        http_client=_transport or stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def create_checkout(params: Object, *, key: str) -> Object:
    """A Checkout Session; the same `key` within 24 hours gives the same session."""
    return _ask(lambda: client().v1.checkout.sessions.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]


def checkout(session_id: str) -> Object:
    """A Checkout Session with its payment intent."""
    return _ask(lambda: client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]}))


def create_customer(params: Object, *, key: str) -> Object:
    """A customer; the same `key` within 24 hours gives the same customer."""
    return _ask(lambda: client().v1.customers.create(params, {"idempotency_key": key}))  # type: ignore[arg-type]


def checkouts_tried(**by: str) -> list[Object]:
    """The Checkout Sessions whose page is paid by this `payment_intent`, or by this `customer`; the newest first."""
    assert by, "or it would be all that there are"
    return list(_listed(client().v1.checkout.sessions.list, **by))


def charges_tried(**by: str) -> Iterator[Object]:
    """Every charge of a `payment_intent` or of a `customer`, failed ones too; the newest first."""
    assert by, "or it would be all that there are"
    yield from _listed(client().v1.charges.list, **by)


def expire_checkout(session_id: str) -> None:
    """Close a Checkout Session's page. Raises ProcessorRefused if it is open no more."""
    _ask(lambda: client().v1.checkout.sessions.expire(session_id))


def charge(charge_id: str) -> Object:
    """A charge with its balance transaction, payment intent and customer."""
    return _ask(lambda: client().v1.charges.retrieve(charge_id, {"expand": CHARGE_PARTS}))


def success_of(charge_id: str, since: datetime) -> datetime | None:
    """
    When a charge succeeded, by its event; None if Stripe keeps that no more, or it is behind too many others.

    Only the event knows: `since` is when the charge was booked.
    """
    told = _listed(client().v1.events.list, type="charge.succeeded", created={"gte": int(since.timestamp())})
    found = (event for event in itertools.islice(told, EVENTS_LIMIT) if events.is_about(event, charge_id))
    return next(map(events.made_at, found), None)


def refunds_of(charge_id: str) -> list[Object]:
    """Every refund of a charge, with the balance transactions that moved its money."""
    parts = ["data.balance_transaction", "data.failure_balance_transaction"]
    return list(_listed(client().v1.refunds.list, charge=charge_id, expand=parts))


def disputes_of(charge_id: str) -> list[Object]:
    """Every dispute of a charge."""
    return list(_listed(client().v1.disputes.list, charge=charge_id))


def invoice(invoice_id: str) -> Object:
    """An invoice."""
    return _ask(lambda: client().v1.invoices.retrieve(invoice_id))


def invoice_paid_by(payment_intent_id: str) -> Object | None:
    """The invoice that a payment intent pays, if any: since basil only InvoicePayment tells."""
    found = _listed(
        client().v1.invoice_payments.list,
        payment={"type": "payment_intent", "payment_intent": payment_intent_id},
        expand=["data.invoice"],
    )
    return events.invoice_paid(list(found))


def payment_intents_of(invoice_id: str) -> list[str]:
    """The payment intents that pay, or tried to pay, an invoice."""
    return events.intents_paying(list(_listed(client().v1.invoice_payments.list, invoice=invoice_id)))


def payments_for(invoice_id: str) -> list[Object]:
    """The payment intents themselves that pay, or tried to pay, an invoice; the newest first."""
    found = _listed(client().v1.invoice_payments.list, invoice=invoice_id, expand=["data.payment.payment_intent"])
    return events.payments_paying(list(found))


def charges_of(payment_intent_id: str) -> list[Object]:
    """Every charge that a payment intent made, failed ones too."""
    return list(charges_tried(payment_intent=payment_intent_id))


def subscription(subscription_id: str) -> Object:
    """A subscription with its customer, the payment methods of both, and its latest invoice."""
    return _ask(lambda: client().v1.subscriptions.retrieve(subscription_id, {"expand": SUBSCRIPTION_PARTS}))


def subscriptions(ended_since: int) -> Iterator[Object]:
    """
    Every subscription that goes on, and those that ended at or after that second, with payment method and customer.

    One that ended has the end of the period in which it did, which is later still.
    """
    parts = ["data.default_payment_method", "data.customer"]
    since = {"gte": ended_since}
    yield from _listed(client().v1.subscriptions.list, status="all", current_period_end=since, expand=parts)


def subscriptions_of(customer_id: str) -> Iterator[Object]:
    """The subscriptions of a customer that go on."""
    yield from _listed(client().v1.subscriptions.list, customer=customer_id)


def unpaid_invoices(subscription_id: str) -> list[Object]:
    """
    The invoices of a subscription that are, or will be, collected.

    Drafts are asked for first: one that is finalized meanwhile is then in both lists, and not in neither.
    """
    ask, about = client().v1.invoices.list, {"subscription": subscription_id}
    listed = [each for status in ("draft", "open") for each in _listed(ask, **about, status=status)]
    return list({each["id"]: each for each in listed}.values())


def void_invoice(invoice: Object) -> None:
    """Give an unpaid invoice up. A subscription's draft cannot be deleted: it is first made one that can be voided."""
    if invoice["status"] == "draft":
        _ask(lambda: client().v1.invoices.finalize_invoice(invoice["id"], {"auto_advance": False}))
    _ask(lambda: client().v1.invoices.void_invoice(invoice["id"]))


def change_subscription(subscription_id: str, params: Object) -> Object:
    """Set something on a subscription. Setting the same twice is harmless."""
    return _ask(lambda: client().v1.subscriptions.update(subscription_id, params))  # type: ignore[arg-type]


def cancel_subscription(subscription_id: str, params: Object) -> None:
    """End a subscription at once. One that has ended already raises NotThere."""
    _ask(lambda: client().v1.subscriptions.cancel(subscription_id, params))  # type: ignore[arg-type]


def change_customer(customer_id: str, params: Object) -> None:
    """Set something on a customer. Setting the same twice is harmless. A deleted one raises NotThere."""
    _ask(lambda: client().v1.customers.update(customer_id, params))  # type: ignore[arg-type]


def billing_portal(customer_id: str, return_url: str) -> str:
    """The address of Stripe's own page for changing the card."""
    afterwards = {"type": "redirect", "redirect": {"return_url": return_url}}
    params: Any = {
        "customer": customer_id,
        "return_url": return_url,
        "flow_data": {"type": "payment_method_update", "after_completion": afterwards},
    }
    return _address(_ask(lambda: client().v1.billing_portal.sessions.create(params)))


def fraud_warning(warning_id: str) -> Object:
    """An early fraud warning."""
    return _ask(lambda: client().v1.radar.early_fraud_warnings.retrieve(warning_id))


def made_between(kind: str, first: int, last: int, **more: Any) -> Iterator[Object]:
    """Charges, refunds, disputes or balance transactions created from `first` to `last` (epoch seconds, inclusive)."""
    service = getattr(client().v1, kind)
    yield from _listed(service.list, created={"gte": first, "lte": last}, **more)


def _listed(ask: Callable[[Any], Any], **params: Any) -> Iterator[Object]:
    after: Object = {}
    for _ in range(PAGES_LIMIT):
        found, last = _page(_ask(lambda after=after: ask({**params, "limit": PAGE, **after})))  # type: ignore[misc]
        yield from found
        if not last:
            return
        after = {"starting_after": last}
    raise OverflowError(f"more than {PAGES_LIMIT * PAGE} objects in one list")


@understood
def _page(answer: Object) -> tuple[list[Object], str]:
    """A page of a list, and the id after which the next one begins, or ""."""
    found = answer["data"]
    return found, found[-1]["id"] if bool(answer["has_more"]) else ""


@understood
def _address(answer: Object) -> str:
    address: str = answer["url"]
    return address


def _ask(call: Callable[[], Any]) -> Object:
    """
    Make the call and give its answer as a dict, or say which of the three outcomes it was.

    Source: https://docs.stripe.com/error-low-level - a 409 and a 429 did
    nothing, but saying "unknown" of them loses nothing, for unknown is tried again.
    """
    import stripe  # noqa: PLC0415 - 90 ms that pages and sign-ups never need

    try:
        answer: Object = call().to_dict(for_json=True)
    except stripe.InvalidRequestError as refused:
        log.note("stripe_refused", code=refused.code, parameter=refused.param, request=refused.request_id)
        if refused.code == "resource_missing":
            raise NotThere("The payment processor does not know this.") from refused
        raise ProcessorRefused("The payment processor did not accept this.", code=_code(refused)) from refused
    except stripe.CardError as declined:
        raise ProcessorRefused("The card was declined.", code="card_declined") from declined
    except (stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError) as broken:
        log.alarm("stripe_misconfigured", kind=type(broken).__name__, request=broken.request_id)
        raise ProcessorUnsure("Payments are not available at the moment. Please try again later.") from broken
    except stripe.StripeError as unsure:
        log.note("stripe_unsure", kind=type(unsure).__name__, status=unsure.http_status, request=unsure.request_id)
        raise ProcessorUnsure(
            "We could not reach the payment processor, so nothing is certain yet. Please look again in a minute.",
            retry_after=30,
            answer=unsure.http_status or 0,
        ) from unsure
    for field, value in vocabulary.unknown(answer):
        log.alarm("stripe_value_unknown", field=field, value=value)
    return answer


def _code(refused: stripe.InvalidRequestError) -> str:  # type: ignore[name-defined]  # noqa: F821 - lazy import
    return "amount_too_small" if refused.code == "amount_too_small" else "payment_processor_refused"
