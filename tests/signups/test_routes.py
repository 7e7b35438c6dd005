"""Email sign-up: nobody is signed up by somebody else, and leaving is one click."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import keys
from chalicelib.signups import signup, store
from chalicelib.signups.signup import SignUp
from tests.giving_world import ANN, World
from tests.over_http import Site

WISH = {"email": ANN, "interests": ["stories", "events"], "name": "Ann", "source": "guatemala"}


def kept(email: str = ANN) -> SignUp:
    return store.find(keys.email_hash(email))


def links(giving: World) -> dict[str, str]:
    """The links in the newest mail, by the page they lead to."""
    found = re.findall(r"http://127\.0\.0\.1:8000(/[^\s\"<>]+)", giving.mails()[-1].html + giving.mails()[-1].headers.get("List-Unsubscribe", ""))
    return {urlsplit(path).path: path for path in found}


def token(giving: World, page: str) -> str:
    return links(giving)[page].split("token=")[1]


@pytest.fixture
def asked(giving: World, site: Site) -> Site:
    """Ann filled in the form; the mail is there."""
    assert site.post("/sign-ups", WISH).status == 202
    giving.work()
    return site


def test_nothing_takes_effect_before_the_mail_s_owner_confirms(giving: World, asked: Site) -> None:
    """One mail; a press on its page; then the interests hold."""
    assert (kept().status, kept().interests) == ("pending", ())

    answer = asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-up/confirm")})

    assert (answer.status, kept().status, kept().interests) == (200, "confirmed", ("stories", "events"))
    assert len(giving.mails()) == 1


def test_the_evidence_of_consent_is_kept(giving: World, asked: Site) -> None:
    """The wording shown, its version, when, and from where."""
    asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-up/confirm")})

    first, second = kept().consents

    assert (first.action, first.wording, first.version) == ("asked", signup.CONSENT_WORDING, signup.CONSENT_VERSION)
    assert (first.source, first.ip, first.at.isoformat()) == ("guatemala", "127.0.0.1", "2026-03-10T12:00:00+00:00")
    assert second.action == "confirmed"


def test_known_and_unknown_addresses_are_answered_alike(giving: World, asked: Site) -> None:
    """Nobody learns who is on the list."""
    asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-up/confirm")})

    known, unknown = asked.post("/sign-ups", WISH), asked.post("/sign-ups", {**WISH, "email": "new@example.org"})

    assert (known.status, known.text, known.headers) == (unknown.status, unknown.text, unknown.headers)


def test_the_form_sent_five_times_is_one_mail(giving: World, asked: Site) -> None:
    """A mailbox cannot be flooded through our form."""
    statuses = [asked.post("/sign-ups", WISH).status for _ in range(5)]
    giving.work()

    assert statuses == [202] * 4 + [429]
    assert len(giving.mails()) == 1


def test_reading_any_link_changes_nothing(giving: World, asked: Site) -> None:
    """Scanners read them all."""
    before = kept()
    for path in links(giving).values():
        for method in ("HEAD", "GET", "GET", "GET"):
            asked.request(method, path, headers={"Accept": "text/html"})

    assert kept() == before


def test_one_click_leaves(giving: World, asked: Site) -> None:
    """RFC 8058: a POST by the mail program, with nothing but the address in the header."""
    asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-up/confirm")})
    mail = giving.mails()[-1]
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = mail.headers["List-Unsubscribe"].strip("<>").replace("http://127.0.0.1:8000", "")

    for _ in range(2):
        answer = Site().request(
            "POST", path, b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status == 303

    assert (kept().status, kept().interests) == ("unsubscribed", ())


def test_after_leaving_a_new_wish_must_be_confirmed_again(giving: World, asked: Site) -> None:
    """Somebody else cannot sign a person up who has left."""
    asked.post("/sign-ups/unsubscribe", {"token": token(giving, "/sign-ups/unsubscribe")})
    giving.advance(hours=2)
    asked.post("/sign-ups", WISH)
    giving.work()

    assert (kept().status, kept().interests) == ("pending", ())


def test_preferences_are_read_and_chosen_by_the_token(giving: World, asked: Site) -> None:
    """Without signing in; the address is not shown whole, for the mail may have been forwarded."""
    asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-up/confirm")})
    leave = token(giving, "/sign-ups/unsubscribe")

    shown = asked.get(f"/sign-ups/preferences?token={leave}").json
    asked.post("/sign-ups/preferences", {"token": leave, "interests": ["opportunities"]}, "PUT")

    assert (shown["email_masked"], shown["interests"]) == ("a•••@example.org", ["stories", "events"])
    assert kept().interests == ("opportunities",)


@pytest.mark.parametrize("bad", ["", "x", "é", "a.b", "A" * 400])
def test_a_token_that_is_not_ours_does_nothing(giving: World, asked: Site, bad: str) -> None:
    """400 and no change."""
    before = kept()
    for path in ("/sign-ups/confirm", "/sign-ups/unsubscribe"):
        assert asked.post(path, {"token": bad}).status == 400
    assert asked.post("/sign-ups/preferences", {"token": bad, "interests": []}, "PUT").status == 400

    assert kept() == before


def test_a_token_is_good_for_its_own_purpose_only(giving: World, asked: Site) -> None:
    """The link in a forwarded newsletter cannot confirm."""
    assert asked.post("/sign-ups/confirm", {"token": token(giving, "/sign-ups/unsubscribe")}).status == 400


def test_a_confirmation_is_good_for_a_week(giving: World, asked: Site) -> None:
    """An old mail found later signs nobody up."""
    late = token(giving, "/sign-up/confirm")
    giving.advance(days=8)

    assert asked.post("/sign-ups/confirm", {"token": late}).json["error"]["code"] == "token_expired"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"), ({"interests": []}, "interests"), ({"interests": ["weather"]}, "interests"),
        ({"country": "usa"}, "country"), ({"name": "a\nb"}, "name"), ({"postal_code": "x" * 30}, "postal_code"),
        ({"name": "4242424242424242"}, "name"),
    ],
)  # fmt: skip
def test_a_bad_sign_up_is_refused_by_field(giving: World, site: Site, change: dict[str, Any], field: str) -> None:
    """And no mail is sent."""
    answer = site.post("/sign-ups", {**WISH, **change})
    giving.work()

    assert (answer.status, answer.json["error"]["field"]) == (400, field)
    assert giving.mails() == []


def test_a_plain_form_signs_up_too(giving: World, site: Site) -> None:
    """Boxes that are ticked come as the same name again and again."""
    answer = site.form("/sign-ups", {"email": ANN, "interests": ["stories", "opportunities"], "name": ""})
    giving.work()

    assert (answer.status, answer.headers["location"]) == (303, "/sign-up/thanks")
    assert kept().wanted == ("stories", "opportunities")


def test_a_form_filled_in_by_a_machine_signs_nobody_up(giving: World, site: Site) -> None:
    """People do not see the field `website`; the machine gets the same answer as a person."""
    answer = site.form("/sign-ups", {"email": ANN, "interests": ["stories"], "website": "https://spam.example"})
    giving.work()

    assert answer.status == 303
    assert giving.mails() == []
