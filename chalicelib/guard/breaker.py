"""
The circuit breaker: when too many payments fail, a campaign is on, and who begins a gift is looked at twice.

It never closes the door, and recovers by itself. Whom it has challenged
while it is open, `strangers` says.

    ten sources failed, 2 in 5 of all          30 minutes later
    ------------|---------- open ---------------------|------- as ever
                                        again? an hour; then two, then four

What is counted is *sources* that failed, not failures: one machine with ten
thousand cards is one source, and cannot have every donor challenged. Counted
by the moment of the charge, each charge once, so late and repeated webhooks
change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from chalicelib import log
from chalicelib.clock import epoch_seconds
from chalicelib.guard import challenge, counters, rate_limit
from chalicelib.guard.counters import Tally

BREAKER = "breaker"
# Two windows of ten minutes are looked at: the one that runs and the one before.
LENGTH = rate_limit.MINUTES_10
# One donor in ten meets a declined card. Ten in twenty minutes that are also two in five of
# all do not happen by chance; a campaign, of which nine in ten fail, is there in a minute.
FEWEST, SHARE_PERCENT = 10, 40
# More members need not be known to know that it is a campaign.
MOST_MEMBERS = 300
# Longer than both windows, so that a failure from before cannot open it twice.
HOLD = timedelta(minutes=30)
LONGEST_HOLD = timedelta(hours=4)
# For how long it is remembered that it was open, so that a campaign that comes back meets a longer hold.
REMEMBERED = timedelta(days=1)
# Pages begun and never paid: cards hoarded for later. About half of all donors who begin also pay.
SURGE, SURGE_PAID_PERCENT = 150, 10


def names() -> list[str]:
    """Everything that `is_open` and `is_surge` look at."""
    return [BREAKER, *(_bucket(kind, back) for kind in ("outcomes", "begun") for back in (0, 1))]


def campaign(known: Mapping[str, Tally]) -> int:
    """
    The campaign that is on, by when it began (epoch seconds); 0 if none is. From what was read of `names()`.

    One that comes back within a day is the same one.
    """
    return int(known[BREAKER].known["since"]) if is_open(known) else 0


def is_open(known: Mapping[str, Tally]) -> bool:
    """Whether a campaign is on, from what was read of `names()`."""
    return BREAKER in known and _open_until(known[BREAKER]) > epoch_seconds()


def campaign_or_surge(known: Mapping[str, Tally]) -> int:
    """The campaign that is on, or that begins now because far more gifts are begun than are ever paid; 0 if none."""
    if not is_open(known) and is_surge(known):
        return _open(known.get(BREAKER))
    return campaign(known)


def is_surge(known: Mapping[str, Tally]) -> bool:
    """
    Whether far more gifts are begun than are ever paid.

    Only where a challenge can be put: an appeal on television looks like
    this for its first minutes, and must not end in refusals.
    """
    begun, paid = (_times(known, kind) for kind in ("begun", "outcomes"))
    return challenge.can_be_put() and begun >= SURGE and paid * 100 < begun * SURGE_PAID_PERCENT


def begun() -> None:
    """Count a gift whose payment page is about to be made."""
    counters.store().add(_bucket("begun"), _end())


def paid(at: int) -> None:
    """Count a payment that succeeded at this moment (epoch seconds)."""
    counters.store().add(_bucket("outcomes", at=at), _end(at))


def failed(at: int, source: str) -> None:
    """Count a source whose payment failed at this moment, and open if that is one too many."""
    counters.store().join(_bucket("outcomes", at=at), source, _end(at), MOST_MEMBERS)
    known = counters.store().read([BREAKER, _bucket("outcomes", at=at), _bucket("outcomes", 1, at)])
    before = known.pop(BREAKER, None)
    sources = len(frozenset().union(*(tally.members for tally in known.values())))
    payments = sources + sum(tally.times for tally in known.values())
    if sources >= FEWEST and sources * 100 >= payments * SHARE_PERCENT:
        _open(before)


def _open(before: Tally | None) -> int:
    """Open, or stay open: a hold that is more than half over is begun again. Gives the campaign."""
    now = epoch_seconds()
    left = _open_until(before) - now if before else 0
    strikes = int(before.known["strikes"]) + (left <= 0) if before else 1
    since = int(before.known["since"]) if before else now
    hold = min(HOLD * 2 ** min(strikes - 1, 8), LONGEST_HOLD)
    if left > hold.total_seconds() / 2:
        return since
    until = now + int(hold.total_seconds())
    remembered = until + int(REMEMBERED.total_seconds())
    counters.store().keep(BREAKER, {"open_until": until, "strikes": strikes, "since": since}, remembered)
    if left <= 0:
        log.alarm("card_testing_suspected", strikes=strikes, minutes=int(hold.total_seconds() // 60))
    return since


def _open_until(tally: Tally) -> int:
    return int(tally.known["open_until"])


def _times(known: Mapping[str, Tally], kind: str) -> int:
    found = (known.get(_bucket(kind, back)) for back in (0, 1))
    return sum(tally.times for tally in found if tally)


def _bucket(kind: str, back: int = 0, at: int | None = None) -> str:
    seconds = int(LENGTH.total_seconds())
    moment = epoch_seconds() if at is None else at
    return f"{kind}#{(moment // seconds - back) * seconds}"


def _end(at: int | None = None) -> int:
    return (epoch_seconds() if at is None else at) + 3 * int(LENGTH.total_seconds())
