"""
Lambda's triggers: queues and schedules, read from the Chalice app itself.

    queue ---> handler ---> returned: the message is deleted
                   `------> raised: visible again after a second,
                            a dead letter after the fifth time
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from chalicelib import aws, letters, settings
from local import schedules
from local.cloud import REGION, Cloud

LOG = logging.getLogger("local.pump")
# The Lambda way to wait is the visibility timeout, six minutes; a developer should see the next try.
BACKOFF_SECONDS = 1
# Looking into moto's own memory costs microseconds, so an idle pump may look often.
LOOK_EVERY_SECONDS = 0.02
SCHEDULES_EVERY_SECONDS = 1
FUNCTION_MEMORY_MB = 1024
FUNCTION_TIMEOUT_MS = 300_000


class Pump:
    """
    Brings messages and schedules to the handlers of `app`, as Lambda does.

    `clock` decides when schedules are due; messages live in wall-clock time
    as moto's queues do. `workers` handle each queue at the same time.
    """

    def __init__(self, app: Chalice, cloud: Cloud, clock: Callable[[], datetime], workers: int = 2) -> None:
        self._cloud, self._clock, self._workers = cloud, clock, workers
        self._stopping = threading.Event()
        self._running_due = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._queues = [source for source in app.event_sources if isinstance(source, SQSEventConfig)]
        now = clock()
        self._schedules = [_Schedule(source, now) for source in _scheduled(app)]

    def start(self) -> None:
        for source in self._queues:
            for number in range(self._workers):
                self._run(f"pump-{source.queue}-{number}", self._serve_queue, source)
        self._run("pump-schedules", self._serve_schedules)

    def stop(self) -> None:
        """Take nothing more on, and wait a moment for what is at hand. What is not done stays in its queue."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def drain(self, limit_seconds: float = 30) -> bool:
        """Wait until the queues are empty, failing messages included. Whether they were, before the limit."""
        end = time.monotonic() + limit_seconds
        while any(self._cloud.backlog(_queue_url(source)).unfinished for source in self._queues):
            if time.monotonic() > end or self._stopping.wait(LOOK_EVERY_SECONDS):
                return False
        return True

    def run_due(self) -> list[str]:
        """Run every schedule that has fallen due, once each however often it did. The functions' names."""
        with self._running_due:
            due = [schedule for schedule in self._schedules if schedule.is_due(self._clock())]
            for schedule in due:
                _invoke(schedule.source.handler_string, schedule.event(self._clock()))
            return [_function_name(schedule.source.handler_string) for schedule in due]

    def _run(self, name: str, target: Callable[..., None], *about: Any) -> None:
        thread = threading.Thread(target=target, args=about, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve_schedules(self) -> None:
        while not self._stopping.wait(SCHEDULES_EVERY_SECONDS):
            self.run_due()

    def _serve_queue(self, source: SQSEventConfig) -> None:
        url = _queue_url(source)
        while not self._stopping.is_set():
            if not self._cloud.backlog(url).visible:
                self._stopping.wait(LOOK_EVERY_SECONDS)
                continue
            messages = _receive(url, source.batch_size)
            if messages:
                self._handle(source, url, messages)

    def _handle(self, source: SQSEventConfig, url: str, messages: list[Any]) -> None:
        records = [_as_lambda_shows(message, url) for message in messages]
        done = _invoke(source.handler_string, {"Records": records})
        for message in messages:
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            if done:
                aws.sqs().delete_message(**handle)
            else:
                aws.sqs().change_message_visibility(**handle, VisibilityTimeout=BACKOFF_SECONDS)


class _Schedule:
    def __init__(self, source: ScheduledEventConfig, now: datetime) -> None:
        self.source, self.due = source, schedules.next_due(_expression(source), now)

    def is_due(self, now: datetime) -> bool:
        """Whether it is due; if so it is due again only after `now`, however long it was missed."""
        if now < self.due:
            return False
        while self.due <= now:
            self.due = schedules.next_due(_expression(self.source), self.due)
        return True

    def event(self, now: datetime) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:123456789012:rule/{self.source.name}"],
            "detail": {},
        }


def _invoke(handler_string: str, event: dict[str, Any]) -> bool:
    """Call a handler as Lambda would. Whether it returned; why it did not is logged without anybody's data."""
    name = _function_name(handler_string)
    module = importlib.import_module(handler_string.rpartition(".")[0])
    try:
        getattr(module, name)(event, LambdaContext(name, FUNCTION_MEMORY_MB, FUNCTION_TIMEOUT_MS))
    except Exception as fault:
        LOG.warning("%s failed, try %s: %s", name, _try_number(event), letters.cause_of(fault))
        return False
    return True


def _receive(url: str, batch_size: int) -> list[Any]:
    answer = aws.sqs().receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=batch_size,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def _as_lambda_shows(message: dict[str, Any], url: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{url.rpartition('/')[2]}",
        "awsRegion": REGION,
    }


def _scheduled(app: Chalice) -> Iterator[ScheduledEventConfig]:
    return (source for source in app.event_sources if isinstance(source, ScheduledEventConfig))


def _expression(source: ScheduledEventConfig) -> str:
    given = source.schedule_expression
    return given if isinstance(given, str) else given.to_string()


def _queue_url(source: SQSEventConfig) -> str:
    """`queue="money"` of a handler is the setting MONEY_QUEUE."""
    return str(getattr(settings.current(), f"{source.queue}_queue"))


def _function_name(handler_string: str) -> str:
    return handler_string.rpartition(".")[2]


def _try_number(event: dict[str, Any]) -> str:
    records = event.get("Records", [{}])
    return str(records[0].get("attributes", {}).get("ApproximateReceiveCount", 1))
