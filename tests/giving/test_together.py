"""Gifts of several records, as if they were of one."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.giving import history, ledger, together
from chalicelib.giving.gift import Fact
from local.cloud import Cloud
from tests.giving import many

WHOLE, PARTS = "whole", ("p0", "p1", "p2")


@pytest.fixture(autouse=True)
def tables(aws_local: Cloud) -> None:
    """Every test here has fresh ones."""


def split(facts: list[Fact], dice: random.Random) -> None:
    """The same facts in one record, and gift by gift in one of three."""
    many.write(WHOLE, facts)
    of = {charge: dice.choice(PARTS) for charge in sorted({fact.charge_id for fact in facts})}
    for part in PARTS:
        many.write(part, [fact for fact in facts if of[fact.charge_id] == part])


def listed(records: tuple[str, ...], **asked: str) -> list[str]:
    """Every gift of every page; each page gets ahead, and none holds more than a page does."""
    found: list[str] = []
    cursor = ""
    while True:
        page = history.page(records, cursor=cursor, **asked)
        assert len(page.gifts) <= history.PAGE
        found += [each.gift_id for each in page.gifts]
        if page.next is None:
            return found
        assert not cursor or page.next < cursor
        cursor = page.next


@pytest.mark.parametrize("seed", range(3))
def test_however_gifts_are_split_over_records_the_history_is_the_same(seed: int) -> None:
    """Every gift once and in order, also those of one second; the same sums, years and file, whatever is asked for."""
    dice = random.Random(seed)
    at = many.FIRST
    facts: list[Fact] = []
    for number in range(70):
        at += timedelta(days=dice.choice([0, 0, 9, 40]))
        payment = many.paid(number, at, frequency=dice.choice(["once", "monthly"]))
        facts += [payment, *([many.later(payment, "refund", 100)] if number % 7 == 0 else [])]
    split(facts, dice)

    for asked in ({}, {"year": "2017"}, {"frequency": "monthly"}):
        assert listed(PARTS, **asked) == listed((WHOLE,), **asked)
        one, three = history.page((WHOLE,), **asked), history.page(PARTS, **asked)
        assert (three.totals, three.by_year, three.years) == (one.totals, one.by_year, one.years)
        assert history.table(PARTS, **asked) == history.table((WHOLE,), **asked)
    assert history.newest(PARTS, 5) == history.newest((WHOLE,), 5)


def test_where_wanted_gifts_are_rare_no_record_runs_ahead_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """One record is read to its end while another was left half-way: what it may still hold comes first."""
    monkeypatch.setattr(ledger, "READS", 2)
    monkeypatch.setattr(ledger, "FACTS_A_READ", 10)
    dice, asked = random.Random(1), {"fund": "water"}
    funds = {"fund": "rescue"}, {"fund": "water"}
    split([
        many.paid(number, many.FIRST + timedelta(days=number), **dice.choices(funds, (9, 1))[0]) for number in range(200)
    ], dice)  # fmt: skip
    for record in (WHOLE, "p0"):
        many.write(record, [many.paid(999, many.FIRST - timedelta(days=1), fund="water")])

    found = listed(PARTS, **asked)
    assert found == listed((WHOLE,), **asked)
    assert len(found) > 10


def test_a_gift_is_found_in_whichever_record_it_stands() -> None:
    """And in no other: what is not there is not looked for elsewhere."""
    first, second = many.paid(1), many.paid(2)
    ledger.record("p0", [first])
    ledger.record("p1", [second])

    found: Any = together.gift(PARTS, second.payment.about.gift_id)  # type: ignore[union-attr]
    assert (found[0], found[1].charge_id) == ("p1", second.charge_id)
    assert together.gift(("p0", "p2"), second.payment.about.gift_id) is None  # type: ignore[union-attr]
