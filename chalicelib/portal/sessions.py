"""
Sessions of the donor portal: opaque, kept only as a hash, short.

    signed in ------------------------------------- 12 hours: over
         `-- each request -- 30 minutes without one: over

Each is listed under its donor too, in the same transaction, so that all of
a donor's can be ended at once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import timedelta

from chalicelib import items, keys, writes
from chalicelib.clock import epoch_seconds
from chalicelib.errors import Forbidden, NotSignedIn
from chalicelib.http import Caller, cookie, require_own_origin

COOKIE = "session"
# OWASP ASVS 5.0, V7.3: an idle and an absolute limit, both short where money is shown.
IDLE_SECONDS = int(timedelta(minutes=30).total_seconds())
WHOLE_SECONDS = int(timedelta(hours=12).total_seconds())
# One write a minute is enough to know that a session is in use.
TOUCH_SECONDS = 60

# What cannot be taken back asks for somebody who has just shown that the mailbox is theirs.
RECENT_SECONDS = int(timedelta(minutes=10).total_seconds())
# A donor has a handful of devices. What is left of sessions long over goes by TTL.
MOST = 1_000

NOT_ERASED = "attribute_exists(pk) AND attribute_not_exists(erased_at)"
STILL_THERE = "attribute_exists(pk)"


def begin(donor_id: str, caller: Caller) -> str:
    """
    Open a new session, end the one this browser had, and give the cookie that carries it.

    Raises NotSignedIn for a donor who was erased meanwhile.
    """
    end(caller)
    token, now = secrets.token_urlsafe(32), epoch_seconds()
    session = {"donor_id": donor_id, "began": now, "seen": now, "expires_at": now + IDLE_SECONDS}
    listed = {"began": now, "expires_at": now + WHOLE_SECONDS}
    name = _name(token)
    try:
        items.transact([
            writes.check(items.giving(), keys.donor(donor_id), NOT_ERASED),
            items.put_write(items.passing(), keys.passing("SESSION", name) | session),
            items.put_write(items.passing(), keys.session_of(donor_id, name) | listed),
        ])  # fmt: skip
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone
    return cookie(COOKIE, token, seconds=WHOLE_SECONDS)


def donor(caller: Caller) -> str:
    """The id of the donor who is signed in. Raises NotSignedIn."""
    return str(_open(caller)["donor_id"])


def donor_changing(caller: Caller) -> str:
    """The donor who is signed in, for a call that changes something: it must come from our own pages."""
    require_own_origin(caller)
    return donor(caller)


def is_recent(caller: Caller) -> bool:
    """Whether the donor signed in during the last ten minutes. Raises NotSignedIn."""
    return epoch_seconds() - int(_open(caller)["began"]) <= RECENT_SECONDS


def donor_recently(caller: Caller) -> str:
    """The donor, for a change that cannot be taken back: only if they signed in during the last ten minutes."""
    require_own_origin(caller)
    if not is_recent(caller):
        raise Forbidden(
            "For this, please sign out and in again: it is open for ten minutes after a sign-in.", code="sign_in_again"
        )
    return donor(caller)


def end(caller: Caller) -> str:
    """End this browser's session, if it has one, and give the cookie that takes the old one away."""
    token = caller.cookies.get(COOKIE, "")
    ended = items.delete(items.passing(), _key(token)) if token else None
    if ended:
        items.delete(items.passing(), keys.session_of(ended["donor_id"], _name(token)))
    return cookie(COOKIE, "", seconds=0)


def end_all(donor_id: str, but: Caller | None = None) -> None:
    """End every session of the donor but this caller's."""
    end_others(donor_id, name_of(but) if but else "")


def end_others(donor_id: str, spared: str) -> None:
    """End every session of the donor but the one of this name; an empty name spares none."""
    for name in [name for name, _ in listed(donor_id) if name != spared]:
        items.delete(items.passing(), keys.passing("SESSION", name))
        items.delete(items.passing(), keys.session_of(donor_id, name))


def listed(donor_id: str) -> Iterator[tuple[str, int]]:
    """The donor's sessions, each by its name and when it began (epoch seconds); also some that have run out."""
    pk = keys.session_of(donor_id, "")["pk"]
    return ((item["sk"], item["began"]) for item in items.query_all(items.passing(), pk, most=MOST))


def name_of(caller: Caller) -> str:
    """The name under which the caller's session is kept; it opens nothing."""
    return _name(caller.cookies.get(COOKIE, ""))


def _open(caller: Caller) -> items.Item:
    """The caller's session. Raises NotSignedIn."""
    token = caller.cookies.get(COOKIE, "")
    session = items.get(items.passing(), _key(token)) if token else None
    now = epoch_seconds()
    if session is None or now >= session["expires_at"] or now >= session["began"] + WHOLE_SECONDS:
        raise NotSignedIn("Please sign in.")
    if now - session["seen"] >= TOUCH_SECONDS:
        _touch(token, now)
    return session


def _touch(token: str, now: int) -> None:
    values = {":now": now, ":until": now + IDLE_SECONDS}
    try:
        items.update(items.passing(), _key(token), "SET seen = :now, expires_at = :until", values, STILL_THERE)
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone


def _key(token: str) -> keys.Key:
    return keys.passing("SESSION", _name(token))


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
