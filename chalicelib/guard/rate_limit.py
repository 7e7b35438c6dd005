"""Counting, before anything else happens: how often one address, person or browser may do a thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from chalicelib import log, settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import TooMany
from chalicelib.guard import counters
from chalicelib.guard.askers import Asker, Who, hashed
from chalicelib.guard.counters import Down, Tally

Doing = Literal[
    "gift", "gift_again", "gift_under_attack", "unproven",
    "sign_in", "session", "sign_up", "portal_change", "email_change", "export",
    "payment_page", "payment_page_under_attack",
]  # fmt: skip

MINUTES_10, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)
# A family or an office behind one address gives a handful of times an hour; card
# testers were seen at 1,674. A mistyped card costs no new gift: the payment page takes three.
LIMITS: dict[tuple[Doing, Who], tuple[int, timedelta]] = {
    ("gift", "ip"): (20, HOUR),
    # A tablet at a church door is one browser with many donors.
    ("gift", "browser"): (20, HOUR),
    ("gift", "email"): (10, HOUR),
    # While a campaign runs, an address that passes the challenge still gets little:
    # a family's two or three gifts, each asked for twice, once before the challenge.
    ("gift_under_attack", "ip"): (8, HOUR),
    ("gift_under_attack", "browser"): (4, HOUR),
    ("gift_under_attack", "email"): (4, HOUR),
    # The same gift once more: a double click, a lost answer, the back button.
    ("gift_again", "gift"): (30, DAY),
    # What should be challenged where no challenge can be put: see docs/decisions.
    ("unproven", "ip"): (2, HOUR),
    ("unproven", "everybody"): (20, MINUTES_10),
    ("sign_in", "ip"): (20, HOUR),
    ("sign_in", "email"): (5, HOUR),
    # One that the donor has signed in with before, in the place of the address: known_browsers.py.
    ("sign_in", "browser"): (5, HOUR),
    ("session", "ip"): (40, HOUR),
    ("session", "email"): (15, HOUR),
    ("session", "browser"): (15, HOUR),
    ("sign_up", "ip"): (20, HOUR),
    ("sign_up", "email"): (5, DAY),
    ("portal_change", "donor"): (40, HOUR),
    ("portal_change", "session"): (40, HOUR),
    ("portal_change", "ip"): (120, HOUR),
    # Each sends a mail to whatever address was typed.
    ("email_change", "donor"): (10, DAY),
    ("email_change", "email"): (5, DAY),
    ("email_change", "ip"): (20, HOUR),
    # Everything that is held of a donor is read and zipped.
    ("export", "donor"): (10, HOUR),
    ("export", "ip"): (60, HOUR),
    # A page on which a card is entered: nobody changes theirs six times an hour.
    ("payment_page", "donor"): (6, HOUR),
    ("payment_page", "session"): (6, HOUR),
    ("payment_page", "ip"): (20, HOUR),
    ("payment_page_under_attack", "donor"): (2, HOUR),
    ("payment_page_under_attack", "session"): (2, HOUR),
    ("payment_page_under_attack", "ip"): (4, HOUR),
}
# The local run and its tests come from one address all day long.
WIDE = 100
# When the counters are down each process counts for itself: neither an outage nor an open door.
LAST_RESORT, LAST_RESORT_WINDOW = 5, MINUTES_10


class Window(msgspec.Struct, frozen=True):
    """One count: under which name, how many are allowed, and until when it runs (epoch seconds)."""

    doing: Doing
    who: Who
    name: str
    most: int
    ends: int


def allow(
    doing: Doing, *, ip: str = "", email: str = "", donor: str = "", browser: str = "", session: str = ""
) -> None:
    """Count one more, and raise TooMany with the seconds to wait if it is one too many for any of those named."""
    try:
        count(windows(doing, Asker(ip, email, donor, browser, session).named()))
    except Down:
        last_resort(doing)


def windows(doing: Doing, named: Mapping[Who, str]) -> list[Window]:
    """The counts that an asker falls under, by their hashed names; the address first."""
    return [window(doing, who, name) for who, name in named.items() if (doing, who) in LIMITS]


def window(doing: Doing, who: Who, name: str) -> Window:
    """The count that runs now for one hashed name."""
    most, length = LIMITS[doing, who]
    starts, ends = ends_of(length)
    return Window(doing, who, f"{doing}#{who}#{name}#{starts}", most * _width(), ends)


def for_everybody(doing: Doing) -> Window:
    """The one count that all share."""
    return window(doing, "everybody", hashed("everybody", ""))


def count(these: Iterable[Window]) -> None:
    """Count one more in each, in turn. Raises TooMany at the first that is over, and Down."""
    for each in these:
        times = counters.store().add(each.name, each.ends + int(HOUR.total_seconds())).times
        if times == each.most:
            # Said once a window, when the limit is reached, and not at each of twenty thousand refusals.
            log.count("limit_reached", doing=each.doing, who=each.who)
        if times > each.most:
            raise too_many(each.ends)


def refuse_full(these: Iterable[Window], known: Mapping[str, Tally]) -> None:
    """Raise TooMany if any of them is full already, as far as was read: a refusal then writes nothing."""
    full = [each.ends for each in these if each.name in known and known[each.name].times >= each.most]
    if full:
        raise too_many(max(full))


def too_many(until: int) -> TooMany:
    """The refusal, with the seconds until it ends."""
    return TooMany("That was too often. Please wait a little.", retry_after=max(1, until - epoch_seconds() + 1))


def ends_of(length: timedelta) -> tuple[int, int]:
    """The first second of the window that runs now, and of the next."""
    seconds = int(length.total_seconds())
    starts = epoch_seconds() // seconds * seconds
    return starts, starts + seconds


_own_counts: dict[tuple[Doing, int], int] = {}


def last_resort(doing: Doing) -> None:
    """Count in this process alone. Raises TooMany."""
    starts, ends = ends_of(LAST_RESORT_WINDOW)
    for old in [each for each in _own_counts if each[1] != starts]:
        del _own_counts[old]
    _own_counts[doing, starts] = _own_counts.get((doing, starts), 0) + 1
    if _own_counts[doing, starts] > LAST_RESORT * _width():
        raise too_many(ends)


def _width() -> int:
    return WIDE if settings.current().guard == "wide" else 1
