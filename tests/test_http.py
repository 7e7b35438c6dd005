"""The edge: bad input is refused in one shape and writes nothing."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import aws, settings
from tests.giving_world import World
from tests.over_http import Site, token_of_a_person


def gift(**change: Any) -> dict[str, Any]:
    return {"gift_id": secrets.token_hex(16), "amount": 50_00, "currency": "usd", "frequency": "once", **change}


def stored() -> int:
    """How many items stand in the two tables that are kept."""
    given = settings.current()
    return sum(aws.dynamodb().scan(TableName=table, Limit=50)["Count"] for table in (given.giving_table, given.signups_table))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": -1}, "amount"), ({"amount": 0}, "amount"), ({"amount": 50.5}, "amount"), ({"amount": "5000"}, "amount"),
        ({"amount": "５０００"}, "amount"), ({"amount": True}, "amount"), ({"amount": None}, "amount"),
        ({"amount": 10**30}, "amount"), ({"amount": [1]}, "amount"), ({"amount": float("nan")}, "amount"),
        ({"amount": float("inf")}, "amount"), ({"currency": "xyz"}, "currency"), ({"currency": "dollars"}, "currency"),
        ({"currency": 840}, "currency"), ({"frequency": "daily"}, "frequency"), ({"email": "ann@"}, "email"),
        ({"email": "ann@example.org\r\nBcc: x@y.example"}, "email"), ({"name": "x" * 10_000}, "name"),
        ({"name": "a\x00b"}, "name"), ({"name": "a\x1b[31m"}, "name"), ({"name": "4242 4242 4242 4242"}, "name"),
        ({"tribute": {"kind": "in_memory", "name": "Ann", "note": "4242424242424242"}}, "note"),
        ({"tribute": {"kind": "in_spite", "name": "Ann"}}, "tribute"), ({"gift_id": "short"}, "gift_id"),
        ({"gift_id": "x" * 200}, "gift_id"), ({"fund": "yacht"}, "fund"), ({"source": {"a": 1}}, "source"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_bad_gift_is_refused_by_field_and_writes_nothing(giving: World, site: Site, change: dict[str, Any], field: str) -> None:
    """400, the one shape, the field named, no item written, nothing asked of Stripe."""
    answer = site.post("/gifts", gift(**change))

    assert (answer.status, answer.json["error"]["field"]) == (400, field)
    assert set(answer.json["error"]) == {"code", "message", "field"}
    assert (stored(), giving.standin.read(lambda world: len(world.all("checkout.session")))) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"amount":' * 1_000, b'{"x":' + b"[" * 10_000, b"\xff\xfe",
        b'{"gift_id":"\\ud800"}', b"x" * 20_000,
    ],
    ids=lambda body: repr(body[:16]),
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(giving: World, site: Site, body: bytes) -> None:
    """Deep nesting, half characters and noise: 400 and never 500."""
    answer = site.request("POST", "/gifts", body, {"Content-Type": "application/json"})

    assert answer.status == 400
    assert answer.json["error"]["code"]


def test_a_number_too_large_for_any_machine_names_its_field(giving: World, site: Site) -> None:
    """1e400 is no amount."""
    body = json.dumps(gift()).replace("5000", "1e400").encode()

    answer = site.request("POST", "/gifts", body, {"Content-Type": "application/json"})

    assert (answer.status, answer.json["error"]["field"]) == (400, "amount")


def test_a_missing_field_is_named(giving: World, site: Site) -> None:
    """So that the sender knows what to add."""
    wish = gift()
    del wish["currency"]

    answer = site.post("/gifts", wish)

    assert (answer.json["error"]["code"], answer.json["error"]["field"]) == ("missing", "currency")


def test_a_good_gift_is_201_and_again_the_same(giving: World, site: Site) -> None:
    """A retry is the same gift."""
    wish = gift(email="ann@example.org", cover_fees=True, source="guatemala")

    answers = [site.post("/gifts", wish) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert answers[0].json["checkout_url"].startswith("http")
    assert site.get(f"/gifts/{wish['gift_id']}").json == {
        "gift_id": wish["gift_id"], "state": "started", "amount": 51_81, "currency": "usd", "frequency": "once",
    }  # fmt: skip


def test_a_plain_form_is_sent_on_to_the_payment_page(giving: World, site: Site) -> None:
    """Without JavaScript: 303."""
    answer = site.form("/gifts", {**gift(amount="other"), "other_amount": "25.50", "tribute_kind": "none"})

    assert answer.status == 303
    assert "/c/pay/" in answer.headers["location"]
    assert giving.standin.read(lambda world: world.all("checkout.session"))[0]["amount_total"] == 25_50


def test_a_refused_form_comes_back_with_what_was_typed(giving: World, site: Site) -> None:
    """A mistake loses nothing."""
    answer = site.form("/gifts", {**gift(amount="other"), "other_amount": "1.005", "name": "Ann <Lee>"})

    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "1.005" in answer.text
    assert "Ann &lt;Lee&gt;" in answer.text


@pytest.mark.parametrize(("method", "path", "status", "code"), [("DELETE", "/gifts", 405, "method_not_allowed"), ("GET", "/gifts/" + "a" * 32, 404, "not_found"), ("GET", "/portal/gifts", 401, "not_signed_in")])
def test_every_refusal_has_the_one_shape(giving: World, site: Site, method: str, path: str, status: int, code: str) -> None:
    """Chalice's own refusals too."""
    answer = site.request(method, path)

    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_another_content_type_is_refused_in_our_shape(giving: World, site: Site) -> None:
    """415, not 500."""
    answer = site.request("POST", "/gifts", b"<gift/>", {"Content-Type": "text/xml"})

    assert (answer.status, answer.json["error"]["code"]) == (415, "media_type_not_supported")


def test_pages_and_data_carry_their_headers(giving: World, site: Site) -> None:
    """No inline script can run, nothing is sniffed, nothing private is cached."""
    page = site.get("/portal", accept="text/html")

    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("origin", "allowed"), [("https://www.opengate.example", True), ("https://evil.example", False)])
def test_only_the_charity_s_own_origins_may_call_from_a_browser(giving: World, site: Site, origin: str, allowed: bool) -> None:
    """Each origin by name, never `*`."""
    answer = site.request("OPTIONS", "/gifts", headers={"Origin": origin})

    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)


def test_too_many_gifts_from_one_address_are_stopped_before_stripe(giving: World, site: Site) -> None:
    """429 with Retry-After; what was counted reached nobody."""
    answers = [site.post("/gifts", gift()) for _ in range(21)]

    assert [answer.status for answer in answers] == [201] * 20 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3601
    assert giving.standin.read(lambda world: len(world.all("checkout.session"))) == 20


def test_the_form_of_a_program_is_read_like_json(giving: World, site: Site) -> None:
    """`amount` in minor units, as the call's description says."""
    wish = gift()

    answer = site.request(
        "POST", "/gifts", urlencode({**wish, "form_token": token_of_a_person(wish["gift_id"])}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status == 303
