"""Stripe's deliveries: late, repeated, out of order, lost, and tried again for three days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.standin.standin import Standin
from local.standin.webhooks import RETRIED_FOR, RETRY_AFTER, THEN_EVERY, Delivery
from tests.faults.faults import Weather


@dataclass(eq=False)
class Copy:
    """One copy of an event on its way: `first` is when it was first tried, or made if it was not yet; `due` is next."""

    number: int
    event: dict[str, Any]
    due: int
    first: int
    tries: int = 0


class Webhooks:
    """Every event of the types that we asked for, and what becomes of it."""

    def __init__(self, standin: Standin, weather: Weather, types: frozenset[str]) -> None:
        self._standin, self._weather, self._types = standin, weather, types
        self.waiting: list[Copy] = []
        self.happened = self.made = self.lost = 0
        standin.world.listeners[:] = [self._take]

    def ready(self, now: int) -> list[Copy]:
        return [each for each in self.waiting if each.due <= now]

    def signed(self, copy: Copy, now: int) -> tuple[bytes, str]:
        """The body and the signature of this try."""
        self.waiting.remove(copy)
        copy.first = copy.first if copy.tries else now
        copy.tries += 1
        body, headers = self._standin.outbox.signed(Delivery(copy.event, now, copy.first))
        return body, headers["Stripe-Signature"]

    def refused(self, copy: Copy, now: int) -> None:
        """No 200 came: try again later, and after three days no more."""
        wait = RETRY_AFTER[copy.tries - 1] if copy.tries <= len(RETRY_AFTER) else THEN_EVERY
        copy.due = now + wait
        if copy.due > copy.first + RETRIED_FOR:
            self.lost += 1
        else:
            self.waiting.append(copy)

    def _take(self, event: dict[str, Any]) -> None:
        self.happened += 1
        if event["type"] not in self._types:
            return
        self.made += 1
        delays = self._weather.delays(event["created"])
        self.lost += not delays
        self.waiting += [Copy(self.made, event, event["created"] + each, event["created"]) for each in delays]
