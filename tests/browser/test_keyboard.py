"""The giving form with nothing but a keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

# More stops than any page of ours has before its form.
STOPS = 40
# Where the keyboard is: what it would press, whether a ring shows it, and whether something lies over it.
FOCUSED = """() => {
  const at = document.activeElement;
  const shown = at.matches(".choice input") ? at.nextElementSibling : at;
  const style = getComputedStyle(shown);
  const box = shown.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    id: at.id || at.textContent.trim().replace(/\\s+/g, " "),
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: Boolean(over) && (shown.contains(over) || at === over || over.contains(shown)),
  };
}"""


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, {"width": 375, "height": 812}], ids=["wide", "phone"])
def test_a_gift_is_given_by_keyboard_alone(visit: Visit, size: Any) -> None:
    """Each stop on the way can be seen, and Tab, the arrows, Space and Enter do what they do everywhere."""
    ann = visit(viewport=size)
    page = ann.page
    ann.open("/give")

    walk_to(page, "frequency_once")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="Monthly")).to_be_checked()
    walk_to(page, re.compile("amount_monthly_"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="$40")).to_be_checked()
    walk_to(page, "cover_fees")
    page.keyboard.press("Space")
    expect(page.get_by_label("Add the payment fee to my gift")).to_be_checked()
    walk_to(page, "Give every month")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{ann.house.stripe}/**")
    expect(page.locator("h1")).to_contain_text("every month")


def test_the_first_stop_skips_to_the_content(visit: Visit) -> None:
    """Nobody has to walk through the menu on each page."""
    ann = visit()
    ann.open("/")

    ann.page.keyboard.press("Tab")
    expect(ann.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    ann.page.keyboard.press("Enter")

    expect(ann.page.locator("main")).to_be_focused()


def test_the_error_on_top_leads_to_its_field(visit: Visit, watch: Watch) -> None:
    """A refused form opens on what is wrong, and one press leads to where it is mended."""
    ann = visit()
    ann.open("/sign-up")
    ann.page.get_by_role("textbox", name="Email", exact=True).fill(ann.email)

    with watch.expecting(400):
        ann.page.keyboard.press("Enter")
        expect(ann.page.get_by_role("alert")).to_be_focused()
    ann.page.keyboard.press("Tab")
    ann.page.keyboard.press("Enter")

    expect(ann.page.get_by_label("Stories from the field")).to_be_focused()


def walk_to(page: Page, wanted: str | re.Pattern[str]) -> None:
    """Press Tab until the keyboard is there. Every stop must show itself, and lie under nothing."""
    walked: list[str] = []
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        walked.append(stop["id"])
        assert stop["ringed"], f"no ring shows that the keyboard is at {stop['id']!r}"
        assert stop["seen"], f"something lies over {stop['id']!r}"
        if re.match(wanted, stop["id"]):
            return
    pytest.fail(f"no way to {wanted!r}: {walked}")
