"""Messages and schedules reach the handlers as Lambda brings them."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from chalice import Chalice, Rate

from chalicelib import aws, settings
from local import pump as pump_module
from local.pump import Pump

BEGINNING = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PATIENCE_SECONDS = 10


class Scene:
    """An app of two handlers whose behaviour a test sets, and the pump that serves it."""

    def __init__(self, cloud) -> None:
        self.now, self.seen, self.ran = BEGINNING, [], []
        self.fail_times = 0
        self.app = Chalice("pumped")
        self.module = ModuleType("app")
        self.module.record = self.app.on_sqs_message(queue="money", batch_size=1, name="record")(self._record)
        self.module.hourly = self.app.schedule(Rate(1, unit=Rate.HOURS), name="hourly")(self._hourly)
        for source, function in zip(self.app.event_sources, ("record", "hourly"), strict=True):
            source.handler_string = f"app.{function}"
        self.pump = Pump(self.app, cloud, lambda: self.now)

    def _record(self, event) -> None:
        for record in event:
            self.seen.append(record.body)
            if self.fail_times:
                self.fail_times -= 1
                raise ValueError("ann@example.org could not be read")

    def _hourly(self, event) -> None:
        self.ran.append(event.detail_type)
        if self.fail_times:
            raise ValueError("ann@example.org again")

    def send(self, body: str) -> None:
        aws.sqs().send_message(QueueUrl=settings.current().money_queue, MessageBody=body)


@pytest.fixture
def scene(aws_local, monkeypatch):
    made = Scene(aws_local)
    monkeypatch.setitem(sys.modules, "app", made.module)
    made.pump.start()
    yield made
    made.pump.stop()


def test_what_was_handled_is_gone(scene, aws_local):
    """
    A message that a handler returned from is deleted, and seen no second time.
    """
    scene.send("evt_1")
    scene.send("evt_2")

    assert scene.pump.drain(PATIENCE_SECONDS)
    assert ["evt_1", "evt_2"] == sorted(scene.seen)
    assert [] == aws_local.dead_letters()["MoneyDeadLetters"]


def test_what_failed_comes_again(scene):
    """
    A crash anywhere in a handler is a redelivery, never a loss.
    """
    scene.fail_times = 1

    scene.send("evt_1")

    assert scene.pump.drain(PATIENCE_SECONDS)
    assert ["evt_1", "evt_1"] == scene.seen


def test_what_failed_five_times_waits_for_a_person(scene, aws_local, monkeypatch):
    """
    A message nobody can handle must neither block the others nor disappear.
    """
    monkeypatch.setattr(pump_module, "BACKOFF_SECONDS", 0)
    scene.fail_times = 99

    scene.send("evt_bad")

    assert scene.pump.drain(PATIENCE_SECONDS)
    assert 5 * ["evt_bad"] == scene.seen
    assert ["evt_bad"] == aws_local.dead_letters()["MoneyDeadLetters"]


def test_a_failure_is_logged_without_anybodys_name(scene, caplog, monkeypatch):
    """
    Logs are read by more people than donors agreed to; what an exception says may be an address.
    """
    monkeypatch.setattr(pump_module, "BACKOFF_SECONDS", 0)
    scene.fail_times = 1

    with caplog.at_level(logging.WARNING, "local.pump"):
        scene.send("evt_1")
        scene.pump.drain(PATIENCE_SECONDS)

    [said] = caplog.messages
    assert "record failed, try 1: ValueError at tests/local/test_pump.py" in said
    assert "ann@example.org" not in said


def test_a_schedule_missed_often_runs_once(scene):
    """
    After a month of time travel there is one hourly reconcile to do, not 720.
    """
    scene.now += timedelta(days=30)

    scene.pump.run_due()

    assert ["Scheduled Event"] == scene.ran
    assert [] == scene.pump.run_due()


def test_a_schedule_comes_again_after_its_hour_even_if_it_failed(scene):
    """
    One bad hour does not end the reconciling.
    """
    scene.fail_times = 1
    for _ in range(2):
        scene.now += timedelta(hours=1)
        scene.pump.run_due()
        scene.fail_times = 0

    assert 2 == len(scene.ran)


def test_draining_gives_up_at_its_limit(scene):
    """
    Time travel goes on although one message cannot be handled yet.
    """
    scene.fail_times = 99
    scene.send("evt_bad")

    began = time.monotonic()
    assert not scene.pump.drain(limit_seconds=0.3)
    assert time.monotonic() - began < 1
