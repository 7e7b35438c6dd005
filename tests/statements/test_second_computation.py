"""
A thousand random histories: what the statement says against SQL over the donor's own exported table of facts.

All of them by what draws a statement up; every 25th also from the table
of gifts, by what gathers a donor's year (`register.drawn`, all but the PDF):
moto needs 40 ms to read one, and four thousand would take minutes.
"""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib import aws, items, keys
from chalicelib.errors import NotFound
from chalicelib.giving import donors
from chalicelib.giving.gift import About, Fact, Kind, Payment, fold_all
from chalicelib.money import Money
from chalicelib.portal import data_files
from chalicelib.statements import register
from chalicelib.statements.statement import Line, Mark, Recipient, Source, Statement, draw_up
from chalicelib.statements.tax_year import settle
from local.cloud import Cloud
from tests.statements.papers import FACTS

HISTORIES, AT_ONCE, GATHERED = 1_000, 100, 25
YEAR = 2026
# Written out by hand, so that a slip in tax_year.py cannot hide here as well.
YEARS = {
    "us": ("2026-01-01", "2026-12-31"), "ca": ("2026-01-01", "2026-12-31"),
    "uk": ("2026-04-06", "2027-04-05"), "au": ("2026-07-01", "2027-06-30"),
}  # fmt: skip
DONOR = Recipient("Ann Lee", ("1 Main Street", "Ottawa"), in_full=True)
ANN = donors.Donor("", "ann@example.org", "Ann Lee", address=donors.Address("1 Main Street", "", "Ottawa", "ON", "K1A 0A1", "CA"))
AFTERWARDS = datetime(2028, 1, 1, 12, tzinfo=UTC)
# One that replaces another, so that it is drawn up also where no gift counts.
MARK = Mark("N-2", AFTERWARDS.date(), "N-1")

# The gift's facts are a set: DISTINCT. One that has a fact in another currency, or more refunded than was given, is unclear.
GIFTS = """
WITH fact AS (SELECT DISTINCT * FROM told),
gift AS (
  SELECT paid.charge, paid.entity, paid.given_on, paid.currency, paid.advantage, paid.minor AS given,
    EXISTS (SELECT 1 FROM fact WHERE fact.charge = paid.charge AND fact.currency <> paid.currency) AS foreign_fact,
    sum(CASE f.kind WHEN 'refund' THEN f.minor WHEN 'refund_failed' THEN -f.minor ELSE 0 END) AS refunded,
    sum(CASE f.kind WHEN 'dispute' THEN f.minor WHEN 'dispute_won' THEN -f.minor ELSE 0 END) AS withdrawn,
    sum(CASE f.kind WHEN 'dispute' THEN f.minor WHEN 'dispute_won' THEN -f.minor WHEN 'dispute_lost' THEN -f.minor ELSE 0 END) AS open
  FROM fact paid JOIN fact f ON f.charge = paid.charge AND f.currency = paid.currency
  WHERE paid.kind = 'payment' GROUP BY paid.charge
),
theirs AS (
  SELECT *, given - refunded - withdrawn AS kept, foreign_fact OR refunded < 0 OR refunded > given AS unclear
  FROM gift WHERE entity = :entity AND given_on BETWEEN :first AND :last
),
counted AS (
  SELECT *, CASE :entity WHEN 'ca' THEN advantage * 100 > kept * 80 ELSE 0 END AS apart
  FROM theirs WHERE NOT unclear AND open <= 0 AND kept > 0
)
"""
COLUMNS = ("given", "refunded", "kept", "advantage", "eligible")
# Of every currency: gifts, given, refunded, kept, advantage as far as there was something to take it off, eligible.
TOTALS = GIFTS + """
SELECT currency, count(*), sum(given), sum(refunded), sum(kept), sum(min(advantage, kept)), sum(max(kept - advantage, 0))
FROM counted WHERE NOT apart GROUP BY currency ORDER BY currency
"""
# Of every currency: gifts and what was given, of those that no total counts.
WAITING = GIFTS + "SELECT currency, count(*), sum(given) FROM theirs WHERE unclear OR open > 0 GROUP BY currency ORDER BY currency"
APART = GIFTS + "SELECT currency, count(*), sum(given) FROM counted WHERE apart GROUP BY currency ORDER BY currency"
UNCLEAR = GIFTS + "SELECT count(*) FROM theirs WHERE unclear"


