"""After an erasure nothing of the donor is there: not for their own old cookie, and not for who knows their names."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib import settings
from chalicelib.portal import sessions
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import OPEN, PortalCall, Theirs, recorded, theirs
from tests.portal.test_email_change import ask
from tests.portal.test_others import BOB, calls, claimed_on, id_of, tried, untouched


class Erased(msgspec.Struct):
    """
    Ann who is signed in, Bob who has been erased, and all that Bob was known by.

    Bob had two browsers: the one that asked for the erasure and one left open
    elsewhere, of which only the books know.
    """

    ann: Site
    browsers: list[dict[str, str]]
    known: Theirs

    def as_before(self) -> list[Site]:
        """Bob's browsers with the cookies that they had before."""
        found = [Site() for _ in self.browsers]
        for site, cookies in zip(found, self.browsers, strict=True):
            site.cookies = dict(cookies)
        return found


@pytest.fixture
def erased(giving: World, monkeypatch: pytest.MonkeyPatch) -> Erased:
    """Two donors, each with a gift, a monthly gift, a statement and a session; then the one with more is erased."""
    monkeypatch.setenv("GUARD", "wide")
    settings.current.cache_clear()
    ann, bob, left_open = lives(giving, ANN), lives(giving, BOB), Site()
    left_open.sign_in(giving, BOB)
    claimed_on(giving, BOB)
    assert ask(giving, bob, "bob@new.example").status == 202
    browsers, known = [dict(bob.cookies), dict(left_open.cookies)], theirs(id_of(BOB))
    assert bob.post("/portal/erase", {"confirm": "erase"}).status == 202
    giving.work()
    giving.deliver()
    left = theirs(known.donor_id)
    mine = theirs(id_of(ANN)).names
    everywhere = Theirs(known.donor_id, (known.names | left.names) - mine, known.partitions | left.partitions)
    return Erased(ann, browsers, everywhere)


def lives(giving: World, email: str) -> Site:
    giving.give(50_00, email=email)
    giving.give(25_00, "usd", "monthly", email=email)
    found = Site()
    found.sign_in(giving, email)
    assert found.get("/portal/statements/2026").status == 303
    return found


def knowable(erased: Erased) -> list[str]:
    """What somebody could have seen on a page, in a mail or in a link: one name of each kind."""
    gifts = {str(item["gift_id"]) for item in untouched(erased.known) if item.get("gift_id")} & erased.known.names
    kinds = [[name for name in erased.known.names if name.startswith(kind)] for kind in ("sub_", "US-", "statements/", "gift-")]
    left_open = sessions._key(erased.browsers[-1][sessions.COOKIE])["sk"]
    return [left_open, *(min(names) for names in (gifts, *kinds))]


def told_of(erased: Erased) -> list[dict[str, Any]]:
    """What the tombstone and its facts say now."""
    kept = untouched(erased.known)
    assert [item for item in kept if item.get("erased_at")], "the tombstone is there to be read"
    return kept


def test_the_erased_donor_s_old_cookie_opens_nothing(giving: World, erased: Erased) -> None:
    """
    401, for a page the way to the form; asked of AWS is whether there is such a session, and nothing else.

    With their own gift, monthly gift, session, statement and year, all of
    which the law keeps or kept: it is the cookie that opens nothing.
    """
    for call in calls():
        for name in [*knowable(erased), "2026"] if call.names_something else [""]:
            for as_json, as_page in zip(erased.as_before(), erased.as_before(), strict=True):
                refused(call, name, as_json, as_page, erased.known)


def refused(call: PortalCall, name: str, as_json: Site, as_page: Site, known: Theirs) -> None:
    with recorded() as asked:
        answer = call.send(as_json, name, donor_id=known.donor_id, gift_id=name)
        page = call.send(as_page, name, accept="text/html")
    assert [each for each in known.touched_by(asked) if not each.startswith("SESSIONS#")] == [], call
    if (call.method, call.path) not in OPEN:
        assert (answer.status, page.status in {401, 303}) == (401, True), (call, answer, page)
        assert page.headers.get("location", "/portal") == "/portal", call


def test_the_names_one_could_know_lead_nobody_to_the_erased(giving: World, erased: Erased) -> None:
    """404 to another donor who asks by the erased one's gift, monthly gift, session or statement, and no read of theirs."""
    before = told_of(erased)
    for call in calls():
        for name in knowable(erased):
            tried(call, erased.ann, name, erased.known)
    assert told_of(erased) == before


@pytest.mark.slow
def test_no_name_at_all_leads_to_the_erased(giving: World, erased: Erased) -> None:
    """The same with every key and id that was ever kept of them, so that no kind of name is left out."""
    before = told_of(erased)
    assert len(erased.known.names) > 12
    for call in calls():
        for name in sorted(filter(None, erased.known.names)):
            tried(call, erased.ann, name, erased.known)
    assert told_of(erased) == before
