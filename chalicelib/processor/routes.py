"""The call that Stripe makes."""

from __future__ import annotations

import msgspec

from chalicelib.http import Routes
from chalicelib.processor import webhook

routes = Routes(__name__)


class Received(msgspec.Struct, frozen=True):
    """What became of an event."""

    received: str


@routes.route("/webhooks/stripe", methods=("POST",), gives=Received)
def stripe_event() -> Received:
    """Take one of Stripe's events: proven, queued, answered. Everything else happens in the worker."""
    return Received(webhook.receive(routes.raw_body(), routes.header("stripe-signature")))