def history(chance: random.Random) -> list[Fact]:
    """Up to a dozen gifts around the year and its ends, each with what may happen to a payment; told twice, in any order."""
    facts = [fact for nth in range(chance.randint(1, 12)) for fact in _gift(chance, f"ch_{nth}")]
    told = facts + chance.sample(facts, len(facts) // 3)
    chance.shuffle(told)
    return told


def _gift(chance: random.Random, charge: str) -> Iterator[Fact]:
    entity = chance.choice(list(YEARS))
    at = _moment(chance, entity)
    left, currency = chance.randint(100, 1_000_000), chance.choice(("usd", "eur", "gbp", "cad", "aud", "jpy"))
    worth = chance.choice((0, 0, 0, 0, chance.randint(1, 3_000), left * 4 // 5, chance.randint(1, 2 * left)))
    about = About(f"{chance.getrandbits(128):032x}", advantage=worth, advantage_description="A dinner" if worth else "")
    given_on = settle(at, FACTS.entities[entity].zone)

    def fact(kind: Kind, name: str, minor: int, code: str = currency) -> Fact:
        paid = Payment(about, entity, given_on) if kind == "payment" else None
        return Fact(kind, name, charge, at, at + timedelta(days=1), Money(minor, code), payment=paid)

    yield fact("payment", charge, left)
    wrong = chance.random()
    if wrong < 0.1:
        yield fact("refund", f"re_{charge}_more", left + 1)
    elif wrong < 0.2:
        yield fact("refund", f"re_{charge}_foreign", 5, "chf")
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


@pytest.fixture
def kept(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> Callable[[str, list[Fact]], None]:
    """Puts a donor's facts where the ledger has them: written at once, for what is tested is how they are read."""
    clock_at(AFTERWARDS)

    def keep(donor_id: str, told: list[Fact]) -> None:
        rows = [items.as_item(keys.donor(donor_id), msgspec.structs.replace(ANN, donor_id=donor_id))]
        rows += [items.as_item(keys.donor(donor_id, sort), fact) for sort, fact in {_sort(fact): fact for fact in told}.items()]
        for start in range(0, len(rows), 25):
            puts: Any = [{"PutRequest": {"Item": items.marshal(row)}} for row in rows[start : start + 25]]
            assert not aws.dynamodb().batch_write_item(RequestItems={items.giving(): puts})["UnprocessedItems"]

    return keep


def _sort(fact: Fact) -> str:
    return keys.fact(fact.gift_at, fact.charge_id, fact.kind, fact.stripe_id)


def drawn_up(told: list[Fact], entity: str) -> Statement:
    """The year's statement of what the facts tell."""
    first, last = map(date.fromisoformat, YEARS[entity])
    gifts = [gift for gift in fold_all(told) if gift.entity == entity and first <= gift.given_on <= last]
    return draw_up(Source(FACTS.name, FACTS.entities[entity], FACTS.funds), DONOR, gifts, YEAR, MARK)


def agree(content: Statement, books: sqlite3.Connection, entity: str) -> Counter[str]:
    """Holds the statement against SQL, and tells how much there was to compare."""
    first, last = YEARS[entity]
    asked = {"entity": entity, "first": first, "last": last}
    rows, waiting, apart, unclear = (books.execute(what, asked).fetchall() for what in (TOTALS, WAITING, APART, UNCLEAR))
    assert (content.first_day.isoformat(), content.last_day.isoformat()) == (first, last)
    assert totals(content) == rows
    assert named(content.waiting) == waiting
    assert named(content.unreceipted) == apart
    return Counter(counted=len(rows), waiting=len(waiting), apart=len(apart), unclear=unclear[0][0])


def totals(content: Statement) -> list[tuple[Any, ...]]:
    """Of each currency what its table says, in the lines and in the foot."""
    sums = []
    for table in content.tables:
        of_lines = tuple(sum(getattr(line, name).minor for line in table.lines) for name in COLUMNS)
        assert of_lines == tuple(getattr(table, name).minor for name in COLUMNS)
        sums.append((table.currency, len(table.lines), *of_lines))
    return sorted(sums)


def named(lines: tuple[Line, ...]) -> list[tuple[Any, ...]]:
    """Of each currency how many gifts there are that no total counts, and what was given."""
    codes = sorted({line.given.currency for line in lines})
    given = {code: [line.given.minor for line in lines if line.given.currency == code] for code in codes}
    return [(code, len(each), sum(each)) for code, each in given.items()]


@pytest.mark.parametrize("start", range(0, HISTORIES, AT_ONCE))
def test_the_statement_agrees_to_the_cent_with_sql_over_the_exported_table(start: int) -> None:
    """Two computations that share no line of code: a fold in Python, and sums in SQL over the CSV."""
    seen: Counter[str] = Counter()
    for seed in range(start, start + AT_ONCE):
        told = history(random.Random(seed))
        with closing(loaded(told)) as books:
            for entity in YEARS:
                seen += agree(drawn_up(told, entity), books, entity)

    assert seen["counted"] > AT_ONCE
    assert min(seen["waiting"], seen["unclear"]) > 10
    assert seen["apart"] > 0


def test_what_gathers_a_years_gifts_agrees_with_sql_too(kept: Callable[[str, list[Fact]], None]) -> None:
    """A gift that is read into the wrong year or entity, or not at all, would be told right and be wrong."""
    seen: Counter[str] = Counter()
    for seed in range(0, HISTORIES, GATHERED):
        told, donor_id = history(random.Random(seed)), f"{seed:032x}"
        kept(donor_id, told)
        with closing(loaded(told)) as books:
            for entity in YEARS:
                content = drawn(donor_id, entity)
                seen += agree(content, books, entity) if content else _nothing(books, entity)

    assert seen["counted"] > HISTORIES // GATHERED
    assert min(seen["waiting"], seen["unclear"], seen["none"]) > 5


def drawn(donor_id: str, entity: str) -> Statement | None:
    """The year's statement, if the donor can have one."""
    try:
        return register.drawn(donor_id, entity, YEAR)[0]
    except NotFound:
        return None


def _nothing(books: sqlite3.Connection, entity: str) -> Counter[str]:
    first, last = YEARS[entity]
    assert books.execute(TOTALS, {"entity": entity, "first": first, "last": last}).fetchall() == []
    return Counter(none=1)
