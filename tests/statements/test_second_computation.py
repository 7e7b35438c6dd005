"""A thousand random histories: what the statement says against SQL over the donor's own exported table of facts."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.giving.gift import About, Fact, Kind, Payment, fold_all
from chalicelib.money import Money
from chalicelib.portal import data_files
from chalicelib.statements.statement import Mark, Recipient, Source, draw_up
from chalicelib.statements.tax_year import settle
from tests.statements.papers import FACTS

HISTORIES, AT_ONCE = 1_000, 100
YEAR = 2026
# Written out by hand, so that a slip in tax_year.py cannot hide here as well.
YEARS = {
    "us": ("2026-01-01", "2026-12-31"), "ca": ("2026-01-01", "2026-12-31"),
    "uk": ("2026-04-06", "2027-04-05"), "au": ("2026-07-01", "2027-06-30"),
}  # fmt: skip
DONOR = Recipient("Ann Lee", ("1 Main Street", "Ottawa"), in_full=True)
AFTERWARDS = Mark("N-1", date(2028, 1, 1))

# Of every currency: gifts, given, refunded, kept, advantage, eligible. The gift's facts are a set: DISTINCT.
TOTALS = """
WITH fact AS (SELECT DISTINCT * FROM told),
gift AS (
  SELECT charge, max(entity) AS entity, max(given_on) AS given_on, currency, sum(advantage) AS advantage,
    sum(CASE kind WHEN 'payment' THEN minor ELSE 0 END) AS given,
    sum(CASE kind WHEN 'refund' THEN minor WHEN 'refund_failed' THEN -minor ELSE 0 END) AS refunded,
    sum(CASE kind WHEN 'dispute' THEN minor WHEN 'dispute_won' THEN -minor ELSE 0 END) AS withdrawn,
    sum(CASE kind WHEN 'dispute' THEN minor WHEN 'dispute_won' THEN -minor WHEN 'dispute_lost' THEN -minor ELSE 0 END) AS open
  FROM fact GROUP BY charge, currency
),
theirs AS (SELECT *, given - refunded - withdrawn AS kept FROM gift WHERE entity = :entity AND given_on BETWEEN :first AND :last)
SELECT currency, count(*), sum(given), sum(refunded), sum(kept), sum(advantage), sum(max(kept - advantage, 0))
FROM theirs WHERE open <= 0 AND kept > 0 GROUP BY currency ORDER BY currency
"""
WAITING = TOTALS.partition("SELECT currency, count(*)")[0] + "SELECT count(*) FROM theirs WHERE open > 0"


def history(chance: random.Random) -> list[Fact]:
    """Up to a dozen gifts around the year and its ends, each with what may happen to a payment; told twice, in any order."""
    facts = [fact for nth in range(chance.randint(1, 12)) for fact in _gift(chance, f"ch_{nth}")]
    told = facts + chance.sample(facts, len(facts) // 3)
    chance.shuffle(told)
    return told


def _gift(chance: random.Random, charge: str) -> Iterator[Fact]:
    entity = chance.choice(list(YEARS))
    at = _moment(chance, entity)
    worth = chance.choice((0, 0, 0, chance.randint(1, 3_000)))
    about = About(f"{chance.getrandbits(128):032x}", advantage=worth, advantage_description="A dinner" if worth else "")
    given_on = settle(at, FACTS.entities[entity].zone)
    left, currency = chance.randint(100, 1_000_000), chance.choice(("usd", "eur", "gbp", "cad", "aud", "jpy"))

    def fact(kind: Kind, name: str, minor: int) -> Fact:
        paid = Payment(about, entity, given_on) if kind == "payment" else None
        return Fact(kind, name, charge, at, at + timedelta(days=1), Money(minor, currency), payment=paid)

    yield fact("payment", charge, left)
    for nth in range(chance.choice((0, 0, 1, 2, 3))):
        back = chance.choice((left, chance.randint(1, left)))
        yield fact("refund", f"re_{charge}_{nth}", back)
        if chance.random() < 0.25:
            yield fact("refund_failed", f"re_{charge}_{nth}", back)
        else:
            left -= back
        if not left:
            return
    if chance.random() < 0.3:
        left = chance.choice((left, chance.randint(1, left)))
        yield fact("dispute", f"du_{charge}", left)
        ends: Kind | None = chance.choice((None, "dispute_won", "dispute_lost"))
        if ends:
            yield fact(ends, f"du_{charge}", left)


def _moment(chance: random.Random, entity: str) -> datetime:
    """Any time of two years, or within a day of the year's ends."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in YEARS[entity])
    near = chance.choice((None, None, first, last + timedelta(days=1)))
    if near:
        return near + timedelta(seconds=chance.randint(-86_400, 86_400))
    return datetime(2025, 10, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 2 * 365 * 86_400))


def loaded(told: list[Fact]) -> sqlite3.Connection:
    """The facts as the donor's export writes them, read back by a program that knows only the table."""
    text = data_files.table([msgspec.to_builtins(fact) for fact in told]).lstrip("\ufeff")
    books = sqlite3.connect(":memory:")
    books.execute("CREATE TABLE told (kind, name, charge, currency, minor INTEGER, entity, given_on, advantage INTEGER)")
    columns = ("kind", "stripe_id", "charge_id", "money.currency", "money.minor", "payment.entity", "payment.given_on",
               "payment.about.advantage")  # fmt: skip
    rows = [[row.get(name) or ("0" if "advantage" in name else "") for name in columns] for row in csv.DictReader(io.StringIO(text))]
    books.executemany("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return books


def said(told: list[Fact], entity: str) -> tuple[list[tuple[Any, ...]], int]:
    """What the statement says: a row for each currency, and how many gifts wait."""
    first, last = map(date.fromisoformat, YEARS[entity])
    gifts = [gift for gift in fold_all(told) if gift.entity == entity and first <= gift.given_on <= last]
    drawn = draw_up(Source(FACTS.name, FACTS.entities[entity], FACTS.funds), DONOR, gifts, YEAR, AFTERWARDS)
    assert (drawn.first_day, drawn.last_day) == (first, last)
    sums = (
        (t.currency, len(t.lines), *(each.minor for each in (t.given, t.refunded, t.kept, t.advantage, t.eligible)))
        for t in drawn.tables
    )
    return sorted(sums), len(drawn.waiting)


@pytest.mark.parametrize("start", range(0, HISTORIES, AT_ONCE))
def test_the_statement_agrees_to_the_cent_with_sql_over_the_exported_table(start: int) -> None:
    """Two computations that share no line of code: a fold in Python, and sums in SQL over the CSV."""
    counted = waiting = 0
    for seed in range(start, start + AT_ONCE):
        told = history(random.Random(seed))
        books = loaded(told)
        for entity, (first, last) in YEARS.items():
            asked = {"entity": entity, "first": first, "last": last}
            rows, waits = said(told, entity)
            assert rows == books.execute(TOTALS, asked).fetchall(), (seed, entity)
            assert waits == books.execute(WAITING, asked).fetchone()[0], (seed, entity)
            counted, waiting = counted + sum(row[1] for row in rows), waiting + waits
        books.close()

    assert counted > AT_ONCE
    assert waiting > 5
