"""The command line in the miniature charity, and messages that die in it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from rich.console import Console

from chalicelib import aws, settings
from ops import __main__ as ops
from tests.giving_world import World

# As .chalice/resources.json says of both queues.
TRIES = 5


class Ended(msgspec.Struct):
    """What a command said, and whether all is well."""

    well: bool
    said: str


@pytest.fixture
def run(giving: World) -> Callable[..., Ended]:
    """Run a command in these very surroundings: `run("reconcile", "--from", "2026-03-10")`."""

    def command(*arguments: str) -> Ended:
        given, said = ops._parser().parse_args(["--local", *arguments]), io.StringIO()
        well = given.command(given, Console(file=said, width=200, highlight=False))
        return Ended(well, said.getvalue())

    return command


@pytest.fixture
def let_die(giving: World) -> Iterator[Callable[[str, str], None]]:
    """Have a message of the money or the mail queue fail until it is dead, as Lambda and SQS do it."""
    import app

    handlers: dict[str, Any] = {"money": app.record_stripe_event, "mail": app.send_mail}

    def die(queue: str, body: str) -> None:
        url = str(getattr(settings.current(), f"{queue}_queue"))
        aws.sqs().send_message(QueueUrl=url, MessageBody=body)
        for _ in range(TRIES):
            [message] = _received(url)
            record = {"messageId": message["MessageId"], "body": message["Body"], "attributes": message["Attributes"], "receiptHandle": ""}
            with contextlib.suppress(Exception):
                handlers[queue]({"Records": [record]}, SimpleNamespace())
                raise AssertionError("it was handled")
        assert _received(url) == []

    return die


def _received(url: str) -> list[Any]:
    asked = aws.sqs().receive_message(QueueUrl=url, VisibilityTimeout=0, MessageSystemAttributeNames=["All"])
    return list(asked.get("Messages", []))
