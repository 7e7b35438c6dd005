"""The donor portal over HTTP: who gets in, and what they see of whom."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib import aws, items
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Site

BOB = "bob@example.org"


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Ann has given once and monthly, and is signed in."""
    giving.give(50_00)
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def code_of(giving: World) -> str:
    return mailed.code(giving.mails("Sign in")[-1].text)


def test_the_link_signs_in_once_and_only_where_it_was_asked_for(giving: World, site: Site) -> None:
    """A forwarded or scanned link is of no use to its finder, and does not spoil it for its owner."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    token = mailed.token(giving.mails("Sign in")[0].text)

    assert Site().post("/portal/session", {"token": token}).status == 401
    assert site.post("/portal/session", {"token": token}).status == 201
    assert site.post("/portal/session", {"token": token}).status == 401
    assert site.get("/portal/gifts").status == 200


def test_the_code_signs_in_any_browser_once(giving: World, site: Site) -> None:
    """For the phone in the other hand."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    other = Site()

    assert other.post("/portal/session", {"email": "Ann@Example.org", "code": code_of(giving)}).status == 201
    assert Site().post("/portal/session", {"email": ANN, "code": code_of(giving)}).status == 401


def test_five_wrong_codes_end_the_request(giving: World, site: Site) -> None:
    """The right one comes too late."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    right = code_of(giving)
    wrong = "00000000" if right.replace(" ", "") != "00000000" else "11111111"

    assert [site.post("/portal/session", {"email": ANN, "code": wrong}).status for _ in range(5)] == [401] * 5
    assert site.post("/portal/session", {"email": ANN, "code": right}).status == 401


def test_a_new_request_ends_the_one_before(giving: World, site: Site) -> None:
    """Only the newest mail opens the door."""
    giving.give(50_00)
    for _ in range(2):
        site.post("/portal/sign-in", {"email": ANN})
        giving.work()
    first, second = (mailed.token(mail.text) for mail in giving.mails("Sign in"))

    assert site.post("/portal/session", {"token": first}).status == 401
    assert site.post("/portal/session", {"token": second}).status == 201


def test_after_ten_minutes_it_is_too_late(giving: World, site: Site) -> None:
    """Expired is expired, whether or not the table has already forgotten it."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    giving.advance(minutes=10)

    assert site.post("/portal/session", {"email": ANN, "code": code_of(giving)}).status == 401


def test_known_and_unknown_addresses_meet_the_same(giving: World, site: Site) -> None:
    """Same status, body, headers and calls; only the mailbox knows the difference."""
    giving.give(50_00)
    met = []
    for email in (ANN, "nobody@example.org"):
        calls = []
        events = aws.sqs().meta.events, aws.dynamodb().meta.events
        for service in events:
            service.register("before-call", lambda model, calls=calls, **_: calls.append(model.name), unique_id="count")
        answer = site.post("/portal/sign-in", {"email": email})
        for service in events:
            service.unregister("before-call", unique_id="count")
        met.append((answer.status, answer.text, sorted(answer.headers), calls))
    giving.work()

    assert met[0] == met[1]
    assert met[0][0] == 202
    assert [mail.to for mail in giving.mails("Sign in")] == [ANN]


def test_reading_a_link_changes_nothing(giving: World, site: Site) -> None:
    """Mail scanners read every link, some three times."""
    giving.give(50_00)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()
    token = mailed.token(giving.mails("Sign in")[0].text)

    for method in ("HEAD", "GET", "GET", "GET"):
        Site().request(method, "/portal/enter", headers={"Accept": "text/html"})

    assert site.post("/portal/session", {"token": token}).status == 201


def test_the_history_shows_gifts_newest_first(ann: Site) -> None:
    """With what was kept of each."""
    gifts = ann.get("/portal/gifts").json["gifts"]

    assert [(gift["amount"], gift["frequency"], gift["state"]) for gift in gifts] == [
        (25_00, "monthly", "paid"), (50_00, "once", "paid"),
    ] or {gift["amount"] for gift in gifts} == {25_00, 50_00}  # fmt: skip


