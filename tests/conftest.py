"""What every test may ask for: AWS on loopback, a clock to set, the mails sent, and the whole local run."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import charity, clock, settings
from local import mailbox as sent_mail
from local.cloud import FOREIGN_VARIABLES, Cloud
from tests import straight
from tests.giving_world import giving  # noqa: F401 - a fixture for every test
from tests.house import House
from tests.over_http import site  # noqa: F401

SITE_URL = "http://127.0.0.1:8000"
STRIPE_URL = "http://127.0.0.1:12111"
LOCAL_SETTINGS = {
    "STAGE": "local",
    "SITE_URL": SITE_URL,
    "EXTRA_ORIGINS": "http://localhost:8000",
    "STRIPE_API_KEY": "sk_test_local",
    "STRIPE_WEBHOOK_SECRET": "whsec_local_0123456789",
    "STRIPE_API_BASE": STRIPE_URL,
    "TOKEN_SECRET": "a-secret-of-the-tests-and-of-nobody-else",
    "GUARD": "strict",
    "POWERTOOLS_METRICS_DISABLED": "true",
}


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No socket of the test process leaves this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setattr(socket.socket, "connect", lambda self, to: connect(self, _on_loopback(self, to)))
        patch.setattr(socket.socket, "connect_ex", lambda self, to: connect_ex(self, _on_loopback(self, to)))
        yield


def _on_loopback(asking: socket.socket, address: Any) -> Any:
    if asking.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1", "localhost"}:
        return address
    raise AssertionError(f"A test tried to reach {address[0]}: nothing may leave loopback.")


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """The one AWS of this test process. Tests want `aws_local`, which empties it."""
    running = Cloud()
    straight.connect(running)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def aws_local(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """AWS with empty tables, queues and bucket, and an environment in which everything of ours finds them."""
    cloud.reset()
    for name in FOREIGN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**LOCAL_SETTINGS, **cloud.environment()}.items():
        monkeypatch.setenv(name, value)
    _forget_settings()
    yield cloud
    _forget_settings()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The whole local run on free ports, for journeys: `house.site`, `house.desk`, `house.stripe`."""
    running = House()
    running.start(tmp_path_factory.mktemp("house") / "said.log")
    yield running
    running.stop()


@pytest.fixture
def clock_at() -> Iterator[Callable[[datetime], None]]:
    """Set the clock: `clock_at(datetime(2026, 11, 24, 12, tzinfo=UTC))`. It stands still until set again."""

    def stand_at(moment: datetime) -> None:
        assert moment.tzinfo, "say the time zone"
        clock.set_clock(lambda: moment.astimezone(UTC))

    yield stand_at
    clock.set_clock()


@pytest.fixture
def mailbox(aws_local: Cloud) -> Callable[[], list[sent_mail.Mail]]:
    """The mails sent so far, oldest first: `mailbox()[-1].subject`."""
    return lambda: [sent_mail.parse(raw) for raw in aws_local.raw_mails()]


def _forget_settings() -> None:
    settings.current.cache_clear()
    charity.current.cache_clear()

