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


def test_another_browser_is_signed_out_by_plain_forms(visit: Visit) -> None:
    """The page shows both; the press on one ends it at once, and that browser finds itself at the form to sign in."""
    ann = visit(java_script_enabled=False)
    ann.open("/")
    ann.give("Once", "25")
    ann.pay()
    ann.sees("Thank you")
    ann.sign_in_by_code()
    phone = visit(java_script_enabled=False)
    phone.email = ann.email
    phone.sign_in_by_code()

    phone.follow("Devices")
    phone.sees("Where you are signed in")
    expect(phone.page.locator(".panels > li")).to_have_count(2)
    phone.page.get_by_role("button", name=re.compile("^End this session of Chrome on Linux, signed in")).click()

    expect(phone.page.get_by_role("status")).to_have_text("It is ended: nobody is signed in there any more.")
    expect(phone.page.locator(".panels > li")).to_have_count(1)
    ann.open("/portal/gifts")
    ann.sees("Donor portal")
    expect(ann.page.get_by_label("Your email")).to_be_visible()


def test_a_wrong_code_is_told_and_the_right_one_still_taken(visit: Visit, watch: Watch) -> None:
    """At the field, with the address still typed."""
    ann = visit(java_script_enabled=False)
    ann.open("/")
    ann.give("Once", "25")
    ann.pay()
    ann.sees("Thank you")
    ann.ask_to_sign_in()
    code = re.search(r"\b\d{4} ?\d{4}\b", ann.mail("Sign in")["text"])
    assert code
    right = code[0].replace(" ", "")

    ann.page.get_by_label("Your email").fill(ann.email)
    ann.page.get_by_label("Code from the mail").fill(f"{(int(right) + 1) % 10**8:08d}")
    with watch.expecting(401):
        ann.press("Sign in")
        expect(ann.page.get_by_role("alert")).to_contain_text("This code does not sign you in.")
    expect(ann.page.get_by_label("Your email")).to_have_value(ann.email)

    ann.page.get_by_label("Code from the mail").fill(right)
    ann.press("Sign in")
    ann.sees(re.compile("^Welcome"))


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
