"""Whoever knows an address cannot keep its donor out of a browser that the donor has used before."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import items
from chalicelib.errors import NotSignedIn
from chalicelib.http import Caller
from chalicelib.portal import known_browsers, sessions
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal.calls import everything, recorded

BOB = "bob@example.org"
WRONG = {"email": ANN, "code": "00000000"}


def stranger(number: int) -> Site:
    """A browser at an address of its own."""
    site = Site()
    site.come_from(f"203.0.{number}.9")
    return site


@pytest.fixture
def own(giving: World, site: Site) -> Site:
    """The browser in which Ann was signed in once. She is signed out, and hours have passed."""
    giving.give(50_00)
    site.sign_in(giving, ANN)
    site.form("/portal/sign-out", {})
    giving.advance(hours=3)
    return site


def ask(site: Site, email: str = ANN) -> int:
    return site.post("/portal/sign-in", {"email": email}).status


def in_mail(giving: World) -> dict[str, str]:
    text = giving.mails("Sign in")[-1].text
    return {"token": mailed.token(text), "code": mailed.code(text)}


def enter(site: Site, code: str) -> Answered:
    return site.post("/portal/session", {"email": ANN, "code": code})


def known() -> list[dict[str, Any]]:
    return [item for item in everything(items.passing()) if item["pk"].startswith("KNOWN#")]


def test_strangers_who_use_up_the_address_s_limit_do_not_keep_the_donor_out(giving: World, own: Site) -> None:
    """Five requests an hour and fifteen codes, from everywhere; the donor's own browser signs in all the same."""
    asked = [ask(stranger(number)) for number in range(8)]
    tried = [stranger(number).post("/portal/session", WRONG).status for number in range(20)]
    assert (asked[-1], tried[-1]) == (429, 429)
    assert ask(stranger(99)) == 429, "whoever is not known is bound by the address"

    assert ask(own) == 202
    giving.work()
    assert enter(own, in_mail(giving)["code"]).status == 201


def test_a_refused_stranger_is_told_what_can_be_done(giving: World, own: Site) -> None:
    """It may be the donor at another browser: at the form, without JavaScript too, and with when to try again."""
    for number in range(5):
        ask(stranger(number))
    page = stranger(9).form("/portal/sign-in", {"email": ANN})

    assert (page.status, "retry-after" in page.headers) == (429, True)
    assert "use a browser in which you have signed in before" in page.text
    assert f'value="{ANN}"' in page.text


def test_strangers_neither_end_nor_guess_away_what_the_donor_s_browser_waits_for(giving: World, own: Site) -> None:
    """Their requests end no link of it, and their wrong codes are counted apart."""
    assert ask(own) == 202
    giving.work()
    waits = in_mail(giving)
    for number in range(4):
        ask(stranger(number))
        giving.work()
    refused = [stranger(number).post("/portal/session", WRONG).status for number in range(6)]

    assert refused == [401] * 6
    assert len(giving.mails("Sign in")) == 2
    assert enter(stranger(50), waits["code"]).status == 401, "for strangers five wrong ones have ended it"
    assert enter(own, waits["code"]).status == 201


def test_five_wrong_codes_end_it_in_the_donor_s_browser_too(giving: World, own: Site) -> None:
    """It may stand in a library."""
    ask(own)
    giving.work()
    right = in_mail(giving)["code"]

    assert [own.post("/portal/session", WRONG).status for _ in range(5)] == [401] * 5
    assert enter(own, right).status == 401


def test_the_code_asked_for_there_signs_in_elsewhere(giving: World, own: Site) -> None:
    """As any code does: on the phone at which the mail is read."""
    ask(own)
    giving.work()

    assert enter(stranger(1), in_mail(giving)["code"]).status == 201


def test_a_code_asked_for_elsewhere_signs_in_there(giving: World, own: Site) -> None:
    """As in any browser: asked for on a new phone, typed at the laptop of all days."""
    ask(stranger(1))
    giving.work()

    assert enter(own, in_mail(giving)["code"]).status == 201


