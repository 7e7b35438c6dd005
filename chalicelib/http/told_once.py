"""
What a page says once of what was just done: "Saved."

    form ---- done ---- 303, with the cookie ---- the page says it, and takes the cookie away

A parameter of the address could carry it over too, but an address anybody can
make. The cookie is sealed with the caller's session and a secret of ours, so
no page of ours claims what was not done by this very session.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from chalicelib import settings
from chalicelib.http.caller import SESSION_COOKIE, Caller, cookie

COOKIE = "told"
# The redirect follows at once; two minutes outlast a phone that loses its network on the way.
SECONDS = 120
# What was done, and to what: "paused.sub_1".
WHAT = re.compile(r"[a-z_]+(?:\.\w+)?", re.ASCII)


def told_by(caller: Caller, what: str) -> str:
    """The cookie that has the caller's next page say it."""
    assert WHAT.fullmatch(what), f"{what!r} does not fit into a cookie"
    return cookie(COOKIE, f"{what}.{_seal(caller, what)}", seconds=SECONDS)


def told(caller: Caller) -> str:
    """What the caller's page is to say; nothing if it was not sealed for this session."""
    what, _, seal = caller.cookies.get(COOKIE, "").rpartition(".")
    return what if WHAT.fullmatch(what) and hmac.compare_digest(seal.encode(), _seal(caller, what).encode()) else ""


def forgotten() -> str:
    """The cookie line by which it is said only once."""
    return cookie(COOKIE, "", seconds=0)


def _seal(caller: Caller, what: str) -> str:
    secret, session = settings.current().token_secret.encode(), caller.cookies.get(SESSION_COOKIE, "")
    return hmac.digest(secret, f"told {session} {what}".encode(), hashlib.sha256).hex()
