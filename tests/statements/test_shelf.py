"""What the shelf says can be had is what is issued when it is asked for, whatever was kept of it before and whoever looked when."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib import aws, charity, items, keys
from chalicelib.errors import NotFound
from chalicelib.giving import donors, history, ledger
from chalicelib.giving.donors import Address, Donor
from chalicelib.giving.gift import About, Fact
from chalicelib.statements import register, shelf
from local.cloud import Cloud
from tests.giving import many
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.test_browsers import BROWSER
from tests.statements.papers import payment
from tests.statements.test_joined import link, take_out

ENTITIES = {"us": "usd", "uk": "gbp", "ca": "cad", "au": "aud"}
# Where a tax year turns: in New York and Ottawa, in London.
TURNS = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
TAX_YEARS = range(2024, 2028)
# What can be had, and of what it tells: whose statement of which entity and year, how many gifts, amounts by currency.
Listed = dict[tuple[str, str, int], tuple[int, list[tuple[str, int]]]]


@pytest.fixture
def records(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> list[str]:
    """Two donors with a full name and an address, long after every gift: so everything can be had."""
    clock_at(datetime(2029, 1, 20, 12, tzinfo=UTC))
    lives_at = Address(line1="1 Main St", city="Ottawa", region="ON", postal_code="K1A 0B1", country="CA")
    return [donors.found_or_made(Donor("", f"d{nth}@example.org", "Maria J. Lee", address=lives_at)) for nth in range(2)]


def life(rng: random.Random, first: int) -> list[Fact]:
    """A few gifts about the turns of tax years, to any entity, some with something in return, and what befell them."""
    facts = []
    for number in range(first, first + rng.randint(1, 4)):
        entity = rng.choice(list(ENTITIES))
        at = rng.choice(TURNS) + timedelta(hours=rng.randint(-30, 30))
        on = at.astimezone(charity.current().entities[entity].zone).date()
        paid = payment(number, at, on, 10_00, rng.choice([ENTITIES[entity], "usd"]), entity)
        if rng.random() < 0.4:
            paid = with_return(paid, rng.choice([1_00, 7_50, 12_00]))
        facts += [paid, *befell(rng, paid)]
    return facts


def with_return(paid: Fact, value: int) -> Fact:
    """7.50 of 10.00 is a gift in Canada while nothing of it goes back, and 12.00 is none."""
    assert paid.payment
    about = About(paid.payment.about.gift_id, advantage=value, advantage_description="Dinner")
    return msgspec.structs.replace(paid, payment=msgspec.structs.replace(paid.payment, about=about))


def befell(rng: random.Random, paid: Fact) -> Iterator[Fact]:
    name = paid.charge_id
    if rng.random() < 0.4:
        back = rng.choice([2_00, 10_00])
        yield many.later(paid, "refund", back, name=f"re_{name}")
        if rng.random() < 0.3:
            yield many.later(paid, "refund_failed", back, name=f"re_{name}")
    elif rng.random() < 0.4:
        yield many.later(paid, "dispute", 10_00, name=f"dp_{name}")
        if rng.random() < 0.6:
            yield many.later(paid, rng.choice(["dispute_won", "dispute_lost"]), 10_00, name=f"dp_{name}")


def on_the_shelf(records: tuple[str, ...]) -> Listed:
    names = {register.series(entity, record): record for record in records for entity in ENTITIES}
    if not records:
        return {}
    return {
        (names.get(year.series, records[0]), year.entity, year.tax_year):
        (year.gifts, [(total.currency, total.amount) for total in year.currency_totals])
        for year in shelf.years(records)
    }  # fmt: skip


def as_drawn(records: tuple[str, ...]) -> Listed:
    """Each statement drawn up from its gifts, as if it were asked for now."""
    found = {}
    for record in records:
        for tax_year in TAX_YEARS:
            for entity in ENTITIES:
                try:
                    content, _ = register.drawn(record, entity, tax_year)
                except NotFound:
                    continue
                totals = sorted((table.currency, table.eligible.minor) for table in content.tables)
                found[record, entity, tax_year] = sum(len(table.lines) for table in content.tables), totals
    return found


def joined_or_apart(records: list[str], person: tuple[str, ...]) -> tuple[str, ...]:
    """The records of the first donor's, after the second was joined to it or taken out again."""
    if len(person) == 1:
        link(records)
        return tuple(records)
    take_out(records[1])
    return (records[0],)


@pytest.mark.parametrize("seed", range(16))
def test_the_shelf_is_what_would_be_drawn_up_whenever_it_is_looked_at(records: list[str], seed: int) -> None:
    """Facts in any order, each told twice; statements issued, records joined and taken apart; and looks in between."""
    rng = random.Random(seed)
    told = [(record, fact) for nth, record in enumerate(records) for fact in life(rng, 10 * nth) * 2]
    rng.shuffle(told)
    person = (records[0],)
    for record, fact in told:
        ledger.record(record, [fact])
        if rng.random() < 0.4:
            shelf.years(person)
        if rng.random() < 0.1:
            person = joined_or_apart(records, person)
        if rng.random() < 0.1:
            for kind in list(as_drawn(tuple({*person, record})))[:1]:
                register.issue(*kind)

    for whole in (person, tuple(records[len(person):])):
        assert on_the_shelf(whole) == on_the_shelf(whole) == as_drawn(whole)


