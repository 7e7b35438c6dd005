"""Gift Aid: the declaration and its words, which gifts it covers, and the schedule of a claim."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.errors import InvalidInput
from chalicelib.gift_aid import store
from chalicelib.gift_aid.declaration import Declaration, covers
from chalicelib.gift_aid.store import DeclarationRequest
from chalicelib.giving.gift import Gift
from tests.giving_world import ANN as GIVER
from tests.giving_world import World
from tests.ops.conftest import Ended, run  # noqa: F401 - a fixture
from tests.over_http import Site
from tests.statements.papers import gift

ANN = DeclarationRequest("Ann", "Lee", "12", "sw1a1aa", "future", "yes", "Ms")
MADE = datetime(2026, 3, 10, 12, tzinfo=UTC)


def pounds(on: date, **more: Any) -> Gift:
    at = datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=12)
    return msgspec.structs.replace(gift(1, 5000, "gbp", **more), entity="uk", given_on=on, given_at=at)


def declared(*, past: bool = False, cancelled_at: datetime | None = None) -> Declaration:
    return Declaration(
        "d", "uk", "Ann", "Lee", "12", past, "words", MADE, MADE.date(), postcode="SW1A 1AA", cancelled_at=cancelled_at
    )


@pytest.mark.parametrize(
    ("on", "past", "covered"),
    [
        (date(2026, 3, 9), False, False), (date(2026, 3, 10), False, True), (date(2030, 1, 1), False, True),
        (date(2022, 3, 9), True, False), (date(2022, 3, 10), True, True), (date(2026, 3, 9), True, True),
    ],
)  # fmt: skip
def test_a_declaration_covers_what_it_says_and_no_more(on: date, past: bool, covered: bool) -> None:
    """
    From the day it is made; with the past, four years back to the day.
    """
    assert covers(declared(past=past), pounds(on)) is covered


def test_a_cancelled_declaration_covers_what_came_before() -> None:
    """
    What was given while it was in force may still be claimed on; what came after may not.
    """
    cancelled = declared(cancelled_at=datetime(2026, 5, 1, 12, tzinfo=UTC))

    assert covers(cancelled, pounds(date(2026, 4, 30)))
    assert not covers(cancelled, pounds(date(2026, 5, 1)))


@pytest.mark.parametrize(
    "left_out",
    [
        pounds(date(2026, 4, 1), refunded=5000), pounds(date(2026, 4, 1), disputed=True),
        pounds(date(2026, 4, 1), advantage=100, advantage_description="A book"),
        msgspec.structs.replace(pounds(date(2026, 4, 1)), entity="us"),
    ],
    ids=["refunded", "disputed", "something in return", "another entity"],
)  # fmt: skip
def test_what_may_not_be_claimed_on_is_left_out(left_out: Gift) -> None:
    """
    HMRC wants money back that was claimed wrongly, with interest.
    """
    assert not covers(declared(), left_out)


def test_a_declaration_keeps_its_words_and_where_it_came_from(giving: World) -> None:
    """
    The audit trail: what was read, when, from where, by whom. Sent twice it is one.
    """
    giving.give(50_00, "gbp")
    store.declare((giving.donor_id(),), ANN, "127.0.0.1")
    store.declare((giving.donor_id(),), ANN, "127.0.0.1")

    (kept,) = store.of_donor(giving.donor_id())
    assert (kept.postcode, kept.house, kept.made_at, kept.ip) == ("SW1A 1AA", "12", MADE, "127.0.0.1")
    assert "Open Gate Justice UK (example)" in kept.wording
    assert "it is my responsibility to pay any difference" in kept.wording


def test_a_donor_declares_and_cancels_in_the_portal_and_nobody_else_can(giving: World, site: Site) -> None:
    """
    By a plain form, with a session and our own origin; what is shown is what is kept.
    """
    giving.give(50_00, "gbp")
    form = msgspec.to_builtins(ANN)

    assert site.get("/portal/gift-aid").status == 401
    site.sign_in(giving, GIVER)
    assert site.form("/portal/gift-aid", form, origin="https://evil.example").status == 403
    assert "I am a UK taxpayer and understand" in site.get("/portal/gift-aid", "text/html").text
    assert store.of_donor(giving.donor_id()) == []
    assert site.form("/portal/gift-aid", form).status == 303
    assert "Cancel my declaration" in site.get("/portal/gift-aid", "text/html").text
    assert site.form("/portal/gift-aid/cancel", {}).status == 303
    assert store.of_donor(giving.donor_id())[0].cancelled_at == MADE


def test_a_refused_declaration_comes_back_as_it_was_typed(giving: World, site: Site) -> None:
    """
    With the fault at its field, and the session's own token, so that it can be sent again.
    """
    giving.give(50_00, "gbp")
    site.sign_in(giving, GIVER)
    for field, typed in (("postcode", "12207"), ("scope", ""), ("taxpayer", "")):
        answer = site.form("/portal/gift-aid", {**msgspec.to_builtins(ANN), field: typed})

        assert answer.status == 400
        assert f'id="{field}-fault"' in answer.text
        assert 'value="Lee"' in answer.text
        assert 'name="own_form"' in answer.text
    assert store.of_donor(giving.donor_id()) == []


def test_nobody_needs_a_title(giving: World) -> None:
    """
    It is optional in HMRC's schedule, and so here: blank in, blank out.
    """
    giving.give(50_00, "gbp")
    store.declare((giving.donor_id(),), msgspec.structs.replace(ANN, title=""), "")

    assert [each.title for each in store.of_donor(giving.donor_id())] == [""]


@pytest.mark.parametrize(
    ("field", "value"),
    [("taxpayer", ""), ("postcode", "12207"), ("first_name", " "), ("last_name", "\t"), ("house", " "), ("house", "1\n2"), ("house", "=1+2")],
)
def test_a_declaration_that_would_not_hold_is_refused(giving: World, field: str, value: str) -> None:
    """
    A declaration without its parts is none, and a claim on it is paid back.
    """
    giving.give(50_00, "gbp")

    with pytest.raises(InvalidInput) as refused:
        store.declare((giving.donor_id(),), msgspec.structs.replace(ANN, **{field: value}), "127.0.0.1")
    assert refused.value.field == field
    assert store.of_donor(giving.donor_id()) == []


@pytest.mark.parametrize(
    "house",
    [
        "c/o Lee", "C/O Lee", "c / o Lee", "C./O. Lee", "c.o. Lee", "℅ Lee", "Care of Lee", "care-of Lee", "12, care  of Lee",
        "PO Box 7", "P.O. Box 7", "p o box 7", "P. O. BOX", "POBox7", "PO-Box 7", "Post Office Box 7", "Flat 2, PO Box 7",
    ],
)  # fmt: skip
def test_where_nobody_lives_is_no_home(giving: World, house: str) -> None:
    """
    HMRC wants the donor's home; a claim with another address is refused.
    """
    giving.give(50_00, "gbp")

    with pytest.raises(InvalidInput, match="your own home") as refused:
        store.declare((giving.donor_id(),), msgspec.structs.replace(ANN, house=house), "")
    assert refused.value.field == "house"
    assert store.of_donor(giving.donor_id()) == []


@pytest.mark.parametrize(
    "house",
    [
        "The Old Post Office", "Post Box Cottage", "Box Hill House", "Coco Cottage", "Flat C, Oak House", "Po Boxwood", "Careof House",
        "Childcare Office Flat", "Block C/12", "12 O'Box Lane",
    ],
)  # fmt: skip
def test_a_home_with_a_name_like_it_is_one(giving: World, house: str) -> None:
    """
    Old post offices are lived in.
    """
    giving.give(50_00, "gbp")
    store.declare((giving.donor_id(),), msgspec.structs.replace(ANN, house=house), "")

    assert [each.house for each in store.of_donor(giving.donor_id())] == [house]


def test_the_note_for_higher_rates_stands_beside_the_declaration_and_not_in_it(giving: World, site: Site) -> None:
    """
    Advice is not what the donor declares: where Gift Aid is asked for it is shown, and not kept with the words.
    """
    giving.give(50_00, "gbp")
    site.sign_in(giving, GIVER)
    for page in ("/give?currency=gbp", "/portal/gift-aid"):
        assert "enter your Gift Aid gifts in your Self Assessment tax return" in site.get(page, "text/html").text
    refused = site.form("/portal/gift-aid", {**msgspec.to_builtins(ANN), "taxpayer": ""})
    assert "Self Assessment" in refused.text
    assert site.form("/portal/gift-aid", msgspec.to_builtins(ANN)).status == 303

    assert "Self Assessment" not in store.of_donor(giving.donor_id())[0].wording


def test_the_schedule_has_hmrcs_columns_and_only_what_is_covered(
    giving: World, run: Callable[..., Ended], tmp_path: Path  # noqa: F811
) -> None:
    """
    Blank and never 0, DD/MM/YY, two decimals and no sign; dollars, refunds and donors without a declaration left out.
    """
    charge = giving.give(200_00, "gbp")
    giving.give(30_00, "usd")
    giving.give(70_00, "gbp", email="bo@example.org")
    store.declare((giving.donor_id(),), ANN, "127.0.0.1")
    giving.advance(days=1)
    store.cancel(giving.donor_id())
    store.cancel(giving.donor_id())
    giving.advance(days=1)
    giving.give(40_00, "gbp")

    assert run("gift-aid", "--from", "2026-03-10", "--to", "2026-04-05", "--out", str(tmp_path / "claim.csv")).well

    with (tmp_path / "claim.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert len(head) == 9
    assert rows == [["Ms", "Ann", "Lee", "12", "SW1A 1AA", "", "", "10/03/26", "200.00"]]
    assert (tmp_path / "claim.csv").stat().st_mode & 0o077 == 0
    trail = (tmp_path / "claim.csv.trail.csv").read_text()
    assert store.of_donor(giving.donor_id())[0].declaration_id in trail
    assert giving.charge_of(charge) in trail
    assert "2026-03-10,in the portal" in trail
