"""Stripe may say what it never said before: nothing breaks, nothing wrong is written, and later days heal it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from chalicelib import keys
from tests.drift.mutations import (
    NEW_WORD,
    READ,
    Mutation,
    add_fields,
    apply,
    change_all_unread,
)
from tests.drift.stage import Stage

Item = dict[str, Any]

# What Stripe may leave out, or call by another name, without the gift being another: a card's brand, who the donor
# is beside an address of mail, when it was booked.
LABELS = {"version", "balance_transaction", "payment.method", "method", "progress", "progress_rank", "ended_by", "reason"}
# Where an address of the donor's is taken from, one where the other is missing.
ADDRESSES = {
    ("customer", "email"), ("charge", "customer"), ("charge", "billing_details"), ("charge", "billing_details.email"),
}  # fmt: skip
# What says that a payment is ours. One of them may fail; without any it is some other product's, and rightly left.
OURS = {("charge", "metadata"), ("payment_intent", "metadata"), ("checkout.session", "metadata")}
# A null here is something that Stripe says, and that is true as far as we can know: not paused, no reason given.
SAYS_SO = {
    ("subscription", "pause_collection"), ("subscription", "cancellation_details"),
    ("subscription", "cancellation_details.reason"), ("subscription", "cancellation_details.comment"),
    ("subscription", "cancel_at"), ("subscription", "ended_at"), ("subscription", "canceled_at"),
}  # fmt: skip

# What is booked though we do not know the word, under an id that stands for good: see test_vocabulary.
STANDS = Mutation("invoice", "billing_reason", "new word")


@pytest.mark.slow
def test_each_field_that_we_read_may_change(stage: Stage) -> None:
    """
    Gone, null, a new word, an object for an id and an id for an object.

    What cannot be understood is refused, so that its message comes again;
    everything else is as it was. A few at a time, of different objects: each
    by itself takes minutes, and is what a fault among them is traced by.
    """
    own = [each for each in stage.possible if each.path in READ[each.kind] and each != STANDS]
    assert len(own) > 100

    assert [fault for few in batches(own) for fault in faults(stage, few)] == []


def test_all_that_we_do_not_read_may_change_at_once(stage: Stage) -> None:
    """A field that the code begins to read must be added to READ, or this fails."""
    changed = 0

    def spoil(answer: Item) -> None:
        nonlocal changed
        changed += change_all_unread(answer)

    stage.anew()
    assert stage.play(spoil) == []

    assert changed > 1000
    assert stage.left() == stage.truth


def test_fields_that_nobody_knows_are_left_aside(stage: Stage) -> None:
    """In every hash of every answer."""
    stage.anew()
    assert stage.play(add_fields) == []

    assert stage.left() == stage.truth


@pytest.mark.slow
@hypothesis.settings(max_examples=12, deadline=None, derandomize=True, database=None)
@hypothesis.given(data=st.data())
def test_several_things_may_change_together(stage: Stage, data: st.DataObject) -> None:
    """A new version changes more than one field; whatever comes together, nothing wrong is written."""
    every = [each for each in stage.possible if each != STANDS]
    read = [each for each in every if each.path in READ[each.kind]]
    some = st.lists(st.one_of(st.sampled_from(read), st.sampled_from(every)), min_size=2, max_size=5, unique=True)

    assert list(faults(stage, tuple(data.draw(some)))) == []


def nameless(mutations: tuple[Mutation, ...]) -> bool:
    """Whether Stripe may have said no address of the donor's at all: such a gift is booked, and is nobody's."""
    silent = {each.path for each in mutations if (each.kind, each.path) in ADDRESSES and each.how in {"gone", "null"}}
    return len(silent) > 1


def batches(mutations: list[Mutation], size: int = 6) -> Iterator[tuple[Mutation, ...]]:
    """
    All of them, so many at a time, and far apart in the list: of different kinds as far as there are.

    Of what stands in for each other, each in a batch of its own.
    """
    rows = -(-len(mutations) // size)
    for row in range(rows):
        few = mutations[row::rows]
        for stand_in in (OURS, ADDRESSES):
            for one in [each for each in few if (each.kind, each.path) in stand_in][1:]:
                few.remove(one)
                yield (one,)
        yield tuple(few)


def faults(stage: Stage, mutations: tuple[Mutation, ...]) -> Iterator[str]:
    """What went wrong while Stripe spoke so, and after it spoke as before again."""
    found = list(_faults(stage, mutations))
    alone = [fault for each in mutations for fault in _faults(stage, (each,))] if found and len(mutations) > 1 else []
    yield from alone or found


def _faults(stage: Stage, mutations: tuple[Mutation, ...]) -> Iterator[str]:
    said = ", ".join(map(str, mutations))
    stage.anew()
    try:
        refused = stage.play(lambda answer: apply(answer, mutations))
        left = stage.left()
        if not refused and left == stage.truth:
            return
        stands = unfinished_left_aside(left) if refused or stage.report.unhealed else left
        yield from (f"{said}: {fault}" for fault in (*untrue(stands, stage.truth, mutations), *miscounted(left)))
        refused = stage.play()
        assert refused == [], f"{said}: {refused}"
    except Exception as broken:  # noqa: BLE001 - each is a finding, and the next is to be tried all the same
        yield f"{said}: {type(broken).__name__} {broken}"
        return
    yield from (f"{said}, later: {fault}" for fault in unhealed(stage, mutations))


def unfinished_left_aside(left: list[Item]) -> list[Item]:
    """What was refused is not done to its end, and the books may say so until it is."""
    return [{field: value for field, value in item.items() if field != "unfinished"} for item in left]


def untrue(left: list[Item], truth: list[Item], mutations: tuple[Mutation, ...]) -> Iterator[str]:
    """What stands in the books and is not so."""
    true = {name(item): item for item in truth}
    for item in left:
        if item["sk"].startswith(keys.YEARS):
            continue
        if "#dispute_unclear#" in item["sk"]:
            if item["said"] != NEW_WORD:
                yield f"{item['sk']} says {item['said']}"
        elif name(item) not in true:
            if not (item["sk"].startswith("MAIL#partnership_") or item.get("donor_id") == item["pk"][6:]):
                yield f"{item['pk']} {item['sk']} is not true"
        else:
            yield from _differences(item, true[name(item)], mutations)


def miscounted(left: list[Item]) -> Iterator[str]:
    """The donors' years that do not say how many facts stand in them: their sums would not be folded anew."""
    stand = Counter((item["pk"], f"{keys.YEARS}{item['gift_at'][:4]}") for item in left if item["sk"].startswith(keys.FACTS))
    said: Counter[tuple[str, str]] = Counter()
    for item in left:
        if item["sk"].startswith(keys.YEARS):
            # Whoever has no address goes by one name here, however many they are.
            said[item["pk"], item["sk"]] += item["changes"]
    if said != stand:
        yield f"{dict(said)} is said of {dict(stand)}"


