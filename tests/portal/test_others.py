"""What is another donor's is not there, whatever one knows of it; and after signing out nothing is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from chalicelib import clock, settings
from chalicelib.gift_aid import claims
from chalicelib.gift_aid import store as gift_aid
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.gift_aid.claims import Entry
from chalicelib.giving import donors
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal import test_joining
from tests.portal.calls import LEAVING, OPEN, PortalCall, Theirs, everything, portal_calls, recorded, theirs
from tests.portal.test_email_change import ask, code, proof
from tests.portal.two_addresses import OLD as ANN_S_OLD

BOB, CY, CY_NEW = "bob@example.org", "cy@example.org", "cy@new.example"
DECLARED = DeclarationWithGift("Bo", "Lee-Moor", "Rose Cottage", "SW1A 1AA", "future", "yes")
# Whoever proves a mailbox signs in: what is asked for with an address is looked up under its hash, and nothing else.
BY_ADDRESS = ("POST", "/portal/session")


@pytest.fixture
def site_of(giving: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, Site]:
    """
    Three donors, each with a gift, a monthly gift, a statement and an open session. The guard counts elsewhere.

    Bob has declared Gift Aid, one gift of his is claimed on, and another
    declaration waits; Cy's next address is not proven yet.
    """
    monkeypatch.setenv("GUARD", "wide")
    settings.current.cache_clear()
    found = {}
    for email in (ANN, BOB, CY):
        giving.give(50_00, email=email)
        giving.give(25_00, "usd", "monthly", email=email)
        found[email] = Site()
        found[email].sign_in(giving, email)
        assert found[email].get("/portal/statements/2026").status == 303
    claimed_on(giving, BOB)
    assert ask(giving, found[CY], CY_NEW).status == 202
    return found


def claimed_on(giving: World, email: str) -> None:
    """A declaration made with a gift, the entry of a claim on it, and a declaration that waits for another gift."""
    gift_id = giving.give(20_00, "gbp", gift_aid=DECLARED, email=email)
    donor_id = id_of(email)
    [declaration] = gift_aid.of_donor(donor_id)
    charge = next(gift.charge_id for gift in giving.gifts(email) if gift.gift_id == gift_id)
    claims.begin("spring", date(2026, 3, 1), date(2026, 3, 31))
    entry = Entry("spring", charge, gift_id, date(2026, 3, 10), 20_00, declaration.declaration_id, 1, clock.now())
    claims.add(donor_id, entry)
    giving.start(30_00, "gbp", gift_aid=DECLARED, email=email)


def id_of(email: str) -> str:
    found = donors.id_by_email(email)
    assert found
    return found


def calls() -> list[PortalCall]:
    found = [call for call in portal_calls() if (call.method, call.path) not in LEAVING]
    assert len(found) > 20
    return found


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True])
def test_every_call_with_every_name_of_another_donor_s_finds_nothing(
    giving: World, site_of: dict[str, Site], joined: bool
) -> None:
    """
    404 wherever a name is asked for, and in no call does AWS get to hear of the other donor.

    The calls come from the app's table and the names from the tables' own
    keys and ids, so neither a new call nor a new kind of name is left out. Nor
    does a donor find more who has giving under another address joined to theirs.
    """
    ann, mine = site_of[ANN], theirs(id_of(ANN))
    if joined:
        giving.give(35_00, email=ANN_S_OLD)
        assert test_joining.join(giving, ann).status == 200
        assert len(ann.get("/portal/gifts").json["gifts"]) == 3
    proven_by = {proof(giving)["token"], code(giving)}
    for other, more in ((theirs(id_of(BOB)), {"spring"}), (theirs(id_of(CY)), proven_by)):
        names = sorted(name for name in (other.names | more) - mine.names if name)
        assert {other.donor_id, *more} < set(names)
        assert len(names) > 12
        before = untouched(other)
        for call in calls():
            for name in names:
                tried(call, ann, name, other)
        assert untouched(other) == before


def test_what_is_tried_is_what_they_have(giving: World, site_of: dict[str, Site]) -> None:
    """The names of a declaration, of an entry in a claim, of what waits and of an address to come are among them."""
    bob, cy = theirs(id_of(BOB)), theirs(id_of(CY))

    assert {gift_aid.of_donor(bob.donor_id)[0].declaration_id, "spring", "CLAIMED"} <= bob.names
    assert {"GIFTAIDS", "GIFTAID", "EMAIL", "SESSIONS"} <= {each.partition("#")[0] for each in bob.partitions}
    assert {CY_NEW, "NEWEMAIL"} <= cy.names
    assert {"token", "code", "email", "new_email", "first_name", "confirm"} <= {text for call in calls() for text in call.texts}


def tried(call: PortalCall, ann: Site, name: str, other: Theirs) -> None:
    """The name in the path, in the query, as an id in the body, and in each field of it that takes a text."""
    beside = {"donor_id": name, "gift_id": name, "partnership_id": name, "session_id": name}
    with recorded() as asked:
        answers = [call.send(ann, name, **beside, **each) for each in bodies(call, name)]
        answers += [call.send(ann, "2026", f"{each}={name.replace('#', '%23')}") for each in call.query]
    if call.names_something:
        assert {answer.status for answer in answers[: len(bodies(call, name))]} == {404}, (call, name, answers[0])
    assert all(answer.status < 500 for answer in answers), (call, name)
    touched = other.touched_by(asked)
    if (call.method, call.path) == BY_ADDRESS:
        touched = [each for each in touched if not each.startswith("SIGNIN#")]
    assert touched == [], (call, name)
    said = "".join(answer.text + answer.headers.get("location", "") for answer in answers)
    assert other.donor_id not in said.replace(name, ""), (call, name)
    if call.path == "/portal/contact" and call.texts:
        forget_what_was_typed(ann)


def bodies(call: PortalCall, name: str) -> list[dict[str, Any]]:
    """
    What is sent beside the least body: the name in one text after another, with a code where it wants one.

    A page that takes neither a name nor a text is the same for every name, and asked once by its queries.
    """
    if call.texts:
        return [{**({"code": "12345678"} if each == "email" else {}), each: name} for each in call.texts]
    return [] if call.method == "GET" and not call.names_something else [{}]


def forget_what_was_typed(ann: Site) -> None:
    """Ann's own name is what she typed last, and her pages say so."""
    assert ann.post("/portal/contact", {"name": "Ann", "receipt_name": "", "phone": "", "language": ""}, "PATCH").status == 200


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
                if call.method == "GET":
                    assert (answers[1].status, answers[1].headers["location"]) == (303, "/portal"), call


def test_what_is_open_to_everybody_is_what_the_list_says(site_of: dict[str, Site]) -> None:
    """A call that is renamed or dropped must not leave a hole in it."""
    assert {(call.method, call.path) for call in portal_calls()} >= OPEN
