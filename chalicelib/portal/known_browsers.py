"""
Browsers in which a donor has signed in before: strangers who know the address cannot keep them out.

Sign-in is limited by address, and an address is known to many. So a browser
that signed in to it carries a cookie and is counted by itself; the limit of
the address is for all others.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies

The cookie opens nothing. It is random, kept as a hash, and stands with the
donor's others in one partition, so that they can be forgotten together.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import items, keys, writes
from chalicelib.clock import epoch_seconds
from chalicelib.http import Caller, cookie

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

COOKIE = "known"
# Many donors come once a year, for the statement in January.
LIFETIME_SECONDS = int(timedelta(days=400).total_seconds())
# A new one at every sign-in, and the last one goes: only browsers that were never used again add up.
MOST = 10_000
TOKEN = re.compile(r"[0-9a-f]{32}[0-9A-Za-z_-]{43}", re.ASCII)


def remember(donor_id: str, email_sha256: str, caller: Caller) -> tuple[str, list[TransactWriteItemTypeDef]]:
    """
    Know this browser again for the address that it signs in with: a cookie, new each time, and the writes behind it.

    For the transaction that opens the session, so that nothing is left of a donor who is erased meanwhile.
    """
    token, until = _place(donor_id) + secrets.token_urlsafe(32), epoch_seconds() + LIFETIME_SECONDS
    known = items.put_write(items.passing(), {**_key(token), "email_sha256": email_sha256, "expires_at": until})
    before = _token(caller)
    gone = [writes.remove(items.passing(), _key(before))] if before else []
    return cookie(COOKIE, token, seconds=LIFETIME_SECONDS), [known, *gone]


def name_of(caller: Caller, email: str) -> str:
    """
    By which name to count this browser when it asks for this address; an empty text if it is none that we know.

    What is read hangs on the cookie alone, and so tells nothing about the address.
    """
    token = _token(caller)
    item = items.get(items.passing(), _key(token)) if token else None
    if item is None or item["expires_at"] <= epoch_seconds() or item["email_sha256"] != keys.email_hash(email):
        return ""
    return _key(token)["sk"]


def of_donor(donor_id: str) -> list[items.Item]:
    """What is kept of the donor's browsers: for which address, by its hash, and until when."""
    return list(items.query_all(items.passing(), _partition(_place(donor_id)), most=MOST))


def forget(donor_id: str, but: Caller | None = None) -> None:
    """Know none of the donor's browsers any more, or only this caller's. Twice is harmless."""
    spared = _token(but) if but else ""
    for item in of_donor(donor_id):
        if not spared or item["sk"] != _key(spared)["sk"]:
            items.delete(items.passing(), {"pk": item["pk"], "sk": item["sk"]})


def _token(caller: Caller) -> str:
    token = caller.cookies.get(COOKIE, "")
    return token if TOKEN.fullmatch(token) else ""


def _key(token: str) -> keys.Key:
    return {"pk": _partition(token[:32]), "sk": hashlib.sha256(token.encode()).hexdigest()}


def _partition(place: str) -> str:
    return f"KNOWN#{place}"


def _place(donor_id: str) -> str:
    """What the cookie says of the donor: enough to find the partition, and not their id."""
    return hashlib.sha256(f"known browsers of {donor_id}".encode()).hexdigest()[:32]
