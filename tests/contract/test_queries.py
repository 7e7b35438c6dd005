"""Ranges, pages and cursors: on DynamoDB a page that is just full says that more may follow, on moto it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib import items, keys
from chalicelib.errors import InvalidInput
from chalicelib.giving import history, ledger
from chalicelib.partners import store
from tests.contract import made

DONOR = keys.donor("d1")["pk"]


@pytest.fixture(autouse=True)
def tables(noon: object) -> None:
    """Every test here has fresh ones, and a clock that stands."""


def stand(*sorts: str, pk: str = DONOR) -> None:
    for sort in sorts:
        items.put(items.giving(), {"pk": pk, "sk": sort})


def sorts(found: list[items.Item]) -> list[str]:
    return [item["sk"] for item in found]


def test_a_range_has_both_its_ends_and_nothing_of_its_neighbours() -> None:
    """One donor's year: not the profile, not the partnership, not another donor whose name begins alike."""
    stand("FACT#1", "FACT#2", "FACT#2#a", "FACT#2~", "FACT#3", "PROFILE", "FACT", "GIFT#1")
    stand("FACT#2", pk=f"{DONOR}0")

    found, more = items.query(items.giving(), DONOR, first="FACT#2", last="FACT#2~")

    assert (sorts(found), more) == (["FACT#2", "FACT#2#a", "FACT#2~"], "")


def test_a_prefix_is_taken_literally() -> None:
    """`sub_1` must not bring `sub_10`'s facts along: every prefix of ours ends in a separator."""
    stand("FACT#t#ch_1#payment", "FACT#t#ch_10#payment", "FACT#t#ch_1#refund")

    assert sorts(items.query(items.giving(), DONOR, prefix="FACT#t#ch_1#")[0]) == ["FACT#t#ch_1#payment", "FACT#t#ch_1#refund"]


def test_sort_keys_are_ordered_by_their_bytes() -> None:
    """`#` before digits before capitals before letters before `~`, and every accent after it: our ranges end in `~`."""
    order = ["FACT##", "FACT#0", "FACT#Z", "FACT#_", "FACT#a", "FACT#~", "FACT#é", "FACT#🌱"]
    stand(*reversed(order))

    forward, backward = (items.query(items.giving(), DONOR, prefix="FACT#", backward=way)[0] for way in (False, True))

    assert sorts(forward) == order == sorts(backward)[::-1] == sorted(order)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_page_after_page_gives_each_item_once(backward: bool, limit: int) -> None:
    """Also where the last page is just full: DynamoDB then promises a next one, and it is empty."""
    every = [f"FACT#{number}" for number in range(6)]
    stand(*every, "GIFT#1", "EARLIER")
    seen, after, pages = [], "", 0
    while pages == 0 or after:
        found, after = items.query(items.giving(), DONOR, prefix="FACT#", backward=backward, limit=limit, after=after)
        assert len(found) <= limit
        seen, pages = seen + sorts(found), pages + 1

    assert seen == (every[::-1] if backward else every)
    assert pages <= 6 // limit + 1


def test_a_cursor_stays_good_when_its_item_is_gone() -> None:
    """It is a place in the order, not an item."""
    stand("FACT#1", "FACT#2", "FACT#3")
    _, after = items.query(items.giving(), DONOR, prefix="FACT#", limit=2)
    items.delete(items.giving(), {"pk": DONOR, "sk": after})

    assert sorts(items.query(items.giving(), DONOR, prefix="FACT#", limit=2, after=after)[0]) == ["FACT#3"]


def test_a_page_ends_at_a_megabyte_and_nothing_is_lost() -> None:
    """Whatever its limit: whoever took the first page for all would lose gifts from a statement."""
    for number in range(12):
        items.put(items.giving(), {"pk": DONOR, "sk": f"FACT#{number:02d}", "note": "x" * 100_000})

    first, more = items.query(items.giving(), DONOR, prefix="FACT#", limit=500)

    assert 0 < len(first) < 12
    assert more
    assert len(list(items.query_all(items.giving(), DONOR, prefix="FACT#"))) == 12


def test_more_than_was_allowed_for_is_an_error_and_not_a_shorter_list() -> None:
    """A list with an end must not lose what lies beyond it in silence."""
    stand(*(f"FACT#{number}" for number in range(4)))

    with pytest.raises(OverflowError):
        list(items.query_all(items.giving(), DONOR, prefix="FACT#", most=3))


@pytest.mark.parametrize(("limit", "refunds"), [(1, 0), (3, 0), (7, 0), (4, 3), (10, 9), (50, 1)])
def test_a_donor_s_gifts_page_by_page_are_all_gifts_once_newest_first(limit: int, refunds: int) -> None:
    """With many facts to a gift, a page of facts ends in the middle of one; no gift may be shown without its refunds."""
    every = made.year_of_gifts("d1", 10, refunds)
    stand("EARLIER", "GIFT", "PROFILE")
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        found, cursor = ledger.page("d1", limit=limit, cursor=cursor)
        seen, pages = [*seen, *found], pages + 1

    assert [gift.charge_id for gift in seen] == every
    assert {gift.refunded.minor for gift in seen} == {refunds}
    assert pages <= 10 // limit + 1


def test_gifts_between_two_moments_include_both() -> None:
    """A gift at the first second of the tax year belongs to it, and so does one at the last."""
    made.year_of_gifts("d1", 5)
    first, last = made.FIRST + timedelta(days=1), made.FIRST + timedelta(days=3)

    assert [gift.charge_id for gift in ledger.gifts_between("d1", first, last)] == ["ch_0003", "ch_0002", "ch_0001"]
    assert ledger.gifts_between("d1", first + timedelta(seconds=1), last - timedelta(seconds=1))[0].charge_id == "ch_0002"


@pytest.mark.parametrize("cursor", ["FACT#", "FACT#0", "FACT#2025-01-01"])
def test_a_cursor_from_before_the_year_ends_the_list(cursor: str) -> None:
    """DynamoDB refuses a range whose end lies before its beginning, and a donor may come with any cursor."""
    made.year_of_gifts("d1", 2)

    page = history.page(("d1",), "2026", cursor)

    assert (page.gifts, page.next, [total.kept for total in page.totals]) == ([], None, [100_00])


@pytest.mark.parametrize("cursor", ["FACT#" + "x" * 1100, "FACT#" + "é" * 600, "STATEMENT#us#2026#", "x"])
@pytest.mark.parametrize("year", ["", "2026"])
def test_what_is_no_cursor_is_said_to_be_none(cursor: str, year: str) -> None:
    """Also one that is longer than any sort key, at which DynamoDB would break off."""
    with pytest.raises(InvalidInput) as refused:
        history.page(("d1",), year, cursor)

    assert refused.value.code == "cursor_invalid"


def test_a_cursor_is_a_place_in_the_order_wherever_it_came_from() -> None:
    """Between two gifts, or made up: what is older follows."""
    made.year_of_gifts("d1", 3)
    older = [gift.gift_id for gift in ledger.page("d1")[0][-2:]]

    assert [gift.gift_id for gift in history.page(("d1",), "", "FACT#2026-01-02~").gifts] == older


def test_partnerships_are_listed_apart_from_everything_else() -> None:
    """`PARTNER#` and nothing that begins like it."""
    store.replace(made.partnership("sub_1"), 0)
    store.replace(made.partnership("sub_2"), 0)
    stand("PARTNERS", "PARTNER", "PARTNER$")

    assert {each.partnership_id for each in store.of_donor("d1")} == {"sub_1", "sub_2"}
