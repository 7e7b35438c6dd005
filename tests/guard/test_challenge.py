"""The challenge: asked rather than the door closed, believed only on its maker's word."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from chalicelib import settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import MisconfiguredError
from chalicelib.guard import breaker, challenge, counters, strangers
from chalicelib.guard.askers import Asker
from tests.giving_world import World
from tests.guard.test_form_token import begun, hidden, wish
from tests.over_http import Site

CLOUDFLARE = "https://challenges.cloudflare.com"


# Where the calls of a test come from, if it says nothing else.
HERE = "127.0.0.1"


def campaign(*tried: str) -> int:
    """Ten sources have just failed, and at these addresses somebody has had their first try since."""
    for source in range(breaker.FEWEST):
        breaker.failed(epoch_seconds(), f"source {source}")
    began = breaker.campaign(counters.store().read(breaker.names()))
    for ip in tried:
        strangers.admit(began, Asker(ip).named())
    return began


@pytest.mark.usefixtures("challenged")
def test_while_a_campaign_is_on_a_gift_needs_the_answer_to_a_challenge(giving: World, site: Site) -> None:
    """After an address's first try, 403 with a code; the gift again with the answer is taken, with a wrong one it is not."""
    campaign(HERE)
    gift = wish()

    answers = [site.post("/gifts", {**gift, **more}) for more in ({}, {"challenge": "robot"}, {"challenge": "person"})]

    assert [answer.status for answer in answers] == [403, 403, 201]
    assert answers[0].json["error"] == {"code": "challenge_required", "field": "challenge", "message": answers[0].json["error"]["message"]}
    assert begun(giving) == 1


@pytest.mark.usefixtures("challenged")
def test_the_form_comes_back_with_the_challenge_in_it_and_goes_through(giving: World, site: Site) -> None:
    """Everything kept, no waiting; the box to tick works without JavaScript."""
    campaign(HERE)
    fields = {**wish(), "name": "Ann Lee"}
    asked = site.form("/gifts", fields)

    assert (asked.status, "Ann Lee" in asked.text, 'name="challenge"' in asked.text) == (403, True, True)
    again = {**fields, "gift_id": hidden(asked.text, "gift_id"), "form_token": hidden(asked.text, "form_token")}
    assert site.form("/gifts", {**again, "challenge": "person"}).status == 303


def test_only_the_page_that_puts_the_challenge_may_load_cloudflare(
    giving: World, site: Site, setting: Callable[..., None]
) -> None:
    """Everywhere else nothing but our own files runs; without JavaScript the page says how to give."""
    setting(TURNSTILE_SITE_KEY="0xSITE", TURNSTILE_SECRET="0xSECRET")
    before = site.get("/give", accept="text/html")
    campaign(HERE)
    page = site.form("/gifts", wish())

    assert CLOUDFLARE not in before.text + before.headers["content-security-policy"]
    assert page.headers["content-security-policy"].count(CLOUDFLARE) == 2
    assert 'data-sitekey="0xSITE"' in page.text
    assert "giving@opengate.example" in page.text.split("<noscript>")[1].split("</noscript>")[0]


def test_a_program_is_told_which_widget_to_show(giving: World, site: Site, setting: Callable[..., None]) -> None:
    """Before it is asked for, in the answer that brings the form's token."""
    setting(TURNSTILE_SITE_KEY="0xSITE", TURNSTILE_SECRET="0xSECRET")

    told = site.get("/form-token?gift_id=" + "a" * 32).json

    assert told["challenge"] == {"kind": "turnstile", "site_key": "0xSITE"}


@pytest.mark.usefixtures("challenged")
def test_it_is_over_by_itself_and_comes_back_for_longer(giving: World, site: Site) -> None:
    """Half an hour after the last of it nobody is challenged; a campaign that comes back is held for an hour."""
    campaign(HERE)
    giving.advance(minutes=29)
    assert site.post("/gifts", wish()).status == 403
    giving.advance(minutes=2)
    assert site.post("/gifts", wish()).status == 201
    campaign(HERE)
    giving.advance(minutes=45)
    assert site.post("/gifts", wish()).status == 403
    giving.advance(minutes=16)
    assert site.post("/gifts", wish()).status == 201


@pytest.mark.usefixtures("challenged", "down")
def test_without_counters_a_gift_needs_a_challenge(giving: World, site: Site) -> None:
    """Neither an outage nor an open door."""
    assert site.post("/gifts", wish()).json["error"]["code"] == "challenge_required"
    assert site.post("/gifts", wish(form_token="")).json["error"]["code"] == "form_token_invalid"
    assert site.post("/gifts", wish(challenge="person")).status == 201


@pytest.mark.usefixtures("down")
def test_without_counters_and_without_a_challenge_little_gets_through(giving: World, site: Site) -> None:
    """Each process lets five through in ten minutes, and then says when to come back."""
    answers = [site.post("/gifts", wish()) for _ in range(8)]

    assert [answer.status for answer in answers] == [201] * 5 + [429] * 3
    assert 0 < int(answers[-1].headers["retry-after"]) <= 601


