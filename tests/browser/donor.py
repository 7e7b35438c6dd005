"""A donor at a browser, in the words of what donors do. Clicks and types; never calls the site behind its pages."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, date, datetime
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.house import House

VISA = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"

# The desk's own page asks it for the mails to somebody, until there are as many. Playwright waits for no promise.
MAILS = """([to, subject, many]) => {
  const asked = new XMLHttpRequest();
  asked.open("GET", "/mail", false);
  asked.setRequestHeader("Accept", "application/json");
  asked.send();
  const found = JSON.parse(asked.responseText).filter((mail) => mail.to.includes(to) && mail.subject.includes(subject));
  return found.length >= many && found;
}"""


class Donor:
    """`page` is what they see; `email` is theirs alone."""

    def __init__(self, page: Page, desk: Page, house: House, name: str) -> None:
        self.page, self.house, self._desk = page, house, desk
        self.email = f"{name}.{secrets.token_hex(4)}@example.org"

    def open(self, path: str) -> None:
        self.page.goto(self.house.site + path)

    def sees(self, heading: str | re.Pattern[str]) -> None:
        """The page's first heading says so, now or as soon as it can."""
        expect(self.page.locator("h1")).to_have_text(heading)

    def press(self, name: str, inside: Locator | None = None) -> None:
        (inside or self.page.locator("main")).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def today(self) -> date:
        """The day in the house, which other tests may have sent ahead."""
        now = self.page.request.get(f"{self.house.stripe}/_test/state").json()["now"]
        return datetime.fromtimestamp(now, UTC).date()

    # Giving

    def choose(self, frequency: str, amount: str) -> None:
        """In the giving card: "Monthly" or "Once", and one of the amounts or one's own."""
        card = self.page.locator(".card")
        card.get_by_role("radio", name=frequency, exact=True).check()
        offered = card.get_by_role("radio", name=f"${amount}", exact=True)
        if offered.count():
            offered.check()
        else:
            card.get_by_role("radio", name="Another amount").check()
            card.get_by_role("textbox", name="Your own amount, in USD").fill(amount)

    def give(self, frequency: str, amount: str) -> None:
        """From a page with the giving card to the payment page."""
        self.choose(frequency, amount)
        self.press("Give every month" if frequency == "Monthly" else "Give once")
        self.page.wait_for_url(f"{self.house.stripe}/**")
        expect(self.page.locator("h1")).to_contain_text(f"${amount}")

    def pay(self, card: str = VISA) -> None:
        """On the payment page. It may come back to itself, if the card is declined."""
        form = self.page.locator("main form")
        for label, value in (
            ("Email", self.email),
            ("Name on card or account", "Ann Lee"),
            ("Card number", card),
            ("Expiry (MM / YY)", "12 / 34"),
            ("Security code", "123"),
            ("Postal code", "12345"),
        ):
            form.get_by_label(label, exact=True).fill(value)
        form.get_by_role("button", name=re.compile("^(Pay|Donate)")).click()

    # Mail

    def mail(self, subject: str) -> dict[str, Any]:
        """The newest mail to this donor with that in its subject, as soon as it is there."""
        return dict(self._mails(subject, 1)[-1])

    def _mails(self, subject: str, many: int) -> list[dict[str, Any]]:
        """Oldest first, as soon as there are that many."""
        found = self._desk.wait_for_function(MAILS, arg=[self.email, subject, many], polling=50)
        return list(found.json_value())

    def link(self, subject: str, path: str) -> str:
        """The link in that mail that leads to this path of the site."""
        found = re.search(rf"{re.escape(self.house.site + path)}\S*", self.mail(subject)["text"])
        assert found, f"no link to {path} in the mail {subject!r}"
        return found[0]

    # The portal

    def ask_to_sign_in(self) -> None:
        self.open("/portal")
        self.page.get_by_label("Your email").fill(self.email)
        self.press("Send me a link")
        self.sees("Please look into your mail")

    def ask_and_wait_for_the_mail(self) -> None:
        """Until the mail of this very request is there: an earlier one's link and code are ended by it."""
        before = len(self._mails("Sign in", 0))
        self.ask_to_sign_in()
        self._mails("Sign in", before + 1)

    def sign_in(self) -> None:
        """With the link in the mail, and a press on the page behind it."""
        self.ask_and_wait_for_the_mail()
        self.page.goto(self.link("Sign in", "/portal/enter"))
        self.press("Enter the donor portal")
        self.sees(re.compile("^Welcome"))

    def sign_in_by_code(self) -> None:
        """With the code in the mail, typed."""
        self.ask_and_wait_for_the_mail()
        code = re.search(r"\b\d{4} ?\d{4}\b", self.mail("Sign in")["text"])
        assert code, "no code in the mail"
        self.page.get_by_label("Your email").fill(self.email)
        self.page.get_by_label("Code from the mail").fill(code[0])
        self.press("Sign in")
        self.sees(re.compile("^Welcome"))

    def opens_as_pdf(self, link: Locator) -> None:
        """The link leads by a 303 to a document kept elsewhere, which opens. Then back."""
        page = self.page
        with page.expect_response(lambda answer: "application/pdf" in answer.headers.get("content-type", "")) as opened:
            link.click()
        was_sent_here = opened.value.request.redirected_from
        assert was_sent_here, "the document came from the site itself"
        assert was_sent_here.response().status == 303
        # Chromium's own viewer holds the bytes that came; the link, good for five minutes, gives them again.
        assert page.request.get(opened.value.url).body().startswith(b"%PDF")
        page.go_back()

    def change_monthly_gift(self, title: str) -> Locator:
        """Unfold one of the things that can be done to the monthly gift; its form."""
        self.follow("Monthly gift")
        part = self.page.locator("details.more").filter(has=self.page.locator("summary", has_text=title))
        part.locator("summary").click()
        return part.locator("form")

    def is_told(self, words: str) -> None:
        """What the page of the monthly gift says will happen next."""
        expect(self.page.locator(".panel").first).to_contain_text(words)
