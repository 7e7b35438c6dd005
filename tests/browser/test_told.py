"""After a form of the portal on a phone: what is said has the focus and is for everybody, with a script or without."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.donor import Donor
from tests.browser.test_every_page import PHONE, is_for_everybody
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


@pytest.fixture(params=[True, False], ids=["with a script", "without"])
def ann(visit: Visit, request: pytest.FixtureRequest) -> Donor:
    """With $75 each month, signed in."""
    ann = visit(viewport=PHONE, java_script_enabled=request.param)
    ann.open("/give?frequency=monthly")
    ann.give("Monthly", "75")
    ann.pay()
    ann.sees("Thank you")
    ann.sign_in() if request.param else ann.sign_in_by_code()
    return ann


def says(page: Page, role: str, words: str) -> None:
    """What a reader of screens is led to."""
    said = page.locator(f"main [role={role}]")
    expect(said).to_contain_text(words)
    expect(said).to_be_focused()
    if page.evaluate("matchMedia('(scripting: enabled)').matches"):  # axe is a script
        is_for_everybody(page)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]


def test_contact_info_is_refused_at_its_field_and_then_saved(ann: Donor, watch: Watch) -> None:
    """What was typed is still there."""
    ann.follow("Contact info")
    phone = ann.page.get_by_label("Telephone")
    phone.fill("call me")
    ann.page.get_by_label("City").fill("Springfield")
    with watch.expecting(400):
        ann.press("Save")
        says(ann.page, "alert", "Please write the number in digits")
    expect(ann.page.get_by_label("City")).to_have_value("Springfield")
    ann.page.get_by_role("link", name=re.compile("^Please write the number")).click()
    expect(phone).to_be_focused()

    phone.fill("555 0100 ext 4")
    ann.press("Save")
    says(ann.page, "status", "Your contact info is saved.")


def test_the_monthly_gift_says_what_is_wrong_and_what_was_done(ann: Donor, watch: Watch) -> None:
    """The first date of the day that is chosen stands beside it, and again in what is said afterwards."""
    form = ann.change_monthly_gift("Change the amount or the day")
    form.get_by_label("Each month, in USD").fill("1")
    day = form.get_by_label("On the day")
    first = day.locator("option[value='20']").inner_text().split(", from ")[1]
    day.select_option("20")
    with watch.expecting(400):
        ann.press("Save the change", inside=form)
        says(ann.page, "alert", "The smallest gift is $5.00.")
    expect(day).to_have_value("20")

    form = ann.page.locator("details.more[open] form")
    form.get_by_label("Each month, in USD").fill("40")
    ann.press("Save the change", inside=form)
    says(ann.page, "status", f"The amount and the day are changed. On {first} we take $40.00")
    expect(ann.page.locator("main [role=status]")).to_contain_text("A mail confirms it.")
    ann.page.reload()
    expect(ann.page.locator("main [role=status]")).to_have_count(0)


@pytest.mark.parametrize(
    ("how", "status", "says_so"),
    [({"status": 402, "times": 1}, 409, "Nothing was changed"), ({"timeout": True, "times": 2}, 503, "Not known yet")],
)
def test_a_change_that_came_to_nothing_says_how_it_stands(ann: Donor, watch: Watch, how: dict[str, Any], status: int, says_so: str) -> None:
    """Stripe refuses the end, or does not answer: what is known, and the way back."""
    form = ann.change_monthly_gift("End the monthly gift").last
    path = str(form.get_attribute("action")).replace("/portal/partnerships", "/v1/subscriptions").removesuffix("/cancel")
    assert ann.page.request.post(f"{ann.house.stripe}/_test/fail", data={"method": "DELETE", "path": path, **how}).ok
    with watch.expecting(status):
        ann.press("End it", inside=form)
        says(ann.page, "alert", says_so)
    ann.is_told("we take $75.00")

    ann.follow("Back to your monthly gift")
    ann.is_told("we take $75.00")
