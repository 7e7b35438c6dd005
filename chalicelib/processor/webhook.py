"""The door through which Stripe's events come: prove, check, queue, answer. No Stripe call, no table."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import aws, clock, log, settings
from chalicelib.errors import InvalidInput

# Stripe's own libraries allow five minutes either way of now; a signature from
# further in the past may be a replay, one from the future a forgery.
# Source: https://docs.stripe.com/webhooks#replay-attacks
TOLERANCE_SECONDS = 300
BODY_LIMIT_BYTES = 262_144
# Stripe sends one for each payment, however it was paid, and for nothing else. The alarm of silence is about these.
PAYMENT = "charge.succeeded"


class Hint(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What an event tells us: that something happened to an object.

    Ids only. The worker fetches the object itself, so a forged, stale or
    reordered hint can do no harm, and no person's data waits in a queue.
    """

    type: str
    object_id: str
    event_id: str = ""
    charge_id: str = ""


def receive(body: bytes, signature: str) -> str:
    """
    Queue a genuine event and say what became of it: "queued" or "not_ours".

    Raises InvalidInput for anything that Stripe did not sign within the last
    five minutes, or that is not an event.
    """
    event = _proven(body, signature)
    given = settings.current()
    if bool(event.get("livemode")) != given.livemode or _other_account(event, given.stripe_account):
        log.count("event_not_ours", kind=str(event.get("type")))
        return "not_ours"
    hint = _hint(event)
    aws.sqs().send_message(QueueUrl=given.money_queue, MessageBody=msgspec.json.encode(hint).decode())
    if hint.type == PAYMENT:
        log.count("payment_event", charge=hint.object_id)
    return "queued"


def read_hint(message: str) -> Hint:
    """The hint in a queue's message."""
    return msgspec.json.decode(message, type=Hint)


def _proven(body: bytes, signature: str) -> dict[str, Any]:
    import stripe  # noqa: PLC0415 - 90 ms that pages and sign-ups never need

    if len(body) > BODY_LIMIT_BYTES:
        raise _unproven("too long")
    try:
        stripe.WebhookSignature.verify_header(body, signature, settings.current().stripe_webhook_secret)
        signed_at = _signed_at(signature)
        event = msgspec.json.decode(body)
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise _unproven(type(fault).__name__) from fault
    if abs(clock.epoch_seconds() - signed_at) > TOLERANCE_SECONDS:
        raise _unproven("stale")
    if not isinstance(event, dict) or event.get("object") != "event":
        raise _unproven("not an event")
    return event


def _signed_at(signature: str) -> int:
    """The one moment that the header names: with two, one could be proven and the other looked at."""
    (stamp,) = (part.removeprefix("t=") for part in signature.split(",") if part.startswith("t="))
    return int(stamp)


def _hint(event: dict[str, Any]) -> Hint:
    try:
        thing = event["data"]["object"]
        return Hint(
            type=str(event["type"]),
            object_id=_id_of(thing.get("id")),
            event_id=str(event["id"]),
            charge_id=_id_of(thing.get("charge")),
        )
    except (KeyError, TypeError, AttributeError) as fault:
        raise _unproven("not an event") from fault


def _id_of(reference: Any) -> str:
    """An id, as it is or out of the object that stands in its place; "" for what is neither."""
    named = reference.get("id") if isinstance(reference, dict) else reference
    return named if isinstance(named, str) else ""


def _other_account(event: dict[str, Any], account: str) -> bool:
    """Events of connected accounts name them; ours name none."""
    return bool(event.get("account")) and event["account"] != account


def _unproven(reason: str) -> InvalidInput:
    log.note("webhook_refused", reason=reason)
    return InvalidInput("This is not a genuine event.", code="signature_invalid")
