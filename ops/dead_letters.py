"""Dead letters: what each is about and why it lies there, and the way back to its queue."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console

from chalicelib import aws, letters, settings
from chalicelib.clock import from_epoch
from chalicelib.letters import Cause
from chalicelib.mail.errands import Errand
from chalicelib.processor.webhook import read_hint

QUEUES = ("money", "mail")
# While we look at a letter nobody else gets it.
HELD_SECONDS = 60
A_CALL = 10


class Letter(msgspec.Struct, frozen=True):
    """One dead letter, without a word about any person."""

    message_id: str
    about: str
    sent_at: datetime
    cause: Cause | None
    body: str
    receipt: str


def show(given: argparse.Namespace, console: Console) -> bool:
    """List the letters and leave them where they are; whether there is none."""
    box = _box(given.queue)
    found = list(_taken(box, given.queue, given.most))
    for letter in found:
        aws.sqs().change_message_visibility(QueueUrl=box, ReceiptHandle=letter.receipt, VisibilityTimeout=0)
    _say(found, f"Dead letters ({given.queue})", console)
    if len(found) == given.most:
        console.print(f"There may be more than these {given.most}: say --most.")
    return not found


def redrive(given: argparse.Namespace, console: Console) -> bool:
    """
    Send letters back to their queue, each to be tried five times anew; whether none is left.

    It is sent before it is taken away: a crash in between leaves it twice,
    and twice is harmless, never not at all.
    """
    box, moved = _box(given.queue), []
    for letter in _taken(box, given.queue, given.most):
        aws.sqs().send_message(QueueUrl=_queue(given.queue), MessageBody=letter.body)
        aws.sqs().delete_message(QueueUrl=box, ReceiptHandle=letter.receipt)
        moved.append(letter)
    _say(moved, f"Sent back ({given.queue})", console)
    left = _left(box)
    console.print(f"{len(moved)} sent back, {left} left.")
    return left == 0


def about(queue: str, body: str) -> str:
    """What a letter is about, by the ids of Stripe's and our own. A mail letter may hold an address: never shown."""
    try:
        if queue == "money":
            hint = read_hint(body)
            return " ".join(filter(None, (hint.type, hint.object_id, hint.charge_id and f"of {hint.charge_id}")))
        errand = msgspec.json.decode(body, type=Errand)
    except msgspec.MsgspecError:
        return "unreadable"
    return f"{type(errand).__name__} {getattr(errand, 'partnership_id', '')}".strip()


def _taken(box: str, queue: str, most: int) -> Iterator[Letter]:
    """At most so many letters, each held for us for a while."""
    taken = 0
    while taken < most:
        answer = aws.sqs().receive_message(
            QueueUrl=box, MaxNumberOfMessages=min(A_CALL, most - taken), VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=1, MessageSystemAttributeNames=["SentTimestamp"],
        )  # fmt: skip
        found = answer.get("Messages", [])
        if not found:
            return
        taken += len(found)
        yield from (_letter(queue, message) for message in found)


def _letter(queue: str, message: Any) -> Letter:
    return Letter(
        message_id=message["MessageId"],
        about=about(queue, message["Body"]),
        sent_at=from_epoch(int(message["Attributes"]["SentTimestamp"]) // 1000),
        cause=letters.cause(message["MessageId"]),
        body=message["Body"],
        receipt=message["ReceiptHandle"],
    )


def _queue(queue: str) -> str:
    return str(getattr(settings.current(), f"{queue}_queue"))


def _box(queue: str) -> str:
    """Where the dead letters of a queue lie, by the queue's own word."""
    asked = aws.sqs().get_queue_attributes(QueueUrl=_queue(queue), AttributeNames=["RedrivePolicy"])
    arn = json.loads(asked["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
    return str(aws.sqs().get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])


def _left(box: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    asked = aws.sqs().get_queue_attributes(QueueUrl=box, AttributeNames=names)
    return sum(int(count) for count in asked["Attributes"].values())


def _say(found: list[Letter], title: str, console: Console) -> None:
    """Two lines a letter, never broken: what it is about and since when, then why it lies there."""
    console.print(f"{title}: {len(found) or 'none'}")
    for letter in sorted(found, key=lambda each: each.sent_at):
        tries = f"{letter.cause.tries} tries" if letter.cause else "tries unknown"
        why = letter.cause.cause if letter.cause else "no try lived to say why: see the function's log"
        console.print(f"  {letter.about}, first sent {letter.sent_at:%Y-%m-%d %H:%M:%S} UTC, {tries}", soft_wrap=True)
        console.print(f"    {why} (message {letter.message_id})", soft_wrap=True, markup=False)
