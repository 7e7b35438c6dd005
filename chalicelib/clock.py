"""The one source of "now", so that a test or the local run can give the time instead of waiting for it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


_clock: Clock = _wall_clock


def now() -> datetime:
    """The present moment, aware and in UTC."""
    return _clock()


def epoch_seconds() -> int:
    """The present moment as whole seconds since 1970, the unit of Stripe's timestamps and DynamoDB's TTL."""
    return int(now().timestamp())


def set_clock(clock: Clock | None = None) -> None:
    """Take the time from `clock` from here on; from the wall again when none is given."""
    global _clock  # noqa: PLW0603 - the one piece of state that lets time be given
    _clock = clock or _wall_clock


def from_epoch(seconds: int) -> datetime:
    """The UTC moment that a Stripe timestamp names."""
    return datetime.fromtimestamp(seconds, UTC)
