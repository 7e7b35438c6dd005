"""Whether this deployment answers at all."""

from __future__ import annotations

import msgspec

from chalicelib.http import Routes

routes = Routes(__name__)


class Health(msgspec.Struct, frozen=True):
    """Said by a process that has started, and so has found every setting and fact it needs."""

    ok: bool = True


@routes.route("/health", gives=Health)
def health() -> Health:
    """Answer, without asking anybody else: a monitor must not turn a slow table into an outage."""
    return Health()