def test_five_wrong_codes_there_end_one_that_was_asked_for_elsewhere_too(giving: World, own: Site) -> None:
    """Its own tries are five, whoever asked."""
    ask(stranger(1))
    giving.work()

    assert [own.post("/portal/session", WRONG).status for _ in range(5)] == [401] * 5
    assert enter(own, in_mail(giving)["code"]).status == 401


def test_after_ten_minutes_a_stranger_s_request_stands_again(giving: World, own: Site) -> None:
    """It may be the donor, at another browser."""
    ask(own)
    giving.work()
    giving.advance(minutes=10, seconds=1)
    phone = stranger(1)
    ask(phone)
    giving.work()

    assert phone.post("/portal/session", {"token": in_mail(giving)["token"]}).status == 201


def test_it_is_counted_by_itself(giving: World, own: Site) -> None:
    """Whoever has the donor's browser does not fill the donor's mailbox with it either."""
    assert [ask(own) for _ in range(7)] == [202] * 5 + [429] * 2
    assert ask(stranger(1)) == 202


def test_it_is_known_for_its_own_address_only(giving: World, own: Site) -> None:
    """Else one donor's cookie would open every other's limit."""
    giving.give(10_00, email=BOB)
    for number in range(5):
        ask(stranger(number), BOB)

    assert ask(own, BOB) == 429
    assert ask(own, ANN.upper()) == 202


@pytest.mark.parametrize("made_up", ["", "x", "0" * 75, "ü" * 75])
def test_a_cookie_cannot_be_made_up(giving: World, own: Site, made_up: str) -> None:
    """What is not ours counts as a stranger's."""
    for number in range(5):
        ask(stranger(number))
    own.cookies["known"] = made_up

    assert ask(own) == 429


def test_what_is_read_tells_nothing_about_the_address(giving: World, own: Site) -> None:
    """With the cookie too: the same answer after the same calls for a donor and for nobody."""
    met = []
    for email in (BOB, "nobody@example.org"):
        if email == BOB:
            giving.give(10_00, email=BOB)
        with recorded() as asked:
            answer = own.post("/portal/sign-in", {"email": email})
        met.append((answer.status, answer.text, [sorted(params) for params in asked]))

    assert met[0] == met[1]


def test_only_a_hash_is_kept_and_the_cookie_is_new_each_time(giving: World, own: Site) -> None:
    """What was copied from the browser before is worth nothing after its next sign-in."""
    before = own.cookies["known"]
    assert before not in str(everything(items.passing()))
    own.sign_in(giving, ANN)

    assert own.cookies["known"] != before
    assert len(known()) == 1


def test_it_is_not_known_for_ever(giving: World, own: Site) -> None:
    """Whether or not the table has forgotten it."""
    giving.advance(days=401)
    for number in range(5):
        ask(stranger(number))

    assert ask(own) == 429


def test_signing_out_everywhere_else_forgets_the_others(giving: World, own: Site) -> None:
    """A lost laptop is a stranger again; the browser at hand stays known."""
    lost = Site()
    lost.sign_in(giving, ANN)
    own.sign_in(giving, ANN)
    assert len(known()) == 2
    own.post("/portal/sessions/end-others")

    assert [item["sk"] for item in known()] == [known_browsers._key(own.cookies["known"])["sk"]]


def test_nothing_is_left_of_an_erased_donor(giving: World, own: Site) -> None:
    """Neither by the erasure nor by a sign-in that is under way."""
    own.sign_in(giving, ANN)
    donor_id = giving.donor_id()
    own.post("/portal/erase", {"confirm": "erase"})
    giving.work()
    _, writes = known_browsers.remember(donor_id, "hash", Caller("", "", {}))
    with pytest.raises(NotSignedIn):
        sessions.begin(donor_id, Caller("", "", {}), writes)

    assert known() == []
