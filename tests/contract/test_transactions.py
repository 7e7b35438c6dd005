"""All of the writes or none: what is said when none was, and what happens when others are at the same items."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import aws, clock, items, keys
from chalicelib.giving import donors, history, ledger, years
from chalicelib.giving.donors import Donor
from chalicelib.items import ConditionFailed
from chalicelib.partners import store
from tests.contract import made, mishaps
from tests.contract.conftest import Side

ONE, TWO, THREE = ({"pk": f"GIFT#{number}", "sk": "POINTER"} for number in range(3))


@pytest.fixture(autouse=True)
def tables(noon: datetime) -> list[float]:
    """Every test here has fresh ones, and a clock that stands: how long was waited is what it gets."""
    waited: list[float] = []
    clock.set_clock(lambda: noon, sleep=waited.append)
    return waited


def stands(*every: items.Item) -> list[bool]:
    return [items.get(items.giving(), key) is not None for key in every]


def puts(*every: items.Item) -> list[Any]:
    return [items.put_write(items.giving(), item) for item in every]


def test_all_are_written() -> None:
    """A payment and the two pointers to it appear together."""
    items.transact(puts(ONE, TWO, THREE))

    assert stands(ONE, TWO, THREE) == [True, True, True]


@pytest.mark.parametrize("in_the_way", [0, 1, 2])
def test_one_that_cannot_be_written_keeps_all_from_being_written(in_the_way: int) -> None:
    """Wherever it stands among them, and it is given back: who was first decides what comes next."""
    every = [ONE, TWO, THREE]
    known = {**every[in_the_way], "donor_id": "d0", "amount": 5}
    items.put(items.giving(), known)

    with pytest.raises(ConditionFailed) as refused:
        items.transact(puts(*every))

    assert refused.value.item == known
    assert stands(*every) == [place == in_the_way for place in range(3)]


def test_of_two_in_the_way_the_first_is_given_back() -> None:
    """Both reasons come; ours is the order in which we wrote them down."""
    items.put(items.giving(), {**TWO, "who": "two"})
    items.put(items.giving(), {**THREE, "who": "three"})

    with pytest.raises(ConditionFailed) as refused:
        items.transact(puts(ONE, TWO, THREE))

    assert refused.value.item == {**TWO, "who": "two"}


def test_a_condition_on_what_is_not_there_gives_back_nothing() -> None:
    """None, and not an empty item."""
    with pytest.raises(ConditionFailed) as refused:
        items.transact([*puts(ONE), items.put_write(items.giving(), TWO, items.PRESENT)])

    assert refused.value.item is None
    assert stands(ONE, TWO) == [False, False]


def test_a_fault_in_one_write_is_a_fault_of_all(tables: list[float]) -> None:
    """An item too large is nobody's collision: not tried again, and nothing written."""
    with pytest.raises(ClientError, match="exceeded the maximum"):
        items.transact(puts(ONE, {**TWO, "note": "x" * 410_000}))

    assert stands(ONE, TWO) == [False, False]
    assert tables == []


def test_one_more_is_counted_with_what_is_written_and_not_without(tables: list[float]) -> None:
    """The mark of a year: made where it is missing, raised where it is, and left where the fact did not go in."""
    key = keys.donor("d1", "YEAR#2026")
    for _ in range(2):
        with contextlib.suppress(items.ConditionFailed):
            items.transact([*puts(ONE), items.count_write(items.giving(), key, "changes")])
        assert items.get(items.giving(), key) == {**key, "changes": 1}
    items.transact([*puts(TWO), items.count_write(items.giving(), key, "changes")])

    assert items.get(items.giving(), key) == {**key, "changes": 2}
    assert tables == []


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_collision_is_outlasted(tables: list[float], code: str) -> None:
    """Another worker's transaction at the same donor: nothing was done, so it is done again, after a pause."""
    cancelled = mishaps.cancelled("None", code, "None")
    with mishaps.saying("TransactWriteItems", cancelled, times=items.CONFLICT_TRIES - 1) as said:
        assert ledger.record("d1", [made.payment(1)]) != []

    assert said.asked == items.CONFLICT_TRIES == len(tables) + 1
    assert sum(tables) < 1
    assert len(ledger.page("d1")[0]) == 1


def test_a_collision_that_does_not_end_is_raised() -> None:
    """Every retry has an end; the queue brings the message again."""
    with (
        mishaps.saying("TransactWriteItems", mishaps.cancelled("TransactionConflict", "None", "None"), times=items.CONFLICT_TRIES) as said,
        pytest.raises(ClientError, match="TransactionCanceledException"),
    ):
        ledger.record("d1", [made.payment(1)])

    assert said.asked == items.CONFLICT_TRIES
    assert ledger.page("d1")[0] == []


