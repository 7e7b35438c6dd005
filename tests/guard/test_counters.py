"""The counters, in DynamoDB and in memory: two of a kind."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib import aws
from chalicelib.clock import epoch_seconds
from chalicelib.guard import counters
from chalicelib.guard.counters import Counters, InDynamoDB
from tests.giving_world import World
from tests.guard.in_memory import InMemory

STEPS = 80


def any_step(dice: random.Random, now: int) -> tuple[str, tuple[Any, ...]]:
    """Something that may be done to counters, on few enough names that steps meet."""
    name, until = dice.choice("abcd"), now + dice.choice((-50, 0, 1, 100, 5_000))
    known: dict[str, str | int] = {"contents": dice.choice("xyz"), "strikes": dice.randrange(3)}
    return dice.choice(
        [
            ("read", (list("abcd"),)), ("add", (name, until)), ("join", (name, dice.choice("stuv"), until, 3)),
            ("keep", (name, known, until)), ("keep_first", (name, known, until)),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_in_memory_answers_as_dynamodb_does(giving: World, seed: int) -> None:
    """What a simulation shows holds in production only as far as the two agree: on every answer, over time."""
    dice, real, twin = random.Random(seed), InDynamoDB(), InMemory()
    for _ in range(STEPS):
        call, arguments = any_step(dice, epoch_seconds())
        assert getattr(real, call)(*arguments) == getattr(twin, call)(*arguments), (call, arguments)
        if dice.random() < 0.05:
            giving.advance(seconds=dice.choice((1, 60, 3_000)))


def test_of_two_who_keep_first_one_decides(giving: World) -> None:
    """Both are told the same, so a gift's contents are settled once."""
    store: Counters = InDynamoDB()
    until = epoch_seconds() + 60

    first, second = (store.keep_first("gift#1", {"contents": each}, until) for each in "ab")

    assert first.known == second.known == {"contents": "a"}


def test_an_end_that_has_come_is_absence_though_the_item_is_still_there(giving: World) -> None:
    """DynamoDB's time to live is late by up to days."""
    store = InDynamoDB()
    store.keep_first("gift#1", {"contents": "a"}, epoch_seconds() + 60)
    giving.advance(seconds=60)

    assert store.read(["gift#1"]) == {}
    assert store.keep_first("gift#1", {"contents": "b"}, epoch_seconds() + 60).known == {"contents": "b"}


def _throttled(**_: Any) -> Any:
    raise aws.counters().exceptions.ProvisionedThroughputExceededException({"Error": {}}, "UpdateItem")


def _too_slow(**_: Any) -> Any:
    raise ReadTimeoutError(endpoint_url="http://127.0.0.1")


@pytest.mark.parametrize("mishap", [_throttled, _too_slow])
def test_a_table_that_throttles_or_does_not_answer_is_down(giving: World, mishap: Any) -> None:
    """One word for all of it, for one thing follows: a challenge."""
    events = aws.counters().meta.events
    events.register("before-send.dynamodb", mishap, unique_id="mishap")
    try:
        for ask in (lambda: counters.store().add("a", 1), lambda: counters.store().read(["a"])):
            with pytest.raises(counters.Down):
                ask()
    finally:
        events.unregister("before-send.dynamodb", unique_id="mishap")
