"""Signing in: what travels, what is kept, and what nobody learns from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest

from chalicelib import items, settings
from chalicelib.mail import errands
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import everything, portal_calls, recorded

NOBODY = "nobody@example.org"
HTTPS = "https://give.example.org"


def read_mail(giving: World) -> tuple[str, str]:
    """The token of the link and the code in the newest mail."""
    text = giving.mails("Sign in")[-1].text
    return mailed.token(text), mailed.code(text)


@pytest.fixture
def secure(giving: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site as it is in production, on https."""
    monkeypatch.setenv("SITE_URL", HTTPS)
    settings.current.cache_clear()
    yield Site()
    settings.current.cache_clear()


def set_cookies(answer_headers: list[str]) -> dict[str, set[str]]:
    """Each cookie's attributes, by its name."""
    return {line.partition("=")[0]: {part.strip() for part in line.split(";")[1:]} for line in answer_headers}


def test_on_https_every_cookie_of_the_portal_is_a_host_cookie(giving: World, secure: Site) -> None:
    """RFC 6265bis: for this host alone, over https alone, out of scripts' reach, not sent along by other sites' forms."""
    giving.give(50_00)
    lines: list[str] = []
    keep = secure._keep
    secure._keep = lambda line: (lines.append(line), keep(line))[1]  # type: ignore[method-assign,func-returns-value]
    secure.post("/portal/sign-in", {"email": ANN}, origin=HTTPS)
    giving.work()
    token, _ = read_mail(giving)
    assert secure.post("/portal/session", {"token": token}, origin=HTTPS).status == 201

    found = set_cookies([line for line in lines if "Max-Age=0" not in line])
    assert found.keys() == {"__Host-asking", "__Host-session", "__Host-known"}
    assert {len(attributes) for attributes in found.values()} == {5}
    for attributes in found.values():
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} < attributes


def test_on_https_a_cookie_without_the_prefix_is_not_looked_at(giving: World, secure: Site) -> None:
    """A neighbouring subdomain can set a plain cookie for the whole domain; it cannot set a `__Host-` one."""
    giving.give(50_00)
    secure.post("/portal/sign-in", {"email": ANN}, origin=HTTPS)
    giving.work()
    secure.post("/portal/session", {"token": read_mail(giving)[0]}, origin=HTTPS)
    assert secure.get("/portal/gifts").status == 200

    secure.cookies = {"session": secure.cookies["__Host-session"]}
    assert secure.get("/portal/gifts").status == 401


def test_the_link_carries_256_bits_in_its_fragment_and_only_hashes_are_kept(giving: World, site: Site) -> None:
    """A fragment is never sent to a server, so it stands in no log. The code has few digits, so its hash is keyed."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    token, code = read_mail(giving)
    link = re.findall(r"http\S+/portal/enter\S*", giving.mails("Sign in")[-1].text)[0]
    kept = str(everything(items.passing()))

    assert link == f"http://127.0.0.1:8000/portal/enter#token={token}"
    assert len(token.partition(".")[2]) == 43  # 32 bytes in base64
    digits = code.replace(" ", "")
    assert re.fullmatch(r"\d{8}", digits)
    for secret in (token.partition(".")[2], site.cookies["asking"], digits, ANN):
        assert secret not in kept
    assert not any(hashlib.sha256(each.encode()).hexdigest() in kept for each in (digits, code))


def test_for_an_unknown_address_nothing_is_made(giving: World, site: Site) -> None:
    """Neither by the page nor by the worker: what is kept is the guard's counts, as for everybody."""
    site.post("/portal/sign-in", {"email": NOBODY})
    giving.work()

    assert everything(items.giving()) == everything(items.signups()) == []
    assert {item["pk"].split("#")[0] for item in everything(items.passing())} == {"COUNT"}
    assert giving.mails() == []


def test_a_wrong_code_tells_nothing_about_the_address(giving: World, site: Site) -> None:
    """Known and asked, known and not asked, unknown: the same answer after the same calls."""
    giving.give(50_00)
    giving.give(50_00, email="bob@example.org")
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    wrong = "00000000" if read_mail(giving)[1] != "0000 0000" else "11111111"

    met = []
    for email in (ANN, "bob@example.org", NOBODY):
        with recorded() as asked:
            answer = Site().post("/portal/session", {"email": email, "code": wrong})
        met.append((answer.status, answer.text, sorted(answer.headers), [sorted(params) for params in asked]))

    assert met[0] == met[1] == met[2]
    assert met[0][0] == 401


def test_a_wrong_code_is_told_at_the_form(giving: World, site: Site) -> None:
    """Without JavaScript: the page again, with what is wrong at its field, and not a silent way back to the start."""
    answer = site.form("/portal/session", {"email": ANN, "code": "1234 5678"})

    assert (answer.status, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "This code does not sign you in." in answer.text
    assert f'value="{ANN}"' in answer.text
    assert re.search(r'<input id="code"[^>]*aria-invalid="true"[^>]*aria-describedby="[^"]*code-fault"', answer.text)


def test_an_errand_that_comes_again_neither_mends_nor_spoils_a_link(giving: World, site: Site) -> None:
    """The queue delivers at least once: a second delivery after the mail leaves the request as it is, used or not."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    (errand,) = giving.cloud.backlog(settings.current().mail_queue).visible
    giving.work()
    token, _ = read_mail(giving)
    errands.run(errand)
    assert site.post("/portal/session", {"token": token}).status == 201
    errands.run(errand)

    assert site.post("/portal/session", {"token": token}).status == 401
    assert len(giving.mails("Sign in")) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8001"])
def test_another_site_cannot_sign_a_visitor_in(giving: World, site: Site, origin: str) -> None:
    """Else a donor could be brought to give their address into a stranger's account."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    token, code = read_mail(giving)

    refused = [
        site.post("/portal/sign-in", {"email": ANN}, origin=origin),
        site.post("/portal/session", {"token": token}, origin=origin),
        site.form("/portal/session", {"email": ANN, "code": code}, origin=origin),
    ]

    assert [answer.status for answer in refused] == [403] * 3
    assert site.post("/portal/session", {"token": token}).status == 201


def test_every_answer_of_the_portal_is_kept_by_nobody_and_tells_nobody(giving: World, site: Site) -> None:
    """
    Pages, data, ways on and refusals, signed in and not.

    `same-origin` and not `no-referrer`, with which browsers would send our own forms as from `null`.
    """
    giving.give(50_00)
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    calls = [call for call in portal_calls() if (call.method, call.path) not in {("DELETE", "/portal/session"), ("POST", "/portal/sign-out")}]

    met = [call.send(who, giving.gifts()[0].gift_id, accept=accept) for call in calls for who in (Site(), site) for accept in ("text/html", "application/json")]

    assert {answer.status for answer in met} >= {200, 303, 400, 401, 404}
    for answer in met:
        assert answer.headers["cache-control"] == "no-store", answer
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        if answer.headers.get("content-type", "").startswith("text/html"):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'; style-src 'self'; script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert "base-uri 'none'" in policy
