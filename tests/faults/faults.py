"""What can befall a call, a message or a webhook, and how often it does under one seed."""

from __future__ import annotations

import random
from typing import NamedTuple

HOUR, DAY = 3600, 86_400


class Fault(NamedTuple):
    """Something that befalls one call: `before` it took effect, or `after`, when only the answer is lost."""

    name: str
    after: bool = False

    @property
    def deadly(self) -> bool:
        return self.name == "died"

    def __str__(self) -> str:
        return f"{self.name} {'after' if self.after else 'before'} it took effect"


DIED, DIED_AFTER = Fault("died"), Fault("died", after=True)
UNREACHED, LOST = Fault("unreached"), Fault("answer lost", after=True)
BROKEN, BROKEN_AFTER = Fault("500"), Fault("500", after=True)
THROTTLED, CONFLICT, LOCKED = Fault("throttled"), Fault("conflict"), Fault("409")

POISONED = Fault("poisoned")

DEATHS = (DIED, DIED_AFTER)
# What can befall a call of each service, besides the death of the caller.
BEFALLS: dict[str, tuple[Fault, ...]] = {
    "dynamodb": (THROTTLED, CONFLICT, UNREACHED, LOST, BROKEN, BROKEN_AFTER),
    "sqs": (UNREACHED, LOST, BROKEN, BROKEN_AFTER),
    "sesv2": (THROTTLED, UNREACHED, LOST, BROKEN, BROKEN_AFTER),
    "stripe": (THROTTLED, LOCKED, UNREACHED, LOST, BROKEN, BROKEN_AFTER),
}
# How long webhooks are lost: what Stripe tries again for three days is lost as well in four.
LENGTHS = (HOUR, 4 * DAY)
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class Weather:
    """
    The faults of one seed: which kinds, how often, and when Stripe's webhooks are lost.

    A third of the seeds know one kind of fault only, so that each is also
    met alone. `reliable` seeds lose no webhook, and so must be right without
    reconcile.
    """

    def __init__(self, rng: random.Random, start: int) -> None:
        self._rng = rng
        every = sorted({*DEATHS, *(fault for kinds in BEFALLS.values() for fault in kinds)})
        alone = rng.random() < 0.35
        self.kinds = frozenset(rng.sample(every, 1 if alone else rng.randint(2, len(every))))
        self.rate = rng.choice((0.0, 0.01, 0.03, 0.08))
        self.clear = False
        self.reliable = rng.random() < 0.4
        self.never_made = 0.0 if self.reliable else rng.choice((0.0, 0.1, 0.5))
        self.outages = [] if self.reliable else [_outage(rng, start) for _ in range(rng.randint(0, 3))]
        self.unheard = 0.0 if self.reliable else rng.choice((0.0, 0.5, 1.0))
        self.repeats = rng.choice((1, 1, 2, 5))
        self.latest = rng.choice((0, 5, HOUR, 3 * DAY))
        self.asleep = [] if self.reliable else [_sleep(rng, start) for _ in range(rng.choice((0, 0, 1, 2)))]
        self.redelivered, self.queued = rng.choice((1, 1, 1, 1, 1, 2, 5)), rng.choice((0, 0, 5, HOUR, 3 * DAY))
        self.twins = rng.choice((0.0, 0.1, 0.4))
        self.poisoned = ""

    def befalls(self, service: str, asks: str, *, lucky: bool = False) -> Fault | None:
        """What befalls this call, if anything. Who is lucky meets the poison only."""
        if self.poisoned and self.poisoned in asks and service == "stripe":
            return POISONED
        if lucky or self.clear or self._rng.random() >= self.rate:
            return None
        possible = [fault for fault in (*DEATHS, *BEFALLS[service]) if fault in self.kinds]
        if not asks.startswith(WRITES):
            possible = [fault for fault in possible if fault is not CONFLICT]
        return self._rng.choice(possible) if possible else None

    def delays(self, at: int) -> list[int]:
        """After how many seconds each copy of an event made at `at` is delivered; none if it is lost."""
        if self.clear:
            return [0]
        lost = any(first <= at < last for first, last in self.outages) or self._rng.random() < self.never_made
        return [] if lost else [self._rng.randint(0, self.latest) for _ in range(self._rng.randint(1, self.repeats))]

    def may_fall_silent(self, now: int) -> None:
        """An outage may begin with what happens next."""
        if self._rng.random() < self.unheard:
            self.falls_silent(now)

    def falls_silent(self, now: int) -> None:
        """Let an outage begin now, unless none is to be: reconcile alone can find what happens next."""
        if not self.reliable:
            self.outages.append((now, now + self._rng.choice(LENGTHS)))

    def redeliveries(self) -> list[int]:
        """After how many seconds each delivery of a queue's message comes: from one to five, up to three days late."""
        if self.clear:
            return [0]
        return [self._rng.randint(0, self.queued) for _ in range(self._rng.randint(1, self.redelivered))]

    def awake_from(self, now: int) -> int:
        """The next moment, from now on, at which no bad deployment keeps our schedules from running."""
        return max((last for first, last in self.asleep if first <= now < last), default=now)

    def has_twin(self) -> bool:
        """Whether a message is given to two workers at once."""
        return not self.clear and self._rng.random() < self.twins


def calm() -> Weather:
    """Weather in which nothing goes wrong: every webhook comes, once and at once."""
    weather = Weather(random.Random(0), 0)
    weather.clear, weather.reliable, weather.outages, weather.asleep = True, True, [], []
    return weather


def _sleep(rng: random.Random, start: int) -> tuple[int, int]:
    """
    Two days or sixteen in which no schedule runs, as after a bad deployment.

    Two of them together are less than the five weeks that the daily run looks back: in that time its alarm is heard.
    """
    begins = start + rng.choice((0, rng.randint(0, 60 * DAY)))
    return begins, begins + rng.choice((2 * DAY, 16 * DAY))


def _outage(rng: random.Random, start: int) -> tuple[int, int]:
    """An hour or four days in which webhooks are lost, near the beginning or anywhere in the year."""
    begins = start + rng.choice((0, rng.randint(0, 5 * DAY), rng.randint(0, 400 * DAY)))
    return begins, begins + rng.choice(LENGTHS)
