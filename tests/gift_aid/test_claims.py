"""What was claimed on is remembered: never twice, and what became of it is put right in the next claim."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import items, keys
from chalicelib.errors import Conflict
from chalicelib.gift_aid import claims, store
from chalicelib.gift_aid.declaration import Declaration
from ops import gift_aid as schedule
from tests.gift_aid.declaring import LATER, THIS
from tests.giving_world import ANN, World
from tests.ops.conftest import Ended, run  # noqa: F401 - a fixture
from tests.over_http import Site
from tests.portal.test_export import copy

Claim = Callable[..., Ended]
Read = Callable[[str], list[list[str]]]
SPRING = ("2026-03-01", "2026-04-30")


@pytest.fixture
def claim(run: Claim, tmp_path: Path) -> Claim:  # noqa: F811
    """Draw up a claim of a name, or none; its files lie in the test's own folder."""

    def draw_up(name: str = "", days: tuple[str, str] = SPRING) -> Ended:
        kept = ("--claim", name) if name else ()
        return run("gift-aid", "--from", days[0], "--to", days[1], "--out", str(tmp_path / "claim.csv"), *kept)

    return draw_up


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[], list[tuple[str, str]]]:
    """Day and amount of each row of the schedule as it lies there."""
    return lambda: [(row[7], row[8]) for row in read(tmp_path / "claim.csv")]


@pytest.fixture
def taken_off(tmp_path: Path) -> Callable[[], list[list[str]]]:
    """Where each gift that is taken off was claimed, and how much."""
    return lambda: [row[3:] for row in read(tmp_path / "claim.csv.off.csv")]


def read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def give(giving: World, minor: int, **more: Any) -> str:
    """A gift in pounds with a declaration of its own; a day goes by. Its charge."""
    gift_id = giving.give(minor, "gbp", **{"gift_aid": THIS, **more})
    giving.advance(days=1)
    return giving.charge_of(gift_id)


def test_no_gift_is_claimed_on_twice(giving: World, claim: Claim, rows: Any) -> None:
    """However the days of two claims overlap."""
    give(giving, 50_00)
    assert claim("one").well
    assert rows() == [("10/03/26", "50.00")]
    give(giving, 20_00)

    assert claim("two").well
    assert rows() == [("11/03/26", "20.00")]
    assert claim("three").well
    assert rows() == []


def test_without_a_name_it_is_only_looked_at(giving: World, claim: Claim, rows: Any) -> None:
    """So staff see what a claim would come to, as often as they like."""
    give(giving, 50_00)
    for _ in range(2):
        assert "Nothing was kept" in claim().said
        assert rows() == [("10/03/26", "50.00")]

    assert claims.of_donor(giving.donor_id()) == []


def test_a_closed_claim_comes_out_the_same_for_ever(giving: World, claim: Claim, rows: Any, tmp_path: Path) -> None:
    """What was sent to HMRC can be written again, to the byte, whatever was given, refunded or erased since."""
    charge = give(giving, 50_00)
    claim("one")
    before = (tmp_path / "claim.csv").read_bytes()
    giving.standin.refund(charge)
    give(giving, 20_00)

    assert not claim("one").well, "a gift of these days is left, and that is said"
    assert (tmp_path / "claim.csv").read_bytes() == before
    assert rows() == [("10/03/26", "50.00")]


def test_what_was_refunded_since_is_taken_off_the_next(giving: World, claim: Claim, rows: Any, taken_off: Any) -> None:
    """Also when it was given long before the days of that claim; once, and with the tax it comes to."""
    charge = give(giving, 50_00)
    claim("one")
    giving.standin.refund(charge, amount=20_00)
    giving.deliver()
    said = claim("two", ("2026-05-01", "2026-05-31")).said

    assert rows() == []
    assert taken_off() == [["one", "20.00"]]
    assert "give £5.00 as tax over-claimed before" in said
    claim("three")
    assert taken_off() == []


def test_a_refund_that_failed_is_claimed_on_again(giving: World, claim: Claim, rows: Any, taken_off: Any) -> None:
    """The money is the charity's after all."""
    charge = give(giving, 50_00)
    claim("one")
    refund = giving.standin.refund(charge)
    giving.deliver()
    claim("two")
    giving.standin.settle(refund=refund["id"])
    giving.deliver()

    claim("three")
    assert (rows(), taken_off()) == ([("10/03/26", "50.00")], [])


def test_a_withdrawn_declaration_is_taken_off(giving: World, claim: Claim, taken_off: Any) -> None:
    """The donor pays no tax after all, and says so."""
    give(giving, 50_00)
    claim("one")
    [told] = store.of_donor(giving.donor_id())
    store.cancel_one((giving.donor_id(),), told.declaration_id)

    claim("two")
    assert taken_off() == [["one", "50.00"]]


