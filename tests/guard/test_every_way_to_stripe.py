"""Every call that can lead to Stripe is known, and limited before anything else happens."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import aws, keys, tokens
from chalicelib.gift_aid import store as gift_aid
from chalicelib.gift_aid.store import DeclarationRequest
from chalicelib.guard import counters, rate_limit
from chalicelib.guard.askers import Asker
from chalicelib.guard.rate_limit import LIMITS, Doing
from chalicelib.http import Caller
from chalicelib.portal import sessions
from chalicelib.processor import stripe_api
from local.standin.in_process import InProcess
from tests.giving_world import ANN, World
from tests.guard.in_memory import InMemory
from tests.guard.test_challenge import HERE
from tests.guard.test_form_token import wish
from tests.over_http import Answered, Site, token_of_a_person

Way = tuple[str, str]

MINE = "/portal/partnerships/{partnership_id}"
# Each way to Stripe, and what it is counted as.
WAYS: dict[Way, Doing] = {
    ("POST", "/gifts"): "gift",
    ("PATCH", MINE): "portal_change",
    ("POST", MINE): "portal_change",
    ("POST", f"{MINE}/pause"): "portal_change",
    ("POST", f"{MINE}/skip"): "portal_change",
    ("POST", f"{MINE}/resume"): "portal_change",
    ("POST", f"{MINE}/cancel"): "portal_change",
    ("POST", "/portal/payment-method"): "payment_page",
    ("POST", "/portal/erase"): "portal_change",
}
INPUT: dict[Way, Callable[[], dict[str, Any]]] = {
    ("POST", "/gifts"): lambda: wish(email=ANN),
    ("PATCH", MINE): lambda: {"amount": 30_00},
    ("POST", MINE): lambda: {"day": 5},
    ("POST", f"{MINE}/pause"): lambda: {"until": "2026-06-01"},
    ("POST", f"{MINE}/cancel"): lambda: {"reason": "cost"},
    ("POST", "/sign-ups"): lambda: {"email": ANN, "interests": ["stories"]},
    ("POST", "/sign-ups/confirm"): lambda: {"token": tokens.sign("confirm", keys.email_hash(ANN))},
    ("PUT", "/sign-ups/preferences"): lambda: {"token": _mail_token(), "interests": ["events"]},
    ("POST", "/sign-ups/preferences"): lambda: {"token": _mail_token(), "interests": ["stories"]},
    ("POST", "/sign-ups/unsubscribe"): lambda: {"token": _mail_token()},
    ("POST", "/portal/sign-in"): lambda: {"email": ANN},
    ("POST", "/portal/session"): lambda: {"email": ANN, "code": "12345678"},
    ("PATCH", "/portal/contact"): lambda: {"name": "Ann Lee"},
    ("POST", "/portal/contact"): lambda: {"phone": "5550100"},
    ("POST", "/portal/email"): lambda: {"new_email": "ann@new.example"},
    ("POST", "/portal/email/confirm"): lambda: {"code": "12345678"},
    ("POST", "/portal/email/undo"): lambda: {"token": "made-up"},
    ("POST", "/portal/other-address"): lambda: {"other_email": "ann@other.example"},
    ("POST", "/portal/other-address/confirm"): lambda: {"code": "12345678"},
    ("POST", "/portal/other-address/take-out"): lambda: {"other_email": "ann@other.example"},
    ("POST", "/portal/gift-aid"): lambda: {
        "first_name": "Ann", "last_name": "Lee", "house": "1", "postcode": "SW1A 1AA", "scope": "future", "taxpayer": "yes",
    },
    ("POST", "/portal/erase"): lambda: {"confirm": "erase"},
}
# What a made-up sender is refused, rightly: it has neither Stripe's signature nor the code or link from a mail, nor
# giving that was joined.
REFUSED = {
    ("POST", "/webhooks/stripe"): 400, ("POST", "/portal/session"): 401, ("POST", "/portal/email/confirm"): 400,
    ("POST", "/portal/email/undo"): 400, ("POST", "/portal/other-address/confirm"): 400,
    ("POST", "/portal/other-address/take-out"): 404,
}  # fmt: skip
# After these there is no monthly gift, and no session, to try the others with.
LAST = [("POST", f"{MINE}/cancel"), ("POST", "/portal/erase"), ("DELETE", "/portal/session"), ("POST", "/portal/sign-out")]


def _mail_token() -> str:
    return tokens.sign("preferences", keys.email_hash(ANN))


class Recording(InProcess):
    """The stand-in, and a list of what was asked of it."""

    def __init__(self, standin: Any) -> None:
        super().__init__(standin)
        self.asked: list[str] = []

    def request(self, method: str, url: str, *rest: Any) -> Any:
        self.asked.append(f"{method} {url}")
        return super().request(method, url, *rest)


@pytest.fixture
def stripe(giving: World) -> Recording:
    recording = Recording(giving.standin)
    stripe_api.set_transport(recording)
    return recording


@pytest.fixture
def ann(giving: World, stripe: Recording, site: Site) -> Site:
    """Signed in, with a monthly gift, a gift, a sign-up and a browser's cookie."""
    giving.give(25_00, "usd", "monthly")
    site.post("/sign-ups", {"email": ANN, "interests": ["stories"]})
    site.sign_in(giving, ANN)
    site.post("/gifts", wish())
    giving.advance(hours=1)
    site.sign_in(giving, ANN)
    stripe.asked.clear()
    return site


