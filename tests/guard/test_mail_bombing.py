"""Nobody's mailbox can be filled through our forms, and nothing tells whose address we know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.giving_world import ANN, World
from tests.guard.test_limits import stranger
from tests.over_http import Answered

NOBODY = "nobody@example.org"
# What is asked for, how often in an hour from one address, and how often for one mailbox.
ASKS = [("/portal/sign-in", 20, 5), ("/sign-ups", 20, 5)]


def ask(path: str, email: str, ip: str) -> Answered:
    more = {"interests": ["stories"]} if path == "/sign-ups" else {}
    return stranger(ip).post(path, {"email": email, **more})


@pytest.mark.parametrize(("path", "_", "most"), ASKS)
def test_one_mailbox_gets_few_mails_whoever_asks(giving: World, path: str, _: int, most: int) -> None:
    """Written in capitals or not, from ever other addresses: 429 with Retry-After beyond it."""
    giving.give()
    before = len(giving.mails())
    answers = [ask(path, ANN.upper() if number % 2 else ANN, f"203.0.{number}.9") for number in range(30)]
    giving.work()

    assert [answer.status for answer in answers] == [202] * most + [429] * (30 - most)
    assert 0 < int(answers[-1].headers["retry-after"]) <= 24 * 3_600 + 1
    assert len(giving.mails()) - before <= most


def test_one_mailbox_under_many_names_is_one(giving: World) -> None:
    """What stands after a plus leads to the same mailbox, so it is counted as one; each is still its own sign-up."""
    answers = [ask("/sign-ups", f"victim+{number}@example.org", f"203.0.{number}.9") for number in range(7)]
    giving.work()

    assert [answer.status for answer in answers] == [202] * 5 + [429] * 2
    assert {mail.to for mail in giving.mails()} == {f"victim+{number}@example.org" for number in range(5)}


@pytest.mark.parametrize(("path", "most", "_"), ASKS)
@pytest.mark.parametrize("ip", [lambda _: "203.0.113.7", lambda number: f"2001:db8:0:7::{number:x}"], ids=["IPv4", "IPv6"])
def test_one_address_asks_for_few_mailboxes(giving: World, path: str, most: int, _: int, ip: Callable[[int], str]) -> None:
    """A list of addresses to be annoyed ends early; of IPv6 the household's /64 is one."""
    statuses = [ask(path, f"donor{number}@example.org", ip(number)).status for number in range(most + 5)]
    giving.work()

    assert statuses == [202] * most + [429] * 5
    assert len(giving.mails()) <= most


@pytest.mark.parametrize("path", ["/portal/sign-in", "/sign-ups"])
def test_nothing_tells_whether_an_address_is_known(giving: World, path: str) -> None:
    """Status, body and headers are the same for a donor and for nobody, up to the limit and beyond it."""
    giving.give()

    def told(email: str) -> list[Any]:
        answers = [ask(path, email, f"203.0.{number}.9") for number in range(7)]
        return [(each.status, each.text, {**each.headers, "set-cookie": ""}) for each in answers]

    assert told(ANN) == told(NOBODY)
