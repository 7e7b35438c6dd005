"""The power going out in the middle of something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import aws

SERVICES = ("dynamodb", "sqs", "ses")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "SendMessage", "SendEmail")


class PowerCut(BaseException):
    """The process is gone. Nothing of ours may catch it, as nothing catches a power cut."""


@contextmanager
def cut(number: int) -> Iterator[list[str]]:
    """
    The power goes out just after write `number` took effect; the writes made so far.

    Only writes count: dying between two of them leaves the same behind,
    whichever call it happened at.
    """
    made: list[str] = []

    def count(name: str) -> None:
        if name in WRITES:
            made.append(name)
        if len(made) == number:
            raise PowerCut

    events = [getattr(aws, service)().meta.events for service in SERVICES]
    for each in events:
        each.register("after-call", lambda model, **_: count(model.name), unique_id="power")
    try:
        yield made
    finally:
        for each in events:
            each.unregister("after-call", unique_id="power")
