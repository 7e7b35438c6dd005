"""A donor's address, their copy and their leaving, at a real browser, with JavaScript and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.donor import Donor

pytestmark = pytest.mark.browser


def move(ann: Donor, *, by_link: bool) -> str:
    """Ask for another address, prove it, and give the old one."""
    old, new = ann.email, f"new.{ann.email}"
    ann.open("/portal/email")
    ann.page.get_by_label("New email").fill(new)
    ann.press("Send me a code")
    ann.sees("Confirm your new email")
    ann.email = new
    if by_link:
        link = ann.link("Is this your address", "/portal/email/confirm")
        ann.open("/portal/contact")
        ann.page.goto(link)
    else:
        code = re.search(r"\b\d{4} \d{4}\b", ann.mail("Is this your address")["text"])
        assert code
        ann.page.get_by_label("Code from the mail").fill(code[0])
    ann.press("Change my address")
    expect(ann.page.get_by_role("status")).to_contain_text("Your address is changed")
    expect(ann.page.get_by_text(new)).to_be_visible()
    return old


@pytest.mark.parametrize("java_script", [True, False], ids=["JavaScript", "plain forms"])
def test_an_address_is_changed_undone_and_the_donor_forgotten(visit: Visit, java_script: bool) -> None:
    """By the link where there is JavaScript and by the code where not; the old mailbox undoes it; then to be forgotten."""
    ann = visit("moving", java_script_enabled=java_script)
    ann.open("/give")
    ann.give("Once", "50")
    ann.pay()
    ann.mail("Receipt")
    (ann.sign_in if java_script else ann.sign_in_by_code)()
    old = move(ann, by_link=java_script)

    ann.email = old
    ann.page.goto(ann.link("was changed", "/portal/email/undo"))
    if not java_script:
        code = re.search(r"(\d{4} ){4}\d{4}", ann.mail("was changed")["text"])
        assert code
        ann.page.get_by_label("Code from the mail").fill(code[0])
    ann.press("Bring my address back")
    ann.sees("Your address is back")
    (ann.sign_in if java_script else ann.sign_in_by_code)()

    ann.open("/portal/your-data")
    with ann.page.expect_download() as saved:
        ann.page.get_by_role("link", name="Download the copy").click()
    assert saved.value.suggested_filename == "your-data.zip"
    ann.page.get_by_label("Type the word").fill("erase")
    ann.press("Forget me")
    ann.sees("We are forgetting you")
    assert "forgotten you" in ann.mail("You are forgotten")["text"]
    ann.open("/portal")
    expect(ann.page.get_by_role("button", name="Send me a link")).to_be_visible()


def test_giving_under_another_address_is_joined_by_its_link(visit: Visit) -> None:
    """Opened on the very page that waits for it, it shows a button; pressed, both are there, and the page says which."""
    ann = visit("joining")
    here, work = ann.email, f"work.{ann.email}"
    for email, amount in ((work, "30"), (here, "50")):
        ann.email = email
        ann.open("/give")
        ann.give("Once", amount)
        ann.pay()
        ann.mail("Receipt")
    ann.sign_in()
    ann.open("/portal/contact")
    ann.follow("Gifts under another address")
    ann.page.get_by_label("The other email").fill(work)
    ann.press("Send me a code")
    ann.sees("Join your giving")
    ann.email = work
    ann.page.goto(ann.link("Is this giving yours", "/portal/other-address/confirm"))
    ann.press("Join it to mine")

    ann.sees("Gifts under another address")
    expect(ann.page.get_by_role("listitem").get_by_text(work, exact=True)).to_be_visible()
    ann.open("/portal/gifts")
    for amount in ("$30", "$50"):
        expect(ann.page.get_by_text(amount, exact=False).first).to_be_visible()
