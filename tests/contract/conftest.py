"""What the contract's tests ask for: which DynamoDB answers, and many who act at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import pytest

from chalicelib import aws, keys
from chalicelib.clock import epoch_seconds
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.portal import sign_in
from local.mailbox import Mail
from tests import mailed
from tests.contract import recording
from tests.giving_world import ANN, World

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


class Asked(NamedTuple):
    """What the donor and her browser hold of a sign-in that waits, and where it waits."""

    token: str
    code: str
    asking: str
    key: keys.Key


@pytest.fixture
def asked(noon: datetime, mailbox: Callable[[], list[Mail]]) -> Asked:
    """Ann has asked to sign in and has the mail."""
    donors.found_or_made(Donor("", ANN))
    asking = "the browser's secret"
    sign_in.send(sign_in.SignInAsked(ANN, hashlib.sha256(asking.encode()).hexdigest(), "request-1", epoch_seconds()))
    text = mailbox()[-1].text
    return Asked(mailed.token(text), mailed.code(text), asking, keys.passing("SIGNIN", keys.email_hash(ANN)))


@pytest.fixture
def recorded(request: pytest.FixtureRequest, giving: World) -> list[recording.Sent]:
    """All that our code asks of Stripe, driven once in a run of the tests."""
    stash = request.session.stash
    if RECORDED not in stash:
        stash[RECORDED] = recording.record_every_way(giving)
    return stash[RECORDED]
