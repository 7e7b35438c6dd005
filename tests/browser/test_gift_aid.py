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


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_donor_who_moved_declares_the_new_home(visit: Visit, watch: Watch, *, script: bool) -> None:
    """In the portal: declared, changed over a refusal, both homes shown, and everything cancelled with one press."""
    ann = visit(java_script_enabled=script)
    ann.open("/give?currency=gbp")
    ann.press("Give once")
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
    ann.pay()
    ann.sees("Thank you")
    if script:
        ann.sign_in()
    else:
        ann.sign_in_by_code()
    ann.open("/portal/gift-aid")
    main = ann.page.locator("main")
    for label, value in HOME.items():
        main.get_by_label(label).fill(value)
    main.get_by_label("I want to Gift Aid my donations from today on to").check()
    main.get_by_label("I have read this, and it is so.").check()
    ann.press("Make this declaration")

    expect(main.get_by_label("House name or number")).to_be_hidden()
    main.get_by_text("Change your name or home").click()
    expect(main.get_by_label("House name or number")).to_have_value("Rose Cottage")
    if script:
        is_for_everybody(ann.page)
    main.get_by_label("House name or number").fill("PO Box 7")
    main.get_by_label("I have read this, and it is so.").check()
    with watch.expecting(400):
        ann.press("Make this declaration")
        expect(ann.page.get_by_role("alert")).to_contain_text("your own home")
    main.get_by_label("House name or number").fill("Mill House")
    ann.press("Make this declaration")

    expect(main.locator(".panel")).to_contain_text(["Mill House", "Rose Cottage"])
    expect(main.locator(".panel").first).to_contain_text("This one counts")
    ann.press("Cancel my declaration")
    expect(main).to_contain_text("You cancelled on")
    expect(main.locator(".panel")).to_have_count(0)
    if script:
        is_for_everybody(ann.page)


def test_who_declares_nothing_is_asked_nothing(visit: Visit) -> None:
    """One press in pounds, as in any other currency."""
    ann = visit()
    ann.open("/give?currency=gbp")
    ann.press("Give once")
    ann.page.wait_for_url(f"{ann.house.stripe}/**")
