"""
What each object must look like, read from the Stripe SDK's own annotations.

One source serves both sides: `blank` builds complete objects from it, and
`faults` tells where an answer strays from it.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import get_object_class
from stripe._stripe_object import UntypedStripeObject

ONLY_WHEN_ASKED = {
    ("account", "deleted"),
    ("charge", "refunds"),
    ("checkout.session", "line_items"),
    ("Event.Data", "previous_attributes"),
    ("customer", "cash_balance"),
    ("customer", "deleted"),
    ("customer", "invoice_credit_balance"),
    ("customer", "sources"),
    ("customer", "subscriptions"),
    ("customer", "tax"),
    ("customer", "tax_ids"),
    ("invoice", "deleted"),
    ("invoice", "payments"),
    ("plan", "deleted"),
    ("plan", "tiers"),
    ("price", "currency_options"),
    ("price", "deleted"),
    ("price", "tiers"),
    ("product", "deleted"),
    ("subscription_item", "deleted"),
}
"""Fields that Stripe leaves out, rather than null, until they are expanded or the object is deleted."""

LEFT_OUT = {
    ("event", "account"), ("event", "context"),
    ("Charge.Outcome", "risk_score"),
    ("Charge.Outcome", "rule"),
    ("Charge.PaymentMethodDetails.Card", "capture_before"),
    ("Charge.PaymentMethodDetails.UsBankAccount", "expected_debit_date"),
    ("Charge.PaymentMethodDetails.UsBankAccount", "mandate"),
    ("Invoice.Issuer", "account"),
    ("Invoice.Parent.SubscriptionDetails", "subscription_proration_date"),
    ("InvoicePayment.Payment", "charge"),
    ("InvoicePayment.Payment", "payment_record"),
    ("PaymentIntent.AmountDetails", "tip"),
    ("PaymentIntent.LastPaymentError", "advice_code"),
    ("PaymentIntent.LastPaymentError", "doc_url"),
    ("PaymentIntent.LastPaymentError", "network_advice_code"),
    ("PaymentIntent.LastPaymentError", "network_decline_code"),
    ("PaymentIntent.LastPaymentError", "param"),
    ("PaymentIntent.LastPaymentError", "payment_intent"),
    ("PaymentIntent.LastPaymentError", "payment_method_type"),
    ("PaymentIntent.LastPaymentError", "request_log_url"),
    ("PaymentIntent.LastPaymentError", "setup_intent"),
    ("PaymentIntent.LastPaymentError", "source"),
    ("Session.TotalDetails", "breakdown"),
    ("Subscription.BillingMode", "updated_at"),
    ("Subscription.InvoiceSettings.Issuer", "account"),
    ("charge", "presentment_details"),
    ("charge", "transfer"),
    ("checkout.session", "branding_settings"),
    ("checkout.session", "excluded_payment_method_types"),
    ("checkout.session", "name_collection"),
    ("checkout.session", "presentment_details"),
    ("checkout.session", "redirect_on_completion"),
    ("checkout.session", "return_url"),
    ("checkout.session", "tax_id_collection"),
    ("customer", "business_name"),
    ("customer", "individual_name"),
    ("invoice", "threshold_reason"),
    ("payment_intent", "hooks"),
    ("payment_intent", "payment_details"),
    ("payment_intent", "presentment_details"),
    ("refund", "description"),
    ("refund", "failure_balance_transaction"),
    ("refund", "failure_reason"),
    ("refund", "instructions_email"),
    ("refund", "next_action"),
    ("refund", "pending_reason"),
    ("refund", "presentment_details"),
    ("subscription", "presentment_details"),
    ("subscription_item", "billed_until"),
}
"""
Fields that Stripe leaves out while there is nothing to say. The SDK's annotations do not tell that from null; Stripe's
OpenAPI description does, and `make contract` holds every answer against it.
"""


def class_of(kind: str) -> Any:
    """The SDK's class for an `object` name such as `checkout.session`."""
    return get_object_class("V1", kind)


@cache
def fields_of(cls: Any) -> dict[str, Any]:
    """Annotated fields of one SDK class, without its class variables and private names."""
    return {
        name: kind
        for name, kind in vars(cls).get("__annotations__", {}).items()
        if name != "OBJECT_NAME" and not name.startswith("_")
    }


def is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def without_none(annotation: Any) -> Any:
    kept = tuple(part for part in get_args(annotation) if part is not type(None))
    return Union[kept] if is_optional(annotation) else annotation  # noqa: UP007 - built at run time


