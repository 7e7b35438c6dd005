"""The stand-in behind the stripe SDK without a socket between: the SDK's own seam, its HTTP client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from local.standin.forms import decode
from local.standin.mishaps import AnswerLost
from local.standin.standin import Standin


class InProcess(stripe.HTTPClient):
    """Hand each request of the SDK straight to a stand-in. A lost answer is what a broken connection is."""

    name = "in-process"

    def __init__(self, standin: Standin) -> None:
        super().__init__()
        self._standin = standin

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        sent = "&".join(each for each in (parts.query, post_data or "") if each)
        try:
            answer = self._standin.request(method.upper(), parts.path, decode(sent), dict(headers or {}))
        except AnswerLost as lost:
            lost.release()
            raise stripe.APIConnectionError(str(lost), should_retry=True) from lost
        return json.dumps(answer.body), answer.status, answer.headers

    def _sleep_time_seconds(self, *_: Any, **__: Any) -> float:
        """Nobody needs to wait for a stand-in."""
        return 0

    def close(self) -> None:
        """Nothing is held open."""
