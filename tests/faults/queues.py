"""SQS and the part of Lambda that reads from it: at least once, out of order, five tries, then the dead letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from chalicelib import settings

VISIBILITY_SECONDS = 360
MOST_TRIES = 5


@dataclass(eq=False)
class Message:
    """One message. `causes` says why each try failed; `visible` is when it may be taken again."""

    number: int
    body: str
    visible: int
    tries: int = 0
    causes: list[str] = field(default_factory=list)


class Queue:
    """A queue with its dead letters."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: list[Message] = []
        self.dead: list[Message] = []
        self._numbers = count(1)

    def send(self, body: str, now: int) -> None:
        self.waiting.append(Message(next(self._numbers), body, now))

    def ready(self, now: int) -> list[Message]:
        """What may be taken now. One that was taken too often is among the dead letters instead."""
        for message in [each for each in self.waiting if each.visible <= now and each.tries >= MOST_TRIES]:
            self.waiting.remove(message)
            self.dead.append(message)
        return [each for each in self.waiting if each.visible <= now]

    def take(self, message: Message, now: int) -> dict[str, Any]:
        """Hide it for a while and give it as Lambda shows it."""
        message.tries += 1
        message.visible = now + VISIBILITY_SECONDS
        return {"Records": [{"messageId": str(message.number), "receiptHandle": "", "body": message.body}]}

    def delete(self, message: Message) -> None:
        """It is done; doing so twice is harmless."""
        if message in self.waiting:
            self.waiting.remove(message)

    def redrive(self, now: int) -> int:
        """Give every dead letter its five tries again; how many there were."""
        moved, self.dead = self.dead, []
        for message in moved:
            message.tries, message.visible = 0, now
            self.waiting.append(message)
        return len(moved)


def by_url(queues: list[Queue]) -> dict[str, Queue]:
    """The queues by the addresses that our settings name."""
    given = settings.current()
    return {str(getattr(given, f"{queue.name}_queue")): queue for queue in queues}
