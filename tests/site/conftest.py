"""The site alone: settings and facts of the charity, no AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib import charity, settings
from chalicelib.site import pages
from tests.conftest import LOCAL_SETTINGS
from tests.over_http import Answered

NAMED = ("GIVING_TABLE", "SIGNUPS_TABLE", "PASSING_TABLE", "MONEY_QUEUE", "MAIL_QUEUE", "DOCUMENTS_BUCKET")


class Tags(HTMLParser):
    """Every opening tag of a page with its attributes, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def named(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.found if tag in tags]

    def field(self, name: str) -> dict[str, str]:
        return next(each for each in self.named("input", "select", "textarea") if each.get("name") == name)


@pytest.fixture(autouse=True)
def facts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example charity, and pages that have not yet read another one."""
    for name, value in {**LOCAL_SETTINGS, **dict.fromkeys(NAMED, "none")}.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield
    _forget()


@pytest.fixture
def get() -> Callable[[str], Answered]:
    """Ask the site for a page, as a caller that accepts anything."""
    from app import app

    gateway = LocalGateway(app, Config())

    def ask(path: str) -> Answered:
        answer = gateway.handle_request("GET", path, {"Accept": "*/*"}, None)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Answered(answer["statusCode"], headers, str(answer["body"] or ""))

    return ask


def _forget() -> None:
    for cached in (settings.current, charity.current, pages._templates):
        cached.cache_clear()
