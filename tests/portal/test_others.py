"""What is another donor's is not there, whatever one knows of it; and after signing out nothing is."""

from __future__ import annotations

import pytest

from chalicelib import settings
from chalicelib.giving import donors
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import LEAVING, OPEN, PortalCall, Theirs, everything, portal_calls, recorded, theirs

BOB, CY = "bob@example.org", "cy@example.org"


@pytest.fixture
def site_of(giving: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, Site]:
    """Three donors, each with a gift, a monthly gift, a statement and an open session. The guard counts elsewhere."""
    monkeypatch.setenv("GUARD", "wide")
    settings.current.cache_clear()
    found = {}
    for email in (ANN, BOB, CY):
        giving.give(50_00, email=email)
        giving.give(25_00, "usd", "monthly", email=email)
        found[email] = Site()
        found[email].sign_in(giving, email)
        assert found[email].get("/portal/statements/2026").status == 303
    return found


def id_of(email: str) -> str:
    found = donors.id_by_email(email)
    assert found
    return found


def calls() -> list[PortalCall]:
    found = [call for call in portal_calls() if (call.method, call.path) not in LEAVING]
    assert len(found) > 20
    return found


@pytest.mark.slow
def test_every_call_with_every_name_of_another_donor_s_finds_nothing(giving: World, site_of: dict[str, Site]) -> None:
    """
    404 wherever a name is asked for, and in no call does AWS get to hear of the other donor.

    The calls come from the app's table and the names from the tables' own
    keys and ids, so neither a new call nor a new kind of name is left out.
    """
    ann, mine = site_of[ANN], theirs(id_of(ANN))
    for other in (theirs(id_of(BOB)), theirs(id_of(CY))):
        names = sorted(name for name in other.names - mine.names if name)
        assert {other.donor_id, giving.gifts(BOB)[0].gift_id} & set(names)
        assert len(names) > 12
        before = untouched(other)
        for call in calls():
            for name in names:
                tried(call, ann, name, other)
        assert untouched(other) == before


def tried(call: PortalCall, ann: Site, name: str, other: Theirs) -> None:
    """The name in the path, in the query and in the body."""
    beside = {"donor_id": name, "gift_id": name, "partnership_id": name, "session_id": name}
    with recorded() as asked:
        answers = [call.send(ann, name, **beside)]
        answers += [call.send(ann, "2026", f"{each}={name.replace('#', '%23')}") for each in call.query]
    if call.names_something:
        assert answers[0].status == 404, (call, name, answers[0])
    assert all(answer.status < 500 for answer in answers), (call, name)
    assert other.touched_by(asked) == [], (call, name)
    assert other.donor_id not in "".join(answer.text + answer.headers.get("location", "") for answer in answers)


def untouched(other: Theirs) -> list[dict[str, object]]:
    """All that is kept of a donor, as it is now."""
    return [item for item in everything(settings.current().giving_table) if item["pk"] in other.partitions]


def test_the_record_shows_what_is_read_of_one_s_own(giving: World, site_of: dict[str, Site]) -> None:
    """The tests above and below would be worth nothing if it showed nothing."""
    bob = theirs(id_of(BOB))
    with recorded() as asked:
        site_of[BOB].get("/portal/gifts")
    assert bob.touched_by(asked) == sorted(each for each in bob.partitions if each.startswith(("DONOR#", "SESSIONS#")))

    with recorded() as asked:
        site_of[BOB].get(f"/portal/gifts/{giving.gifts(BOB)[0].gift_id}/receipt")
    assert [each for each in bob.touched_by(asked) if each.endswith(".pdf")], "what is asked of S3"


def test_after_signing_out_every_call_is_refused_and_reads_nothing(giving: World, site_of: dict[str, Site]) -> None:
    """401, for a page the way to the form; with the old cookie, the donor's own names, from our own pages."""
    ann, mine = site_of[ANN], theirs(id_of(ANN))
    old = dict(ann.cookies)
    assert ann.post("/portal/session", method="DELETE").status == 200
    names = [giving.gifts()[0].gift_id, giving.partnership().partnership_id, "2026"]

    for call in calls():
        for name in names if call.names_something else [""]:
            ann.cookies = dict(old)
            with recorded() as asked:
                answers = [call.send(ann, name), call.send(ann, name, accept="text/html")]
            touched = [each for each in mine.touched_by(asked) if not each.startswith("SESSIONS#")]
            assert touched == [], call
            if (call.method, call.path) not in OPEN:
                assert {answer.status for answer in answers} <= {401, 303}, (call, answers)
                assert answers[0].status == 401, call
                assert answers[1].headers.get("location", "/portal") == "/portal", call


def test_what_is_open_to_everybody_is_what_the_list_says(site_of: dict[str, Site]) -> None:
    """A call that is renamed or dropped must not leave a hole in it."""
    assert {(call.method, call.path) for call in portal_calls()} >= OPEN
