"""Every change of the monthly gift while Stripe refuses, breaks or is silent: nothing is shown or mailed that was not done."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any, NamedTuple

import pytest

from chalicelib.partners.partnership import Partnership
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site

PAGE, UNCERTAIN = "/portal/partnerships", "nothing is certain yet"
# What Stripe does with the one call that would make the change: refuses it, is too busy, breaks, or never answers.
REFUSES: dict[str, Any] = {"status": 402, "times": 1}
UNSURE: list[dict[str, Any]] = [{"status": 429, "times": 2}, {"status": 500, "times": 2}, {"timeout": True, "times": 2}]
LOST: dict[str, Any] = {"timeout": True, "take_effect": True, "times": 2}


class Changed(NamedTuple):
    """A form of the page, and what it says and mails once it is done. `first` makes the state it is offered in."""

    path: str
    fields: dict[str, str]
    done: Callable[[Partnership], bool]
    mail: str
    first: tuple[str, dict[str, str]] | None = None
    method: str = "POST"


SKIP = ("/skip", {"next_charge_on": "2026-04-10"})
CHANGES = {
    "amount": Changed("", {"new_amount": "40", "currency": "usd"}, lambda it: it.amount.minor == 40_00, "$40.00 a month"),
    "day": Changed("", {"day": "20"}, lambda it: it.day == 20, "on day 20"),
    "pause": Changed("/pause", {"until": "2026-09-01"}, lambda it: it.state == "paused", "paused until 1 September 2026"),
    "skip": Changed(*SKIP, lambda it: it.skips is not None, "your gift of 10 April 2026 is skipped"),
    "not skipped": Changed("/resume", {}, lambda it: it.state == "active", "your gift of 10 April 2026 is not skipped", SKIP),
    "resume": Changed("/resume", {}, lambda it: it.state == "active", "resumed", ("/pause", {"until": "2026-09-01"})),
    "cancel": Changed("/cancel", {"reason": "cost"}, lambda it: it.state == "ended", "has ended", method="DELETE"),
}  # fmt: skip


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Signed in, with $25 each month since 10 March."""
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def mine(giving: World) -> str:
    return f"{PAGE}/{giving.partnership().partnership_id}"


def press_in_trouble(giving: World, site: Site, change: Changed, **how: Any) -> Answered:
    """The call that would make the change comes to grief, the SDK's own second try too; reading works as ever."""
    path = f"/v1/subscriptions/{giving.partnership().partnership_id}"
    mishap = giving.standin.fail(method=change.method, path=path, **how)
    answer = site.form(mine(giving) + change.path, change.fields)
    assert mishap.times < how["times"], "nothing befell"
    mishap.times = 0
    return answer


def offered(giving: World, site: Site, name: str) -> Changed:
    """A change, in the state in which the page offers it."""
    change = CHANGES[name]
    if change.first:
        assert site.form(mine(giving) + change.first[0], change.first[1]).status == 303
        giving.work()
        assert 'role="status"' in shown(site)  # said once, as a browser that follows sees it
    return change


def shown(site: Site) -> str:
    return unescape(" ".join(site.get(PAGE, accept="text/html").text.split()))


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_shown_or_mailed_that_was_not_done(giving: World, ann: Site, name: str) -> None:
    """
    Refused is told as refused and silence as uncertain, and the page says what it said before.

    Done without an answer, it is uncertain too; then it is shown, and confirmed by one mail.
    """
    change = offered(giving, ann, name)
    before, mails = shown(ann), len(giving.mails())
    for how, status, says in [(REFUSES, 409, "declined"), *((each, 503, UNCERTAIN) for each in UNSURE)]:
        answer = press_in_trouble(giving, ann, change, **how)
        giving.deliver()
        assert (answer.status, says in unescape(answer.text)) == (status, True), answer.text
        assert not change.done(giving.partnership())
        assert (shown(ann), len(giving.mails())) == (before, mails)

    answer = press_in_trouble(giving, ann, change, **LOST)
    assert (answer.status, UNCERTAIN in answer.text, len(giving.mails())) == (503, True, mails)
    giving.deliver()

    assert change.done(giving.partnership())
    assert (len(giving.mails()), len(giving.mails(change.mail))) == (mails + 1, 1)


def test_what_was_done_without_an_answer_is_confirmed_though_its_event_be_lost(giving: World, ann: Site) -> None:
    """Our record follows too, so that a second press neither skips another nor mails again."""
    change = offered(giving, ann, "skip")
    giving.standin.set_webhooks("drop")
    press_in_trouble(giving, ann, change, **LOST)
    giving.work()
    assert ann.form(mine(giving) + change.path, change.fields).status == 303
    giving.work()

    assert change.done(giving.partnership())
    assert len(giving.mails(change.mail)) == 1


def test_an_end_without_an_answer_or_an_event_is_told_at_the_second_press(giving: World, ann: Site) -> None:
    """Stripe no longer knows it: ended already is as good as ended now."""
    change = offered(giving, ann, "cancel")
    giving.standin.set_webhooks("drop")
    press_in_trouble(giving, ann, change, **LOST)
    assert giving.partnership().state == "active"

    assert ann.form(mine(giving) + change.path, change.fields).status == 303
    giving.work()

    assert change.done(giving.partnership())
    assert len(giving.mails(change.mail)) == 1
