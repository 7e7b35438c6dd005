"""The CSV file: read back it says what the ledger says, and no spreadsheet finds a formula in it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from chalicelib.giving import gift_view, history, ledger, spreadsheet
from chalicelib.giving.gift import Gift, fold
from local.cloud import Cloud
from tests.giving import many
from tests.giving_world import ANN, World
from tests.over_http import Site

# What Excel, LibreOffice and Sheets take for the beginning of a formula, at once or after trimming.
TRIGGERS = "=+-@\t\r\n＝＋－＠"
ATTACKS = [
    '=HYPERLINK("http://evil.example","click")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "  =1+1",
    "＝1+1", "'=1+1", '"=1+1', '","=1+1', "x;=1+1", 'x";"=cmd|\' /C calc\'!A0', "a,\t@SUM(A1)", "=", "\x00=1", "\u2028=1", "a|=1",
]  # fmt: skip


def gift(**about: Any) -> Gift:
    found = fold([many.paid(1, **about)])
    assert found
    return found


def lines(*gifts: Gift) -> list[dict[str, str]]:
    text = spreadsheet.written(
        gifts, funds={"rescue": "Rescue"}, entities={"us": "The Charity, Inc."}, told=gift_view.happened
    )
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.fixture(autouse=True)
def facts(aws_local: Cloud) -> None:
    """The charity's time zones."""


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("field", ["tribute_name", "fund", "gift_id"])
def test_no_cell_begins_a_formula(attack: str, field: str) -> None:
    """Also after trimming, and also where the reader's country separates cells by semicolons."""
    about = {"gift_id": "1" * 32, "fund": "rescue", field: attack}
    payment = many.paid(1)
    assert payment.payment
    said = many.About(**about)
    found = fold([many.Fact("payment", "ch_1", "ch_1", payment.at, payment.at, payment.money,
                            payment=many.Payment(said, "us", payment.at.date()))])  # fmt: skip
    assert found
    text = spreadsheet.written([found], funds={}, entities={}, told=gift_view.happened)

    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator):
            for cell in row:
                assert cell.strip(" \"'\t")[:1] not in TRIGGERS or cell.lstrip(' "').startswith("'") or not cell.strip(" \"'"), cell


@pytest.mark.parametrize("name", ["Ann-Marie", "O'Brien", "José 愛", 'The "Big" Family', "a, b; c", "x = y", "3-4"])
def test_an_honest_name_stays_as_it_is(name: str) -> None:
    """The guard must not maul what is no formula."""
    assert lines(gift(tribute_name=name))[0]["Tribute name"] == name


def test_amounts_have_the_decimals_of_their_currency() -> None:
    """As plain numbers with a point, each beside its currency: a spreadsheet can add up a filtered column."""
    given = [fold([many.paid(number, minor=minor, currency=currency)])
             for number, (minor, currency) in enumerate([(50_05, "usd"), (5000, "jpy"), (15_250, "kwd"), (25_000_00, "usd")])]  # fmt: skip

    assert [(line["Amount"], line["Currency"]) for line in lines(*filter(None, given))] == [
        ("50.05", "USD"), ("5000", "JPY"), ("15.250", "KWD"), ("25000.00", "USD"),
    ]  # fmt: skip


def test_refunds_and_disputes_are_told() -> None:
    """In figures of their own that add up to the gift, and in words with their days."""
    payment = many.paid(1)
    facts = [payment, many.later(payment, "refund", 20_00, 1), many.later(payment, "dispute", 10_00, 2)]
    found = fold([*facts, many.later(payment, "dispute_lost", 10_00, 2, facts[2].stripe_id)])
    assert found

    line = lines(found)[0]

    assert [line[name] for name in ("Date", "Amount", "Refunded", "Disputed", "Kept", "State", "Taken by", "Fund")] == [
        "2016-01-01", "50.00", "20.00", "10.00", "20.00", "paid", "The Charity, Inc.", "Rescue",
    ]  # fmt: skip
    assert line["What happened"] == "refunded 20.00 on 2016-01-02. disputed 10.00 on 2016-01-03. dispute lost 10.00"


def test_the_file_is_utf_8_that_excel_knows_for_it() -> None:
    """A byte order mark, every cell quoted, lines ended as RFC 4180 says."""
    text = spreadsheet.written([gift(tribute_name="José")], funds={}, entities={}, told=gift_view.happened)

    assert text.startswith('\ufeff"Date","Amount"')
    assert text.endswith('"\r\n')
    assert text.count("\r\n") == text.count("\n") == 2


def test_a_donor_fetches_the_file_and_nobody_else_does(giving: World, site: Site) -> None:
    """As a download by its name, of the gifts asked for, never kept by a cache; who is not signed in is told so."""
    giving.give(50_00, fund="rescue", tribute=None)
    giving.give(25_00, "usd", "monthly")
    assert site.get("/portal/gifts.csv").status == 401
    site.sign_in(giving, ANN)

    answer = site.get("/portal/gifts.csv?year=2026&frequency=once", accept="text/html,*/*")

    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
    assert answer.headers["content-disposition"] == 'attachment; filename="giving-2026.csv"'
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["Amount"], row["Fund"], row["Frequency"]) for row in rows] == [("50.00", "Rescue and legal help", "once")]
    assert site.get("/portal/gifts.csv").text.count("\r\n") == 3


def test_another_browser_is_sent_to_sign_in(aws_local: Cloud) -> None:
    """A link to the file that is opened a day later leads to the form, not to a line of JSON."""
    answer = Site().get("/portal/gifts.csv", accept="text/html,*/*")

    assert (answer.status, answer.headers["location"]) == (303, "/portal")


@pytest.mark.parametrize("query", ["fund=yacht", "frequency=weekly", "year=abc"])
@pytest.mark.parametrize("path", ["/portal/gifts", "/portal/gifts.csv"])
def test_a_filter_that_cannot_be_is_refused_in_the_one_shape(path: str, query: str, giving: World, site: Site) -> None:
    """With the field at fault; a browser gets a page that says it."""
    giving.give()
    site.sign_in(giving, ANN)

    refused = site.get(f"{path}?{query}")
    page = site.get(f"{path}?{query}", accept="text/html")

    assert (refused.status, refused.json["error"]["field"]) == (400, query.partition("=")[0])
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_the_file_holds_what_the_list_holds() -> None:
    """Whatever was asked for, gift by gift."""
    for fact in many.decade(120):
        ledger.record("d1", [fact])
    for asked in ({}, {"year": "2018"}, {"frequency": "monthly"}, {"fund": "rescue", "year": "2020"}):
        listed, cursor = [], ""
        while not listed or cursor:
            page = history.page(("d1",), cursor=cursor, **asked)
            listed, cursor = listed + [each.gift_id for each in page.gifts], page.next or ""
        _, text = history.table(("d1",), **asked)
        rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        assert [row["Gift"] for row in rows] == listed
