"""Delivery of events: signed as Stripe signs them, at least once, retried for three days."""

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from local.standin.world import DAY, Thing, World

RETRY_AFTER = (2, 10, 60, 5 * 60, 30 * 60, 2 * 60 * 60, 5 * 60 * 60, 10 * 60 * 60)
"""Seconds between attempts; every twelve hours after that."""
THEN_EVERY = 12 * 60 * 60
RETRIED_FOR = 3 * DAY

Post = Callable[[bytes, dict[str, str]], int]
"""Sends a body with headers to the site and answers its status; raises OSError when there is no answer."""


@dataclass(eq=False)
class Delivery:
    event: Thing
    due: int
    first: int
    attempts: int = 0


@dataclass
class Outbox:
    """What is still to be delivered. `held` waits for a flush; a dropped event is never delivered."""

    world: World
    secret: str
    mode: str = "normal"
    waiting: list[Delivery] = field(default_factory=list)
    held: list[Delivery] = field(default_factory=list)
    delivered: int = 0
    dropped: int = 0

    def take(self, event: Thing) -> None:
        delivery = Delivery(event, self.world.now(), self.world.now())
        if self.mode == "drop":
            event["pending_webhooks"] = 0
            self.dropped += 1
        elif self.mode == "hold":
            self.held.append(delivery)
        else:
            self.waiting.append(delivery)

    def next_due(self, after: int) -> int | None:
        """The next planned attempt later than `after`."""
        return min((each.due for each in self.waiting if each.due > after), default=None)

    def pop_due(self) -> Delivery | None:
        """The delivery that has been due longest, taken out."""
        now = self.world.now()
        due = [each for each in self.waiting if each.due <= now]
        if not due or self.mode != "normal":
            return None
        first = min(due, key=lambda each: each.due)
        self.waiting.remove(first)
        return first

    def pop_held(self, order: str, times: int, seed: int) -> list[Delivery]:
        """What was held, each `times` over, in the order asked for."""
        held, self.held = self.held, []
        deliveries = [each for _ in range(times) for each in held]
        if order == "reversed":
            deliveries.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(deliveries)
        return deliveries

    def signed(self, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        """The body and headers of one attempt, stamped with the moment of the attempt."""
        body = json.dumps(delivery.event, indent=2).encode()
        at = self.world.now()
        signature = hmac.new(self.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (stand-in)",
                      "Stripe-Signature": f"t={at},v1={signature}"}

    def record(self, delivery: Delivery, accepted: bool) -> None:
        """Done, or planned again until three days have passed."""
        if accepted:
            self.delivered += 1
            delivery.event["pending_webhooks"] = 0
            self.waiting = [each for each in self.waiting if each.event is not delivery.event]
            return
        delivery.attempts += 1
        planned = RETRY_AFTER[delivery.attempts - 1:delivery.attempts]
        delivery.due = self.world.now() + (planned[0] if planned else THEN_EVERY)
        if delivery.due <= delivery.first + RETRIED_FOR and delivery not in self.waiting:
            self.waiting.append(delivery)
