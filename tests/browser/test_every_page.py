"""Every page, for everybody: readable by assistive technology, in both colour schemes, and on a small phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.prepared import PORTAL, PUBLIC, REFUSALS, Prepared
from tests.browser.watch import Watch
from tests.house import House

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 812}
DESKTOP = {"width": 1280, "height": 900}
# WCAG 2.2 AA, and what axe calls good practice (landmarks, order of headings).
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDER_THAN_THE_SCREEN = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > wide + 1)
    .map((each) => each.outerHTML.slice(0, 120));
}"""
NARROW = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def prepared(house: House) -> Iterator[Prepared]:
    ready = Prepared(house)
    yield ready
    ready.donor.browser.close()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_page_is_for_everybody(name: str, prepared: Prepared, visit: Visit) -> None:
    """No violation of WCAG 2.2 AA in light or dark; nothing sticks out of a phone's screen."""
    page = visit(viewport=PHONE).page
    page.goto(prepared.address(PUBLIC[name]))
    is_for_everybody(page)


@pytest.mark.parametrize("name", PORTAL)
def test_a_page_of_the_portal_is_for_everybody(name: str, prepared: Prepared, visit: Visit) -> None:
    """Likewise for a donor with gifts and monthly gifts in every state, all of it unfolded."""
    page = visit(viewport=PHONE).page
    page.context.add_cookies(prepared.cookies())
    page.goto(prepared.address(PORTAL[name]))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    is_for_everybody(page)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_for_everybody(name: str, prepared: Prepared, visit: Visit, watch: Watch) -> None:
    """A page that says no says it to everybody."""
    page = visit(viewport=PHONE).page
    with watch.expecting(404):
        page.goto(prepared.address(REFUSALS[name]))
    is_for_everybody(page)


def test_a_refused_form_is_for_everybody(visit: Visit, watch: Watch) -> None:
    """What is wrong is tied to its field."""
    ann = visit(viewport=PHONE)
    ann.open("/give")
    ann.choose("Once", "0.10")
    with watch.expecting(400):
        ann.press("Give once")
        expect(ann.page.get_by_role("alert")).to_be_visible()
    is_for_everybody(ann.page)


def is_for_everybody(page: Page) -> None:
    """Look at the page as it is on a phone in light, and on a wide screen in dark; the folded parts open."""
    page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    assert page.evaluate(WIDER_THAN_THE_SCREEN) == []
    assert page.evaluate(NARROW)
    assert violations(page) == []

    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(NARROW)
    assert violations(page) == []


def violations(page: Page) -> list[Any]:
    """What axe finds, as short as it can be read in a failing test."""
    found = Axe().run(page, options={**RULES, "resultTypes": ["violations"]}).response["violations"]
    return [(each["id"], node["html"][:160], node["failureSummary"]) for each in found for node in each["nodes"]]
