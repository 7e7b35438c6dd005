"""One item at a time: conditions, what stands in the way, what comes back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import items
from chalicelib.errors import NotFound
from chalicelib.giving import checkout, ledger
from chalicelib.items import ConditionFailed
from chalicelib.partners import manage
from tests.contract.conftest import Side

KEY = {"pk": "GIFT#1", "sk": "POINTER"}
STANDS = {**KEY, "amount": 50_00, "who": "d1"}
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html - names count, and so do values.
MOST_BYTES = 400 * 1024


@pytest.fixture(autouse=True)
def tables(aws_local: object) -> None:
    """Every test here has fresh ones."""


@pytest.fixture
def standing() -> None:
    items.put(items.giving(), STANDS, items.ABSENT)


def refused(act: Any) -> items.Item | None:
    """What stood in the way of `act`."""
    with pytest.raises(ConditionFailed) as found:
        act()
    return found.value.item


def test_a_put_where_something_stands_gives_back_what_stands(standing: None) -> None:
    """Two workers write one fact: the second must learn what the first wrote, and change nothing."""
    other = {**STANDS, "amount": 1}

    assert refused(lambda: items.put(items.giving(), other, items.ABSENT)) == STANDS
    assert items.get(items.giving(), KEY) == STANDS


def test_a_put_on_a_condition_where_nothing_stands_says_so() -> None:
    """None, so that nobody takes an empty item for somebody else's."""
    assert refused(lambda: items.put(items.giving(), STANDS, "version = :seen", {":seen": 4})) is None
    assert items.get(items.giving(), KEY) is None


def test_a_put_without_a_condition_replaces_the_whole_item(standing: None) -> None:
    """A new request to sign in ends the one before: nothing of it is left."""
    items.put(items.giving(), {**KEY, "fresh": "yes"})

    assert items.get(items.giving(), KEY) == {**KEY, "fresh": "yes"}


def test_an_update_gives_back_the_item_as_it_is_now(standing: None) -> None:
    """Counting and reading in one call: two who count at once must see different numbers."""
    changed = items.update(items.giving(), KEY, "SET who = :who ADD amount :more", {":who": "d2", ":more": 5})

    assert changed == {**KEY, "amount": 50_05, "who": "d2"} == items.get(items.giving(), KEY)


def test_an_update_without_a_condition_makes_the_item() -> None:
    """The guard's first count of a window is an update of nothing."""
    assert items.update(items.giving(), KEY, "ADD times :one", {":one": 1}) == {**KEY, "times": 1}


@pytest.mark.parametrize("condition", [items.PRESENT, "attribute_exists(pk) AND amount > :more"])
def test_an_update_of_nothing_makes_nothing_if_something_must_stand(condition: str) -> None:
    """A session that was ended must not come back by being touched."""
    act = lambda: items.update(items.giving(), KEY, "SET amount = :more", {":more": 5}, condition)

    assert refused(act) is None
    assert items.get(items.giving(), KEY) is None


def test_an_update_that_is_refused_gives_back_what_stands(standing: None) -> None:
    """The next attempt of a checkout goes on from what the other one wrote."""
    act = lambda: items.update(items.giving(), KEY, "SET amount = :other", {":other": 5}, "amount = :other")

    assert refused(act) == STANDS


def test_an_update_takes_attributes_away_in_the_same_stroke(standing: None) -> None:
    """A new attempt forgets the old page: never a moment with the new number and the old address."""
    changed = items.update(items.giving(), KEY, "SET amount = :next REMOVE who", {":next": 2, ":seen": 50_00}, "amount = :seen")

    assert changed == {**KEY, "amount": 2}


def test_a_delete_gives_back_what_it_took(standing: None) -> None:
    """Who took the sign-in request learns from it whose it was; a second one gets nothing."""
    took = [items.delete(items.giving(), KEY, "who = :who", {":who": "d1"}), items.delete(items.giving(), KEY)]

    assert took == [STANDS, None]


@pytest.mark.parametrize("stands", [True, False])
def test_a_delete_that_is_refused_takes_nothing(stands: bool) -> None:
    """A wrong token, or one used before: both are refused, and what stands goes on standing."""
    if stands:
        items.put(items.giving(), STANDS)

    assert refused(lambda: items.delete(items.giving(), KEY, "who = :who", {":who": "x"})) == (STANDS if stands else None)
    assert items.get(items.giving(), KEY) == (STANDS if stands else None)


