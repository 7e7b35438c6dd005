"""A real Chromium, donors who sit at it, and an eye on everything it complains of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.donor import Donor
from tests.browser.watch import Watch
from tests.house import House

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # containers of continuous integration run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW_TO_GET_IT = "No Chromium was found, so no page was looked at. On Debian: apt-get install chromium"
# A gift is in the ledger within 3 seconds; the rest is for a slow machine.
PATIENCE_MS = 10_000

Visit = Callable[..., Donor]


def executable() -> str:
    """Where Chromium is. Skips the test where it is not, and fails it in continuous integration."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    return pytest.fail(HOW_TO_GET_IT) if os.environ.get("CI") == "true" else pytest.skip(HOW_TO_GET_IT)


# Not for the whole session: while Playwright runs, its event loop stands in the way of any other in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = executable()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True)
        yield running
        running.close()


@pytest.fixture(scope="module")
def desk(chromium: Browser, house: House) -> Iterator[Page]:
    """A page of the desk, which hands out mails."""
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(house.desk)
    yield page
    page.close()


@pytest.fixture
def watch(house: House) -> Iterator[Watch]:
    """Fails the test whose pages broke a rule: of the browser's, or of our own content policy."""
    watching = Watch()
    yield watching
    assert watching.faults == []


@pytest.fixture
def visit(chromium: Browser, house: House, desk: Page, watch: Watch) -> Iterator[Visit]:
    """Have somebody sit down at a browser of their own: `ann = visit("ann", java_script_enabled=False)`."""
    opened: list[BrowserContext] = []

    def sit_down(name: str = "ann", **settings: Any) -> Donor:
        context = chromium.new_context(**{"reduced_motion": "reduce", "locale": "en-US", **settings})
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        watch.over(context)
        return Donor(context.new_page(), desk, house, name)

    yield sit_down
    for context in opened:
        context.close()
