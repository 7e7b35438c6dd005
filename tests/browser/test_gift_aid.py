"""Gift Aid with the gift, by whatever browser: unasked for, out of the way; refused, nothing is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_every_page import is_for_everybody
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.journey]
HOME = {"First name": "Ann", "Last name": "Lee", "House name or number": "Rose Cottage", "Postcode": "sw1a 1aa"}


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_gift_in_pounds_with_a_declaration(visit: Visit, watch: Watch, *, script: bool) -> None:
    """From the tick over a refusal to the receipt, which has the words, and to the portal, where it is withdrawn."""
    ann = visit(java_script_enabled=script)
    ann.open("/give?currency=gbp")
    card = ann.page.locator(".card")
    expect(card.get_by_label("Postcode")).to_be_hidden()
    card.get_by_label("Add Gift Aid").check()
    card.get_by_label("I want to Gift Aid this donation").check()
    for label, value in HOME.items():
        card.get_by_label(label).fill("12207" if label == "Postcode" else value)
    card.get_by_label("I am a UK taxpayer").check()

    with watch.expecting(400):
        ann.press("Give once")
        expect(ann.page.get_by_role("alert")).to_contain_text("That is no UK postcode")
    if script:
        is_for_everybody(ann.page)
    expect(card.get_by_label("House name or number")).to_have_value("Rose Cottage")
    expect(card.get_by_label("I am a UK taxpayer")).to_be_checked()
    card.get_by_label("Postcode").fill(HOME["Postcode"])
    ann.press("Give once")
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
    ann.pay()
    ann.sees("Thank you")

    said = ann.mail("Receipt")["text"]
    assert "With this gift Ann Lee made this Gift Aid declaration:" in said
    assert ann.link("Receipt", "/portal/gift-aid")
    if script:
        ann.sign_in()
    else:
        ann.sign_in_by_code()
    ann.open("/portal/gift-aid")
    expect(ann.page.locator(".panel")).to_contain_text("Ann Lee, Rose Cottage, SW1A 1AA")
    if script:
        is_for_everybody(ann.page)
    ann.page.get_by_role("button", name="Withdraw it: reclaim nothing on that gift").click()
    expect(ann.page.locator(".panel")).to_have_count(0)


def test_who_declares_nothing_is_asked_nothing(visit: Visit) -> None:
    """One press in pounds, as in any other currency."""
    ann = visit()
    ann.open("/give?currency=gbp")
    ann.press("Give once")
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
