"""What a statement and a receipt say, and what they refuse to say."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from chalicelib.errors import Conflict, MisconfiguredError, NotFound
from chalicelib.giving.gift import Gift
from chalicelib.money import Money
from chalicelib.statements.statement import (
    Mark,
    Recipient,
    Source,
    Statement,
    draw_up,
    draw_up_receipt,
    figures,
    fingerprint,
)
from tests.statements.papers import FIRST, MARIA, SOURCE, gift


def drawn(*gifts: Gift, source: Source = SOURCE, donor: Recipient = MARIA, mark: Mark = FIRST) -> Statement:
    return draw_up(source, donor, gifts, 2026, mark)


def lacking(**missing: Any) -> Source:
    return msgspec.structs.replace(SOURCE, entity=msgspec.structs.replace(SOURCE.entity, **missing))


def test_each_currency_has_its_own_table_and_total() -> None:
    """
    Currencies are never added together; the entity's own stands first.
    """
    tables = drawn(gift(1, 8000, "eur"), gift(2), gift(3, 500, "jpy"), gift(4, 2500)).tables

    assert [table.kept for table in tables] == [Money(7500, "usd"), Money(8000, "eur"), Money(500, "jpy")]


def test_a_refund_lowers_what_counts_and_stays_visible() -> None:
    """
    What was given, returned and kept all stand there; only what was kept counts.
    """
    (table,) = drawn(gift(1, 5000, refunded=2000), gift(2, 1000)).tables

    assert (table.given, table.refunded, table.kept) == (Money(6000, "usd"), Money(2000, "usd"), Money(4000, "usd"))


def test_what_a_dispute_took_stands_on_its_line() -> None:
    """
    Given, less what was refunded and what the bank took back, is what was kept: each line and the total add up.
    """
    (table,) = drawn(gift(1, 5000, lost=2000), gift(2, 5000, refunded=1000, lost=1500), gift(3, 1000)).tables

    assert [line.lost for line in table.lines] == [Money(2000, "usd"), Money(1500, "usd"), None]
    assert (table.lost, table.kept) == (Money(3500, "usd"), Money(6500, "usd"))
    for row in (table, *table.lines):
        assert row.given - row.refunded - (row.lost or Money(0, "usd")) == row.kept


def test_where_no_dispute_took_anything_the_statement_says_what_it_said() -> None:
    """
    A field more would replace every statement that was ever issued, and mail every donor.
    """
    said = msgspec.json.encode(drawn(gift(1, 5000, refunded=2000), gift(2, 9900, disputed=True)))

    assert b"lost" not in said


def test_a_gift_returned_in_full_is_left_out() -> None:
    """
    What was returned was not given.
    """
    statement = drawn(gift(1, 5000, refunded=5000), gift(2, 1000))

    assert [line.given.minor for table in statement.tables for line in table.lines] == [1000]
    assert not statement.waiting


def test_a_disputed_gift_waits_and_is_named() -> None:
    """
    Money that the bank may take back is not acknowledged yet, and not passed over in silence.
    """
    statement = drawn(gift(1, 9900, disputed=True), gift(2, 1000))

    assert [line.given.minor for line in statement.waiting] == [9900]
    assert statement.tables[0].kept == Money(1000, "usd")


def test_gifts_stand_oldest_first() -> None:
    """
    A year reads forward, in whatever order the ledger gave it.
    """
    (table,) = drawn(gift(3), gift(1), gift(2)).tables

    assert [line.given_on for line in table.lines] == sorted(line.given_on for line in table.lines)


@pytest.mark.parametrize(
    ("element", "empty"), [("legal_name", " "), ("tax_number", ""), ("address", []), ("address", [""])]
)
def test_nothing_is_issued_without_what_the_country_requires(element: str, empty: Any) -> None:
    """
    A document that lacks an element may be worthless to the donor: it is refused, and the refusal says which.
    """
    with pytest.raises(MisconfiguredError, match=element):
        drawn(gift(), source=lacking(**{element: empty}))
    with pytest.raises(MisconfiguredError, match=element):
        draw_up_receipt(lacking(**{element: empty}), MARIA, gift(), FIRST.issued_on)


def test_every_united_states_document_says_that_nothing_was_given_in_return() -> None:
    """
    IRS Publication 1771 wants the sentence from $250 on and courts accept no later repair, so it is always there.
    """
    receipt = draw_up_receipt(SOURCE, MARIA, gift(1, 100), FIRST.issued_on)

    assert any("no goods or services" in sentence for sentence in drawn(gift(1, 100)).sentences)
    assert any("no goods or services" in sentence for sentence in receipt.sentences)


@pytest.mark.parametrize(("issued_on", "so_far"), [(date(2026, 12, 31), True), (date(2027, 1, 1), False)])
def test_a_year_is_so_far_until_its_last_day_is_over(issued_on: date, so_far: bool) -> None:
    """
    A gift of New Year's Eve may still come while the statement is drawn up that day.
    """
    assert so_far is drawn(gift(), mark=Mark("n", issued_on)).so_far


def test_number_and_date_of_issue_do_not_make_another_document() -> None:
    """
    Asked for again, a statement that says the same is the same.
    """
    again = Mark("US-2026-3f9a1c22d04b-2", date(2027, 4, 15), FIRST.serial)

    assert fingerprint(drawn(gift())) == fingerprint(drawn(gift(), mark=again))


@pytest.mark.parametrize(
    "other",
    [
        drawn(gift(), gift(2)),
        drawn(gift(refunded=1)),
        drawn(gift(disputed=True)),
        drawn(gift(), donor=Recipient("Maria F.", MARIA.address)),
        drawn(gift(), source=lacking(tax_number="00-0000001")),
        drawn(gift(), mark=Mark(FIRST.serial, date(2026, 6, 1))),
    ],
    ids=["later gift", "refund", "dispute", "name", "EIN", "year to date"],
)
def test_whatever_the_document_says_makes_another_document(other: Statement) -> None:
    """
    A change that a reader could see is never taken for the same.
    """
    assert fingerprint(drawn(gift())) != fingerprint(other)


def test_what_was_issued_of_a_gift_untouched_takes_the_place_of_nothing() -> None:
    """
    The sentence is for those who may hold another paper; what a dispute took is a reason as a refund is.
    """
    told = [draw_up_receipt(SOURCE, MARIA, each, FIRST.issued_on) for each in (gift(), gift(refunded=1), gift(lost=1))]

    assert [receipt.takes_place for receipt in told] == [False, True, True]
    assert b"takes_place" not in msgspec.json.encode(told[0])


def test_gifts_listed_apart_are_among_the_figures() -> None:
    """
    A refund of one of them makes the statement untrue, so it is replaced by itself; no other statement's figures move.
    """
    ca = lacking(country="CA", place_of_issue="Ottawa", signatory="A. Lee", signature="example.svg")
    full = msgspec.structs.replace(MARIA, in_full=True)
    dinner = {"advantage": 4500, "advantage_description": "Dinner"}
    before, after = (
        drawn(gift(1, 1000, "cad"), gift(2, 5000, "cad", refunded=back, **dinner), source=ca, donor=full) for back in (0, 100)
    )

    assert len(before.unreceipted) == 1
    assert figures(before) != figures(after)
    assert figures(drawn(gift())) == "732e5e4da1f7beaf08d9e5052db1599cfb5a4ae988c363ea9ab1991940692e14"


def test_a_disputed_gift_has_no_receipt_yet() -> None:
    """
    A receipt for money that the bank holds would acknowledge what may never be had.
    """
    with pytest.raises(Conflict, match="disputes"):
        draw_up_receipt(SOURCE, MARIA, gift(disputed=True), FIRST.issued_on)


def test_a_country_without_rules_gets_a_plain_receipt_and_no_statement() -> None:
    """
    Nothing is claimed about the tax of a country whose rules we do not hold.
    """
    elsewhere = lacking(country="DE")

    assert "not a tax receipt" in draw_up_receipt(elsewhere, MARIA, gift(), FIRST.issued_on).sentences[0]
    with pytest.raises(NotFound):
        draw_up(elsewhere, MARIA, [gift()], 2026, FIRST)
