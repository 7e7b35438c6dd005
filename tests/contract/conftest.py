"""What the contract's tests ask for: which DynamoDB answers, and many who act at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from chalicelib import aws
from tests.contract import recording
from tests.giving_world import World

Side = Literal["moto", "dynamodb_local"]
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

# What `make contract` alone can start.
STARTED = {"STRIPE_MOCK": "test_stripe_mock.py", "VERAPDF": "test_verapdf.py"}
collect_ignore = [file for name, file in STARTED.items() if name not in os.environ]
RECORDED = pytest.StashKey[list[recording.Sent]]()
# Whoever has not come by then has not been let in.
GATE_SECONDS = 20


@pytest.fixture
def side(aws_local: object) -> Side:
    """Whose answer it is, where the two are known to differ."""
    return "dynamodb_local" if "DYNAMODB_LOCAL" in os.environ else "moto"


@pytest.fixture
def noon(aws_local: object, clock_at: Callable[[datetime], None]) -> datetime:
    """The moment at which the test's clock stands."""
    clock_at(NOON)
    return NOON


@pytest.fixture
def at_once(aws_local: object) -> Callable[..., list[Any]]:
    """`at_once(8, act)`: what `act(0)` to `act(7)` came to, each in a thread, let go at the same moment."""
    aws.dynamodb()  # a client may be shared by threads, but not built by several
    aws.counters()

    def run(number: int, act: Callable[[int], Any]) -> list[Any]:
        gate = threading.Barrier(number, timeout=GATE_SECONDS)

        def one(who: int) -> Any:
            gate.wait()
            return act(who)

        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(one, range(number)))

    return run


@pytest.fixture
def recorded(request: pytest.FixtureRequest, giving: World) -> list[recording.Sent]:
    """All that our code asks of Stripe, driven once in a run of the tests."""
    stash = request.session.stash
    if RECORDED not in stash:
        stash[RECORDED] = recording.record_every_way(giving)
    return stash[RECORDED]