def test_the_history_comes_in_pages_and_by_year(giving: World, site: Site) -> None:
    """Each gift once, whatever the size of a page."""
    giving.give(10_00)
    known = ledger.facts_at(ledger.place_of(giving.charge_of(giving.gifts()[0].gift_id)))[0]
    for nth in range(22):
        at = known.at + timedelta(minutes=nth)
        about = replace(known.payment.about, gift_id=f"{nth:032}")
        payment = replace(known.payment, about=about)
        ledger.record(giving.donor_id(), [Fact("payment", f"ch_{nth}", f"ch_{nth}", at, at, known.money, f"txn_{nth}", payment)])
    site.sign_in(giving, ANN)

    first = site.get("/portal/gifts").json
    second = site.get(f"/portal/gifts?cursor={first['next'].replace('#', '%23')}").json

    ids = [gift["gift_id"] for gift in first["gifts"] + second["gifts"]]
    assert (len(first["gifts"]), len(ids), len(set(ids)), second["next"]) == (20, 23, 23, None)
    of_year = site.get("/portal/gifts?year=2026").json
    assert of_year["totals"] == [{"currency": "usd", "kept": 230_00}]
    assert site.get("/portal/gifts?year=2025").json["gifts"] == []


@pytest.mark.parametrize("query", ["year=abc", "year=٢٠٢٦", "year=99999999", "cursor=PROFILE", "year=" + "9" * 600])
def test_a_query_that_cannot_be_is_refused(ann: Site, query: str) -> None:
    """400, never 500, and never another kind of item."""
    from urllib.parse import quote

    name, _, value = query.partition("=")
    assert ann.get(f"/portal/gifts?{name}={quote(value)}").status == 400


def test_a_receipt_and_a_statement_are_short_lived_links(giving: World, ann: Site) -> None:
    """303 to S3, for five minutes."""
    gift_id = giving.gifts()[0].gift_id

    for path in (f"/portal/gifts/{gift_id}/receipt", "/portal/statements/2026"):
        answer = ann.get(path)
        assert answer.status == 303
        assert "X-Amz-Expires=300" in answer.headers["location"]


def test_what_is_another_donor_s_is_not_there(giving: World, ann: Site) -> None:
    """404, as if it did not exist."""
    gift_id, partnership = giving.gifts()[0].gift_id, giving.partnership().partnership_id
    giving.give(10_00, email=BOB)
    bob = Site()
    bob.sign_in(giving, BOB)

    asked = [
        bob.get(f"/portal/gifts/{gift_id}/receipt"),
        bob.get("/portal/statements/2025"),
        bob.post(f"/portal/partnerships/{partnership}", {"amount": 40_00}, "PATCH"),
        bob.post(f"/portal/partnerships/{partnership}/pause", {"until": "2026-09-01"}),
        bob.post(f"/portal/partnerships/{partnership}/skip", {"next_charge_on": "2026-04-10"}),
        bob.post(f"/portal/partnerships/{partnership}/resume"),
        bob.post(f"/portal/partnerships/{partnership}/cancel"),
    ]

    assert [answer.status for answer in asked] == [404] * 7
    assert bob.get("/portal/partnerships").json["partnerships"] == []
    assert giving.partnership().state == "active"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/portal/contact", {"name": "Eve"}), ("POST", "/portal/partnerships/sub_1/cancel", {}),
        ("POST", "/portal/payment-method", {}), ("DELETE", "/portal/session", {}),
    ],
)  # fmt: skip
def test_changes_come_from_our_own_pages_only(ann: Site, method: str, path: str, body: dict[str, Any]) -> None:
    """Another site's page cannot act under the donor's hands, nor one that hides where it is from."""
    for origin in ("https://evil.example", "http://127.0.0.1:8001", "null", ""):
        assert ann.post(path, body, method, origin).status == 403


def test_signing_out_ends_the_session(ann: Site) -> None:
    """The old cookie opens nothing any more."""
    cookies = dict(ann.cookies)
    assert ann.post("/portal/session", method="DELETE").status == 200
    ann.cookies = cookies

    assert ann.get("/portal/gifts").status == 401