def test_a_comparison_with_what_is_not_there_does_not_hold(standing: None) -> None:
    """`charge_id = :charge` on a gift without a charge is false, and so is its opposite kind `<`."""
    for condition in ("charge_id = :text", "charge_id < :text", "contains(charge_id, :text)"):
        assert refused(lambda condition=condition: items.put(items.giving(), STANDS, condition, {":text": "x"})) == STANDS


def test_every_kind_of_value_comes_back_as_it_went_in() -> None:
    """Amounts are int and stay int, to the last digit; an empty text in a lease is a text, not nothing."""
    item = {
        **KEY, "zero": 0, "refund": -20_00, "large": 10**37 + 1, "never": "", "yes": True, "nothing": None,
        "accents": "Zoë 🌱 \u0001", "list": [1, "", [2]], "map": {"minor": 5_00, "currency": "usd", "empty": {}},
    }  # fmt: skip
    items.put(items.giving(), item)

    found = items.get(items.giving(), KEY)

    assert found == item
    assert {type(found[name]) for name in ("zero", "refund", "large")} == {int}
    assert type(found["list"][0]) is type(found["map"]["minor"]) is int


def test_an_empty_text_equals_an_empty_text() -> None:
    """`sent_at = ""` is how a lease says that its mail was not sent yet."""
    items.put(items.giving(), {**KEY, "sent_at": ""})
    items.update(items.giving(), KEY, "SET sent_at = :now", {":now": "t", ":never": ""}, "sent_at = :never")

    assert refused(lambda: items.put(items.giving(), STANDS, "sent_at = :never", {":never": ""})) == {**KEY, "sent_at": "t"}


def test_a_name_of_dynamodb_s_own_needs_a_placeholder() -> None:
    """`name`, `language` and `region` are reserved: a change of contact names them by `#`."""
    with pytest.raises(ClientError, match="reserved keyword"):
        items.update(items.giving(), KEY, "SET language = :new", {":new": "de"})

    assert items.update(items.giving(), KEY, "SET #it = :new", {":new": "de"}, names={"#it": "language"})["language"] == "de"


def test_an_item_that_is_too_large_is_refused_and_nothing_is_written() -> None:
    """409,600 bytes with its names (moto: 405,000). What we take over HTTP ends far below: a fault, and not the donor's."""
    with pytest.raises(ClientError, match="exceeded the maximum"):
        items.put(items.giving(), {**KEY, "note": "x" * MOST_BYTES})
    assert items.get(items.giving(), KEY) is None

    items.put(items.giving(), {**KEY, "note": "x" * 400_000})
    assert len(items.get(items.giving(), KEY)["note"]) == 400_000


@pytest.mark.parametrize("key", [{"pk": "GIFT#" + "x" * 2044, "sk": "POINTER"}, {"pk": "DONOR#d1", "sk": "PARTNER#" + "x" * 1017}])
def test_a_name_that_is_too_long_for_a_key_names_nothing(key: dict[str, str]) -> None:
    """An address may carry any text where an id belongs; DynamoDB refuses to look for it, and the donor gets a 404."""
    assert items.get(items.giving(), key) is None


def test_an_id_that_somebody_made_up_is_not_found_however_long_it_is() -> None:
    """A gift, a partnership, a receipt: the donor is told so, and nothing breaks off."""
    made_up = "x" * 3_000

    with pytest.raises(NotFound):
        checkout.progress_of(made_up)
    with pytest.raises(NotFound):
        manage.resume("d1", made_up)
    assert ledger.gift("d1", made_up) is None


def test_the_longest_key_is_looked_for() -> None:
    """2,048 bytes and 1,024, as DynamoDB counts them: in UTF-8."""
    longest = {"pk": "GIFT#" + "é" * 1021 + "x", "sk": "POINTER#" + "x" * 1016}
    items.put(items.giving(), longest)

    assert items.get(items.giving(), longest) == longest
    assert items.get(items.giving(), {**longest, "pk": "GIFT#" + "é" * 1022}) is None


def test_a_value_that_no_expression_uses(side: Side) -> None:
    """moto lets it pass and DynamoDB does not: what this guards is that `make contract` runs our calls on both."""
    act = lambda: items.put(items.giving(), STANDS, items.ABSENT, {":unused": 1})
    if side == "moto":
        act()
        return
    with pytest.raises(ClientError, match="unused in expressions"):
        act()
