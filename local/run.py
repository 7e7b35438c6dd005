"""
The whole local run, put together.

    browser --> site --> Stripe stand-in --webhook--> site
                 |                                     |
                 `--> AWS (moto): tables, queues <-----'
                          ^   |
                          |   `--> pump --> queue and schedule handlers
                        desk: mailbox, the processor's books, time travel
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import clock
from chalicelib.errors import MisconfiguredError
from local import ports as local_ports
from local.cloud import FOREIGN_VARIABLES, Cloud, environment_at
from local.ports import Ports, PortTaken
from local.time_machine import TimeMachine

if TYPE_CHECKING:
    from local.standin.server import Serving

WEBHOOK_SECRET = "whsec_local_0123456789abcdef"
TOKEN_SECRET = "local-only-and-therefore-no-secret-at-all"
STANDIN_KEY = "sk_test_local"
REAL_TEST_KEY = ("sk_test_", "rk_test_")
TEST_CARD = "4242 4242 4242 4242"


class Faulty(Exception):
    """The local run cannot start; the message says what to change."""


class Run:
    """Everything on 127.0.0.1. `start()`, look at `welcome()`, `stop()`."""

    def __init__(self, ports: Ports, stripe_key: str = "", webhook_secret: str = "", guard: str = "wide") -> None:
        self._ports, self._guard = ports, guard
        self._real_stripe = stripe_key.startswith(REAL_TEST_KEY) and stripe_key != STANDIN_KEY
        self._stripe_key = stripe_key if self._real_stripe else STANDIN_KEY
        self._webhook_secret = webhook_secret if self._real_stripe else WEBHOOK_SECRET
        self._machine = TimeMachine()
        self._cloud = Cloud(ports.aws)
        self._to_stop: list[Callable[[], Any]] = []

    @classmethod
    def from_environment(cls) -> Run:
        """As the variables of `make run` say. Raises Faulty."""
        key = os.environ.get("STRIPE_API_KEY", "").strip()
        secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "").strip()
        _refuse_live(key)
        try:
            ports = local_ports.chosen(os.environ)
        except PortTaken as fault:
            raise Faulty(str(fault)) from fault
        if key.startswith(REAL_TEST_KEY) and key != STANDIN_KEY and not secret.startswith("whsec_"):
            raise Faulty(
                "STRIPE_API_KEY is set, so this run talks to Stripe's test mode and needs STRIPE_WEBHOOK_SECRET too.\n"
                f"Run `stripe listen --forward-to 127.0.0.1:{ports.site}/webhooks/stripe` and take its whsec_."
            )
        return cls(ports, key, secret, os.environ.get("GUARD", "").strip() or "wide")

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self._ports.site}"

    @property
    def desk(self) -> str:
        return f"http://127.0.0.1:{self._ports.desk}"

    @property
    def stripe(self) -> str:
        """The stand-in's address; empty when Stripe itself is used."""
        return "" if self._real_stripe else f"http://127.0.0.1:{self._ports.stripe}"

    def start(self) -> None:
        """Start every part. Raises Faulty, with nothing left running."""
        try:
            local_ports.check_free(self._ports)
            self._start_parts()
        except (PortTaken, MisconfiguredError) as fault:
            self.stop()
            raise Faulty(str(fault)) from fault
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started, the last first."""
        while self._to_stop:
            self._to_stop.pop()()

    def welcome(self) -> str:
        """Where to look."""
        lines = [
            "",
            f"  site    {self.site}          story, giving, portal",
            f"  desk    {self.desk}          mailbox, the processor's books, time travel",
            f"  Stripe  {self.stripe or 'the real one, in test mode'}         test card {TEST_CARD}",
            "",
            "  Ctrl-C ends it; nothing is kept.",
            "",
        ]
        return "\n".join(lines)

    def _start_parts(self) -> None:
        from local.pump import Pump
        from local.site_server import SiteServer

        clock.set_clock(self._machine.now)
        self._to_stop.append(clock.set_clock)
        self._cloud.start()
        self._to_stop.append(self._cloud.stop)
        self._set_environment(self._cloud.environment())
        app = importlib.import_module("app").app
        pump = Pump(app, self._cloud, self._machine.now)
        if not self._real_stripe:
            self._start_standin(pump)
        site = SiteServer(app, self._ports.site)
        site.start()
        self._to_stop.append(site.stop)
        self._start_desk(pump)
        pump.start()
        self._to_stop.append(pump.stop)

    def _start_standin(self, pump: Any) -> None:
        from local.standin import Standin
        from local.standin.server import post_to, serve

        def on_step() -> None:
            pump.drain()
            if pump.run_due():
                pump.drain()

        post = post_to(f"{self.site}/webhooks/stripe")
        standin = Standin(self._machine, WEBHOOK_SECRET, seed=0, url=self.stripe, post=post, on_step=on_step)
        serving: Serving = serve(standin, "127.0.0.1", self._ports.stripe)
        self._to_stop.append(serving.shutdown)

    def _start_desk(self, pump: Any) -> None:
        from local.desk import Desk

        desk = Desk(self._cloud, self._machine, self._ports.desk, self.site, self.stripe)
        desk.start()
        self._to_stop.append(desk.stop)

    def join(self) -> None:
        """Make this process one more part of a run that is up: its tables, its Stripe, its time. Raises Faulty."""
        aws = f"http://127.0.0.1:{self._ports.aws}"
        try:
            self._set_environment(environment_at(aws))
            if self.stripe:
                there = requests.get(f"{self.stripe}/_test/state", timeout=20).json()["now"]
                self._machine.travel_to(datetime.fromtimestamp(there, UTC))
        except (BotoCoreError, ClientError, requests.RequestException) as fault:
            raise Faulty(f"No local run at {aws}: start one with `make run`. ({type(fault).__name__})") from fault
        clock.set_clock(self._machine.now)

    def _set_environment(self, of_aws: dict[str, str]) -> None:
        for name in FOREIGN_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(
            {
                **of_aws,
                "STAGE": "local",
                "SITE_URL": self.site,
                "EXTRA_ORIGINS": f"http://localhost:{self._ports.site}",
                "STRIPE_API_KEY": self._stripe_key,
                "STRIPE_WEBHOOK_SECRET": self._webhook_secret,
                "STRIPE_API_BASE": self.stripe,
                "TOKEN_SECRET": TOKEN_SECRET,
                "GUARD": self._guard,
                # Metrics are for CloudWatch; here they would only fill the terminal.
                "POWERTOOLS_METRICS_DISABLED": "true",
                **self._challenge(),
            }
        )

    def _challenge(self) -> dict[str, str]:
        """A strict run puts a box to tick, or Cloudflare's challenge if its keys are given; a wide one puts none."""
        from chalicelib.guard.challenge import STAND_IN

        if self._guard != "strict":
            return {"TURNSTILE_SITE_KEY": "", "TURNSTILE_SECRET": ""}
        key = os.environ.get("TURNSTILE_SITE_KEY", "").strip() or STAND_IN
        secret = STAND_IN if key == STAND_IN else os.environ.get("TURNSTILE_SECRET", "")
        return {"TURNSTILE_SITE_KEY": key, "TURNSTILE_SECRET": secret}


def _refuse_live(key: str) -> None:
    if key.startswith(("sk_live_", "rk_live_")):
        raise Faulty("STRIPE_API_KEY is a live key. The local run never touches real money: use a test key, or none.")