def test_half_an_hour_of_silence_and_twelve_hours_in_all_end_it(giving: World, ann: Site) -> None:
    """Also while the table still has it."""
    for _ in range(28):
        giving.advance(minutes=25)
        assert ann.get("/portal/contact").status == 200
    giving.advance(minutes=25)
    assert ann.get("/portal/contact").status == 401

    again = Site()
    again.sign_in(giving, ANN)
    giving.advance(minutes=30)
    assert again.get("/portal/contact").status == 401


def test_contact_info_is_the_donor_s_to_change(ann: Site) -> None:
    """What is not named stays."""
    address = {"line1": "1 Main St", "city": "Springfield", "region": "NY", "postal_code": "00000", "country": "US"}
    ann.post("/portal/contact", {"address": address, "phone": "+1 555 0100"}, "PATCH")

    contact = ann.post("/portal/contact", {"name": "Ann B. Lee"}, "PATCH").json

    assert (contact["name"], contact["phone"], contact["email"]) == ("Ann B. Lee", "+1 555 0100", ANN)
    assert contact["address"]["line1"] == "1 Main St"


def test_an_address_is_replaced_whole_and_trimmed(ann: Site) -> None:
    """The flat of the old house is not one of the new; and what is kept of a blank is nothing."""
    old = {"line1": "1 Main St", "line2": "Flat 2", "city": "Springfield", "region": "NY", "postal_code": "00000", "country": "US"}
    ann.post("/portal/contact", {"address": old}, "PATCH")

    new = {"line1": " 5 Elm Street ", "city": " ", "postal_code": "K1A 0A1", "country": "CA"}
    stands = ann.post("/portal/contact", {"address": new}, "PATCH").json["address"]

    assert stands == {"line1": "5 Elm Street", "line2": "", "city": "", "region": "", "postal_code": "K1A 0A1", "country": "CA"}


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": "x" * 200}, "name"), ({"phone": "call me"}, "phone"), ({"address": {"country": "USA"}}, "address"), ({"name": "a\nb"}, "name"), ({"language": "english"}, "language")],
)  # fmt: skip
def test_contact_info_that_cannot_be_is_refused(ann: Site, change: dict[str, Any], field: str) -> None:
    """By name."""
    answer = ann.post("/portal/contact", change, "PATCH")

    assert (answer.status, answer.json["error"]["field"]) == (400, field)


def test_the_monthly_gift_is_changed_by_plain_forms_too(giving: World, ann: Site) -> None:
    """Without JavaScript: POST and 303."""
    partnership = giving.partnership().partnership_id

    changed = ann.form(f"/portal/partnerships/{partnership}", {"new_amount": "40", "currency": "usd", "day": "3"})
    assert (changed.status, changed.headers["location"]) == (303, "/portal/partnerships")
    ann.form(f"/portal/partnerships/{partnership}/cancel", {"reason": ""})

    assert (giving.partnership().amount.minor, giving.partnership().state) == (40_00, "ended")


@pytest.mark.parametrize("path", ["/portal", "/portal/gifts", "/portal/statements", "/portal/contact", "/portal/partnerships"])
def test_every_page_of_the_portal_is_there_for_its_donor(ann: Site, path: str) -> None:
    """And sends everybody else to sign in."""
    assert ann.get(path, accept="text/html").status == 200
    assert Site().get(path, accept="text/html").status in {200, 303}


def test_what_is_kept_of_a_sign_in_opens_nothing(giving: World, site: Site) -> None:
    """A reader of the table alone gets in nowhere: hashes only."""
    giving.give(50_00)
    site.sign_in(giving, ANN)
    kept = str(aws.dynamodb().scan(TableName=items.passing(), Limit=50)["Items"])

    assert all(value not in kept for value in site.cookies.values())
    assert ANN not in kept


def test_gift_ids_made_up_are_not_found(ann: Site) -> None:
    """Guessing leads nowhere."""
    assert ann.get(f"/portal/gifts/{secrets.token_hex(16)}/receipt").status == 404
