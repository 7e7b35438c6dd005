"""A person of three records: whatever was issued of which when, each gift is told of once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from chalicelib import items, keys
from chalicelib.errors import NotFound
from chalicelib.giving import donors, ledger
from chalicelib.giving.donors import Donor
from chalicelib.mail import errands
from chalicelib.portal import joining, parting
from chalicelib.statements import register, shelf, superseding, yearly
from local.cloud import Cloud
from local.mailbox import parse
from tests.contract.mishaps import overheard
from tests.portal.test_email_change import waiting
from tests.statements.meanwhile import as_it_is_kept
from tests.statements.papers import payment, refund
from tests.test_cost import counted

SUMMER = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def records(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> list[str]:
    """Three donors, with one gift, two and three: 2 to the power of its number dollars each, so that a sum tells which."""
    clock_at(datetime(2027, 1, 20, 12, tzinfo=UTC))
    found = [donors.found_or_made(Donor("", f"d{nth}@example.org", "Maria Lee")) for nth in range(3)]
    number = 0
    for nth, record in enumerate(found):
        for _ in range(nth + 1):
            at = SUMMER + timedelta(days=number)
            ledger.record(record, [payment(number + 1, at, at.date(), 100 * 2**number)])
            number += 1
    return found


def link(records: list[str]) -> None:
    """What `joining` does to two profiles, for all three."""
    main, *others = records
    items.update(items.giving(), keys.donor(main), "SET joined = :all", {":all": others})
    for each in others:
        items.update(items.giving(), keys.donor(each), "SET joined_to = :main", {":main": main})


def newest_sum(records: list[str]) -> int:
    """What the newest statements of all records tell of, in dollars; each gift is a bit of it."""
    found = [register.newest(each, "us", 2026) for each in records]
    return sum(issued.totals["usd"] for issued in found if issued) // 100


def take_out(record_id: str) -> None:
    joined = donors.profile(record_id)
    assert joined
    items.transact(parting.writes_for(joined))


@pytest.mark.parametrize("before", list(product([False, True], repeat=3)))
def test_each_gift_is_told_of_once_whatever_was_issued_before(records: list[str], before: tuple[bool, ...]) -> None:
    """Joined, then given to once more, then taken apart: after each the newest statements hold every gift once."""
    for record, was_issued in zip(records, before, strict=True):
        if was_issued:
            register.issue(record, "us", 2026)
    link(records)
    main = donors.person(records[2])
    assert main
    register.of_person(register.issue, main, "us", 2026)
    assert newest_sum(records) == 2**6 - 1

    late = SUMMER + timedelta(days=30)
    ledger.record(records[1], [payment(7, late, late.date(), 100 * 2**6)])
    told, _ = register.whose(records[1], "us", 2026)
    register.issue(told, "us", 2026)
    assert newest_sum(records) == 2**7 - 1
    listed = shelf.years(tuple(records))
    assert sum(total.amount for year in listed for total in year.currency_totals) == 100 * (2**7 - 1)
    assert [bool(year.series) for year in listed] == [False, *(each for each in before[1:] if each)]

    take_out(records[1])
    for record in (records[0], records[1]):
        register.issue(record, "us", 2026)
    assert newest_sum(records) == 2**7 - 1
    assert donors.records(records[2]) == (records[0], records[2])


def test_a_joined_record_without_one_of_its_own_has_none(records: list[str]) -> None:
    """Not by any way to ask for it: its gifts are in the main one's."""
    link(records)

    with pytest.raises(NotFound):
        register.issue(records[1], "us", 2026)
    assert register.whose(records[1], "us", 2026) == (records[0], None)


def test_whose_statement_it_is_costs_one_call(records: list[str]) -> None:
    """It is asked of every gift of a closed year. Where only an earlier one was issued, the profile is read by itself."""
    for issued, tax_year, calls in [(False, 2026, ["Query"]), (True, 2026, ["Query"]), (True, 2027, ["Query", "GetItem"])]:
        if issued:
            register.issue(records[0], "us", 2026)
        with counted() as made:
            record, last = register.whose(records[0], "us", tax_year)
        assert (record, last is not None, made) == (records[0], issued and tax_year == 2026, calls)