def is_expandable(annotation: Any) -> bool:
    """Whether the field holds an id that may be expanded into its object."""
    parts = get_args(without_none(annotation))
    return str in parts and any(isinstance(part, (ForwardRef, type)) and part is not str for part in parts)


def blank(kind: str, **given: Any) -> dict[str, Any]:
    """A complete object of this kind: what is given, and null wherever Stripe would say null."""
    nulls = {
        name: None
        for name, annotation in fields_of(class_of(kind)).items()
        if is_optional(annotation) and (kind, name) not in ONLY_WHEN_ASKED
    }
    return {"object": kind} | _said(kind, nulls | given)


def part(cls: type, **given: Any) -> dict[str, Any]:
    """A complete nested object, such as `Charge.Outcome`."""
    nulls = {name: None for name, kind in fields_of(cls).items() if is_optional(kind)}
    return _said(cls.__qualname__, nulls | given)


def _said(owner: str, known: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None or (owner, name) not in LEFT_OUT}


def faults(thing: Any, path: str = "") -> list[str]:
    """Where this object strays from the SDK's annotations; empty when it conforms."""
    kind = thing.get("object")
    if kind == "list":
        return [fault for i, each in enumerate(thing["data"]) for fault in faults(each, f"{path}[{i}]")]
    if kind is None or class_of(kind) is StripeObject:
        return [f"{path}: no known object {kind!r}"]
    return list(_walk(thing, class_of(kind), path or kind, kind))


def _walk(thing: dict[str, Any], cls: type, path: str, kind: str | None = None) -> Iterator[str]:
    """Hashes of options and details by type are sparse at Stripe: there only what is said is checked."""
    fields, kind = fields_of(cls), kind or cls.__qualname__
    yield from (f"{path}.{name}: not in the SDK" for name in thing if name not in fields)
    sparse = not thing or "type" in fields
    for name, annotation in fields.items():
        if name in thing and thing[name] is None and (kind, name) in LEFT_OUT:
            yield f"{path}.{name}: null, should be left out"
        elif name in thing:
            yield from _check(thing[name], annotation, f"{path}.{name}")
        elif not is_optional(annotation):
            yield f"{path}.{name}: missing"
        elif not sparse and (kind, name) not in ONLY_WHEN_ASKED | LEFT_OUT:
            yield f"{path}.{name}: left out, should be null"


def _check(value: Any, annotation: Any, path: str) -> Iterator[str]:
    if value is None:
        if not is_optional(annotation):
            yield f"{path}: null"
        return
    options = _options(without_none(annotation))
    tries = [list(_check_one(value, option, path)) for option in options]
    if all(tries):
        yield from min(tries, key=len)


def _options(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is not Union:
        return (annotation,)
    options = tuple(option for part in get_args(annotation) for option in _options(part))
    literal = any(get_origin(option) is Literal for option in options)
    return tuple(option for option in options if not (literal and option is str))


def _check_one(value: Any, kind: Any, path: str) -> Iterator[str]:
    origin = get_origin(kind)
    if isinstance(kind, (str, ForwardRef)):
        yield from faults(value, path) if isinstance(value, dict) else [f"{path}: no object"]
    elif origin is Literal:
        if value not in get_args(kind):
            yield f"{path}: {value!r} is none of {get_args(kind)}"
    elif origin is list:
        yield from _check_list(value, get_args(kind)[0], path)
    elif origin is ListObject:
        if not isinstance(value, dict) or {"object", "data", "has_more", "url"} - set(value):
            yield f"{path}: no list object"
        else:
            yield from _check_list(value["data"], get_args(kind)[0], f"{path}.data")
    elif origin is UntypedStripeObject or kind is dict or origin is dict:
        if not isinstance(value, dict):
            yield f"{path}: no hash"
    elif isinstance(kind, type) and issubclass(kind, StripeObject):
        yield from _walk(value, kind, path) if isinstance(value, dict) else [f"{path}: no hash"]
    elif not _is_scalar(value, kind):
        yield f"{path}: {value!r} is no {kind}"


def _check_list(value: Any, kind: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: no list"
        return
    for i, each in enumerate(value):
        yield from _check(each, kind, f"{path}[{i}]")


def _is_scalar(value: Any, kind: Any) -> bool:
    if kind is Decimal:
        return isinstance(value, str)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in (int, bool, str):
        return type(value) is kind
    return True
