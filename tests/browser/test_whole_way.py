"""What a donor does from the story to the tax statement, by clicking alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.donor import DECLINED
from tests.browser.watch import Watch
from tests.browser.ways import lead_the_monthly_gift, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.journey]


def test_from_the_story_to_the_statement_and_out_again(visit: Visit) -> None:
    """A Freedom Partner's whole way: gift, mails, portal, documents, and leaving as easily as joining."""
    ann = visit()

    ann.open("/")
    ann.give("Monthly", "40")
    ann.pay()
    ann.sees("Thank you")
    expect(ann.page.locator("main")).to_contain_text("$40.00 each month has arrived")

    sign_up(ann)
    ann.sign_in()
    expect(ann.page.locator("main")).to_contain_text("$40.00 each month")

    ann.follow("Giving")
    ann.opens_as_pdf(ann.page.locator(".rows").get_by_role("link", name=re.compile("^Receipt")))
    ann.follow("Statements")
    ann.opens_as_pdf(ann.page.get_by_role("link", name=re.compile("^Download")))

    lead_the_monthly_gift(ann)
    ann.press("Sign out", inside=ann.page.get_by_role("navigation", name="Donor portal"))
    ann.sees("Donor portal")


def test_a_declined_card_and_then_a_good_one(visit: Visit, watch: Watch) -> None:
    """The payment page says what is wrong and takes another card; one gift comes of it."""
    ann = visit()
    ann.open("/stories/once-a-child-is-safe")
    ann.give("Monthly", "25")

    with watch.expecting(402):
        ann.pay(DECLINED)
        expect(ann.page.get_by_role("alert")).to_have_text("Your card was declined.")
    ann.pay()

    ann.sees("Thank you")
    ann.sign_in()
    expect(ann.page.locator(".rows tbody tr")).to_have_count(1)


def test_one_gift_of_ones_own_amount(visit: Visit) -> None:
    """The free field shows when it is wanted, and its amount is what the receipt says."""
    ann = visit()
    ann.open("/give")
    expect(ann.page.get_by_label("Your own amount, in USD")).to_be_hidden()

    ann.give("Once", "12.34")
    ann.pay()

    ann.sees("Thank you")
    expect(ann.page.locator("main")).to_contain_text("$12.34 has arrived")
    assert "$12.34" in ann.mail("Receipt")["text"]
