"""Worlds that differ in nothing but the API version in which Stripe speaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import botocore
import pytest
from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from chalicelib import aws, charity, clock, settings
from chalicelib.processor import stripe_api
from local.cloud import FOREIGN_VARIABLES, Cloud
from local.standin.in_process import InProcess
from local.standin.standin import Standin
from tests.conftest import LOCAL_SETTINGS
from tests.drift.stage import Stage
from tests.drift.versions import ENDIVE, Rendering, posting
from tests.faults.seams import DynamoDB
from tests.giving_world import StandingClock, World

Begin = Callable[..., World]


@pytest.fixture
def begin(cloud: Cloud) -> Iterator[Begin]:
    """`begin(events=BASIL, answers=CLOVER)`: the charity on its first day, as often as it is asked for."""
    with _worlds(cloud) as anew:
        yield anew


@pytest.fixture(scope="module")
def stage(cloud: Cloud) -> Iterator[Stage]:
    """Gifts at Stripe of which the books know nothing yet: see Stage. One for all the tests of a file."""
    with _worlds(cloud) as anew:
        yield Stage(anew())


@contextmanager
def _worlds(cloud: Cloud) -> Iterator[Begin]:
    with pytest.MonkeyPatch.context() as patch:

        def anew(*, events: str = ENDIVE, answers: str = ENDIVE) -> World:
            cloud.reset()
            for name in FOREIGN_VARIABLES:
                patch.delenv(name, raising=False)
            for name, value in {**LOCAL_SETTINGS, **cloud.environment()}.items():
                patch.setenv(name, value)
            _forget()
            _shorten_the_way()
            time = StandingClock(datetime(2026, 3, 10, 12, tzinfo=UTC))
            standin = Standin(time, settings.current().stripe_webhook_secret)
            stripe_api.set_transport(InProcess(standin) if answers == ENDIVE else Rendering(standin, answers))
            clock.set_clock(time.now)
            world = World(cloud, standin, time)
            assert standin.post
            standin.post = posting(standin, events, standin.post)
            return world

        yield anew
    clock.set_clock()
    stripe_api.set_transport()
    _forget()


def _forget() -> None:
    settings.current.cache_clear()
    charity.current.cache_clear()
    aws.forget_clients()


def _shorten_the_way() -> None:
    """Let boto3 reach moto's tables without a socket: these tests make tens of thousands of calls."""
    tables = DynamoDB()

    def send(request: Any, event_name: str, **_: Any) -> AWSResponse:
        status, headers, text = tables.answer(event_name.rpartition(".")[2], json.loads(request.body))
        return AWSResponse(request.url, status, headers, MockRawResponse(text))

    for client in (aws.dynamodb(), aws.counters()):
        client.meta.events.register_first("before-send", send)
        client.meta.events.register("choose-signer", lambda **_: botocore.UNSIGNED)
