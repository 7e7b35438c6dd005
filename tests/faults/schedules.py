"""The schedules of `app.py`: how often each runs, and when it would find something to do."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Rate, ScheduledEventConfig

from tests.faults.faults import DAY, HOUR

SECONDS = {Rate.HOURS: HOUR, Rate.DAYS: DAY}
# A run that failed so often in a row meets no more faults: an outage ends.
UNLUCKY_TRIES = 3


class Schedule:
    """
    One schedule of ours.

    A run has nothing to do where nothing happened, at Stripe or in our books,
    since the last one began that went well. Such runs are left out: a year
    has nine thousand hours.

        . run . . (nothing happened: left out) . . something happens . . run
    """

    def __init__(self, name: str, every: int) -> None:
        self.name, self._every = name, every
        self._seen = self._failures = 0
        self._news_at: int | None = None

    @property
    def unlucky(self) -> bool:
        return self._failures >= UNLUCKY_TRIES

    def hear(self, happened: int, now: int) -> None:
        """How much has happened by now."""
        if happened != self._seen and self._news_at is None:
            self._news_at = now

    def next(self) -> int | None:
        """When the next run is due that has something to do, if any has."""
        return None if self._news_at is None else self.after(self._news_at)

    def after(self, moment: int) -> int:
        """When the first run after a moment is due, whatever there is to do."""
        return (moment // self._every + 1) * self._every

    def begins(self, happened: int) -> None:
        self._seen, self._news_at = happened, None

    def ended(self, now: int, *, well: bool) -> None:
        """How it went: what failed is done again by the next run."""
        self._failures = 0 if well else self._failures + 1
        if not well:
            self._news_at = now


def of_app(app: Chalice) -> list[Schedule]:
    """Every schedule that the app has, by its function's name."""
    found = [source for source in app.event_sources if isinstance(source, ScheduledEventConfig)]
    return [Schedule(each.handler_string.rpartition(".")[2], _seconds(each.schedule_expression)) for each in found]


def _seconds(rate: Any) -> int:
    return int(rate.value) * SECONDS[rate.unit]
