"""Counting, before anything else happens: how often one address, person or donor may do a thing."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import Literal

from chalicelib import items, keys, log, settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import TooMany

Doing = Literal["gift", "sign_in", "session", "sign_up", "portal_change"]
Who = Literal["ip", "email", "donor"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A family or an office behind one address gives a handful of times an hour; card
# testers were seen at 1,674. A mistyped card costs no new gift: the payment page stays.
LIMITS: dict[tuple[Doing, Who], tuple[int, timedelta]] = {
    ("gift", "ip"): (20, HOUR),
    ("gift", "email"): (10, HOUR),
    ("sign_in", "ip"): (20, HOUR),
    ("sign_in", "email"): (5, HOUR),
    ("session", "ip"): (40, HOUR),
    ("session", "email"): (15, HOUR),
    ("sign_up", "ip"): (20, HOUR),
    ("sign_up", "email"): (5, DAY),
    ("portal_change", "donor"): (40, HOUR),
}
# The local run and its tests come from one address all day long.
WIDE = 100


def allow(doing: Doing, *, ip: str = "", email: str = "", donor: str = "") -> None:
    """Count one more, and raise TooMany with the seconds to wait if it is one too many for any of those named."""
    named: dict[Who, str] = {"ip": _network(ip), "email": email and keys.canonical(email), "donor": donor}
    for who, name in named.items():
        limit = LIMITS.get((doing, who))
        if name and limit:
            _count(doing, who, name, *limit)


def _count(doing: Doing, who: Who, name: str, most: int, window: timedelta) -> None:
    most *= WIDE if settings.current().guard == "wide" else 1
    seconds = int(window.total_seconds())
    started = epoch_seconds() // seconds * seconds
    hashed = hashlib.sha256(f"{who}:{name}".encode()).hexdigest()[:32]
    counted = items.update(
        items.passing(), keys.passing("COUNT", f"{doing}#{hashed}#{started}"),
        "ADD times :one SET expires_at = :end", {":one": 1, ":end": started + 2 * seconds},
    )  # fmt: skip
    if counted["times"] > most:
        log.count("limit_reached", doing=doing, who=who)
        raise TooMany("That was too often. Please wait a little.", retry_after=started + seconds - epoch_seconds() + 1)


def _network(ip: str) -> str:
    """The address to count by: of IPv6 the /64, because one household or one server has all of it."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
