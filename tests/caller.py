"""A donor who speaks to the site as a program does: JSON, cookies, and a mailbox at the desk."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pypdf
import requests

from tests import mailed
from tests.house import House

VISA = "4242 4242 4242 4242"


class Donor:
    """A donor with a browser's cookies and a mailbox of their own."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        self.email = f"{name}.{secrets.token_hex(4)}@example.org"
        self.browser = requests.Session()
        self.browser.trust_env = False
        self.browser.headers["Origin"] = house.site

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        how: dict[str, Any] = {"headers": {"Accept": "application/json"}, "timeout": 20, "allow_redirects": False}
        return self.browser.request(method, self.house.site + path, json=body, **how)

    def start(
        self, frequency: str = "once", amount: int = 50_00, currency: str = "usd", **more: Any
    ) -> tuple[str, str]:
        """Start a gift; its id and the payment page's session."""
        gift_id = secrets.token_hex(16)
        wish = {"gift_id": gift_id, "amount": amount, "currency": currency, "frequency": frequency, **more}
        answer = self.call("POST", "/gifts", wish)
        assert answer.status_code == 201, answer.text
        return gift_id, urlsplit(answer.json()["checkout_url"]).path.rsplit("/", 1)[1]

    def give(self, *wanted: Any, card: str = VISA, **more: Any) -> str:
        gift_id, session = self.start(*wanted, **more)
        self.at_stripe("pay", {"session": session, "card": card, "email": self.email, "name": "Ann Lee"})
        return gift_id

    def at_stripe(self, what: str, body: Any) -> Any:
        answer = requests.post(f"{self.house.stripe}/_test/{what}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stripe_state(self) -> Any:
        """The stand-in's books."""
        return requests.get(f"{self.house.stripe}/_test/state", timeout=20).json()

    def now(self) -> datetime:
        """The moment in the house, which a test may have sent ahead."""
        return datetime.fromtimestamp(self.stripe_state()["now"], UTC)

    def mails(self, subject: str = "") -> list[dict[str, Any]]:
        found = requests.get(f"{self.house.desk}/mail", headers={"Accept": "application/json"}, timeout=20).json()
        return [mail for mail in found if self.email in mail["to"] and subject in mail["subject"]]

    def sign_in(self) -> None:
        assert self.call("POST", "/portal/sign-in", {"email": self.email}).status_code == 202
        mail = until(lambda: self.mails("Sign in"))[-1]
        token = mailed.token(mail["text"])
        assert self.call("POST", "/portal/session", {"token": token}).status_code == 201

    def gifts(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/portal/gifts").json()["gifts"])

    def pdf(self, path: str) -> str:
        """The text of a document, fetched as a browser does."""
        answer = self.call("GET", path)
        assert answer.status_code == 303, answer.text
        document = requests.get(answer.headers["Location"], timeout=20).content
        assert document.startswith(b"%PDF")
        return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(document)).pages)


def until(look: Callable[[], Any], seconds: float = 15) -> Any:
    """What `look` finds within so many seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)
    return found
