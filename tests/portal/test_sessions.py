"""Sessions: listed, ended, rotated, and what a form needs to change anything in one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import aws, items
from chalicelib.errors import NotSignedIn
from chalicelib.http import Caller
from chalicelib.http.caller import OWN_FORM_FIELD
from chalicelib.portal import devices, sessions
from tests.giving_world import ANN, World
from tests.over_http import OWN, Site
from tests.portal.calls import LEAVING, OPEN, PortalCall, least, portal_calls

BOB = "bob@example.org"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", "Origin": OWN}

SignIn = Callable[..., Site]


@pytest.fixture
def sign_in(giving: World) -> SignIn:
    """Somebody who has given signs in at a browser of their own: `phone = sign_in(ANN, IPHONE)`."""

    def at_a_browser(email: str = ANN, agent: str = FIREFOX) -> Site:
        if not giving.mails("Sign in"):
            giving.give(50_00)
            giving.give(50_00, email=BOB)
        browser = Site()
        browser.agent = agent
        browser.sign_in(giving, email)
        return browser

    return at_a_browser


def listed(site: Site) -> list[dict[str, Any]]:
    found = site.get("/portal/sessions")
    assert found.status == 200, found.text
    return list(found.json["sessions"])


def caller(site: Site, origin: str = OWN) -> Caller:
    return Caller("127.0.0.1", origin, site.cookies)


def kept_sessions() -> list[dict[str, Any]]:
    found = aws.dynamodb().scan(TableName=items.passing(), Limit=200)["Items"]
    return [items.unmarshal(each) for each in found if each["pk"]["S"].startswith("SESSIONS#")]


def test_a_donor_sees_where_they_are_signed_in(giving: World, sign_in: SignIn) -> None:
    """Each browser by a coarse name, when it began and was last seen, this one first and marked; nobody else's."""
    laptop = sign_in()
    giving.advance(minutes=5)
    phone = sign_in(agent=IPHONE)
    sign_in(BOB)
    giving.advance(minutes=2)

    found = listed(phone)

    assert [(each["device"], each["began_at"], each["seen_at"], each["this"]) for each in found] == [
        ("Safari on iPhone", "2026-03-10T12:05:00Z", "2026-03-10T12:07:00Z", True),
        ("Firefox on Linux", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z", False),
    ]
    assert [each["this"] for each in listed(laptop)] == [True, False]


def test_one_other_browser_is_signed_out(sign_in: SignIn) -> None:
    """At once, and only that one."""
    laptop, phone, tablet = sign_in(), sign_in(), sign_in()
    of_phone = sessions.id_of(caller(phone))

    assert laptop.post(f"/portal/sessions/{of_phone}", method="DELETE").json == {"ended": 1}

    assert [each.get("/portal/gifts").status for each in (laptop, phone, tablet)] == [200, 401, 200]
    assert laptop.post(f"/portal/sessions/{of_phone}", method="DELETE").status == 404


def test_all_the_others_are_signed_out(sign_in: SignIn) -> None:
    """But not this one, and no other donor."""
    laptop, phone, tablet, bob = sign_in(), sign_in(), sign_in(), sign_in(BOB)

    assert laptop.post("/portal/sessions/end-others").json == {"ended": 2}

    assert [each.get("/portal/gifts").status for each in (laptop, phone, tablet, bob)] == [200, 401, 401, 200]
    assert laptop.post("/portal/sessions/end-others").json == {"ended": 0}


def test_sessions_are_ended_by_plain_forms_too(giving: World, sign_in: SignIn) -> None:
    """Without JavaScript: the page's own forms, sent as they stand in it."""
    laptop, phone, tablet = sign_in(), sign_in(), sign_in()
    page = laptop.get("/portal/sessions", accept="text/html").text
    actions = re.findall(r'<form action="(/portal/sessions/[^"]+)" method="post"><input type="hidden" name="own_form" value="(\w+)">', page)
    assert len(actions) == 3
    of_tablet = sessions.id_of(caller(tablet))

    for path, token in [each for each in actions if of_tablet in each[0]] + [each for each in actions if "others" in each[0]]:
        ended = laptop.request("POST", path, f"{OWN_FORM_FIELD}={token}".encode(), FORM)
        assert (ended.status, ended.headers["location"]) == (303, "/portal/sessions")
        assert "It is ended" in laptop.get("/portal/sessions", "text/html").text

    assert [each.get("/portal/gifts").status for each in (laptop, phone, tablet)] == [200, 401, 401]


def test_ending_this_one_is_signing_out(giving: World, sign_in: SignIn) -> None:
    """However long ago the sign-in was: leaving is never made hard."""
    laptop = sign_in()
    giving.advance(minutes=29)
    path = f"/portal/sessions/{sessions.id_of(caller(laptop))}/end"

    left = laptop.form(path, {})

    assert (left.status, left.headers["location"]) == (303, "/portal")
    assert laptop.cookies.keys() == {"known"}, "which opens nothing, and is to outlast the session: 0025"
    assert kept_sessions() == []


def test_another_s_browser_is_not_ended_by_whoever_found_this_one_open(giving: World, sign_in: SignIn) -> None:
    """OWASP ASVS 5.0, V7.5.2: only after a sign-in of the last 10 minutes. A page leads there; a program is told."""
    phone, laptop = sign_in(), sign_in()
    giving.advance(minutes=10)
    path = f"/portal/sessions/{sessions.id_of(caller(phone))}"

    refused = [laptop.post(path, method="DELETE"), laptop.post("/portal/sessions/end-others")]
    led = [laptop.form(f"{path}/end", {}), laptop.form("/portal/sessions/end-others", {})]

    assert [(each.status, each.json["error"]["code"]) for each in refused] == [(401, "sign_in_again")] * 2
    assert [(each.status, each.headers["location"]) for each in led] == [(303, "/portal/sign-in?again=yes")] * 2
    assert "Sign in once more" in laptop.get("/portal/sign-in?again=yes", accept="text/html").text
    assert phone.get("/portal/gifts").status == 200

    laptop.sign_in(giving, ANN)
    assert laptop.post("/portal/sessions/end-others").json == {"ended": 1}


def test_a_change_that_matters_most_wants_a_sign_in_of_the_last_ten_minutes(giving: World, sign_in: SignIn) -> None:
    """To the second; and, like any change, an Origin of ours and a form of this session."""
    laptop = sign_in()
    donor_id = giving.donor_id()
    giving.advance(minutes=9, seconds=59)
    assert sessions.donor_recently(caller(laptop)) == donor_id

    giving.advance(seconds=1)
    with pytest.raises(NotSignedIn) as refused:
        sessions.donor_recently(caller(laptop))
    assert (refused.value.status, refused.value.code) == (401, "sign_in_again")
    assert sessions.donor_changing(caller(laptop)) == donor_id


def test_a_sign_in_gives_this_browser_a_new_session_and_ends_the_old(giving: World, sign_in: SignIn) -> None:
    """What was planted or copied before a sign-in is worth nothing after it."""
    laptop = sign_in()
    before = dict(laptop.cookies)
    laptop.sign_in(giving, ANN)
    after, laptop.cookies = dict(laptop.cookies), before

    assert before != after
    assert laptop.get("/portal/gifts").status == 401
    assert len(kept_sessions()) == 1


def test_a_cookie_that_we_did_not_give_opens_nothing_and_is_not_taken_over(giving: World) -> None:
    """Session fixation: the sign-in sets one of its own. A cookie that cannot be ours is looked up nowhere."""
    giving.give(50_00)
    for planted in ("x" * 75, "0" * 32 + "A" * 43, "a" * 5_000, "é" * 75, "0" * 31 + "#" + "A" * 43):
        browser = Site()
        browser.cookies["session"] = planted
        assert browser.get("/portal/gifts").status == 401
    browser.sign_in(giving, ANN)

    assert browser.cookies["session"] != planted
    assert len(kept_sessions()) == 1


def test_what_is_over_is_neither_listed_nor_brought_back(giving: World, sign_in: SignIn) -> None:
    """DynamoDB deletes days late, so the list asks the clock; and ending takes away what is over as well."""
    laptop, phone = sign_in(), sign_in()
    giving.advance(minutes=30)
    tablet = sign_in()

    assert len(kept_sessions()) == 3
    assert len(listed(tablet)) == 1
    assert [each.get("/portal/sessions").status for each in (laptop, phone)] == [401, 401]
    assert sessions.end_all(giving.donor_id()) == 3
    assert kept_sessions() == []
    assert tablet.get("/portal/gifts").status == 401


def test_a_session_in_use_never_outlasts_its_twelve_hours(giving: World, sign_in: SignIn) -> None:
    """What the table is told of its end is the earlier of both ends."""
    laptop = sign_in()
    began = kept_sessions()[0]["began"]
    for _ in range(28):
        giving.advance(minutes=25)
        laptop.get("/portal/gifts")
    assert laptop.get("/portal/gifts").status == 200

    assert kept_sessions()[0]["expires_at"] == began + 12 * 3600


def test_what_is_kept_of_a_session_is_little(giving: World, sign_in: SignIn) -> None:
    """A hash, a coarse name and three moments: no user agent, no IP address, no token."""
    laptop = sign_in()
    (kept,) = kept_sessions()

    assert set(kept) == {"pk", "sk", "donor_id", "began", "seen", "expires_at", "device"}
    assert laptop.cookies["session"] not in str(kept)
    assert kept["donor_id"] not in laptop.cookies["session"]


@pytest.mark.parametrize(
    ("agent", "called"),
    [
        (FIREFOX, "Firefox on Linux"), (IPHONE, "Safari on iPhone"), ("", "Unknown device"), ("curl/8.5", "Unknown device"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", "Safari on Mac"),
        ("<script>Firefox/1</script>", "Firefox"), ("Something on Windows", "A browser on Windows"),
    ],
)  # fmt: skip
def test_a_browser_is_called_what_people_call_it(agent: str, called: str) -> None:
    """In words of ours only: what a caller says of itself is neither kept nor shown."""
    assert devices.name(agent) == called


def form_calls() -> list[PortalCall]:
    """Every call of the portal that takes a plain form and needs a session."""
    from app import app

    calls = [call for call in portal_calls() if (call.method, call.path) not in OPEN - LEAVING]
    return [call for call in calls if FORM["Content-Type"] in app.routes[call.path][call.method].content_types]


def test_every_form_of_the_portal_wants_the_token_of_this_session(giving: World, sign_in: SignIn) -> None:
    """Third behind SameSite and Origin. Without, or with that of another session or donor: 403, and nothing happens."""
    laptop, phone, bob = sign_in(), sign_in(), sign_in(BOB)
    other = [re.findall(r'name="own_form" value="(\w+)"', each.get("/portal/sessions", accept="text/html").text)[0] for each in (phone, bob)]
    found = form_calls()
    assert len(found) >= 8

    for call in found:
        path, fields = re.sub(r"{\w+}", "a" * 32, call.path), least(call.takes)
        for token in ({}, *({OWN_FORM_FIELD: each} for each in ("", "0" * 64, *other))):
            refused = laptop.request(call.method, path, urlencode({**fields, **token}).encode(), FORM)
            assert refused.status == 403, (path, token, refused.text)
    assert len(kept_sessions()) == 3


def test_every_form_on_every_page_of_the_portal_carries_its_token(giving: World, sign_in: SignIn) -> None:
    """So that no page can be built whose button is refused."""
    from app import app

    laptop = sign_in()
    giving.give(25_00, "usd", "monthly")
    pages = [path for path, methods in app.routes.items() if path.startswith("/portal") and "{" not in path and "GET" in methods]

    forms = []
    for path in pages:
        page = laptop.get(path, accept="text/html")
        forms += re.findall(r'<form[^>]*action="/portal[^>]*method="post"[^>]*>(.{40})', page.text, re.DOTALL)

    assert len(forms) >= len(pages)
    assert {form[:35] for form in forms} == {'<input type="hidden" name="own_form'}
