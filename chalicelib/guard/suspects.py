"""
Addresses, mailboxes and browsers at which cards keep failing: they are asked for a challenge until the hour is over.

Written by what a webhook tells (`outcomes`), read when a gift is to begin.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.guard import counters, rate_limit
from chalicelib.guard.askers import Who
from chalicelib.guard.counters import Tally

# A donor mistypes twice, a family's two cards fail on one evening: none of that is challenged.
FAILURES: dict[Who, int] = {"ip": 8, "browser": 6, "email": 6}
WINDOW = rate_limit.HOUR
# More need not be known.
MOST_CHARGES = 100
# A webhook may come an hour late, and still counts where it happened.
LATE_SECONDS = int(rate_limit.HOUR.total_seconds())

Named = Mapping[Who, str]


def names(named: Named) -> list[str]:
    """What `is_one` looks at."""
    return [_failures(who, name) for who, name in named.items() if who in FAILURES]


def is_one(known: Mapping[str, Tally], named: Named) -> bool:
    """Whether any of these failed often, or was met with a card that is being tested."""
    return any(
        known[_failures(who, named[who])].times > 0 or len(known[_failures(who, named[who])].members) >= most
        for who, most in FAILURES.items()
        if who in named and _failures(who, named[who]) in known
    )


def blame(named: Named, charge_id: str) -> None:
    """Count a failed charge, once, against whoever began its gift."""
    for name in names(named):
        counters.store().join(name, charge_id, _end(), MOST_CHARGES)


def mark(named: Named) -> None:
    """From here on, and until the hour is over, all that this card came through is challenged."""
    for name in names(named):
        counters.store().add(name, _end())


def _failures(who: Who, name: str) -> str:
    return f"failures#{who}#{name}#{rate_limit.ends_of(WINDOW)[0]}"


def _end() -> int:
    return rate_limit.ends_of(WINDOW)[1] + LATE_SECONDS
