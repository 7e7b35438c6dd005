"""Gift Aid of a person whose records were joined, and of the record that was taken out again: nothing is a stranger's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from chalicelib import items, keys
from chalicelib.errors import Conflict, NotFound
from chalicelib.gift_aid import claims, store
from chalicelib.gift_aid.store import DeclarationRequest
from ops import gift_aid as schedule
from tests.gift_aid.declaring import in_between, looked_at
from tests.gift_aid.test_claims import read
from tests.giving_world import ANN, World
from tests.ops.conftest import Ended, run  # noqa: F401 - a fixture
from tests.over_http import Site
from tests.portal.test_export import copy

OLD = "ann@work.example"
MINE = DeclarationRequest("Ann", "Lee", "Rose Cottage", "SW1A 1AA", "past_and_future", "yes")
THEIRS = DeclarationRequest("Bo", "Ray", "7", "SW1A 2AA", "future", "yes")
Records = tuple[str, str]
Pairs = list[tuple[str, str]]
Claim = Callable[[str], tuple[Pairs, Pairs]]


@pytest.fixture
def records(giving: World) -> Records:
    """The main record, and one joined to it from which 40 pounds were given before."""
    giving.give(5_00)
    giving.give(40_00, "gbp", email=OLD)
    giving.advance(days=1)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    link(main, other)
    return main, other


def link(main: str, other: str) -> None:
    items.update(items.giving(), keys.donor(main), "SET joined = :all", {":all": [other]})
    items.update(items.giving(), keys.donor(other), "SET joined_to = :main", {":main": main})


def unlink(main: str, other: str) -> None:
    items.update(items.giving(), keys.donor(main), "REMOVE joined", {})
    items.update(items.giving(), keys.donor(other), "REMOVE joined_to", {})


def take_out(records: Records) -> None:
    main, other = records
    unlink(main, other)
    store.part(other, main)


def names(record: str) -> list[str]:
    return [each.declaration_id for each in store.of_donor(record)]


def homes() -> list[tuple[int, str]]:
    """What a claim would hold, and on whose home each row rests."""
    return [(entry.minor, told.house) for entry, told in looked_at()]


@pytest.fixture
def claim(run: Callable[..., Ended], tmp_path: Path) -> Claim:  # noqa: F811
    """Draw up a claim: home and amount of each row, and of what is taken off where it was claimed and how much."""

    def draw_up(name: str) -> tuple[Pairs, Pairs]:
        path = tmp_path / "claim.csv"
        assert run("gift-aid", "--from", "2026-03-01", "--to", "2026-04-30", "--out", str(path), "--claim", name).well
        rows, off = read(path), read(Path(f"{path}.off.csv"))
        return [(row[3], row[8]) for row in rows], [(row[3], row[4]) for row in off]

    return draw_up


def test_what_was_declared_for_a_record_covers_nothing_once_it_is_taken_out(records: Records) -> None:
    """Not its earlier gifts either, which a declaration that ended covers for good: it was a stranger's."""
    store.declare(records, MINE, "")
    assert homes() == [(40_00, "Rose Cottage")]
    take_out(records)

    assert homes() == []
    assert [len(names(each)) for each in records] == [1, 0], "no claim names it, so it is gone"


def test_the_record_s_own_declaration_counts_again(records: Records, giving: World) -> None:
    """The stranger's was newer, and had displaced it."""
    store.declare((records[1],), THEIRS, "")
    giving.give(20_00, "gbp", email=OLD)
    giving.advance(minutes=5)
    store.declare(records, MINE, "")
    take_out(records)

    assert homes() == [(20_00, "7")]


def test_what_was_claimed_on_it_is_taken_off_by_the_next_claim(records: Records, claim: Claim) -> None:
    """Once. HMRC may ask for the declaration of the first, so it stays; the first comes out as it was sent."""
    store.declare(records, MINE, "")
    assert claim("one") == ([("Rose Cottage", "40.00")], [])
    [claimed] = names(records[1])
    take_out(records)
    store.part(records[1], records[0])

    assert claim("two") == ([], [("one", "40.00")])
    assert claim("three") == ([], [])
    assert claim("one") == ([("Rose Cottage", "40.00")], [])
    assert items.get(items.giving(), keys.donor(records[1], keys.declaration(claimed)))
    assert store.of_donor(records[1]) == [], "it was never theirs"
    with pytest.raises(NotFound):
        store.cancel_one((records[1],), claimed)


