"""The same way with JavaScript switched off: each form works by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.watch import Watch
from tests.browser.ways import lead_the_monthly_gift, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.journey]


def test_the_whole_way_without_javascript(visit: Visit) -> None:
    """The thank-you page looks again by itself, and the code is typed where the link would need a script."""
    ann = visit(java_script_enabled=False)

    ann.open("/")
    ann.give("Monthly", "25")
    ann.pay()
    ann.sees("Thank you")

    sign_up(ann)
    ann.sign_in_by_code()
    ann.follow("Giving")
    ann.opens_as_pdf(ann.page.locator(".rows").get_by_role("link", name=re.compile("^Receipt")))
    ann.follow("Statements")
    ann.opens_as_pdf(ann.page.get_by_role("link", name=re.compile("^Download")))
    lead_the_monthly_gift(ann)


def test_the_link_of_the_mail_says_what_to_do_instead(visit: Visit) -> None:
    """Without a script the token in the fragment cannot be read; the page leads to the code."""
    ann = visit(java_script_enabled=False)
    ann.ask_to_sign_in()

    ann.open("/portal/enter#token=anything")
    ann.follow("Type the code")

    ann.sees("Please look into your mail")


def test_a_refused_form_comes_back_as_it_was_typed(visit: Visit, watch: Watch) -> None:
    """What is wrong stands on top and at the field, and nothing has to be typed again."""
    ann = visit(java_script_enabled=False)
    ann.open("/give")
    ann.choose("Once", "0.10")
    ann.page.locator("summary", has_text="Purpose").click()
    ann.page.get_by_label("Your name").fill("Ann Lee")

    with watch.expecting(400):
        ann.press("Give once")
        expect(ann.page.get_by_role("alert")).to_contain_text("The smallest gift is $5.00.")

    expect(ann.page.get_by_label("Your own amount, in USD")).to_have_value("0.10")
    expect(ann.page.get_by_label("Your name")).to_have_value("Ann Lee")
