"""A gift of which the facts are partial or contradict each other harms no other gift of its donor."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from chalicelib.errors import FactsDisagree
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact, Gift, Kind
from chalicelib.money import Money
from chalicelib.processor import settle
from tests.giving_world import ANN, World
from tests.over_http import Site


@pytest.fixture
def ann(giving: World, site: Site) -> Iterator[Site]:
    """Ann has given 50, 20 and 10 dollars, and is signed in."""
    for minor in (50_00, 20_00, 10_00):
        giving.give(minor)
        giving.advance(hours=1)
    site.sign_in(giving, ANN)
    yield site


def befell(giving: World, gift: Gift, *happened: tuple[Kind, str, int]) -> None:
    """Facts that came without the others: written past Stripe, as a worker leaves them that dies in between."""
    facts = [
        Fact(kind, name, gift.charge_id, gift.given_at, giving.time.now(), Money(minor, "usd"))
        for kind, name, minor in happened
    ]
    assert ledger.record(giving.donor_id(), facts) == facts


def shown(site: Site) -> dict[int, tuple[str, int]]:
    """State and kept amount of each gift in the history, by what was given."""
    return {each["amount"]: (each["state"], each["kept"]) for each in site.get("/portal/gifts").json["gifts"]}


def exported(site: Site) -> list[dict[str, str]]:
    packed = requests.get(site.get("/portal/export").headers["location"], timeout=5).content
    text = zipfile.ZipFile(io.BytesIO(packed)).read("gifts.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_refund_that_failed_without_the_refund_changes_no_sum(giving: World, ann: Site) -> None:
    """The money came back, so it must have gone: of the gift everything is kept, and every page is there."""
    befell(giving, giving.gifts()[0], ("refund_failed", "re_1", 10_00))

    assert shown(ann) == {50_00: ("paid", 50_00), 20_00: ("paid", 20_00), 10_00: ("paid", 10_00)}
    assert ann.get("/portal/gifts").json["totals"] == [{"currency": "usd", "kept": 80_00}]
    assert "failed on" in ann.get("/portal/gifts", "text/html").text
    assert ann.get("/portal/statements/2026").status == 303
    assert [row["Kept"] for row in exported(ann)] == ["10.00", "20.00", "50.00"]


def test_a_gift_that_contradicts_itself_is_shown_and_waits(giving: World, ann: Site) -> None:
    """Two refunds of the whole, of which the first failed and that is not told yet: no other gift suffers from it."""
    befell(giving, giving.gifts()[0], ("refund", "re_1", 10_00), ("refund", "re_2", 10_00))

    assert shown(ann) == {50_00: ("paid", 50_00), 20_00: ("paid", 20_00), 10_00: ("unclear", 0)}
    assert ann.get("/portal/gifts").json["totals"] == [{"currency": "usd", "kept": 70_00, "refunded": 10_00}]
    page = ann.get("/portal/gifts", "text/html").text
    assert "We are looking into" in page
    assert page.count("/receipt") == 2, "a link to the receipt that waits"
    [year] = ann.get("/portal/statements").json["statements"]
    assert (year["gifts"], year["currency_totals"]) == (2, [{"amount": 70_00, "currency": "usd"}])
    assert ann.get("/portal/statements/2026").status == 303
    assert [row["State"] for row in exported(ann)] == ["unclear", "paid", "paid"]

    refused = ann.get(f"/portal/gifts/{giving.gifts()[0].gift_id}/receipt")
    assert (refused.status, refused.json["error"]["code"]) == (409, "unclear")

    befell(giving, giving.gifts()[0], ("refund_failed", "re_1", 10_00))
    assert shown(ann)[10_00] == ("refunded", 0)
    assert ann.get(f"/portal/gifts/{giving.gifts()[0].gift_id}/receipt").status == 303


def test_staff_hear_of_a_contradiction_where_it_is_recorded(giving: World, ann: Site) -> None:
    """Whoever settles the charge next meets it and fails: a dead letter, and a difference for reconcile."""
    gift = giving.gifts()[0]
    befell(giving, gift, ("refund", "re_1", 10_00), ("refund", "re_2", 10_00))

    with pytest.raises(FactsDisagree):
        settle.charge(gift.charge_id)


def test_staff_hear_of_money_that_came_back_and_is_not_known_to_have_gone(
    giving: World, ann: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stripe itself tells only the failure: counted for staff, the gift stays as paid, and the charge is settled."""
    gift = giving.gifts()[0]
    refund = giving.standin.refund(charge=gift.charge_id, amount=10_00)

    def only_the_failure(world: Any) -> None:
        told = world.find("refund", refund["id"])
        told.update(failure_balance_transaction=told["balance_transaction"], balance_transaction=None, status="failed")

    giving.standin.read(only_the_failure)
    capsys.readouterr()
    settled = settle.charge(gift.charge_id)

    assert [fact.kind for fact in settled.new] == ["refund_failed"]
    assert '"half_untold":[1.0]' in capsys.readouterr().out
    assert giving.gifts()[0].kept == Money(10_00, "usd")
