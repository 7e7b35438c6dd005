"""
Who may begin a gift without a challenge while a campaign is on.

Nothing tells a donor who was never here from a card tester's new address,
except that a tester's come again and a donor's hardly do. So the first try of
an address passes, its next ones only for gifts that were paid there; likewise
for the network around it, and for all strangers together:

    breaker opens ---- first tries pass, others are challenged ----> 2,500 tries unpaid: everybody is

Whoever solves the challenge passes, and uses up nothing of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from chalicelib.clock import epoch_seconds
from chalicelib.guard import counters, rate_limit
from chalicelib.guard.askers import Who

# What is free, before any gift was paid there. An address of a home brings one donor. A /24 or /48 may be
# a mobile carrier's and bring many; a hoster's brings no more than this. The sum is what a campaign of
# two thousand addresses has, and less than one whose addresses never end. Measured: docs/card-testing.md.
FREE: dict[Who, int] = {"ip": 1, "neighbourhood": 13, "everybody": 2_500}
# About half of all donors who begin a gift also pay it.
TRIES_PER_PAID = 2
# A school, an office, a carrier: where donors gave lately, donors are. This week's count and the last one's.
PAID_WINDOW = timedelta(days=7)
# Longer than the breaker's longest hold and its memory together: a campaign's tries are known to its end.
REMEMBERED_SECONDS = int(timedelta(days=2).total_seconds())

Named = Mapping[Who, str]


def admit(campaign: int, named: Named) -> bool:
    """Count one more try of a stranger, and say whether it passes. Ends at the first count that is full."""
    return all(_is_free(campaign, who, name) for who, name in _counted(named))


def paid(named: Named, campaign: int) -> None:
    """Let a paid gift speak for where it came from; `campaign` is the one in which it was admitted, or 0."""
    starts, ends = rate_limit.ends_of(PAID_WINDOW)
    for who, name in _counted(named):
        if who != "everybody":
            counters.store().add(_paid(who, name, starts), ends + int(PAID_WINDOW.total_seconds()))
        elif campaign:
            counters.store().add(_paid(who, name, campaign), epoch_seconds() + REMEMBERED_SECONDS)


def _is_free(campaign: int, who: Who, name: str) -> bool:
    tries = counters.store().add(f"tries#{who}#{name}#{campaign}", epoch_seconds() + REMEMBERED_SECONDS).times
    return tries <= FREE[who] or tries <= FREE[who] + TRIES_PER_PAID * _times_paid(campaign, who, name)


def _times_paid(campaign: int, who: Who, name: str) -> int:
    starts, _ = rate_limit.ends_of(PAID_WINDOW)
    since = [campaign] if who == "everybody" else [starts, starts - int(PAID_WINDOW.total_seconds())]
    return sum(tally.times for tally in counters.store().read([_paid(who, name, each) for each in since]).values())


def _counted(named: Named) -> list[tuple[Who, str]]:
    return [*((who, named[who]) for who in FREE if who in named), ("everybody", "")]


def _paid(who: Who, name: str, since: int) -> str:
    return f"paid#{who}#{name}#{since}"
