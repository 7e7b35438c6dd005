"""Everything around our code: the time, Stripe, the queues, the mail, and the trace of what happened."""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import logging
import os
import random
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest import mock

from chalice.config import Config
from chalice.local import LocalGateway
from rich.console import Console

from chalicelib import aws, charity, clock, settings
from chalicelib.processor import settle, stripe_api
from local.cloud import FOREIGN_VARIABLES, REGION
from local.mailbox import Mail, parse
from local.standin.standin import Standin
from ops import dead_letters
from tests.faults import schedules, tables
from tests.faults.faults import Fault, Weather
from tests.faults.queues import Message, Queue, Sqs
from tests.faults.scheduler import Process, Scheduler, cause
from tests.faults.seams import Aws, Gate, Key, Wire
from tests.faults.webhooks import Copy, Webhooks

BEGINS = datetime(2026, 1, 31, 12, tzinfo=UTC)
# A function of ours is ended by Lambda after this long.
LAMBDA_SECONDS = 60
ENVIRONMENT = {
    "STAGE": "local", "SITE_URL": "http://127.0.0.1:8000", "GUARD": "wide",
    "GIVING_TABLE": "Giving", "SIGNUPS_TABLE": "Signups", "PASSING_TABLE": "Passing", "DOCUMENTS_BUCKET": "documents",
    "MONEY_QUEUE": "https://sqs.us-east-1.amazonaws.com/1/money",
    "MAIL_QUEUE": "https://sqs.us-east-1.amazonaws.com/1/mail",
    "STRIPE_API_KEY": "sk_test_simulated", "STRIPE_WEBHOOK_SECRET": "whsec_simulated_0123456789",
    "TOKEN_SECRET": "a-secret-of-the-simulation-and-of-nobody",
    "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}  # fmt: skip
SCHEDULED = {
    "version": "0", "id": "1", "account": "1", "region": REGION, "detail": {}, "detail-type": "Scheduled Event",
    "source": "aws.events", "time": "2026-01-31T12:00:00Z", "resources": [],
}  # fmt: skip
# What staff say as `--most`: all of them, also where a charge that was poisoned for a year has left hundreds.
MANY_LETTERS = 10_000
FOREIGN = ("AWS_ENDPOINT_URL", "STRIPE_API_BASE", "STRIPE_ACCOUNT", *FOREIGN_VARIABLES)


class Sent(NamedTuple):
    """A mail as it is counted: which, about what, and whether it says that it may be a second copy."""

    mail: str
    about: str
    flagged: bool


class NotTaken(Exception):
    """The site answered otherwise than that it has taken what was posted."""


class VirtualClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.moment = BEGINS

    def now(self) -> datetime:
        return self.moment

    def travel_to(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


class World:
    """One seed's world. What our code does runs in processes; everything else happens between their calls."""

    def __init__(self, seed: int, *, weather: Weather | None = None) -> None:
        self.rng = random.Random(seed)
        self.time = VirtualClock()
        self.trace: list[str] = []
        self.weather = weather or Weather(self.rng, self.now())
        self.standin = Standin(self.time, ENVIRONMENT["STRIPE_WEBHOOK_SECRET"], seed=seed)
        self.scheduler = Scheduler(self.say)
        self.gate = Gate(self.scheduler)
        self.webhooks = Webhooks(self.standin, self.weather, frozenset(settle.HANDLERS))
        self.money, self.mail = Queue("money"), Queue("mail")
        self.mails: list[Mail] = []
        self.sent: list[Sent] = []
        self.on_mail: Callable[[Sent], None] = lambda sent: None
        # What donors were shown, declared and were told: pages; when and how by gift; what stands still, and since when.
        self.shown: set[str] = set()
        self.declared: dict[str, tuple[int, str]] = {}
        self.stopped: list[tuple[str, int]] = []
        self.written: list[Key] = []
        self._app: Any = importlib.import_module("app")
        self._gateway = LocalGateway(self._app.app, Config())
        self.schedules = schedules.of_app(self._app.app)
        sqs = Sqs((self.money, self.mail), self.now, self.weather.redeliveries)
        tables.create()
        Aws(self.gate, {**sqs.calls(), "SendEmail": self._send_email}, self.written.extend).connect()
        stripe_api.set_transport(Wire(self.standin, self.gate))
        clock.set_clock(self.time.now, sleep=lambda seconds: None)
        random.seed(seed)

    def now(self) -> int:
        return int(self.time.now().timestamp())

    def say(self, step: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.time.now():%d %b %Y %H:%M:%S}  {step}")

    def advance(self, to: int) -> None:
        """Let time pass. What is still running after a function's time is ended, as Lambda does."""
        for process in [each for each in self.scheduler.running if each.started + LAMBDA_SECONDS < to]:
            self.scheduler.kill(process)
        self.standin.advance(max(to, self.now()))

    # What runs our code

    def run(self, name: str, work: Callable[[], object], then: Callable[[Process], None] = lambda ended: None) -> Process:
        """Begin a process of our own code; it stands at its first call."""
        return self.scheduler.start(name, work, self.now(), then)

    def step(self, process: Process, fault: Fault | None = None) -> None:
        """Let a process make the call that it is parked at."""
        self.scheduler.step(process, fault)

    def fault_for(self, process: Process, *, lucky: bool = False) -> Fault | None:
        """What the weather has in store for the call that a process is parked at."""
        assert process.parked is not None
        return self.weather.befalls(*process.parked, lucky=lucky)

    def work_on(self, queue: Queue, message: Message) -> list[Process]:
        """Give a message to a worker, or to two at once."""
        handler = self._app.record_stripe_event if queue is self.money else self._app.send_mail
        return [
            self._worker(queue, message, handler, twin) for twin in ("", " twin")[: 1 + self.weather.has_twin()]
        ]

    def scheduled(self, name: str) -> object:
        """One run of a schedule of the app's, as Lambda calls it."""
        return getattr(self._app, name)(SCHEDULED, None)

    def letters(self, queue: Queue) -> str:
        """What `python -m ops letters` shows the staff of a queue's dead letters."""
        return self._on_letters(dead_letters.show, queue)

    def redrive(self, queue: Queue) -> str:
        """What `python -m ops redrive` does, and says."""
        return self._on_letters(dead_letters.redrive, queue)

    def receive(self, copy: Copy) -> Process:
        """Let Stripe try to deliver one event."""
        body, signature = self.webhooks.signed(copy, self.now())

        def then(ended: Process) -> None:
            if not ended.done:
                self.webhooks.refused(copy, self.now())

        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return self.run(
            f"webhook {copy.number} {copy.event['type']}", lambda: self.post("/webhooks/stripe", body, headers), then
        )

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> str:
        """What the site answers to a call, as API Gateway makes it. Raises NotTaken unless it was taken."""
        answer = self._gateway.handle_request("POST", path, headers, body)
        if answer["statusCode"] >= 300:
            raise NotTaken(f"{answer['statusCode']} {answer['body']}")
        return str(answer["body"])

    def _on_letters(self, command: Callable[[Namespace, Console], bool], queue: Queue) -> str:
        shown = io.StringIO()
        command(Namespace(queue=queue.name, most=MANY_LETTERS), Console(file=shown, highlight=False, width=200))
        return shown.getvalue()

    def _worker(self, queue: Queue, message: Message, handler: Callable[..., object], twin: str) -> Process:
        event = queue.take(message, self.now())

        def then(ended: Process) -> None:
            if ended.done:
                queue.delete(message)
            else:
                message.causes += ("died" if ended.died else cause(ended.failure),)

        return self.run(f"{queue.name} {message.number} try {message.tries}{twin}", lambda: handler(event, None), then)

    # What AWS does that is simpler to play than to mock

    def _send_email(self, body: dict[str, Any]) -> dict[str, Any]:
        tags = {tag["Name"]: tag["Value"] for tag in body["EmailTags"]}
        self.mails.append(parse(base64.b64decode(body["Content"]["Raw"]["Data"]).decode()))
        self.sent.append(Sent(tags["mail"], tags["about"], "X-Possible-Duplicate" in self.mails[-1].headers))
        self.on_mail(self.sent[-1])
        return {"MessageId": str(len(self.mails))}


@contextlib.contextmanager
def surroundings() -> Iterator[None]:
    """The settings under which worlds are built; silence; and everything as it was afterwards."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with mock.patch.dict(os.environ, {**kept, **ENVIRONMENT}, clear=True), contextlib.redirect_stdout(io.StringIO()):
        _forget()
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
            clock.set_clock()
            stripe_api.set_transport()
            _forget()


def _forget() -> None:
    settings.current.cache_clear()
    charity.current.cache_clear()
    aws.forget_clients()
