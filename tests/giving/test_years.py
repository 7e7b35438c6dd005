"""The sums that are kept: whatever came in whatever order, and whenever somebody looked, they are what the facts add up to."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib import items, keys
from chalicelib.errors import TooManyGifts
from chalicelib.giving import history, ledger, years
from chalicelib.giving.gift import SIGN, Fact
from chalicelib.giving.sums import Sum
from local.cloud import Cloud
from tests.giving import many
from tests.test_cost import counted

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
Kept = dict[tuple[int, str, str, str], int]


@pytest.fixture(autouse=True)
def tables(aws_local: Cloud) -> None:
    """Every test here has fresh ones."""


def life(rng: random.Random) -> list[Fact]:
    """A few gifts about a turn of the year, in several currencies, and what befell them."""
    facts = []
    for number in range(rng.randint(1, 5)):
        at = NEW_YEAR + timedelta(hours=rng.randint(-20, 20))
        about = {"fund": rng.choice(["rescue", "aftercare"]), "frequency": rng.choice(["once", "monthly"])}
        paid = many.paid(number, at, rng.randint(1_000, 90_000), rng.choice(["usd", "jpy", "kwd"]), **about)
        facts.append(paid)
        if rng.random() < 0.5:
            facts += [many.later(paid, "refund", 400, name=f"re_{number}"), many.later(paid, "refund", 5, name=f"rf_{number}")]
            facts.append(many.later(paid, "refund_failed", 5, name=f"rf_{number}"))
        if rng.random() < 0.3:
            facts.append(many.later(paid, "dispute", 500, name=f"dp_{number}"))
            if rng.random() < 0.5:
                facts.append(many.later(paid, "dispute_won", 500, name=f"dp_{number}"))
    return facts


def shuffled(rng: random.Random, facts: list[Fact]) -> list[Fact]:
    """In any order, but for a refund before its failure and a dispute before its end: they are read together, and written so."""
    facts = rng.sample(facts, len(facts))
    for name in {fact.stripe_id for fact in facts}:
        places = [place for place, fact in enumerate(facts) if fact.stripe_id == name]
        in_order = sorted((facts[place] for place in places), key=lambda fact: list(SIGN).index(fact.kind))
        for place, fact in zip(places, in_order, strict=True):
            facts[place] = fact
    return facts


def by_hand(facts: list[Fact]) -> Kept:
    """What is kept, without folding a gift: each fact by its sign, under the words of its payment."""
    said: dict[str, tuple[int, str, str]] = {}
    for fact in facts:
        if fact.payment:
            about = fact.payment.about
            said[fact.charge_id] = (fact.payment.given_on.year, about.fund, about.frequency)
    kept: Counter[tuple[int, str, str, str]] = Counter()
    for fact in facts:
        if fact.charge_id in said:
            year, fund, frequency = said[fact.charge_id]
            kept[year, fact.money.currency, fund, frequency] += SIGN[fact.kind] * fact.money.minor
    return dict(kept)


def sums_of(donor_id: str) -> list[Sum]:
    return years.parts_of(donor_id, history.SUMS)


def kept(sums: list[Sum]) -> Kept:
    found: Counter[tuple[int, str, str, str]] = Counter()
    for each in sums:
        found[each.year, each.currency, each.fund, each.frequency] += each.kept
    return dict(found)


@pytest.mark.parametrize("seed", range(40))
def test_at_every_look_the_sums_are_those_of_the_facts(seed: int) -> None:
    """Facts in any order, some twice, a donor who looks in between; a refund may come before its payment."""
    rng = random.Random(seed)
    facts = life(rng)
    told = shuffled(rng, facts + rng.sample(facts, len(facts) // 2))
    stand: list[Fact] = []
    for fact in told:
        ledger.record("d1", [fact])
        stand += [] if fact in stand else [fact]
        if rng.random() < 0.6:
            assert kept(sums_of("d1")) == by_hand(stand)

    assert kept(sums_of("d1")) == kept(sums_of("d1")) == by_hand(facts)


def test_nobody_s_gifts_are_in_another_s_sums() -> None:
    """The years stand under their donor."""
    ledger.record("d1", [many.paid(1)])
    ledger.record("d10", [many.paid(2)])

    assert [sum(each.gifts for each in sums_of(donor_id)) for donor_id in ("d1", "d10", "d")] == [1, 1, 0]


def test_workers_and_lookers_at_once_leave_sums_that_are_right() -> None:
    """Eight at a time, half of them writing facts of one year and half looking at it."""
    paid = [many.paid(number) for number in range(24)]

    def either(number: int) -> None:
        if number % 2:
            sums_of("d1")
        else:
            ledger.record("d1", [paid[number // 2]])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(either, range(48)))

    assert kept(sums_of("d1")) == by_hand(paid)
    assert date(2016, 1, 1).year == sums_of("d1")[0].year


def test_a_year_that_is_refused_is_not_half_written() -> None:
    """The mark and the fact come together or not at all: a fact that contradicts another changes neither."""
    paid = many.paid(1)
    ledger.record("d1", [paid])
    sums_of("d1")

    with pytest.raises(ledger.FactsDisagree):
        ledger.record("d1", [many.paid(1, minor=99_00)])

    assert kept(sums_of("d1")) == by_hand([paid])


def test_what_was_kept_by_other_rules_is_folded_anew_beside_all_else_that_is_kept() -> None:
    """A new edition of the code must not show what an old one added up; each fold is kept by itself."""
    ledger.record("d1", [many.paid(1)])
    sums_of("d1")
    nothing = history.SUMS._replace(add_up=lambda _: [])

    with counted() as calls:
        assert years.parts_of("d1", nothing) == sums_of("d1"), "kept by the same rules"
        other_rules = [years.parts_of("d1", nothing._replace(rules="2")) for _ in range(2)]
        other_name = [years.parts_of("d1", nothing._replace(name="more")) for _ in range(2)]

    assert (other_rules, other_name) == ([[], []], [[], []])
    assert calls == ["Query", "Query", *["Query", "Query", "UpdateItem", "Query"] * 2]
    assert years.parts_of("d1", nothing._replace(name="more")) == []
    assert kept(sums_of("d1")) == by_hand([many.paid(1)])


def test_a_year_from_before_parts_were_kept_is_folded_anew() -> None:
    """What stood beside it under other names is neither read nor in the way."""
    ledger.record("d1", [many.paid(1)])
    old = {":none": [], ":one": 1}
    items.update(items.giving(), keys.donor("d1", "YEAR#2016"), "SET sums = :none, folded = :one", old)

    assert kept(sums_of("d1")) == by_hand([many.paid(1)])


def test_a_year_of_more_facts_than_one_request_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a refusal that a donor can read; a part of them must not be taken for all. Many such years are no matter."""
    monkeypatch.setitem(ledger._facts.__kwdefaults__, "most", 3)
    year = timedelta(days=366)
    for number in range(6):
        ledger.record("d1", [many.paid(number, many.FIRST + (number // 3) * year)])
    assert sum(each.gifts for each in sums_of("d1")) == 6

    ledger.record("d1", [many.paid(7)])

    with pytest.raises(TooManyGifts):
        sums_of("d1")
