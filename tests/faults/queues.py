"""SQS and the part of Lambda that reads from it: at least once, out of order, five tries, then the dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from chalicelib import settings

VISIBILITY_SECONDS = 360
MOST_TRIES = 5
BOX = "-dead"


@dataclass(eq=False)
class Message:
    """
    One delivery of a message; another one of the same has another `number` and the same `id`.

    `causes` says why each try failed; `visible` is when it may be taken again.
    """

    number: int
    id: str
    body: str
    sent: int
    visible: int
    tries: int = 0
    causes: tuple[str, ...] = ()


class Queue:
    """A queue with its dead letters, and how much was ever `sent` to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: list[Message] = []
        self.dead: list[Message] = []
        self.sent = 0
        self._numbers = count(1)

    def send(self, body: str, now: int, delays: Iterable[int] = (0,)) -> str:
        """Have it delivered after each of these delays: SQS says at least once, and not in order. Its id."""
        numbers = [next(self._numbers) for _ in delays]
        self.sent += 1
        name = f"{self.name}-{numbers[0]}"
        self.waiting += [Message(n, name, body, now, now + delay) for n, delay in zip(numbers, delays, strict=True)]
        return name

    def ready(self, now: int) -> list[Message]:
        """What may be taken now. One that was taken too often is among the dead letters instead, once."""
        for message in [each for each in self.waiting if each.visible <= now and each.tries >= MOST_TRIES]:
            if message in self.waiting:
                self.waiting = [each for each in self.waiting if each.id != message.id]
                self.dead.append(message)
        return [each for each in self.waiting if each.visible <= now]

    def take(self, message: Message, now: int) -> dict[str, Any]:
        """Hide it for a while and give it as Lambda shows it."""
        message.tries += 1
        message.visible = now + VISIBILITY_SECONDS
        told = {"ApproximateReceiveCount": str(message.tries)}
        return {"Records": [{"messageId": message.id, "receiptHandle": "", "body": message.body, "attributes": told}]}

    def delete(self, message: Message) -> None:
        """It is done; doing so twice is harmless."""
        if message in self.waiting:
            self.waiting.remove(message)


class Sqs:
    """The calls of SQS that our code and the staff's make. `delays` says when a message that is sent is delivered."""

    def __init__(self, queues: Iterable[Queue], now: Callable[[], int], delays: Callable[[], list[int]]) -> None:
        self._queues = {str(getattr(settings.current(), f"{queue.name}_queue")): queue for queue in queues}
        self._now, self._delays = now, delays

    def calls(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {
            "SendMessage": self._send, "ReceiveMessage": self._receive, "DeleteMessage": self._delete,
            "ChangeMessageVisibility": self._hide, "GetQueueAttributes": self._describe, "GetQueueUrl": self._find,
        }  # fmt: skip

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        name = self._queues[body["QueueUrl"]].send(body["MessageBody"], self._now(), self._delays())
        return {"MessageId": name, "MD5OfMessageBody": ""}

    def _receive(self, body: dict[str, Any]) -> dict[str, Any]:
        """Dead letters: what is on a queue itself Lambda takes, and nobody else."""
        ready = [each for each in self._box(body).dead if each.visible <= self._now()]
        taken = ready[: body["MaxNumberOfMessages"]]
        for letter in taken:
            letter.visible = self._now() + body["VisibilityTimeout"]
        return {"Messages": [_shown(letter) for letter in taken]}

    def _delete(self, body: dict[str, Any]) -> dict[str, Any]:
        box = self._box(body)
        box.dead = [each for each in box.dead if str(each.number) != body["ReceiptHandle"]]
        return {}

    def _hide(self, body: dict[str, Any]) -> dict[str, Any]:
        for letter in self._box(body).dead:
            if str(letter.number) == body["ReceiptHandle"]:
                letter.visible = self._now() + body["VisibilityTimeout"]
        return {}

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        if "RedrivePolicy" in body["AttributeNames"]:
            policy = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:1:{self._queues[body['QueueUrl']].name}{BOX}"}
            return {"Attributes": {"RedrivePolicy": json.dumps(policy)}}
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self._box(body).dead))}}

    def _find(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["QueueName"].removesuffix(BOX)
        return {"QueueUrl": next(url + BOX for url, queue in self._queues.items() if queue.name == name)}

    def _box(self, body: dict[str, Any]) -> Queue:
        """The queue whose dead letters are meant."""
        return self._queues[body["QueueUrl"].removesuffix(BOX)]


def _shown(letter: Message) -> dict[str, Any]:
    told = {"SentTimestamp": str(letter.sent * 1000)}
    return {"MessageId": letter.id, "ReceiptHandle": str(letter.number), "Body": letter.body, "Attributes": told}
