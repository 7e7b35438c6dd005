"""Who asks, and the cookies by which a browser is known again."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from chalice.app import Request

from chalicelib import settings
from chalicelib.errors import Forbidden

PREFIX = "__Host-"
FORM = "application/x-www-form-urlencoded"
# The cookie that carries a portal session, and the field by which its forms are known. Their meaning is elsewhere.
SESSION_COOKIE = "session"
OWN_FORM_FIELD = "own_form"
OWN_FORM_TOKEN = re.compile(rf"(?:^|&){OWN_FORM_FIELD}=([0-9a-f]{{64}})(?=&|$)".encode())


class Caller(msgspec.Struct, frozen=True):
    """
    Who asks, as far as HTTP tells: the gateway's own word for the address, never a header the caller wrote.

    `form_token` is None if no plain form was sent, and empty if one came without.
    """

    ip: str
    origin: str
    cookies: Mapping[str, str]
    agent: str = ""
    form_token: str | None = None


def caller_of(request: Request) -> Caller:
    """Who sent this request."""
    return Caller(
        ip=str(request.context.get("identity", {}).get("sourceIp", "")),
        origin=str(request.headers.get("origin", "")),
        cookies=_cookies(str(request.headers.get("cookie", ""))),
        agent=str(request.headers.get("user-agent", "")),
        form_token=_form_token(request.raw_body) if media_type(request) == FORM else None,
    )


def media_type(request: Request) -> str:
    """What kind of body was sent, without its parameters."""
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


def cookie(name: str, value: str, *, seconds: int) -> str:
    """
    A Set-Cookie line for a cookie that scripts cannot read and other sites cannot send.

    On https it carries the `__Host-` prefix: https only, no domain, path `/`
    (RFC 6265bis). An empty value with 0 seconds takes it away.
    """
    secure = "; Secure" if settings.current().secure else ""
    return f"{cookie_name(name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def cookie_name(name: str) -> str:
    """The name under which our cookie travels: with `__Host-` on https, without it on a developer's http."""
    return f"{PREFIX}{name}" if settings.current().secure else name


def require_own_origin(caller: Caller) -> None:
    """
    Raise Forbidden unless one of our own pages sent this.

    Every browser sends Origin with a request that changes something; the
    absence of one is refused too, for SameSite alone does not cover
    sibling subdomains.
    """
    if caller.origin not in settings.current().own_origins:
        raise Forbidden("This may only be done from our own pages.", code="origin_not_allowed")


def _form_token(body: str | bytes) -> str:
    """Found without reading the form: who asks is also asked about a form that cannot be read."""
    found = OWN_FORM_TOKEN.search(body if isinstance(body, bytes) else body.encode())
    return found[1].decode() if found else ""


def _cookies(header: str) -> dict[str, str]:
    """
    Our cookies by their plain names. On https only those that no other site of the domain can have set.

    Read leniently: a strange cookie of somebody else's must not sign a donor out.
    """
    prefix = cookie_name("")
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name.removeprefix(prefix): value for name, _, value in pairs if name.startswith(prefix)}