def test_a_claim_ends_where_hmrc_s_schedule_does(
    giving: World, claim: Claim, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest first; what does not fit is said and waits for another claim, which is no failure to notice by chance."""
    for minor in (10_00, 20_00, 30_00):
        give(giving, minor)
    monkeypatch.setattr(schedule, "ROWS", 2)

    first = claim("one")
    assert (first.well, [amount for _, amount in rows()]) == (False, ["10.00", "20.00"])
    assert "1 more gifts do not fit" in first.said
    assert claim("two").well
    assert [amount for _, amount in rows()] == ["30.00"]


def test_a_claim_that_is_taken_up_again_does_not_outgrow_the_schedule(
    giving: World, claim: Claim, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of the two rows were there when it broke off: a third waits."""
    for minor in (10_00, 20_00, 30_00):
        give(giving, minor)
    monkeypatch.setattr(schedule, "ROWS", 2)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(claims, "close", interrupted)
        claim("one")

    assert "1 more gifts do not fit" in claim("one").said
    assert [amount for _, amount in rows()] == ["10.00", "20.00"]


def interrupted(_: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("dies_at", range(4))
def test_wherever_it_breaks_off_it_is_taken_up_again(
    giving: World, claim: Claim, rows: Any, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    """Begun, two entries, closed: after a crash at any write the same command leaves the same claim."""
    give(giving, 10_00)
    give(giving, 20_00)
    writes, put, update, transact = iter(range(99)), items.put, items.update, items.transact

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def called(where: Any, *rest: Any) -> Any:
            if where != items.passing() and next(writes) == dies_at:
                raise KeyboardInterrupt
            return write(where, *rest)

        return called

    monkeypatch.setattr(items, "put", dying(put))
    monkeypatch.setattr(items, "update", dying(update))
    monkeypatch.setattr(items, "transact", dying(transact))
    with pytest.raises(KeyboardInterrupt):
        claim("one")
    assert claim("one").well

    assert [amount for _, amount in rows()] == ["10.00", "20.00"]
    assert [entry.number for entry in claims.of_donor(giving.donor_id())] == [1, 1]
    assert claim("two").well
    assert rows() == []


def test_two_claims_at_once_do_not_share_a_gift(giving: World) -> None:
    """Both have read that it is in none: the second to write is refused, and may begin again."""
    give(giving, 50_00)
    first, second = schedule.held(), schedule.held()
    spring = (datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 4, 30, tzinfo=UTC).date())
    for donor_id, entry in schedule.due(first, *spring, "one"):
        claims.add(donor_id, entry)

    [(donor_id, entry)] = schedule.due(second, *spring, "two")
    with pytest.raises(Conflict):
        claims.add(donor_id, entry)
    assert [each.claim for each in claims.of_donor(donor_id)] == ["one"]


def test_a_name_is_of_one_claim(giving: World, claim: Claim) -> None:
    """With other days it would be another, and which was sent to HMRC could not be told."""
    give(giving, 50_00)
    claim("one")

    with pytest.raises(Conflict, match="2026-03-01 to 2026-04-30"):
        claim("one", ("2026-03-01", "2026-05-31"))


@pytest.mark.parametrize("name", ["", "one two", "../etc", "=1+1", "x" * 41])
def test_a_name_is_one_word(claim: Claim, name: str, run: Claim) -> None:  # noqa: F811
    """It stands in a key, in a file and in what is said."""
    with pytest.raises(SystemExit):
        run("gift-aid", "--from", SPRING[0], "--to", SPRING[1], "--out", "x", "--claim", name)


@pytest.mark.parametrize("happened", ["refunded", "disputed", "withdrawn"])
def test_what_a_claim_rests_on_outlives_its_donor(
    giving: World, site: Site, claim: Claim, rows: Any, tmp_path: Path, happened: str
) -> None:
    """HMRC may ask for the declaration for years, also of a gift that was given back and a donor who is forgotten."""
    charge = give(giving, 50_00)
    claim("one")
    donor_id = giving.donor_id()
    [told] = store.of_donor(donor_id)
    befall(giving, charge, told, happened)
    site.sign_in(giving, ANN)
    assert site.post("/portal/erase", {"confirm": "erase"}).status == 202
    giving.work()

    assert [each.declaration_id for each in store.of_donor(donor_id)] == [told.declaration_id]
    claim("one")
    assert rows() == [("10/03/26", "50.00")]


def befall(giving: World, charge: str, told: Declaration, happened: str) -> None:
    if happened == "refunded":
        giving.standin.refund(charge)
    elif happened == "disputed":
        giving.standin.dispute(charge)
    else:
        store.cancel_one((giving.donor_id(),), told.declaration_id)
    giving.deliver()


def test_a_dispute_won_after_its_donor_was_erased_may_be_claimed_on(
    giving: World, site: Site, claim: Claim, rows: Any
) -> None:
    """No claim named the declaration yet, and the money is the charity's in the end."""
    charge = give(giving, 50_00)
    dispute = giving.standin.dispute(charge)
    giving.deliver()
    site.sign_in(giving, ANN)
    site.post("/portal/erase", {"confirm": "erase"})
    giving.work()
    giving.standin.close_dispute(dispute["id"], won=True)
    giving.deliver()

    claim("one")
    assert rows() == [("10/03/26", "50.00")]


def test_the_donor_s_copy_says_what_was_claimed(giving: World, site: Site, claim: Claim) -> None:
    """It is held about them, so it is theirs to read."""
    give(giving, 50_00, gift_aid=LATER)
    claim("one")
    site.sign_in(giving, ANN)

    [entry] = json.loads(copy(site)["gift_aid_claimed.json"])
    assert (entry["claim"], entry["minor"]) == ("one", 50_00)
    assert keys.CLAIMED not in str(entry)
