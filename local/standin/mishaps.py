"""Failures asked for by tests: Stripe answering badly, late or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.standin.problems import Problem
from local.standin.refusals import Refused


class AnswerLost(ConnectionError):
    """
    The connection broke before the answer came; whether the work was done, the caller cannot tell.

    For `hold_seconds` the request seems to run on; then call `release`.
    """

    def __init__(self, hold_seconds: float = 0) -> None:
        super().__init__("The connection broke before the answer came.")
        self.hold_seconds = hold_seconds
        self.release: Callable[[], None] = lambda: None


@dataclass
class Mishap:
    """
    What befalls the next `times` requests of this method and path prefix.

    Either a `status` in place of the answer, or a `timeout`: no answer.
    `take_effect` does the work first. `hold_seconds` keeps the caller waiting.
    """

    method: str | None = None
    path: str = "/v1/"
    status: int | None = None
    timeout: bool = False
    take_effect: bool = False
    times: int = 1
    hold_seconds: float = 0

    def befalls(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in (None, method) and path.startswith(self.path)


def wanted(asked: dict[str, Any]) -> Mishap:
    """The mishap that a test call describes. Raises Problem."""
    try:
        mishap = Mishap(**asked)
    except TypeError as unknown:
        raise Problem(400, "unknown_parameter", str(unknown)) from None
    if not mishap.timeout and mishap.status not in (402, 409, 429, 500, 502, 503):
        raise Problem(400, "no_mishap", "Ask for a status of 402, 409, 429, 500, 502 or 503, or for a timeout.")
    mishap.method = mishap.method.upper() if mishap.method else None
    return mishap


def error(status: int) -> Refused:
    """Stripe's error of this status. Rate limits and conflicts come before any work."""
    if status == 402:
        return Refused(402, "Your card was declined.", "card_error", code="card_declined",
                       decline_code="generic_decline")
    if status == 429:
        return Refused(429, "Too many requests hit the API too quickly. We recommend an exponential backoff.",
                       before_work=True, code="rate_limit")
    if status == 409:
        return Refused(409, "This object cannot be accessed right now because another API request or Stripe process "
                       "is currently accessing it.", before_work=True, code="lock_timeout")
    return Refused(status, "Sorry! There was an error on our end, which has been reported.", "api_error")