def send(site: Site, giving: World, way: Way) -> Answered:
    """A call that is in order, as one of our own pages makes it."""
    method, path = way
    names = {
        "partnership_id": giving.partnership().partnership_id, "gift_id": giving.gifts()[0].gift_id,
        "tax_year": "2026", "slug": "aftercare-in-uganda", "name": "style.css",
    }  # fmt: skip
    if "{session_id}" in path:
        names["session_id"] = another_session(giving)
    if "{declaration_id}" in path:
        names["declaration_id"] = a_declaration(giving)
    asks = {"/sign-ups/preferences": f"?token={_mail_token()}", "/sign-ups/unsubscribe": f"?token={_mail_token()}",
            "/thank-you": f"?gift={names['gift_id']}", "/form-token": f"?gift_id={'a' * 32}"}  # fmt: skip
    if method in {"GET", "OPTIONS"}:
        return site.request(method, path.format(**names) + asks.get(path, ""), headers={"Accept": "application/json"})
    body = INPUT.get(way, dict)()
    if path == f"{MINE}/skip":
        stands = giving.partnership()
        body = {"next_charge_on": str(stands.date_of(stands.next_charge_at))}
    sent = {**body, "form_token": form_token_of(body)} if path == "/gifts" else body
    return site.post(path.format(**names), sent, method=method)


def another_session(giving: World) -> str:
    """The id of a session of Ann's at a browser that is not the one that asks."""
    before = sessions.of_donor(giving.donor_id())
    sessions.begin(giving.donor_id(), Caller(HERE, "", {}))
    return next(each for each in sessions.of_donor(giving.donor_id()) if each not in before)


def a_declaration(giving: World) -> str:
    """The id of a Gift Aid declaration of Ann's that was never there before."""
    declared = DeclarationRequest("Ann", "Lee", secrets.token_hex(8), "SW1A 1AA", "future", "yes")
    gift_aid.declare((giving.donor_id(),), declared, HERE)
    return gift_aid.of_donor(giving.donor_id())[0].declaration_id


def form_token_of(gift: dict[str, Any]) -> str:
    return token_of_a_person(str(gift["gift_id"]))


def every_way() -> list[Way]:
    from app import app

    found = [(method, path) for path, methods in app.routes.items() for method in methods]
    return sorted(found, key=lambda way: (LAST.index(way) if way in LAST else -1, way[1], way[0]))


def test_these_calls_reach_stripe_and_no_other_does(giving: World, stripe: Recording, ann: Site) -> None:
    """
    Whoever adds a way to Stripe adds it to WAYS, and so to the tests below.

    Every call of the app is made, and succeeds: a refused one would show nothing.
    """
    reached = set()
    for way in every_way():
        if way not in LAST:
            giving.work()  # what an earlier call left to the workers is theirs, and not this one's
        stripe.asked.clear()
        answer = send(ann, giving, way)
        assert answer.status == REFUSED.get(way, answer.status if answer.status < 400 else 0), (way, answer.text)
        if stripe.asked:
            reached.add(way)

    assert reached == set(WAYS)


@contextmanager
def writes() -> Iterator[list[str]]:
    """What is written to AWS while this is open; the guard's counts, which have a client of their own, apart."""
    written: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if not model.name.startswith(("Get", "BatchGet", "Query")):
            written.append(model.name)

    events = [getattr(aws, name)().meta.events for name in ("dynamodb", "sqs", "s3", "ses")]
    for service in events:
        service.register("before-call", note, unique_id="writes")
    yield written
    for service in events:
        service.unregister("before-call", unique_id="writes")


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_one_count_that_is_full_refuses_before_any_side_effect(
    giving: World, stripe: Recording, ann: Site, memory: InMemory, way: Way
) -> None:
    """By address, mailbox, browser, session and donor, each alone: 429, when to come back, and nothing else done."""
    named = Asker(
        ip=HERE, email=ANN, donor=giving.donor_id(), session=ann.cookies["session"], browser=browser_of(ann)
    ).named()
    for full in (rate_limit.window(WAYS[way], who, named[who]) for doing, who in LIMITS if doing == WAYS[way]):
        only_this_is_full(full)
        with writes() as written:
            answer = send(ann, giving, way)

        assert (answer.status, answer.json["error"]["code"]) == (429, "too_many_requests"), full.who
        assert 0 < int(answer.headers["retry-after"]) <= 3_601
        assert (stripe.asked, written) == ([], []), full.who


