"""What tests of the guard ask for: settings with a challenge, counters in memory."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import aws, clock, settings
from chalicelib.guard import challenge, counters, rate_limit
from tests.giving_world import World
from tests.guard.days import Days
from tests.guard.in_memory import InMemory


@pytest.fixture(autouse=True)
def own_counts() -> None:
    """What one process counts for itself when the table is down belongs to one test."""
    rate_limit._own_counts.clear()


@pytest.fixture
def setting(aws_local: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Change settings: `setting(GUARD="wide")`."""

    def change(**given: str) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        settings.current.cache_clear()

    yield change
    challenge.set_verifier()


@pytest.fixture
def challenged(setting: Callable[..., None]) -> None:
    """There is a challenge to put: the stand-in, whose right answer is the word `person`."""
    setting(TURNSTILE_SITE_KEY="stand-in", TURNSTILE_SECRET="stand-in")


@pytest.fixture
def down(giving: World) -> Iterator[None]:
    """The counters' table cannot be reached; the rest of AWS can."""

    def refuse(**_: Any) -> Any:
        raise aws.counters().exceptions.InternalServerError({"Error": {}}, "UpdateItem")

    aws.counters().meta.events.register("before-send.dynamodb", refuse, unique_id="down")
    yield
    aws.counters().meta.events.unregister("before-send.dynamodb", unique_id="down")


@pytest.fixture
def memory(aws_local: object) -> Iterator[InMemory]:
    """Counters in memory, in place of the table."""
    twin = InMemory()
    counters.set_store(twin)
    yield twin
    counters.set_store()


@pytest.fixture
def days(challenged: None, memory: InMemory) -> Iterator[Days]:
    """Days at the giving form, with a challenge to put, drawn by dice that always fall alike."""
    logging.disable(logging.WARNING)
    yield Days(random.Random(7))
    logging.disable(logging.NOTSET)
    clock.set_clock()
