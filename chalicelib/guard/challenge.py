"""
Asking for proof that a person is there: Cloudflare Turnstile, or any other verifier of the same shape.

The page shows the widget, the browser sends its answer with the gift, and
only the server's own question to the widget's maker decides.
"""

from __future__ import annotations

from typing import Literal, Protocol

from chalicelib import log, settings

Result = Literal["passed", "failed", "unknown"]

# Source: https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
TURNSTILE = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
# Cloudflare answers in a tenth of a second as a rule; Stripe is still to be asked after it.
TIMEOUT_SECONDS = (2.0, 3.0)
# The key of the stand-in, for tests and for a local run without a network; production refuses it.
STAND_IN = settings.STAND_IN_CHALLENGE


class Verifier(Protocol):
    """Whoever can say whether an answer to a challenge is genuine."""

    def verify(self, answer: str, ip: str) -> Result:
        """`unknown` when that cannot be found out now; never raises."""


class Turnstile:
    """
    Cloudflare's own word.

    Each answer is good once and for five minutes; Cloudflare keeps count.
    For which pages a site key is good is set at Cloudflare.
    """

    def verify(self, answer: str, ip: str) -> Result:
        import requests  # noqa: PLC0415 - only while somebody is challenged

        asked = {"secret": settings.current().turnstile_secret, "response": answer, "remoteip": ip}
        try:
            told = requests.post(TURNSTILE, data=asked, timeout=TIMEOUT_SECONDS).json()
            success, codes = bool(told["success"]), told.get("error-codes") or []
        except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
            return "unknown"
        if set(codes) & {"internal-error", "missing-input-secret", "invalid-input-secret"}:
            return "unknown"
        return "passed" if success else "failed"


class StandIn:
    """A box to tick, for where Cloudflare cannot be reached: the answer is the word `person`."""

    def verify(self, answer: str, ip: str) -> Result:  # noqa: ARG002 - a verifier's form
        return "passed" if answer == "person" else "failed"


_verifier: Verifier | None = None


def set_verifier(verifier: Verifier | None = None) -> None:
    """Have answers checked by `verifier` from here on; by what the settings say when none is given."""
    global _verifier  # noqa: PLW0603 - the seam for another maker's challenge
    _verifier = verifier


def can_be_put() -> bool:
    """Whether there is a challenge to put at all."""
    return bool(settings.current().turnstile_site_key)


def verify(answer: str, ip: str) -> Result:
    """Whether this answer shows a person. `unknown` has an alarm: while it lasts, few who are asked come through."""
    by_settings: Verifier = StandIn() if settings.current().turnstile_secret == STAND_IN else Turnstile()
    result = (_verifier or by_settings).verify(answer, ip)
    if result == "unknown":
        log.alarm("challenge_unknown")
    else:
        log.count(f"challenge_{result}")
    return result