def test_a_record_that_was_issued_its_own_meanwhile_is_not_told_of_once_more(records: list[str]) -> None:
    """Drawn up over all, then taken apart, issued alone and joined again: the records are joined as they were."""

    def issue_its_own() -> None:
        take_out(records[2])
        register.issue(records[2], "us", 2026)
        link(records)

    link(records)
    with as_it_is_kept(issue_its_own):
        register.issue(records[0], "us", 2026)

    assert newest_sum(records) == 2**6 - 1


def test_a_main_record_whose_gifts_go_back_meanwhile_leaves_the_others_theirs(
    records: list[str], aws_local: Cloud
) -> None:
    """It had gifts when the run began with it; of the record that has a statement of its own the donor is told all the same."""
    register.issue(records[1], "us", 2026)
    link(records[:2])
    [gift] = ledger.gifts(records[0])
    paid = ledger.place_of(gift.charge_id)
    assert paid
    with as_it_is_kept(lambda: ledger.record(records[0], [refund(ledger.facts_at(paid)[0], gift.money.minor)])):
        yearly.send(yearly.StatementDue(records[0], "us", 2026))

    assert register.newest(records[0], "us", 2026) is None
    assert [mail.to for mail in map(parse, aws_local.raw_mails())] == ["d0@example.org"]


def test_as_many_records_as_a_person_may_have_are_entered_at_once(
    aws_local: Cloud, clock_at: Callable[[datetime], None]
) -> None:
    """Each of them, and each of the years that the tax year touches, is a part of one transaction, which has a hundred."""
    clock_at(datetime(2027, 1, 20, 12, tzinfo=UTC))
    many = [donors.found_or_made(Donor("", f"d{nth}@example.org")) for nth in range(joining.MOST_RECORDS)]
    for nth, record in enumerate(many):
        ledger.record(record, [payment(nth, SUMMER, SUMMER.date(), 100)])
    link(many)
    with overheard() as calls:
        assert register.issue(many[0], "us", 2026).gifts == joining.MOST_RECORDS

    assert [len(sent["TransactItems"]) for name, sent in calls if name == "TransactWriteItems"] == [40, 41]


def test_the_person_is_called_as_the_main_record_says(records: list[str]) -> None:
    """Also on the statement that a joined record goes on with."""
    register.issue(records[1], "us", 2026)
    link(records)
    items.update(items.giving(), keys.donor(records[0]), "SET receipt_name = :new", {":new": "Maria Lee-Moor"})

    content, last = register.drawn(records[1], "us", 2026)
    assert content.donor.name == "Maria Lee-Moor"
    assert last
    assert last.number == 1


@pytest.mark.parametrize("begun", [True, False])
def test_taken_out_after_the_year_s_run_a_record_is_issued_its_first(
    records: list[str], aws_local: Cloud, begun: bool
) -> None:
    """Its gifts were in the main one's, which is put right; before the run there is nothing to make up for."""
    link(records)
    if begun:
        yearly.begin("us", 2026)
    yearly.send(yearly.StatementDue(records[0], "us", 2026))
    take_out(records[2])
    for _ in range(2):
        superseding.parted(records[2], records[0])
        for letter in waiting():
            errands.run(letter)

    assert newest_sum(records[:2]) == 2**3 - 1
    assert (register.newest(records[2], "us", 2026) is not None) is begun
    ready = [mail.to for mail in map(parse, aws_local.raw_mails()) if "is ready" in mail.subject]
    assert ready == ["d0@example.org", "d2@example.org"][: 1 + begun]


def test_one_that_had_its_own_is_not_issued_it_again(records: list[str]) -> None:
    """It went on with it while it was joined, and does so by itself."""
    before = register.issue(records[2], "us", 2026)
    link(records)
    yearly.begin("us", 2026)
    take_out(records[2])
    superseding.parted(records[2], records[0])

    assert waiting() == []
    assert register.newest(records[2], "us", 2026) == before
