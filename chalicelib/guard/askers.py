"""Who asks, as the guard counts them: an address, a mailbox, a browser, a session. Only keyed hashes leave."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from datetime import timedelta
from typing import Literal

import msgspec

from chalicelib import email_forms, settings, tokens
from chalicelib.errors import InvalidInput
from chalicelib.http import Caller, cookie

Who = Literal["ip", "neighbourhood", "email", "donor", "browser", "session", "gift", "card", "everybody"]

COOKIE = "browser"
# Longer than any window in which a browser's gifts are counted, and of no use to anybody after it.
COOKIE_LIFETIME = timedelta(days=1)


class Asker(msgspec.Struct, frozen=True):
    """Whoever asks, by every name we know them by; an empty name is not counted."""

    ip: str = ""
    email: str = ""
    donor: str = ""
    browser: str = ""
    session: str = ""

    def named(self) -> dict[Who, str]:
        """A hash for each name there is. The address first: it is the one that costs most to change."""
        names: dict[Who, str] = {
            "ip": network(self.ip),
            "browser": self.browser,
            "session": self.session,
            "donor": self.donor,
            "email": mailbox(self.email),
            "neighbourhood": neighbourhood(self.ip),
        }
        return {who: hashed(who, name) for who, name in names.items() if name}


def hashed(who: Who, name: str) -> str:
    """
    The name as it is kept.

    Keyed, because there are only four thousand million IPv4 addresses: a
    reader of the table alone could try them all.
    """
    return hmac.digest(settings.current().token_secret.encode(), f"{who}:{name}".encode(), hashlib.sha256).hex()[:32]


def mailbox(email: str) -> str:
    """
    The mailbox to count by: `ann+1@x.org` and `Ann+2@x.org` come to the same one at most providers.

    For counting only; whose address is whose is decided by the whole of it.
    """
    name, at, domain = email_forms.canonical(email).rpartition("@")
    return name.partition("+")[0] + at + domain


def network(ip: str) -> str:
    """The address to count by: of IPv6 the /64, because one household or one server has all of it."""
    return _around(ip, 32, 64)


def neighbourhood(ip: str) -> str:
    """
    The network that an address is in: of IPv4 the /24, of IPv6 the /48.

    The least that is announced on its own, and what a hoster gives away by
    the piece: one /48 has 65,536 addresses of those that `network` counts.
    """
    return _around(ip, 24, 48)


def _around(ip: str, bits_of_4: int, bits_of_6: int) -> str:
    """The network of so many bits around an address; an IPv4 address in IPv6's clothes is IPv4."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    address = (address.ipv4_mapped or address) if address.version == 6 else address
    bits = bits_of_4 if address.version == 4 else bits_of_6
    return str(ipaddress.ip_network((address, bits), strict=False))


def browser_of(caller: Caller) -> str:
    """The browser's own number, or an empty text if it has none that we gave it."""
    try:
        return tokens.read("browser", caller.cookies.get(COOKIE, ""), within=COOKIE_LIFETIME)
    except InvalidInput:
        return ""


def browser_cookies(caller: Caller) -> tuple[str, ...]:
    """A cookie that numbers a browser which has none yet. Set when a gift is begun, never for looking at a page."""
    if browser_of(caller):
        return ()
    number = tokens.sign("browser", secrets.token_hex(8))
    return (cookie(COOKIE, number, seconds=int(COOKIE_LIFETIME.total_seconds())),)
