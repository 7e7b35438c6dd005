"""What a browser complains of while people use the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# Said by Chromium for every answer of 400 and above; the answers themselves are watched instead.
SAID_OF_STATUS = "Failed to load resource: the server responded with a status of"


class Watch:
    """`faults`: errors in the console (a broken Content-Security-Policy is one), scripts that threw, bad answers."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._expected: set[int] = set()

    def over(self, context: BrowserContext) -> None:
        """Watch all pages of this browser."""
        context.on("console", self._said)
        context.on("weberror", self._threw)
        context.on("response", self._answered)
        context.on("request", self._asked)

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Meanwhile these statuses are what the test wants to see."""
        self._expected |= set(statuses)
        yield
        self._expected -= set(statuses)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(SAID_OF_STATUS):
            self.faults.append(f"console at {_where(message.location['url'])}: {message.text}")

    def _threw(self, error: WebError) -> None:
        self.faults.append(f"script: {error.error}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.faults.append(f"{response.status} at {_where(response.url)}")

    def _asked(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in {"http", "https"} and asked.hostname != "127.0.0.1":
            self.faults.append(f"asked {asked.hostname} for {asked.path}")


def _where(url: str) -> str:
    return urlsplit(url).path
