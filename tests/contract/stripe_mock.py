"""Stripe's own stripe-mock: built by Go. It checks each request against Stripe's description of its API, and keeps no state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract import program
from tests.contract.program import KEPT

# The newest that the module proxy serves. Its `go.sum` is checked by Go itself.
VERSION = "v0.203.0"
MODULE = f"github.com/stripe/stripe-mock@{VERSION}"


def lacking() -> str:
    """Why it cannot be run here, in words; "" if it can."""
    tools = program.missing("go")
    return f"{tools} not found" if tools else ""


@contextmanager
def running() -> Iterator[str]:
    """The address at which it answers. Raises Broken if it cannot be built or does not start."""
    start = [_built(), "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"]
    with program.running(start, "stripe-mock", says="Listening for HTTP at address: ") as address:
        yield address


def spec() -> Path:
    """The OpenAPI description that is built into it. Raises Broken."""
    answer = json.loads(program.fetch(["go", "mod", "download", "-json", MODULE]))
    return Path(answer["Dir"]) / "embedded" / "openapi" / "spec3.json"


def api_version() -> str:
    """The version of Stripe's API that the description is of."""
    return str(json.loads(spec().read_text("utf-8"))["info"]["version"])


def _built() -> Path:
    binary = KEPT / f"stripe-mock-{VERSION}" / "stripe-mock"
    if not binary.exists():
        program.fetch(["go", "install", MODULE], GOBIN=str(binary.parent))
    return binary
