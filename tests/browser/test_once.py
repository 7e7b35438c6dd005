"""Clicking twice and going back, as people do: one gift, with JavaScript and without."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.donor import Donor
from tests.browser.watch import Watch
from tests.caller import until

pytestmark = [pytest.mark.browser, pytest.mark.journey]

DECLINED = "4000 0000 0000 0002"
WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])


def at_the_payment_page(ann: Donor) -> str:
    """Where the donor is, once the payment page is there."""
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
    return ann.page.url


def back_to_the_form(ann: Donor) -> None:
    while not ann.page.url.startswith(f"{ann.house.site}/give"):
        ann.page.go_back()


@WITH_AND_WITHOUT
def test_a_double_click_and_the_back_button_lead_to_one_page(visit: Visit, script: bool) -> None:
    """The form that the browser's button brings back is the one that was sent, and so is its gift."""
    ann = visit(java_script_enabled=script)
    ann.open("/give")
    ann.choose("Once", "100")
    ann.page.get_by_role("button", name="Give once", exact=True).dblclick()
    first = at_the_payment_page(ann)

    back_to_the_form(ann)
    ann.press("Give once")

    assert at_the_payment_page(ann) == first


@WITH_AND_WITHOUT
def test_back_after_paying_and_giving_the_same_again_leads_to_the_thanks(visit: Visit, watch: Watch, script: bool) -> None:
    """The money was taken; the same form cannot take it twice."""
    ann = visit(java_script_enabled=script)
    ann.open("/give")
    ann.give("Monthly", "40")
    ann.pay()
    ann.sees("Thank you")

    with watch.expecting(410):  # on the way lies the payment page, which is over
        back_to_the_form(ann)
    ann.press("Give every month")

    ann.sees("Thank you")
    assert ann.page.url.startswith(f"{ann.house.site}/thank-you")
    ann.sign_in() if script else ann.sign_in_by_code()
    expect(ann.page.locator(".rows tbody tr")).to_have_count(1)


@WITH_AND_WITHOUT
def test_back_and_another_amount_is_another_gift_at_the_second_press(visit: Visit, watch: Watch, script: bool) -> None:
    """An id stands for one wish: the donor is told what happened, and everything is still in the form."""
    ann = visit(java_script_enabled=script)
    ann.open("/give")
    ann.give("Once", "100")
    first = at_the_payment_page(ann)

    back_to_the_form(ann)
    ann.choose("Once", "250")
    with watch.expecting(409):
        ann.press("Give once")
        expect(ann.page.get_by_role("alert")).to_contain_text("You have changed this gift")
    ann.press("Give once")

    assert at_the_payment_page(ann) != first
    expect(ann.page.locator("h1")).to_contain_text("$250")


def test_after_three_declined_cards_one_press_more_begins_anew(visit: Visit, watch: Watch) -> None:
    """Stripe's page says that it has expired and leads back to the form, with the gift as it was wished for."""
    ann = visit()
    ann.open("/give")
    ann.give("Once", "100")
    first = at_the_payment_page(ann)
    with watch.expecting(402, 410):
        for _ in range(3):
            ann.pay(DECLINED)
            expect(ann.page.get_by_role("alert")).to_contain_text("declined")
        until(lambda: requests.get(first, timeout=20).status_code == 410)
        ann.page.goto(first)
    ann.sees("This page is over")

    ann.follow("Return to the site")
    ann.press("Give once")

    assert at_the_payment_page(ann) != first
    expect(ann.page.locator("h1")).to_contain_text("$100")
    ann.pay()
    ann.sees("Thank you")