@contextmanager
def read() -> Iterator[list[tuple[str, int]]]:
    """Every operation of DynamoDB meanwhile, with the number of items that it gave."""
    calls: list[tuple[str, int]] = []

    def note(model: Any, parsed: dict[str, Any], **_: Any) -> None:
        calls.append((model.name, parsed.get("Count", 1)))

    events = aws.dynamodb().meta.events
    events.register("after-call.dynamodb", note, unique_id="read")
    yield calls
    events.unregister("after-call.dynamodb", unique_id="read")


@pytest.mark.parametrize("path", ["/portal", "/portal/statements", "/portal/gifts"])
def test_a_page_makes_the_same_calls_and_reads_the_same_items_at_60_gifts_and_at_300(
    giving: World, site: Site, path: str
) -> None:
    """A number that goes by the years in which the donor gave, so that the ten-thousandth gift makes no page slower."""
    giving.give()
    site.sign_in(giving, ANN)
    met = []
    for gifts in (60, 300):
        many.write(giving.donor_id(), many.decade(gifts))
        site.get(path)
        with read() as calls:
            assert site.get(path, BROWSER).status == 200
        met.append(calls)

    assert met[0] == met[1]
    assert "UpdateItem" not in dict(met[0]), "nothing has changed since the first look"
    assert len(met[0]) <= 6
    assert max(given for _, given in met[0]) <= 50, "years, or a page of gifts and one more"


def test_after_one_more_gift_only_its_year_is_read(records: list[str]) -> None:
    """And after a look at what the giving page shows, which is kept beside it, nothing."""
    many.write(records[0], many.decade(100))
    shelf.years((records[0],))
    ledger.record(records[0], [many.paid(999, many.FIRST, 7_00)])
    history.page((records[0],))

    with read() as first:
        shelf.years((records[0],))
    with read() as second:
        shelf.years((records[0],))

    assert first == [("Query", 0), ("Query", 10), ("Query", 13), ("UpdateItem", 1)]  # issued, years, facts of the one, kept
    assert second == [("Query", 0), ("Query", 10)]


def test_a_year_that_is_too_much_is_told_on_every_page_and_breaks_none(
    giving: World, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More facts in one year than a request reads: the first page is shown without it, others say what to do."""
    monkeypatch.setitem(ledger._facts.__kwdefaults__, "most", 5)
    giving.give()
    site.sign_in(giving, ANN)
    many.write(giving.donor_id(), [many.paid(number, giving.time.now()) for number in range(6)])

    home = site.get("/portal", BROWSER)
    others = ["/portal/statements", "/portal/statements/2026", "/portal/statements/2026?entity=us", "/portal/gifts", "/portal/gifts.csv?year=2026"]

    assert (home.status, "Recent giving" in home.text, "we send you your statements" in home.text) == (200, True, True)
    for path in others:
        page, answer = site.get(path, BROWSER), site.get(path)
        assert (page.status, "Please write to us" in page.text) == (409, True), path
        assert answer.json["error"]["code"] == "too_many_gifts", path
    assert site.get("/portal/gifts.csv", BROWSER).status == 400, "a year can still be chosen"


def test_what_was_kept_by_other_facts_of_the_charity_is_counted_anew(
    records: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entity of another country has other tax years, or none on the shelf at all; and what it had once it is as it was."""
    april = date(2026, 4, 6)
    ledger.record(records[0], [payment(1, TURNS[1], april, 10_00, "aud", "au"), payment(2, TURNS[1], april)])
    whole = charity.FACTS_FILE.read_text()
    monkeypatch.setattr(charity, "FACTS_FILE", tmp_path / "charity.toml")
    listed = []
    for country in ("AU", "US", "ZZ", "AU"):
        charity.FACTS_FILE.write_text(whole.replace('country = "AU"', f'country = "{country}"'))
        charity.current.cache_clear()
        listed.append([(year.entity, year.tax_year) for year in shelf.years((records[0],))])

    as_it_was = [("us", 2026), ("au", 2025)]
    assert listed == [as_it_was, [("us", 2026), ("au", 2026)], [("us", 2026)], as_it_was]


def test_what_is_kept_says_nothing_of_a_person(records: list[str]) -> None:
    """So that whoever erases one need not look there."""
    ledger.record(records[0], [many.paid(1, tribute_name="Rosa")])
    shelf.years((records[0],))

    kept = items.get(items.giving(), keys.donor(records[0], "YEAR#2016"))

    assert kept
    assert kept.keys() == {"pk", "sk", "changes", "statements"}
    assert kept["statements"]["parts"] == [{"tax_year": 2016, "entity": "us", "currency": "usd", "gifts": 1, "amount": 50_00}]