def only_this_is_full(window: rate_limit.Window) -> None:
    counters.set_store(InMemory())
    for _ in range(window.most):
        counters.store().add(window.name, window.ends)


def browser_of(site: Site) -> str:
    return tokens.read("browser", site.cookies["browser"])


def test_each_way_is_limited_by_address_and_by_who_it_is() -> None:
    """A card is known only afterwards, from the webhook: it marks those who bring it (test_limits)."""
    by = {way: {who for doing, who in LIMITS if doing == counted_as} for way, counted_as in WAYS.items()}

    assert by.pop(("POST", "/gifts")) == {"ip", "browser", "email"}
    assert all(whos == {"ip", "session", "donor"} for whos in by.values())


@pytest.mark.parametrize("way", [("POST", "/gifts"), ("POST", "/portal/payment-method")], ids=str)
def test_a_plain_form_is_told_by_a_page_when_to_come_back(
    giving: World, stripe: Recording, ann: Site, memory: InMemory, way: Way
) -> None:
    """429 with Retry-After all the same; in words, rounded up, so that nobody comes back too early."""
    only_this_is_full(rate_limit.window(WAYS[way], "ip", Asker(ip=HERE).named()["ip"]))
    answer = ann.form(way[1], wish() if way[1] == "/gifts" else {})

    seconds = int(answer.headers["retry-after"])
    assert (answer.status, answer.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert f"try again in {-(-seconds // 60)} minutes" in answer.text
    assert stripe.asked == []


def test_an_amount_below_the_smallest_never_reaches_stripe(giving: World, stripe: Recording, ann: Site) -> None:
    """Card testers like to pay a dollar. The smallest gift is the charity's to say, once and monthly, new and changed."""
    partnership = giving.partnership().partnership_id
    answers = [
        ann.post("/gifts", wish(amount=4_99)),
        ann.post("/gifts", wish(amount=4_99, frequency="monthly")),
        ann.post(f"/portal/partnerships/{partnership}", {"amount": 4_99}, method="PATCH"),
    ]

    assert [(answer.status, answer.json["error"]["code"]) for answer in answers] == [(400, "amount_too_small")] * 3
    assert stripe.asked == []


@pytest.mark.usefixtures("down")
def test_without_counters_the_portal_s_ways_let_little_through(giving: World, ann: Site) -> None:
    """There is no challenge in the portal: each process counts for itself, five in ten minutes."""
    answers = [ann.post("/portal/payment-method") for _ in range(7)]

    assert [answer.status for answer in answers] == [201] * 5 + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 601


@pytest.mark.parametrize(
    ("path", "most"), [("/gifts", 20), ("/portal/sign-in", 20), ("/sign-ups", 20), ("/portal/session", 40)]
)
def test_no_header_that_a_caller_writes_makes_another_address(giving: World, path: str, most: int) -> None:
    """The gateway's word counts: not X-Forwarded-For, nor any of its kin."""
    wishes: dict[str, Callable[[int], dict[str, Any]]] = {
        "/gifts": lambda _: (gift := wish()) | {"form_token": form_token_of(gift)},
        "/portal/sign-in": lambda number: {"email": f"donor{number}@example.org"},
        "/sign-ups": lambda number: {"email": f"donor{number}@example.org", "interests": ["stories"]},
        "/portal/session": lambda number: {"email": f"donor{number}@example.org", "code": "12345678"},
    }
    statuses = [_claiming(path, wishes[path](number), f"10.0.0.{number}") for number in range(most + 1)]

    assert 429 not in statuses[:most]
    assert statuses[most] == 429


def _claiming(path: str, body: dict[str, Any], ip: str) -> int:
    claims = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP")
    headers = {"Content-Type": "application/json", "Origin": "http://127.0.0.1:8000"} | dict.fromkeys(claims, ip)
    site = Site()
    site.come_from("203.0.113.7")
    return site.request("POST", path, json.dumps(body).encode(), headers).status
