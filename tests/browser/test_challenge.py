"""The guard as a donor at a browser meets it, with production's limits."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.donor import DECLINED, Donor
from tests.browser.test_every_page import PHONE, is_for_everybody
from tests.browser.watch import Watch
from tests.house import House

pytestmark = pytest.mark.browser

# More than any of these pages has.
STOPS = 60
IN_SIGHT = """(field) => {
  const box = field.getBoundingClientRect();
  return box.right > 0 && box.left < innerWidth;
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A local run of its own, as `GUARD=strict make run` is: the guard as in production, and a box to tick as challenge."""
    running = House(GUARD="strict")
    running.start(tmp_path_factory.mktemp("strict") / "said.log")
    yield running
    running.stop()


def now(house: House) -> int:
    return int(requests.get(f"{house.stripe}/_test/state", timeout=20).json()["now"])


def pass_time(house: House, seconds: int) -> None:
    requests.post(f"{house.stripe}/_test/advance", json={"to": now(house) + seconds}, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def cards_fail_here(house: House) -> None:
    """
    One card has just failed six times at this address: whoever begins a gift from it is challenged.

    That is known until the hour is over, so it happens at the beginning of one.
    """
    pass_time(house, 3_600 - now(house) % 3_600 + 60)
    for _ in range(2):
        gift = {"gift_id": secrets.token_hex(16), "amount": 50_00, "currency": "usd", "frequency": "once"}
        token = requests.get(f"{house.site}/form-token?gift_id={gift['gift_id']}", timeout=20).json()["form_token"]
        pass_time(house, 5)
        begun = requests.post(f"{house.site}/gifts", json={**gift, "form_token": token}, timeout=20).json()
        session = begun["checkout_url"].rsplit("/", 1)[1]
        for _ in range(3):
            paid = {"session": session, "card": DECLINED, "email": "tester@example.org", "name": "T"}
            requests.post(f"{house.stripe}/_test/pay", json=paid, timeout=60)
    pass_time(house, 5)


def ask_to_give(ann: Donor, watch: Watch, expected: int) -> None:
    """Fill the form in, take a person's time, and press the button."""
    ann.open("/give")
    pass_time(ann.house, 5)
    ann.choose("Once", "60")
    with watch.expecting(expected):
        ann.press("Give once")
        ann.page.wait_for_load_state()


@pytest.mark.usefixtures("cards_fail_here")
@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_challenged_donor_ticks_the_box_and_gives(visit: Visit, watch: Watch, scripts: bool) -> None:
    """What they chose is kept, what is asked stands on top and leads to the box, and it is for everybody."""
    ann = visit(java_script_enabled=scripts, viewport=PHONE)
    ask_to_give(ann, watch, 403)

    expect(ann.page.get_by_role("alert")).to_contain_text("show us that you are a person")
    check = ann.page.get_by_role("group", name="Are you a person?")
    expect(check).to_contain_text("Everything that you wrote is still here")
    if scripts:
        is_for_everybody(ann.page)
        expect(ann.page.get_by_role("alert")).to_be_focused()
        ann.page.keyboard.press("Tab")
        ann.page.keyboard.press("Enter")
        expect(check).to_be_focused()
        ann.page.keyboard.press("Tab")
        expect(check.get_by_role("checkbox", name="I am a person")).to_be_focused()

    check.get_by_role("checkbox", name="I am a person").check()
    ann.press("Give once")
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
    expect(ann.page.locator("h1")).to_contain_text("$60")


@pytest.mark.parametrize("path", ["/give", "/sign-up", "/", "/give/card"])
def test_the_trap_for_programs_is_no_trap_for_people(visit: Visit, path: str) -> None:
    """No screen reader says it, no keyboard reaches it, no eye sees it; a program finds an ordinary field."""
    ann = visit()
    ann.open(path)
    traps = ann.page.locator("input[name=website]")

    for trap in traps.all():
        assert trap.get_attribute("type") == "text"
        assert not trap.evaluate(IN_SIGHT)
    assert traps.count() >= 1
    expect(ann.page.get_by_role("textbox", name="Leave this empty")).to_have_count(0)
    assert "website" not in stops(ann.page)


def stops(page: Page) -> set[Any]:
    """The names of all fields that the keyboard comes by, once around the page."""
    names: set[Any] = set()
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.name"))
    return names
