"""Statements issued, given again, and replaced: real boto3 on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import pytest
import requests

from chalicelib import aws, items, keys, settings
from chalicelib.errors import DocumentAltered, NotFound
from chalicelib.giving import donors, ledger
from chalicelib.giving.gift import Fact
from chalicelib.statements import documents, donor_facts, register, shelf, statement
from local.cloud import Cloud
from tests.statements.papers import dispute, payment, refund, text_of

JUNE = payment(1, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1))
# Three in the morning of 1 January in UTC is still New Year's Eve in New York.
EVE = payment(2, datetime(2027, 1, 1, 3, tzinfo=UTC), date(2026, 12, 31), 2500)
NEXT_YEAR = payment(3, datetime(2027, 1, 1, 5, tzinfo=UTC), date(2027, 1, 1), 700)
EUROS = payment(4, datetime(2026, 7, 1, 12, tzinfo=UTC), date(2026, 7, 1), 8000, "eur")
POUNDS = payment(5, datetime(2026, 7, 2, 12, tzinfo=UTC), date(2026, 7, 2), 1000, "gbp", entity="uk")


@pytest.fixture(autouse=True)
def in_january(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> None:
    clock_at(datetime(2027, 1, 20, 12, tzinfo=UTC))


@pytest.fixture
def maria() -> str:
    address = donors.Address("12 Elm Street", "", "Albany", "NY", "12207", "US")
    return donors.found_or_made(donors.Donor("", "maria@example.org", "Maria Fernández", address=address))


def kept(issued: register.Issued) -> bytes:
    found = aws.s3().get_object(Bucket=settings.current().documents_bucket, Key=issued.s3_key)
    with found["Body"] as body:
        return body.read()


def test_a_statement_holds_the_gifts_of_its_year_by_the_entitys_clock(maria: str) -> None:
    """
    A gift of New Year's Eve in New York counts for the old year, though UTC had the new one.
    """
    ledger.record(maria, [JUNE, EVE, NEXT_YEAR, POUNDS])

    issued = register.issue(maria, "us", 2026)

    assert (issued.gifts, issued.totals) == (2, {"usd": 7500})
    assert "Albany, NY 12207" in text_of(kept(issued))


def test_asked_for_again_it_is_the_same_to_the_byte(maria: str, clock_at: Callable[[datetime], None]) -> None:
    """
    A statement that still tells the truth is given back, not drawn up anew.
    """
    ledger.record(maria, [JUNE])
    first = register.issue(maria, "us", 2026)
    clock_at(datetime(2027, 3, 1, tzinfo=UTC))

    again = register.issue(maria, "us", 2026)

    assert first == again
    assert first.sha256 == hashlib.sha256(kept(again)).hexdigest()


@pytest.mark.parametrize("later", [EVE, refund(JUNE, 2000), refund(JUNE, 5000), dispute(JUNE)])
def test_what_happens_later_is_a_new_number_that_names_the_old(maria: str, later: Fact) -> None:
    """
    An issued document never changes; the next one says which it replaces, even when nothing is left to count.
    """
    ledger.record(maria, [JUNE])
    first = register.issue(maria, "us", 2026)
    before = kept(first)
    ledger.record(maria, [later])

    second = register.issue(maria, "us", 2026)

    assert (second.number, second.replaces) == (2, first.serial)
    assert first.serial in text_of(kept(second))
    assert before == kept(first)


def test_a_statement_so_far_becomes_a_whole_one_when_the_year_is_over(
    maria: str, clock_at: Callable[[datetime], None]
) -> None:
    """
    The paper that says "to date" is replaced after New Year, though no gift came in between.
    """
    ledger.record(maria, [JUNE])
    clock_at(datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC))
    assert "year to date" in text_of(kept(register.issue(maria, "us", 2026)))

    clock_at(datetime(2027, 1, 1, 5, tzinfo=UTC))
    assert "year to date" not in text_of(kept(register.issue(maria, "us", 2026)))


def speaks(donor_id: str, language: str) -> None:
    items.update(items.giving(), keys.donor(donor_id), "SET #it = :new", {":new": language}, names={"#it": "language"})


def test_a_statement_is_in_the_language_that_the_donor_prefers(maria: str) -> None:
    """
    Stripe tells "es-419" and the portal "es": both are Spanish.
    """
    ledger.record(maria, [JUNE])
    speaks(maria, "es-419")

    assert "Constancia de donativos 2026" in text_of(kept(register.issue(maria, "us", 2026)))


def test_another_language_alone_does_not_replace_a_closed_years_statement(maria: str) -> None:
    """
    It may lie at the tax office; what replaces it for another reason is in the language of that day.
    """
    ledger.record(maria, [JUNE])
    first = register.issue(maria, "us", 2026)
    speaks(maria, "es")
    assert register.issue(maria, "us", 2026) == first

    ledger.record(maria, [refund(JUNE, 2000)])
    second = register.issue(maria, "us", 2026)

    assert (second.number, second.replaces, second.language) == (2, first.serial, "es")
    assert "Anula y sustituye n.º" in text_of(kept(second))
    speaks(maria, "en")
    assert register.issue(maria, "us", 2026) == second


def test_a_statement_to_date_follows_the_language(maria: str, clock_at: Callable[[datetime], None]) -> None:
    """
    It will be replaced anyway, and nobody files with it.
    """
    clock_at(datetime(2026, 9, 1, tzinfo=UTC))
    ledger.record(maria, [JUNE])
    register.issue(maria, "us", 2026)
    speaks(maria, "es")

    assert "año en curso" in text_of(kept(register.issue(maria, "us", 2026)))


def test_who_loses_the_race_gives_the_winners_document(maria: str) -> None:
    """
    Two browsers ask at once: one number, one document.
    """
    ledger.record(maria, [JUNE])
    loser = register._next_mark(maria, "us", 2026, None)
    winner = register.issue(maria, "us", 2026)
    source, recipient = donor_facts.source("us"), donor_facts.recipient(donors.profile(maria), "US")
    gifts = ledger.gifts(maria)
    content = statement.draw_up(source, recipient, gifts, 2026, loser)

    assert winner == register._enter(donors.profile(maria), "us", 2026, register.Draft(content, None, (maria,)))


def test_the_pdf_is_kept_before_it_is_registered(maria: str) -> None:
    """
    A crash between the two leaves a file nobody names, never a name without a file.
    """
    ledger.record(maria, [JUNE])
    issued = register.issue(maria, "us", 2026)
    aws.dynamodb().delete_item(
        TableName=items.giving(), Key=items.marshal(keys.donor(maria, keys.statement("us", 2026, 1)))
    )

    assert issued.s3_key == register.issue(maria, "us", 2026).s3_key


@pytest.mark.parametrize(("entity", "year"), [("us", 2025), ("uk", 2025), ("nowhere", 2026)])
def test_no_gifts_no_statement(maria: str, entity: str, year: int) -> None:
    """
    Neither another year, nor one that ended before the gift by that country's calendar, nor a made-up entity.
    """
    ledger.record(maria, [JUNE, POUNDS])

    with pytest.raises(NotFound):
        register.issue(maria, entity, year)


def test_two_donors_never_share_a_number(maria: str) -> None:
    """
    The number tells donors apart without telling who they are.
    """
    other = donors.found_or_made(donors.Donor("", "ann@example.org", "Ann"))
    ledger.record(maria, [JUNE])
    ledger.record(other, [EVE])
    serials = {register.issue(donor, "us", 2026).serial for donor in (maria, other)}

    assert len(serials) == 2
    assert not any(donor in serial for donor in (maria, other) for serial in serials)


def test_years_tell_what_can_be_had(maria: str) -> None:
    """
    One entry for each year and entity, totals apart by currency, the running year marked.
    """
    ledger.record(maria, [JUNE, EVE, EUROS, NEXT_YEAR, POUNDS, refund(JUNE, 1000)])

    newest, older, british = shelf.years((maria,))

    assert (british.entity, british.tax_year, british.so_far) == ("uk", 2026, True)
    assert (newest.tax_year, newest.so_far, newest.gifts) == (2027, True, 1)
    assert (older.tax_year, older.so_far, older.gifts) == (2026, False, 3)
    assert older.currency_totals == [shelf.Total(8000, "eur"), shelf.Total(6500, "usd")]


def test_the_list_says_what_the_document_says(maria: str) -> None:
    """
    A donor compares the two: what counts above a dinner, and no gift that Canada takes for none.
    """
    dinner = {"advantage": 4000, "advantage_description": "Dinner"}
    ledger.record(maria, [bringing(JUNE, **dinner), EVE, refund(EVE, 500), bringing(in_canada(6, 5000)), bringing(in_canada(7, 4900), **dinner)])

    listed = {year.entity: year for year in shelf.years((maria,))}
    for entity, total in (("us", shelf.Total(3000, "usd")), ("ca", shelf.Total(5000, "cad"))):
        content, _ = register.drawn(maria, entity, 2026)
        assert listed[entity].currency_totals == [total]
        assert [(table.eligible.minor, table.currency) for table in content.tables] == [(total.amount, total.currency)]
        assert listed[entity].gifts == sum(len(table.lines) for table in content.tables)


def test_a_year_whose_only_gift_is_none_is_not_offered(maria: str) -> None:
    """
    The link would lead to a refusal. Asked for all the same, the answer says why.
    """
    ledger.record(maria, [bringing(in_canada(7, 4900), advantage=4000, advantage_description="Dinner")])

    assert shelf.years((maria,)) == []
    with pytest.raises(NotFound, match="80%"):
        register.issue(maria, "ca", 2026)


def bringing(fact: Fact, **about: Any) -> Fact:
    """The payment, with what the donor had in return."""
    assert fact.payment
    paid = msgspec.structs.replace(fact.payment, about=msgspec.structs.replace(fact.payment.about, **about))
    return msgspec.structs.replace(fact, payment=paid)


def in_canada(nth: int, minor: int) -> Fact:
    return payment(nth, datetime(2026, 7, nth, 12, tzinfo=UTC), date(2026, 7, nth), minor, "cad", entity="ca")


@pytest.mark.parametrize(("day", "name"), [(date(2026, 3, 10), "2025–26"), (date(2026, 4, 6), "2026–27")])
def test_a_british_year_is_called_by_both_its_calendar_years(maria: str, day: date, name: str) -> None:
    """
    "2025" above a gift of March 2026 is a year that no donor knows; the number stays in the address.
    """
    at = datetime.combine(day, time(12), UTC)
    ledger.record(maria, [payment(5, at, day, 1000, "gbp", entity="uk")])
    (year,) = shelf.years((maria,))

    assert (year.year_name, year.tax_year) == (name, int(name[:4]))
    assert register.drawn(maria, "uk", year.tax_year)[0].year_name == name


def test_a_link_opens_the_pdf_without_a_session(maria: str) -> None:
    """
    The browser follows it as it is, and saves it under a name the donor will know again.
    """
    ledger.record(maria, [JUNE])
    issued = register.issue(maria, "us", 2026)

    answer = requests.get(register.link(issued), timeout=5)

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{issued.filename}"'
    assert hashlib.sha256(answer.content).hexdigest() == issued.sha256


def test_a_kept_document_is_never_overwritten() -> None:
    """
    Whoever comes second keeps what the first one kept.
    """
    documents.keep("receipts/x.pdf", b"first", "x.pdf")
    documents.keep("receipts/x.pdf", b"second", "x.pdf")

    assert requests.get(documents.link("receipts/x.pdf", "x.pdf"), timeout=5).content == b"first"


def test_a_document_that_is_not_what_was_issued_is_not_given_out(maria: str) -> None:
    """The register's SHA-256 decides what a donor may be shown, not what lies in the bucket."""
    ledger.record(maria, [JUNE])
    issued = register.issue(maria, "us", 2026)
    assert register.link(issued)
    aws.s3().put_object(Bucket=settings.current().documents_bucket, Key=issued.s3_key, Body=b"another")

    with pytest.raises(DocumentAltered):
        register.link(issued)


def test_what_was_issued_stays_on_the_shelf(maria: str) -> None:
    """
    Every number with its day, the replaced ones marked by what replaced them, also when no gift of the year is left.
    """
    ledger.record(maria, [JUNE])
    first = register.issue(maria, "us", 2026)
    ledger.record(maria, [refund(JUNE, 5000)])
    second = register.issue(maria, "us", 2026)

    (year,) = shelf.years((maria,))

    day = date(2027, 1, 20)
    assert year.issued == [shelf.Issue(2, second.serial, day, ""), shelf.Issue(1, first.serial, day, second.serial)]
    assert (year.gifts, year.currency_totals) == (0, [])
    assert kept(shelf.numbered(maria, "us", 2026, 1)) == kept(first)
