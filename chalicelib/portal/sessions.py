"""
Sessions of the donor portal: opaque, kept only as a hash, short.

    signed in - 10 minutes: may change what matters most --- 12 hours: over
         `-- each request -- 30 minutes without one: over

One item each, and all of a donor's in one partition, so that they can be
listed and ended together without an index that could miss one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib import items, keys, writes
from chalicelib.clock import epoch_seconds
from chalicelib.errors import NotFound, NotSignedIn
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.http import SESSION_COOKIE, Caller, cookie, require_own_form, require_own_origin
from chalicelib.portal import devices, known_browsers

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

COOKIE = SESSION_COOKIE
# OWASP ASVS 5.0, V7.3: an idle and an absolute limit, both short where money is shown.
IDLE_SECONDS = int(timedelta(minutes=30).total_seconds())
WHOLE_SECONDS = int(timedelta(hours=12).total_seconds())
# V7.5: what leads to everything else (the address, erasure, other sessions) wants a mailbox that was opened just now.
RECENT_SECONDS = int(timedelta(minutes=10).total_seconds())
# One write a minute is enough to know that a session is in use.
TOUCH_SECONDS = 60

# Whose partition it is in, and 256 random bits. Nothing else is looked up.
TOKEN = re.compile(r"[0-9a-f]{32}[0-9A-Za-z_-]{43}", re.ASCII)
SESSION_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)

STILL_OPEN = "attribute_exists(pk) AND expires_at > :now"


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A donor at a browser. Moments are epoch seconds; `device` is a coarse name, never the whole user agent.

    `joined` are the donor's other records, so that no call has to look for them: when one is joined or taken back,
    every other session ends.
    """

    donor_id: str
    began: int
    seen: int
    expires_at: int
    device: str = ""
    joined: tuple[str, ...] = ()

    @property
    def records(self) -> tuple[str, ...]:
        """The ids of all records of the donor, the main one first."""
        return (self.donor_id, *self.joined)

    def is_open(self, now: int) -> bool:
        return now < self.expires_at and now < self.began + WHOLE_SECONDS


def begin(
    donor_id: str, caller: Caller, also: Iterable[TransactWriteItemTypeDef] = (), *,
    joined: tuple[str, ...] = (), mailed_to: str | None = None,
) -> str:  # fmt: skip
    """
    Open a new session, end the one this browser had, and give the cookie that carries it.

    `also` is written with it or not at all. Raises NotSignedIn for a donor who
    was erased meanwhile, whose records are not these any more, or who is not
    reached any more where the link or code was `mailed_to`, a hash.
    """
    end(caller)
    token, now = _place(donor_id) + secrets.token_urlsafe(32), epoch_seconds()
    session = Session(donor_id, now, now, now + IDLE_SECONDS, devices.name(caller.agent), joined)
    records_as_told, values = donors.joined_as(Donor(donor_id, joined=joined))
    as_told = f"{donors.NOT_ERASED} AND {records_as_told}"
    if mailed_to is not None:
        reached = donors.profile(donor_id)
        if reached is None or keys.email_hash(reached.email) != mailed_to:
            raise NotSignedIn("Please sign in.")
        as_told, values = f"{as_told} AND email = :reached", {**values, ":reached": reached.email}
    stands = writes.check(items.giving(), keys.donor(donor_id), as_told, values)
    opened = items.put_write(items.passing(), items.as_item(_key(token), session))
    try:
        items.transact([stands, opened, *also])
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone
    return cookie(COOKIE, token, seconds=WHOLE_SECONDS)


def donor(caller: Caller) -> str:
    """The id of the donor who is signed in. Raises NotSignedIn."""
    return _open(caller).donor_id


def records(caller: Caller) -> tuple[str, ...]:
    """The ids of all records of the donor who is signed in, the main one first. Raises NotSignedIn."""
    return _open(caller).records


def records_changing(caller: Caller) -> tuple[str, ...]:
    """The same for a call that changes something, as strict as `donor_changing`."""
    return _changing(caller).records


def donor_changing(caller: Caller) -> str:
    """The donor who is signed in, for a call that changes something: it must come from our own pages."""
    return _changing(caller).donor_id


def donor_recently(caller: Caller) -> str:
    """
    The donor who signed in within the last 10 minutes, for a change that leads to everything else.

    As strict as `donor_changing` besides. Raises NotSignedIn with the code
    `sign_in_again`; a browser is led to the form, and comes back to the portal.
    """
    session = _changing(caller)
    if not _is_recent(session):
        raise NotSignedIn("Your last sign-in is too long ago for this. Please sign in again.", code="sign_in_again")
    return session.donor_id