def test_a_condition_that_failed_beside_a_collision_decides(tables: list[float]) -> None:
    """It will not hold the next time either."""
    cancelled = mishaps.cancelled("TransactionConflict", "ConditionalCheckFailed")
    with mishaps.saying("TransactWriteItems", cancelled, times=1) as said, pytest.raises(ConditionFailed):
        items.transact(puts(ONE, TWO))

    assert (said.asked, tables) == (1, [])


@pytest.mark.parametrize(
    ("operation", "act"),
    [
        ("PutItem", lambda: items.put(items.giving(), ONE, items.ABSENT)),
        ("UpdateItem", lambda: items.update(items.giving(), ONE, "ADD times :one", {":one": 1})),
        ("DeleteItem", lambda: items.delete(items.giving(), ONE)),
    ],
)
def test_a_single_write_outlasts_a_transaction_too(operation: str, act: Any, tables: list[float]) -> None:
    """DynamoDB turns it away while a transaction is at its item, and boto3 does not try that again."""
    with mishaps.saying(operation, mishaps.ALONE, times=items.CONFLICT_TRIES - 1) as said:
        act()

    assert said.asked == items.CONFLICT_TRIES == len(tables) + 1


def test_a_condition_that_failed_is_not_tried_again(tables: list[float]) -> None:
    """It will fail the next time as well, and a donor waits."""
    items.put(items.giving(), ONE)

    for act in (lambda: items.put(items.giving(), ONE, items.ABSENT), lambda: items.transact(puts(ONE, TWO))):
        with pytest.raises(ConditionFailed):
            act()

    assert tables == []


def test_the_same_transaction_sent_again_by_boto3(side: Side) -> None:
    """DynamoDB knows it by its token for ten minutes and says yes again; moto does not, and refuses what it wrote itself."""
    again = {"TransactItems": puts(ONE), "ClientRequestToken": "one-and-the-same"}
    aws.dynamodb().transact_write_items(**again)

    if side == "moto":
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            aws.dynamodb().transact_write_items(**again)
    else:
        aws.dynamodb().transact_write_items(**again)


def test_a_payment_whose_answer_was_lost_is_written_once(side: Side) -> None:
    """Whether boto3's second try is told yes or no, the books are the same, and the next delivery adds nothing."""
    with mishaps.answer_lost("TransactWriteItems") as said:
        new = ledger.record("d1", [made.payment(1)])

    assert said.asked == 2
    assert len(new) == (1 if side == "dynamodb_local" else 0)
    assert ledger.record("d1", [made.payment(1)]) == []
    assert [gift.kept.minor for gift in ledger.page("d1")[0]] == [50_00]


def test_a_refund_whose_answer_was_lost_is_written_once(side: Side) -> None:
    """It goes in with the mark of its year, so that boto3's second try has a token; without one it reads back what stands."""
    paid = made.payment(1)
    ledger.record("d1", [paid])
    with mishaps.answer_lost("TransactWriteItems") as said:
        new = ledger.record("d1", [made.refund(paid, "re_1", 5_00)])

    assert said.asked == 2
    assert len(new) == (1 if side == "dynamodb_local" else 0)
    assert ledger.record("d1", [made.refund(paid, "re_1", 5_00)]) == []
    assert ledger.page("d1")[0][0].kept.minor == 45_00


def test_a_donor_whose_making_was_lost_is_made_once() -> None:
    """Told no, the worker looks again and finds the donor that it made itself."""
    payer = Donor("", "ann@example.org", "Ann", customer_id="cus_1")
    with mishaps.answer_lost("TransactWriteItems"):
        found = donors.found_or_made(payer)

    assert {found, donors.found_or_made(payer), donors.id_by_customer("cus_1")} == {found}


def test_a_partnership_whose_keeping_was_lost_is_read_again() -> None:
    """Told no, it must not be taken for kept; told yes, it is: either way version 1 stands, and the next is 2."""
    with mishaps.answer_lost("TransactWriteItems"):
        store.replace(made.partnership(), 0)

    assert store.seen("sub_1").version == 1
    assert store.replace(made.partnership(minor=40_00), 1)


def test_checks_alone_say_whether_all_is_as_it_was() -> None:
    """What is looked at before a paper is kept, and again beside its number: a year that has facts, and one that has none."""
    ledger.record("d1", [made.payment(1)])
    as_read = years.no_fact_since(("d1", "d2"), made.FIRST, made.FIRST)
    history.page(("d1",))  # adding up is no fact
    items.transact(as_read)

    for number, (donor_id, changes) in enumerate([("d1", 2), ("d2", 1)], start=2):
        as_read = years.no_fact_since(("d1", "d2"), made.FIRST, made.FIRST)
        ledger.record(donor_id, [made.payment(number)])
        for parts in (as_read, [*as_read, *puts(ONE)]):
            with pytest.raises(ConditionFailed) as refused:
                items.transact(parts)
            assert refused.value.item
            assert refused.value.item["changes"] == changes
    assert stands(ONE) == [False]
