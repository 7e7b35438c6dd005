"""Facts of one charge fold into one gift."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as some

from chalicelib.errors import FactsDisagree
from chalicelib.giving.gift import About, Fact, Kind, Payment, fold, fold_all, renewal_id, without_their_half
from chalicelib.money import Money

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


def fact(kind: Kind, name: str, minor: int, *, charge: str = "ch_1", currency: str = "usd") -> Fact:
    payment = Payment(About("g" * 32), "us", date(2026, 3, 10)) if kind == "payment" else None
    return Fact(kind, name, charge, AT, AT, Money(minor, currency), payment=payment)


PAID = fact("payment", "ch_1", 50_00)


def kept(*facts: Fact) -> int:
    gift = fold(facts)
    assert gift
    return gift.kept.minor


def test_a_refund_told_twice_and_early_counts_once() -> None:
    """Stripe delivers at least once and in any order; facts are a set."""
    refund = fact("refund", "re_1", 20_00)

    assert kept(refund, PAID, refund) == 30_00


def test_every_order_of_a_long_history_folds_alike() -> None:
    """The fold of a set has no order."""
    history = [
        PAID, fact("refund", "re_1", 10_00), fact("refund_failed", "re_1", 10_00), fact("refund", "re_2", 5_00),
        fact("dispute", "du_1", 45_00), fact("dispute_won", "du_1", 45_00),
    ]  # fmt: skip

    folds = {kept(*order) for order in itertools.permutations(history)}

    assert folds == {45_00}


def test_without_its_payment_there_is_no_gift_yet() -> None:
    """A refund may be known before the payment it returns."""
    assert fold([fact("refund", "re_1", 5_00)]) is None


def test_a_dispute_takes_the_money_until_it_is_won() -> None:
    """While the bank holds the money the charity has not got it."""
    dispute, won = fact("dispute", "du_1", 50_00), fact("dispute_won", "du_1", 50_00)

    gifts = [fold([PAID, dispute]), fold([PAID, dispute, won])]

    assert [(gift.state, gift.kept.minor) for gift in gifts if gift] == [("disputed", 0), ("paid", 50_00)]


def test_a_refund_that_failed_gives_the_money_back() -> None:
    """A refund can fail days later; then the gift is whole again."""
    gift = fold([PAID, fact("refund", "re_1", 50_00), fact("refund_failed", "re_1", 50_00)])

    assert gift
    assert (gift.state, gift.kept.minor, gift.refunded.minor) == ("paid", 50_00, 0)


@pytest.mark.parametrize(
    ("half", "state"),
    [
        (fact("refund_failed", "re_1", 20_00), "paid"),
        (fact("dispute_won", "du_1", 50_00), "paid"),
        (fact("dispute_lost", "du_1", 50_00), "paid"),
    ],
)
def test_half_a_pair_moves_nothing(half: Fact, state: str) -> None:
    """What came back without having gone is not kept twice, and hides no other pair."""
    gift = fold([PAID, half])
    beside = fold([PAID, half, fact("refund", "re_2", 10_00), fact("dispute", "du_2", 40_00)])

    assert gift
    assert (gift.kept.minor, gift.refunded.minor, gift.state, gift.later) == (50_00, 0, state, (half,))
    assert beside
    assert (beside.kept.minor, beside.refunded.minor, beside.state) == (0, 10_00, "disputed")
    assert without_their_half([PAID, half]) == [half]
    assert without_their_half([half, PAID, fact("refund", "re_1", 20_00), fact("dispute", "du_1", 50_00)]) == []


@pytest.mark.parametrize(
    ("more", "kept_minor", "refunded_minor"),
    [
        ([fact("refund", "re_1", 50_00), fact("refund", "re_2", 50_00)], 0, 50_00),
        ([fact("refund", "re_1", 5_00, currency="eur")], 50_00, 0),
        ([fact("refund", "re_1", 5_00), fact("refund", "re_1", 6_00)], 45_00, 5_00),
        ([fact("payment", "ch_other", 90_00)], 50_00, 0),
        ([fact("refund", "re_1", 50_00), fact("refund_failed", "re_1", 90_00)], 50_00, 0),
    ],
)
def test_a_contradiction_hides_no_other_gift(more: list[Fact], kept_minor: int, refunded_minor: int) -> None:
    """Of the gift itself is shown what is known, never more than was paid; a statement counts it only when settled."""
    other = Fact("payment", "ch_2", "ch_2", AT.replace(day=11), AT, Money(5, "usd"), payment=PAID.payment)

    whole, unclear = fold_all([other, PAID, *more])

    assert (whole.state, whole.kept.minor) == ("paid", 5)
    assert (unclear.state, unclear.money.minor) == ("unclear", 50_00)
    assert (unclear.kept.minor, unclear.refunded.minor) == (kept_minor, refunded_minor)


def test_contradictions_without_a_payment_are_no_gift() -> None:
    """There is nothing yet that could be unclear."""
    assert fold_all([fact("refund", "re_1", 5_00), fact("refund", "re_1", 6_00)]) == []


@pytest.mark.parametrize(
    "other",
    [
        fact("payment", "ch_1", 60_00),
        fact("refund", "re_1", 50_01),
        fact("refund", "re_1", 5_00, currency="eur"),
        fact("refund", "re_1", 0),
        fact("refund", "re_1", 5_00, charge="ch_2"),
        fact("payment", "ch_other", 50_00),
    ],
)
def test_contradictions_are_for_people_to_settle(other: Fact) -> None:
    """Guessing would end on a tax statement."""
    with pytest.raises(FactsDisagree):
        fold([PAID, other])


@given_that(some.lists(some.tuples(some.sampled_from(["refund", "dispute"]), some.integers(1, 10_00)), max_size=5))
def test_what_is_kept_is_what_came_less_what_went(parts: list[tuple[Kind, int]]) -> None:
    """The sum agrees with a second, plainer one."""
    facts = [fact(kind, f"{kind}_{at}", minor) for at, (kind, minor) in enumerate(parts)]

    assert kept(PAID, *facts, *facts) == 50_00 - sum(minor for _, minor in parts)


def test_gifts_of_a_donor_come_newest_first() -> None:
    """A donor looks for the last gift first."""
    later = Fact("payment", "ch_2", "ch_2", AT.replace(day=11), AT, Money(5, "usd"), payment=PAID.payment)

    assert [gift.charge_id for gift in fold_all([PAID, later])] == ["ch_2", "ch_1"]


def test_a_renewal_always_has_the_same_id() -> None:
    """Whichever event tells of it first."""
    assert renewal_id("in_1") == renewal_id("in_1") != renewal_id("in_2")