def test_where_no_challenge_is_configured_what_it_was_for_is_limited_hard(giving: World, site: Site) -> None:
    """Two an hour from one address, and 20 in ten minutes from everybody: 429, and never nothing at all."""
    campaign(HERE, *(f"203.0.113.{number}" for number in range(25)))
    mine = [site.post("/gifts", wish()).status for _ in range(3)]
    others = []
    for number in range(25):
        site = Site()
        site.come_from(f"203.0.113.{number}")
        others.append(site.post("/gifts", wish()).status)

    assert mine == [201, 201, 429]
    assert others.count(201) == 18


class _Cloudflare(HTTPAdapter):
    """Answers in Cloudflare's place: the requests library's own seam."""

    def __init__(self, says: Any) -> None:
        super().__init__()
        self.says, self.asked = says, ""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked = str(request.body)
        if isinstance(self.says, Exception):
            raise self.says
        answer = requests.Response()
        answer.status_code, answer._content = 200, self.says if isinstance(self.says, bytes) else json.dumps(self.says).encode()
        return answer


@pytest.mark.parametrize(
    ("says", "result"),
    [
        ({"success": True, "error-codes": []}, "passed"),
        ({"success": False, "error-codes": ["timeout-or-duplicate"]}, "failed"),
        ({"success": False, "error-codes": ["internal-error"]}, "unknown"),
        ({"success": False, "error-codes": ["invalid-input-secret"]}, "unknown"),
        (requests.ConnectTimeout(), "unknown"), (b"<html>502</html>", "unknown"), ([], "unknown"), ({}, "unknown"),
    ],
)  # fmt: skip
def test_only_cloudflare_s_plain_yes_is_a_yes(
    aws_local: object, setting: Callable[..., None], monkeypatch: pytest.MonkeyPatch, says: Any, result: str
) -> None:
    """And its silence, or a key of ours that is wrong, is not held against a donor."""
    setting(TURNSTILE_SITE_KEY="0xSITE", TURNSTILE_SECRET="0xSECRET")
    cloudflare = _Cloudflare(says)
    monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: cloudflare)

    assert challenge.verify("the answer", "203.0.113.9") == result
    assert cloudflare.asked == "secret=0xSECRET&response=the+answer&remoteip=203.0.113.9"


@pytest.mark.usefixtures("challenged")
def test_when_the_challenge_s_maker_does_not_answer_little_gets_through(giving: World, site: Site) -> None:
    """Two outages at once still leave the door ajar."""

    class Silent:
        def verify(self, answer: str, ip: str) -> challenge.Result:
            return "unknown"

    challenge.set_verifier(Silent())
    campaign(HERE)

    assert [site.post("/gifts", wish(challenge="x")).status for _ in range(3)] == [201, 201, 429]


@pytest.mark.usefixtures("challenged")
def test_one_address_has_few_answers_checked(giving: World) -> None:
    """Each is a call to somebody else's server, and comes after the count of attempts."""
    asked = []

    class Counting:
        def verify(self, answer: str, ip: str) -> challenge.Result:
            asked.append(answer)
            return "failed"

    challenge.set_verifier(Counting())
    campaign(HERE)
    for number in range(12):
        site = Site()  # a new browser each time, at one address
        site.post("/gifts", wish(challenge=str(number)))

    assert len(asked) == 8


@pytest.mark.parametrize(
    "given",
    [
        {"TURNSTILE_SITE_KEY": "0xSITE"}, {"TURNSTILE_SECRET": "0xSECRET"},
        {"TURNSTILE_SITE_KEY": "stand-in", "TURNSTILE_SECRET": "stand-in", "STAGE": "prod"},
        {"TURNSTILE_SITE_KEY": "0xSITE", "TURNSTILE_SECRET": "1x0000000000000000000000000000000AA", "STAGE": "prod"},
    ],
)  # fmt: skip
def test_half_a_challenge_or_a_false_one_in_production_does_not_start(
    setting: Callable[..., None], given: dict[str, str]
) -> None:
    """A box to tick keeps nobody out."""
    setting(**given)

    with pytest.raises(MisconfiguredError, match="TURNSTILE_SECRET"):
        settings.current()


def test_failures_of_one_machine_do_not_have_everybody_challenged(giving: World) -> None:
    """Whoever has ten thousand cards is one source, and its own limits stop it."""
    for _ in range(50):
        breaker.failed(epoch_seconds(), "one machine")

    assert not breaker.is_open(counters.store().read(breaker.names()))


def test_ten_failures_among_many_payments_are_an_ordinary_evening(giving: World) -> None:
    """One card in ten is declined on any day."""
    for _ in range(90):
        breaker.paid(epoch_seconds())
    campaign()

    assert not breaker.is_open(counters.store().read(breaker.names()))


@pytest.mark.usefixtures("challenged")
def test_pages_begun_and_never_paid_are_a_surge(giving: World, memory: Any) -> None:
    """Cards can be hoarded: 150 payment pages in twenty minutes and hardly a payment."""
    for _ in range(breaker.SURGE):
        breaker.begun()
    assert breaker.is_surge(memory.read(breaker.names()))

    for _ in range(breaker.SURGE // 10):
        breaker.paid(epoch_seconds())
    assert not breaker.is_surge(memory.read(breaker.names()))