def is_recent(caller: Caller) -> bool:
    """Whether `donor_recently` would let this caller do it, so that a page can say so first. Raises NotSignedIn."""
    return _is_recent(_open(caller))


def of_donor(donor_id: str) -> dict[str, Session]:
    """The donor's open sessions by their ids, the one last seen first."""
    now = epoch_seconds()
    found = {item["sk"]: items.as_struct(item, Session) for item in _kept(donor_id)}
    still_open = [(name, session) for name, session in found.items() if session.is_open(now)]
    return dict(sorted(still_open, key=lambda named: (named[1].seen, named[1].began), reverse=True))


def id_of(caller: Caller) -> str:
    """The id of this browser's own session, or an empty text. It names the session and opens nothing."""
    token = _token(caller)
    return _key(token)["sk"] if token else ""


def end(caller: Caller) -> str:
    """End this browser's session, if it has one, and give the cookie that takes the old one away."""
    token = _token(caller)
    if token:
        items.delete(items.passing(), _key(token))
    return cookie(COOKIE, "", seconds=0)


def end_one(donor_id: str, session_id: str) -> None:
    """End one of the donor's sessions. Raises NotFound for any other, and for one that is over."""
    gone = NotFound("There is no such session. It may have ended already.")
    if not SESSION_ID.fullmatch(session_id):
        raise gone
    try:
        items.delete(items.passing(), {"pk": _partition(_place(donor_id)), "sk": session_id}, items.PRESENT)
    except items.ConditionFailed as missing:
        raise gone from missing


def end_all(donor_id: str, but: Caller | None = None) -> int:
    """
    End the donor's sessions, all or all but this caller's own; how many they were. Twice is harmless.

    The browsers are not known again either.
    """
    known_browsers.forget(donor_id, but)
    return end_others(donor_id, id_of(but) if but else "")


def reach(donor_id: str, session_id: str, joined: tuple[str, ...]) -> None:
    """Let one session reach these records too, if it is still there."""
    key = {"pk": _partition(_place(donor_id)), "sk": session_id}
    with suppress(items.ConditionFailed):
        items.update(items.passing(), key, "SET joined = :joined", {":joined": list(joined)}, items.PRESENT)


def end_others(donor_id: str, spared: str) -> int:
    """End the donor's sessions but the one of this id; how many they were. A worker has no caller to spare."""
    ended = [item for item in _kept(donor_id) if item["sk"] != spared]
    for item in ended:
        items.delete(items.passing(), {"pk": item["pk"], "sk": item["sk"]})
    return len(ended)


def _changing(caller: Caller) -> Session:
    require_own_origin(caller)
    session = _open(caller)
    require_own_form(caller)
    return session


def _open(caller: Caller) -> Session:
    token, now = _token(caller), epoch_seconds()
    item = items.get(items.passing(), _key(token)) if token else None
    session = items.as_struct(item, Session) if item else None
    if session is None or not session.is_open(now):
        raise NotSignedIn("Please sign in.")
    if now - session.seen >= TOUCH_SECONDS:
        _touch(token, session, now)
    return session


def _is_recent(session: Session) -> bool:
    return epoch_seconds() - session.began < RECENT_SECONDS


def _touch(token: str, session: Session, now: int) -> None:
    """Note that it is in use. One that was ended meanwhile, by another browser or by its time, is not brought back."""
    values = {":now": now, ":until": min(now + IDLE_SECONDS, session.began + WHOLE_SECONDS)}
    try:
        items.update(items.passing(), _key(token), "SET seen = :now, expires_at = :until", values, STILL_OPEN)
    except items.ConditionFailed as gone:
        raise NotSignedIn("Please sign in.") from gone


def _kept(donor_id: str) -> list[items.Item]:
    """What the table still has, open or over. Sign-ins are limited, so they are a few dozen at the very most."""
    return list(items.query_all(items.passing(), _partition(_place(donor_id)), most=1_000))


def _token(caller: Caller) -> str:
    token = caller.cookies.get(COOKIE, "")
    return token if TOKEN.fullmatch(token) else ""


def _key(token: str) -> keys.Key:
    return {"pk": _partition(token[:32]), "sk": hashlib.sha256(token.encode()).hexdigest()}


def _partition(place: str) -> str:
    return f"SESSIONS#{place}"


def _place(donor_id: str) -> str:
    """What the cookie says of the donor: enough to find the partition, and not their id."""
    return hashlib.sha256(f"sessions of {donor_id}".encode()).hexdigest()[:32]