def test_what_was_claimed_in_a_stranger_s_name_is_claimed_in_the_donor_s(
    records: Records, claim: Claim, giving: World
) -> None:
    """Both are in the next claim, though they come to nothing together: HMRC was told the wrong person."""
    store.declare(records, MINE, "")
    claim("one")
    take_out(records)
    giving.advance(minutes=5)
    store.declare((records[1],), msgspec.structs.replace(THEIRS, scope="past_and_future"), "")

    assert claim("two") == ([("7", "40.00")], [("one", "40.00")])
    assert claim("three") == ([], [])
    assert [entry.number for entry in claims.of_donor(records[1])] == [1, 2, 3]


def test_taken_off_and_refunded_is_taken_off_once(records: Records, claim: Claim, giving: World) -> None:
    """And a part of it given back before is in the sum already."""
    [gift] = giving.gifts(OLD)
    store.declare(records, MINE, "")
    claim("one")
    giving.standin.refund(gift.charge_id, amount=10_00)
    giving.deliver()
    assert claim("two") == ([], [("one", "10.00")])
    take_out(records)
    giving.standin.refund(gift.charge_id, amount=5_00)
    giving.deliver()

    assert claim("three") == ([], [("one", "30.00")])


def test_a_claim_that_had_read_it_just_before_is_refused(records: Records) -> None:
    """Else an entry would name a declaration that is nowhere, or a stranger's."""
    store.declare(records, MINE, "")
    [(donor_id, entry)] = schedule.due(schedule.held(), date(2026, 3, 1), date(2026, 4, 30), "one")
    take_out(records)

    with pytest.raises(Conflict, match="taken away"):
        claims.add(donor_id, entry)
    assert claims.of_donor(records[1]) == []


def test_one_declaration_has_one_id_in_every_record(records: Records, giving: World) -> None:
    """Also where it was declared in one of them before: what is declared for all is made then, and not before."""
    store.declare(records[:1], MINE, "")
    giving.advance(minutes=2)
    for _ in range(2):
        store.declare(records, MINE, "")
        giving.advance(minutes=2)

    assert [len(names(each)) for each in records] == [2, 1]
    assert names(records[0])[0] == names(records[1])[0]
    take_out(records)
    assert [len(names(each)) for each in records] == [2, 0]


def test_it_is_found_without_the_main_record_s(records: Records) -> None:
    """Who declared it may be forgotten before their message is handled."""
    store.declare(records, MINE, "")
    [told] = names(records[0])
    items.delete(items.giving(), keys.donor(records[0], keys.declaration(told)))
    take_out(records)

    assert names(records[1]) == []


def test_nothing_is_declared_for_a_record_that_is_taken_out_just_then(records: Records) -> None:
    """Nobody would look for it later: all or nothing."""
    with in_between(3, lambda: take_out(records)) as made, pytest.raises(Conflict):
        store.declare(records, MINE, "")

    assert made[2] == "TransactWriteItems"
    assert [names(each) for each in records] == [[], []]


def test_what_was_declared_since_it_was_joined_again_stands(records: Records) -> None:
    """A message may come late."""
    take_out(records)
    link(*records)
    store.declare(records, MINE, "")
    store.part(records[1], records[0])

    assert homes() == [(40_00, "Rose Cottage")]


def test_the_copy_of_one_s_data_has_no_stranger_in_it(
    records: Records, giving: World, site: Site, claim: Claim
) -> None:
    """It says that there was a declaration, and what was claimed on it; not whose it was."""
    store.declare(records, MINE, "192.0.2.7")
    claim("one")
    unlink(*records)
    site.sign_in(giving, OLD)
    assert site.get("/portal/gift-aid").json["declarations"] == [], "though the errand is still on its way"
    store.part(records[1], records[0])
    files = copy(site)

    [told] = json.loads(files["gift_aid_declarations.json"])
    assert told["voided"] is True
    assert not {"first_name", "house", "postcode", "ip", "declared_in"} & told.keys()
    assert records[0] not in files["gift_aid_declarations.json"]
