"""The one source of "now", so that a test or the local run can give the time instead of waiting for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


_clock: Clock = _wall_clock
_sleep: Sleep = time.sleep


def now() -> datetime:
    """The present moment, aware and in UTC."""
    return _clock()


def epoch_seconds() -> int:
    """The present moment as whole seconds since 1970, the unit of Stripe's timestamps and DynamoDB's TTL."""
    return int(now().timestamp())


def sleep(seconds: float) -> None:
    """Wait that long, where time is the wall's."""
    _sleep(seconds)


def set_clock(clock: Clock | None = None, sleep: Sleep | None = None) -> None:
    """Take the time from `clock`, and waiting from `sleep`, from here on; from the wall again where none is given."""
    global _clock, _sleep  # noqa: PLW0603 - the one piece of state that lets time be given
    _clock = clock or _wall_clock
    _sleep = sleep or time.sleep


def from_epoch(seconds: int) -> datetime:
    """The UTC moment that a Stripe timestamp names."""
    return datetime.fromtimestamp(seconds, UTC)