def _differences(item: Item, true: Item, mutations: tuple[Mutation, ...]) -> Iterator[str]:
    if item.get("state") == "unclear" and item["said"] == NEW_WORD:
        return
    if item["sk"].startswith("PARTNER#") and any((each.kind, each.path) in SAYS_SO for each in mutations):
        return
    told, known = flat(item), flat(true)
    wrong = {field for field in told if field not in LABELS and told[field] != known.get(field)}
    wrong -= {field for field in wrong if nameless(mutations) and told[field] in {"<nobody>", "DONOR#<nobody>"}}
    if wrong and item["sk"] != "PROFILE":
        yield f"{item['sk']}: {[(field, told[field], known.get(field)) for field in sorted(wrong)]}"
    if item.get("progress") in {"failed", "expired"}:
        yield f"{item['pk']} is said to have {item['progress']}"


def unhealed(stage: Stage, mutations: tuple[Mutation, ...]) -> Iterator[str]:
    """What the days after did not bring."""
    stands = stage.left()
    yield from miscounted(stands)
    left = {name(item): item for item in stands}
    unnamed = any((each.kind, each.path, each.how) == ("charge", "customer", "null") for each in mutations)
    for item in stage.truth:
        lookup = unnamed and item["pk"].startswith("CUSTOMER#")
        if item["sk"].startswith(keys.YEARS):
            continue
        if name(item) not in left and not lookup and not (nameless(mutations) and about_a_person(item)):
            yield f"{item['pk']} {item['sk']} is missing"
    yield from untrue(list(left.values()), stage.truth, mutations if nameless(mutations) else ())
    if not stage.report.agrees:
        yield f"{stage.report}"


def about_a_person(item: Item) -> bool:
    return item["pk"].startswith(("CUSTOMER#", "EMAIL#")) or item["sk"].startswith("MAIL#")


def name(item: Item) -> str:
    """By what an item is the same, whoever its donor was taken for."""
    return f"{item['pk'].partition('#')[0]} {item['sk']}" if item["pk"].startswith("DONOR#") else item["pk"] + item["sk"]


def flat(item: Item, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, value in item.items():
        found |= flat(value, f"{path}{field}.") if isinstance(value, dict) else {f"{path}{field}": value}
    return found
