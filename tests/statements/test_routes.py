"""Statements and receipts as the donor's browser asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from chalice.test import Client

from chalicelib import charity, items, keys
from chalicelib.giving import donors, ledger
from chalicelib.http import Caller
from chalicelib.portal import sessions
from local.cloud import Cloud
from tests.statements.papers import dispute, payment, refund, text_of

GIFT = payment(1, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1))
POUNDS = payment(5, datetime(2026, 7, 2, 12, tzinfo=UTC), date(2026, 7, 2), 1000, "gbp", entity="uk")
Ask = Callable[[str], Any]


@pytest.fixture
def maria(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> str:
    clock_at(datetime(2027, 1, 20, 12, tzinfo=UTC))
    donor_id = donors.found_or_made(donors.Donor("", "maria@example.org", "Maria Fernández"))
    ledger.record(donor_id, [GIFT])
    return donor_id


@pytest.fixture
def ask(maria: str) -> Ask:
    cookie = sessions.begin(maria, Caller("127.0.0.1", "", {})).partition(";")[0]
    return lambda path: browser().get(path, headers={"Cookie": cookie, "Accept": "application/json"})


def browser() -> Any:
    from app import app

    return Client(app).http


def test_the_list_names_each_year(ask: Ask) -> None:
    """
    The year, who took the gifts and what came together, ready for a page.
    """
    year = {"tax_year": 2026, "year_name": "2026", "entity": "us", "legal_name": "Open Gate Justice, Inc. (example)", "gifts": 1}
    told = {"currency_totals": [{"amount": 5000, "currency": "usd"}], "so_far": False, "available_from": None, "issued": [], "series": ""}

    assert {"statements": [year | told], "next": None} == ask("/portal/statements").json_body


@pytest.mark.parametrize("path", ["/portal/statements/2026", "/portal/statements/2026?entity=us",
                                  f"/portal/gifts/{1:032x}/receipt"])  # fmt: skip
def test_a_document_is_a_redirect_to_a_pdf(ask: Ask, path: str) -> None:
    """
    The gateway mangles binary answers, so the browser fetches the file from where it is kept.
    """
    answer = ask(path)

    assert (answer.status_code, answer.body) == (303, b"")
    assert requests.get(answer.headers["Location"], timeout=5).content.startswith(b"%PDF")


@pytest.mark.parametrize(
    "path",
    ["/portal/statements/2025", "/portal/statements/next", "/portal/statements/99999",
     "/portal/statements/2026?entity=uk", "/portal/statements/2026?number=1",
     "/portal/statements/2026?entity=us&number=0", "/portal/statements/2026?entity=us&number=1%23x", f"/portal/gifts/{2:032x}/receipt", f"/portal/gifts/{'x' * 2000}/receipt"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(ask: Ask, path: str) -> None:
    """
    A made-up year, entity or gift is told apart from nothing.
    """
    assert ask(path).status_code == 404


def test_another_donors_gift_is_not_found(ask: Ask) -> None:
    """
    Only one's own partition is looked at: knowing a gift's id opens nothing.
    """
    other = donors.found_or_made(donors.Donor("", "ann@example.org", "Ann"))
    ledger.record(other, [POUNDS])

    assert ask(f"/portal/gifts/{5:032x}/receipt").status_code == 404


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize("path", ["/portal/statements", "/portal/statements/2026", f"/portal/gifts/{1:032x}/receipt"])
def test_nothing_without_a_session(path: str) -> None:
    """
    Whoever is not signed in learns nothing, not even whether the year exists.
    """
    assert browser().get(path, headers={"Accept": "application/json"}).status_code == 401


def test_a_refund_makes_another_receipt_and_leaves_the_first(ask: Ask, maria: str) -> None:
    """
    A receipt once fetched stays what it was; the next one tells of the refund.
    """
    path = f"/portal/gifts/{1:032x}/receipt"
    first = ask(path).headers["Location"]
    ledger.record(maria, [refund(GIFT, 2000)])
    second = ask(path).headers["Location"]

    assert "$30.00" not in text_of(requests.get(first, timeout=5).content)
    assert "$30.00" in text_of(requests.get(second, timeout=5).content)


@pytest.mark.parametrize(("language", "words"), [("en", "takes the place of any receipt issued before"), ("es", "sustituye a cualquier otro")])
def test_a_later_receipt_says_that_it_takes_the_place_of_earlier_ones(ask: Ask, maria: str, language: str, words: str) -> None:
    """
    Two papers of one gift: the one that says less is the one that counts, and says so. After a refund that failed too.
    """
    items.put(items.giving(), items.as_item(keys.donor(maria), msgspec.structs.replace(donors.profile(maria), language=language)))
    path = f"/portal/gifts/{1:032x}/receipt"
    papers = [ask(path).headers["Location"]]
    returned = refund(GIFT, 2000)
    for fact in (returned, msgspec.structs.replace(returned, kind="refund_failed")):
        ledger.record(maria, [fact])
        papers.append(ask(path).headers["Location"])
    first, less, whole = (text_of(requests.get(each, timeout=5).content) for each in papers)

    assert words not in first
    assert words in less
    assert words in whole
    assert "$30.00" in less
    assert "$30.00" not in whole


def test_a_disputed_gifts_receipt_waits(ask: Ask, maria: str) -> None:
    """
    409 and a sentence why, rather than a paper for money that may be gone.
    """
    ledger.record(maria, [dispute(GIFT)])

    assert ask(f"/portal/gifts/{1:032x}/receipt").status_code == 409


@pytest.mark.parametrize("path", ["/portal/statements/2026", f"/portal/gifts/{1:032x}/receipt"])
def test_a_document_that_lacks_something_is_refused_and_staff_hear_of_it(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """
    The donor reads the truth and no word about our files; the alarm says which fact is missing.
    """
    facts = charity.FACTS_FILE.read_text().replace('tax_number = "00-0000000"', 'tax_number = " "', 1)
    monkeypatch.setattr(charity, "FACTS_FILE", tmp_path / "charity.toml")
    charity.FACTS_FILE.write_text(facts)
    charity.current.cache_clear()

    answer = ask(path)

    assert (answer.status_code, answer.json_body["error"]["code"]) == (503, "document_not_issued")
    assert "charity.toml" not in answer.json_body["error"]["message"]
    (said,) = [each for each in caplog.records if each.getMessage() == "document_refused"]
    assert said.__dict__["why"] == "charity.toml lacks, for documents of US: tax_number."


def test_the_running_years_official_receipt_waits_for_its_end(maria: str, ask: Ask) -> None:
    """
    Canada: 409 and when to come back, not a paper that another one would overlap.
    """
    ledger.record(maria, [payment(9, datetime(2027, 1, 5, 12, tzinfo=UTC), date(2027, 1, 5), 1000, "cad", entity="ca")])

    answer = ask("/portal/statements/2027?entity=ca")

    assert (answer.status_code, answer.json_body["error"]["code"]) == (409, "year_not_over")


def test_a_replaced_statement_can_still_be_fetched(ask: Ask, maria: str) -> None:
    """
    The tax office may ask for the paper that was filed, not for the one that came after it.
    """
    first = ask("/portal/statements/2026").headers["Location"]
    ledger.record(maria, [refund(GIFT, 2000)])
    second = ask("/portal/statements/2026").headers["Location"]
    newer, older = ask("/portal/statements").json_body["statements"][0]["issued"]
    again = ask("/portal/statements/2026?entity=us&number=1").headers["Location"]

    bytes_of = {each: requests.get(each, timeout=5).content for each in (first, second, again)}
    assert bytes_of[again] == bytes_of[first] != bytes_of[second]
    assert older["replaced_by"] == newer["serial"]
    assert (newer["replaced_by"], newer["issued_on"]) == ("", "2027-01-20")
