"""
Sessions of the donor portal: opaque, kept only as a hash, short.

    signed in ------------------------------------- 12 hours: over
         `-- each request -- 30 minutes without one: over
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from chalicelib import items, keys
from chalicelib.clock import epoch_seconds
from chalicelib.errors import NotSignedIn
from chalicelib.http import Caller, cookie, require_own_origin

COOKIE = "session"
# OWASP ASVS 5.0, V7.3: an idle and an absolute limit, both short where money is shown.
IDLE_SECONDS = int(timedelta(minutes=30).total_seconds())
WHOLE_SECONDS = int(timedelta(hours=12).total_seconds())
# One write a minute is enough to know that a session is in use.
TOUCH_SECONDS = 60

STILL_THERE = "attribute_exists(pk)"


def begin(donor_id: str, caller: Caller) -> str:
    """Open a new session, end the one this browser had, and give the cookie that carries it."""
    end(caller)
    token, now = secrets.token_urlsafe(32), epoch_seconds()
    session = {
        "donor_id": donor_id, "began": now, "seen": now, "expires_at": now + IDLE_SECONDS
    }  # fmt: skip
    items.put(items.passing(), _key(token) | session, items.ABSENT)
    return cookie(COOKIE, token, seconds=WHOLE_SECONDS)


def donor(caller: Caller) -> str:
    """The id of the donor who is signed in. Raises NotSignedIn."""
    token = caller.cookies.get(COOKIE, "")
    session = items.get(items.passing(), _key(token)) if token else None
    now = epoch_seconds()
    if session is None or now >= session["expires_at"] or now >= session["began"] + WHOLE_SECONDS:
        raise NotSignedIn("Please sign in.")
    if now - session["seen"] >= TOUCH_SECONDS:
        _touch(token, now)
    return str(session["donor_id"])


def donor_changing(caller: Caller) -> str:
    """The donor who is signed in, for a call that changes something: it must come from our own pages."""
    require_own_origin(caller)
    return donor(caller)


def end(caller: Caller) -> str:
    """End this browser's session, if it has one, and give the cookie that takes the old one away."""
    token = caller.cookies.get(COOKIE, "")
    if token:
        items.delete(items.passing(), _key(token))
    return cookie(COOKIE, "", seconds=0)


def _touch(token: str, now: int) -> None:
    values = {":now": now, ":until": now + IDLE_SECONDS}
    try:
        items.update(items.passing(), _key(token), "SET seen = :now, expires_at = :until", values, STILL_THERE)
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone


def _key(token: str) -> keys.Key:
    return keys.passing("SESSION", hashlib.sha256(token.encode()).hexdigest())
