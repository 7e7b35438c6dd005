"""What reads mail before its owner does, and what presses many times at once: one sign-in, in the browser that asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chalice.local import LocalChalice

from chalicelib import aws, items, keys
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Site

BOB = "bob@example.org"
HTML = {"Accept": "text/html"}
# A preview, a link checker and a browser that guesses where its user goes next.
SCANNER = [("HEAD", {}), ("GET", HTML), ("GET", HTML), ("GET", HTML), ("GET", HTML | {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"})]
AT_ONCE = 8

Entered = Callable[[list[tuple[Site, dict[str, str]]]], list[int]]


@pytest.fixture
def at_once(site: Site) -> Iterator[Entered]:
    """
    Send all of these to `/portal/session` in the same instant, each from a thread of its own; the statuses.

    Chalice keeps the current request on the app, where two threads would
    read each other's. Its own local server keeps it by thread, as is done here.
    """
    from app import app

    alone = app.__class__
    app.__class__ = type("ByThread", (LocalChalice, alone), {})

    def send(presses: list[tuple[Site, dict[str, str]]]) -> list[int]:
        gate = threading.Barrier(len(presses))

        def press(browser: Site, body: dict[str, str]) -> int:
            gate.wait(timeout=20)
            return browser.post("/portal/session", body).status

        with ThreadPoolExecutor(len(presses)) as threads:
            return list(threads.map(lambda each: press(*each), presses))

    yield send
    app.__class__ = alone


@pytest.fixture
def asked(giving: World, site: Site) -> dict[str, str]:
    """Ann has asked to sign in; the token of the link and the code in her mail."""
    giving.give(50_00)
    return ask(giving, site, ANN)


def ask(giving: World, site: Site, email: str) -> dict[str, str]:
    assert site.post("/portal/sign-in", {"email": email}).status == 202
    giving.work()
    text = giving.mails("Sign in")[-1].text
    return {"token": mailed.token(text), "code": mailed.code(text)}


def another(cookies: dict[str, str] | None = None) -> Site:
    """A browser, or a tab of one that has these cookies."""
    browser = Site()
    browser.cookies = dict(cookies or {})
    return browser


def sessions_kept() -> int:
    found = aws.dynamodb().scan(TableName=items.passing(), Limit=200)["Items"]
    return sum(each["pk"]["S"].startswith("SESSIONS#") for each in found)


def request_of(email: str) -> dict[str, Any] | None:
    return items.get(items.passing(), keys.passing("SIGNIN", keys.email_hash(email)))


def scan(token: str, browser: Site) -> None:
    """Read the link as a scanner does; some make a query of the fragment, and some try where the form leads."""
    for path in ("/portal/enter", f"/portal/enter?token={token}", f"/portal/session?token={token}"):
        for method, headers in SCANNER:
            browser.request(method, path, headers=headers)


def test_however_often_it_is_read_and_pressed_a_link_makes_one_session(asked: dict[str, str], site: Site, at_once: Entered) -> None:
    """Reading changes nothing, in any browser; of eight presses at once, one signs in."""
    before = request_of(ANN)
    scan(asked["token"], another())
    scan(asked["token"], site)
    assert (request_of(ANN), sessions_kept()) == (before, 0)

    tabs = [another(site.cookies) for _ in range(AT_ONCE)]
    met = at_once([(tab, {"token": asked["token"]}) for tab in tabs])

    assert sorted(met) == [201] + [401] * (AT_ONCE - 1)
    assert sessions_kept() == 1
    assert [tab.get("/portal/gifts").status for tab in tabs].count(200) == 1


def test_in_another_browser_a_link_makes_none_and_stays_good(giving: World, asked: dict[str, str], site: Site, at_once: Entered) -> None:
    """Without a cookie, and with the cookie of a request of its own."""
    giving.give(50_00, email=BOB)
    scanner, bob = another(), another()
    ask(giving, bob, BOB)

    met = at_once([(another(each.cookies), {"token": asked["token"]}) for each in (scanner, bob) for _ in range(AT_ONCE // 2)])

    assert met == [401] * AT_ONCE
    assert sessions_kept() == 0
    assert site.post("/portal/session", {"token": asked["token"]}).status == 201


def test_expired_but_not_yet_deleted_it_makes_none(giving: World, asked: dict[str, str], site: Site, at_once: Entered) -> None:
    """To the second, by link and by code. DynamoDB deletes days late."""
    giving.advance(minutes=10)
    assert request_of(ANN)

    presses = [{"token": asked["token"]}, {"email": ANN, "code": asked["code"]}] * (AT_ONCE // 2)
    met = at_once([(another(site.cookies), press) for press in presses])

    assert met == [401] * AT_ONCE
    assert sessions_kept() == 0


def test_a_second_before_its_end_it_is_good(giving: World, asked: dict[str, str], site: Site) -> None:
    """Ten minutes are ten minutes."""
    giving.advance(minutes=9, seconds=59)

    assert site.post("/portal/session", {"token": asked["token"]}).status == 201


def test_link_and_code_at_once_are_one_sign_in(asked: dict[str, str], site: Site, at_once: Entered) -> None:
    """They are two ways through one door."""
    presses = [{"token": asked["token"]}, {"email": ANN, "code": asked["code"]}] * (AT_ONCE // 2)

    met = at_once([(another(site.cookies), press) for press in presses])

    assert sorted(met) == [201] + [401] * (AT_ONCE - 1)
    assert (sessions_kept(), request_of(ANN)) == (1, None)


def test_wrong_codes_at_once_are_counted_each(asked: dict[str, str], site: Site, at_once: Entered) -> None:
    """Eight guesses in the same instant are five; after them the right code is worth nothing either."""
    wrong = [f"{(int(asked['code'].replace(' ', '')) + nth) % 10**8:08d}" for nth in range(1, AT_ONCE + 1)]

    met = at_once([(another(), {"email": ANN, "code": code}) for code in wrong])

    assert met == [401] * AT_ONCE
    found = request_of(ANN)
    assert found
    assert found["tries"] == 5
    assert another().post("/portal/session", {"email": ANN, "code": asked["code"]}).status == 401
    assert sessions_kept() == 0


def test_whoever_guesses_codes_does_not_shut_out_the_browser_that_asked(asked: dict[str, str], site: Site) -> None:
    """Five wrong tries end the code. The link has 256 bits to guess, so it goes on working where it was asked for."""
    wrong = f"{(int(asked['code'].replace(' ', '')) + 1) % 10**8:08d}"
    for _ in range(5):
        another().post("/portal/session", {"email": ANN, "code": wrong})

    assert site.post("/portal/session", {"token": asked["token"]}).status == 201
