"""What a browser opens by a link or sends by a form is answered with a page, or leads to one: nobody is shown raw JSON."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

import pytest

from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal.calls import LEAVING, OPEN, portal_calls

# What Firefox and Chromium send when a link is followed, as far as it matters here.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# The last is longer than any query may be.
NAMES = ["2026", "no-such-thing", "\x00", "x" * 600]
SAVED = {"text/csv"}


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Ann, who gave dollars and Canadian dollars and is signed in."""
    giving.give(50_00)
    giving.give(30_00, "cad")
    site.sign_in(giving, ANN)
    return site


def is_for_people(answer: Answered) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return answer.status < 500 and (answer.status == 303 or kind == "text/html" or (answer.status == 200 and kind in SAVED))


def opened(site: Site) -> list[tuple[str, Answered]]:
    """Every address of the portal that a browser can open, with every name and in every query something bad."""
    places = {
        call.place(name, query)
        for call in portal_calls() if call.method == "GET"
        for name in NAMES
        for query in ("", *(f"{each}={quote(name)}" for each in call.query))
    }  # fmt: skip
    assert len(places) > 50
    return [(place, site.get(place, BROWSER)) for place in sorted(places)]


def test_every_address_of_the_portal_answers_a_browser_with_a_page(ann: Site) -> None:
    """Whatever stands in it; the addresses come from the app's own table."""
    assert [(place, answer) for place, answer in opened(ann) if not is_for_people(answer)] == []


def test_signed_out_every_address_is_open_or_leads_to_sign_in(site: Site) -> None:
    """A session ends while a page is still shown, and then one of its links is followed."""
    free = {path for method, path in OPEN if method == "GET"}

    for place, answer in opened(site):
        if place.partition("?")[0] in free:
            assert is_for_people(answer), place
        else:
            assert (answer.status, answer.headers.get("location")) == (303, "/portal"), place


def test_signed_out_every_form_leads_to_sign_in(site: Site) -> None:
    """Its button is pressed after the session ended. Those that anybody may send say what they lack."""
    for call in portal_calls():
        if call.form and (call.method, call.path) not in OPEN | LEAVING:
            answer = site.request("POST", call.place("2026"), b"", {"Content-Type": "application/x-www-form-urlencoded", "Accept": BROWSER})
            assert is_for_people(answer), call


def test_what_would_be_refused_is_not_offered_and_its_link_says_why(ann: Site, giving: World) -> None:
    """Canada's receipt of a running year: both pages say from when on it can be had; a link kept from elsewhere does not fail raw."""
    link = "/portal/statements/2026?entity=ca"
    for page in ("/portal", "/portal/statements"):
        shown = ann.get(page, BROWSER).text
        assert (link in shown, "/portal/statements/2026?entity=us" in shown, "1 January 2027" in shown) == (False, True, True), page
    listed = {each["entity"]: each for each in ann.get("/portal/statements").json["statements"]}
    assert [listed[entity]["available_from"] for entity in ("us", "ca")] == [None, date(2027, 1, 1).isoformat()]
    early = ann.get(link, BROWSER)
    assert (early.status, "Not before the year is over" in early.text) == (409, True)

    giving.advance(days=310)
    ann.sign_in(giving, ANN)

    assert link in ann.get("/portal/statements", BROWSER).text
    assert "Fill in your contact info" in ann.get(link, BROWSER).text


def test_a_receipt_by_an_old_link_says_why_it_waits(ann: Site, giving: World) -> None:
    """The list offers it no more once the gift is disputed."""
    gift = giving.gifts()[0]
    giving.standin.dispute(gift.charge_id)
    giving.deliver()

    answer = ann.get(f"/portal/gifts/{gift.gift_id}/receipt", BROWSER)

    assert answer.status == 409
    assert "<h1>This receipt waits</h1>" in answer.text
    assert "Your bank disputes this payment" in answer.text
