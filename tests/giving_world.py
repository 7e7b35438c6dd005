"""The charity in miniature: our own code, a stand-in for Stripe, and mocked AWS, driven by hand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import aws, clock, settings
from chalicelib.giving import checkout, donors, ledger, started
from chalicelib.giving.gift import Gift
from chalicelib.mail import errands
from chalicelib.partners import store
from chalicelib.partners.partnership import Partnership
from chalicelib.processor import settle, stripe_api, webhook
from local.cloud import Cloud
from local.mailbox import Mail, parse
from local.standin.in_process import InProcess
from local.standin.standin import Standin

VISA = "4242 4242 4242 4242"
ANN = "ann@example.org"


class StandingClock:
    """A clock that moves only when told to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def travel_to(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


class World:
    """What a test does to the charity and asks of it."""

    def __init__(self, cloud: Cloud, standin: Standin, time: StandingClock) -> None:
        self.cloud, self.standin, self.time = cloud, standin, time
        standin.post = self._receive
        standin.on_step = self.work

    def start(self, amount: int = 50_00, currency: str = "usd", frequency: str = "once", **more: Any) -> str:
        """Start a gift and give its id."""
        gift_id = more.pop("gift_id", secrets.token_hex(16))
        wanted = checkout.GiftRequest(gift_id, amount, currency, frequency, **more)  # type: ignore[arg-type]
        checkout.start(checkout.checked(wanted))
        return str(gift_id)

    def pay(self, gift_id: str, card: str = VISA, email: str = ANN, name: str = "Ann Lee") -> dict[str, Any]:
        """What the donor does on Stripe's page."""
        return self.standin.pay(self.session_of(gift_id), card, email, name)

    def give(self, *wanted: Any, card: str = VISA, email: str = ANN, **more: Any) -> str:
        """Start, pay, and let every webhook be worked on; the gift's id."""
        gift_id = self.start(*wanted, **more)
        self.pay(gift_id, card, email)
        self.deliver()
        return gift_id

    def session_of(self, gift_id: str) -> str:
        page = started.read(gift_id)
        assert page
        return page.session_id

    def charge_of(self, gift_id: str) -> str:
        """The charge that paid a gift."""
        gift = ledger.gift(self.donor_id(), gift_id)
        assert gift
        return gift.charge_id

    def deliver(self) -> None:
        """Let Stripe send what it has to send, and work on it."""
        self.standin.tick()
        self.work()

    def work(self) -> None:
        """Do everything that waits in the two queues. A failure raises: nothing is retried here."""
        given = settings.current()
        self._drain(given.money_queue, lambda body: settle.handle(webhook.read_hint(body)))
        self._drain(given.mail_queue, errands.run)

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(days=31)`."""
        self.standin.advance(int((self.time.now() + timedelta(**by)).timestamp()))

    def donor_id(self, email: str = ANN) -> str:
        found = donors.id_by_email(email)
        assert found, f"no donor with {email}"
        return found

    def gifts(self, email: str = ANN) -> list[Gift]:
        """The donor's gifts, newest first."""
        return ledger.page(self.donor_id(email), limit=50)[0]

    def partnership(self, email: str = ANN) -> Partnership:
        return store.of_donor(self.donor_id(email))[0]

    def mails(self, subject: str = "") -> list[Mail]:
        """The mails whose subject contains this, oldest first."""
        return [mail for mail in map(parse, self.cloud.raw_mails()) if subject in mail.subject]

    def _receive(self, body: bytes, headers: dict[str, str]) -> int:
        webhook.receive(body, headers["Stripe-Signature"])
        return 200

    def _drain(self, queue: str, work: Callable[[str], None]) -> None:
        while True:
            found = aws.sqs().receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
            if not found:
                return
            for message in found:
                work(message["Body"])
                aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def giving(aws_local: Cloud) -> Iterator[World]:
    """The charity in miniature, on 10 March 2026 at noon UTC."""
    time = StandingClock(datetime(2026, 3, 10, 12, tzinfo=UTC))
    standin = Standin(time, "whsec_local_0123456789")
    stripe_api.set_transport(InProcess(standin))
    clock.set_clock(time.now)
    yield World(aws_local, standin, time)
    clock.set_clock()
    stripe_api.set_transport()
