"""What each country's law wants on a document, read back from the PDF; and that nothing is issued without it."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pikepdf
import pytest

from chalicelib import charity
from chalicelib.errors import Conflict, MisconfiguredError
from chalicelib.giving import donors
from chalicelib.giving.gift import Gift
from chalicelib.money import Money
from chalicelib.statements import donor_facts, render, statement
from chalicelib.statements.countries import COUNTRIES
from chalicelib.statements.statement import Mark, Recipient, Source, draw_up, draw_up_receipt
from local.cloud import Cloud
from tests.giving_world import World
from tests.statements.papers import FACTS, gift, text_of

MARIE = Recipient("Marie A. Tremblay", ("5 Elm Street", "Ottawa, ON K1A 0A1"), in_full=True)
LATER = date(2027, 7, 9)
CURRENCIES = {"us": "usd", "ca": "cad", "uk": "gbp", "au": "aud"}
BENEFIT = {"advantage": 6000, "advantage_description": "Dinner for one"}


def source(entity: str, **changed: Any) -> Source:
    return Source(FACTS.name, msgspec.structs.replace(FACTS.entities[entity], **changed), FACTS.funds)


def mark(entity: str, issued_on: date = LATER) -> Mark:
    code = FACTS.entities[entity].country
    return Mark(f"{code}-2026-3f9a1c22d04b5e6f-2", issued_on, f"{code}-2026-3f9a1c22d04b5e6f-1")


def gifts(entity: str) -> list[Gift]:
    currency = CURRENCIES[entity]
    return [gift(130, 25000, currency, refunded=2000), gift(200, 20000, currency, **BENEFIT)]


def pdf(entity: str, *told: Gift) -> bytes:
    content = draw_up(source(entity), MARIE, told or gifts(entity), 2026, mark(entity))
    return render.pdf(statement.layout(FACTS.entities[entity].country), content)


REQUIRED = {
    "us": [
        "Open Gate Justice, Inc. (example)", "EIN 00-0000000", "May 16, 2026", "$200.00", "Dinner for one", "$60.00",
        "our estimate in good faith", "only what exceeds it is deductible", "provided no goods or services in return for any other",
        "Deductible", "$140.00", "Total of 2 gifts $450.00 $20.00 $60.00 $370.00", "January 1, 2026 to December 31, 2026",
    ],
    "ca": [
        "Official receipt for income tax purposes", "Open Gate Justice Canada (example)", "3 Example Avenue", "Ottawa ON X0X 0X0",
        "Registration no. 00000 0000 RR0000", "Receipt no. CA-2026-3f9a1c22d04b5e6f-2", "Issued at Ottawa, Ontario",
        "Gifts received in 2026", "Issued on July 9, 2027", "Marie A. Tremblay", "5 Elm Street", "Ottawa, ON K1A 0A1",
        "Total amount received $450.00", "Refunded since $20.00", "Value of advantage $60.00",
        "Description of advantage Dinner for one", "Eligible amount of gift for tax purposes $370.00",
        "Treasurer (example), authorized to sign for Open Gate Justice Canada", "Canada Revenue Agency",
        "canada.ca/charities-giving", "cancels and replaces receipt no. CA-2026-3f9a1c22d04b5e6f-1",
    ],
    "uk": [
        "Open Gate Justice UK (example)", "Registered charity no. 0000000", "2026–27", "6 April 2026 to 5 April 2027", "£370.00",
        "not a Gift Aid declaration",
    ],
    "au": [
        "Receipt for gifts 2026–27", "This receipt is for gifts to Open Gate Justice Australia (example), ABN 00 000 000 000",
        "deductible gift recipient", "1 July 2026 to 30 June 2027", "Market value", "$60.00", "Dinner for one", "$370.00",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("entity", "element"), [(entity, each) for entity, wanted in REQUIRED.items() for each in wanted])
def test_every_required_element_is_in_the_text(entity: str, element: str) -> None:
    """
    Courts void a document for one missing element; each is looked for in the PDF itself.
    """
    assert element in text_of(pdf(entity))


def test_the_official_receipt_shows_the_signature() -> None:
    """
    It is drawn, so no text shows it: the tag tree has its description.
    """
    with pikepdf.open(io.BytesIO(pdf("ca"))) as opened:
        alternatives = [str(each.Alt) for each in opened.objects if isinstance(each, pikepdf.Dictionary) and "/Alt" in each]

    assert alternatives == ["Signature of Treasurer (example)"]


@pytest.mark.parametrize("entity", CURRENCIES)
def test_every_countrys_document_is_pdf_ua(entity: str) -> None:
    """
    Who hears a document instead of seeing it gets the same from every country.
    """
    with pikepdf.open(io.BytesIO(pdf(entity))) as opened, opened.open_metadata() as said:
        assert said["pdfuaid:part"] == "1"
        assert "/StructTreeRoot" in opened.Root


@pytest.mark.parametrize("entity", sorted(REQUIRED))
def test_what_a_dispute_took_is_on_every_countrys_document(entity: str) -> None:
    """
    What was received and what counts differ by it, so it stands between them.
    """
    said = text_of(pdf(entity, gift(1, 50_00, CURRENCIES[entity], lost=20_00)))

    assert "Taken back by bank" in said
    assert all(amount in said for amount in ("50.00", "20.00", "30.00"))


def test_without_an_advantage_canada_says_so_in_figures() -> None:
    """
    The eligible amount and the advantage stand on every official receipt, also when it is nothing.
    """
    said = text_of(pdf("ca", gift(5, 5000, "cad")))

    assert "Value of advantage $0.00 Description of advantage None Eligible amount of gift for tax purposes $50.00" in said


RULES = {entity: COUNTRIES[FACTS.entities[entity].country] for entity in CURRENCIES}
WANTED = [(entity, name) for entity, rules in RULES.items() for name in rules.required + rules.statement_required]


@pytest.mark.parametrize(("entity", "name"), WANTED)
def test_each_required_fact_removed_in_turn_is_refused_by_name(entity: str, name: str) -> None:
    """
    Never issued without it, and staff read what to fill in.
    """
    empty: Any = [] if name == "address" else " "

    with pytest.raises(MisconfiguredError, match=name):
        draw_up(source(entity, **{name: empty}), MARIE, gifts(entity), 2026, mark(entity))


def test_every_fact_that_canada_adds_is_required_there() -> None:
    """
    Regulation 3501: place of issue, and the signature of somebody who may sign.
    """
    assert {"place_of_issue", "signatory", "signature"} <= {name for entity, name in WANTED if entity == "ca"}


@pytest.mark.parametrize("issued_on", [date(2026, 6, 1), date(2026, 12, 31)])
def test_no_official_receipt_before_the_year_is_over(issued_on: date) -> None:
    """
    A gift must not stand on two official receipts, and one that comes later the same year would make it so.
    """
    with pytest.raises(Conflict) as refused:
        draw_up(source("ca"), MARIE, gifts("ca"), 2026, mark("ca", issued_on))

    assert refused.value.code == "year_not_over"


def test_a_single_gift_in_canada_has_no_official_receipt() -> None:
    """
    The year's receipt covers it; the plain one says what it is not.
    """
    receipt = draw_up_receipt(source("ca"), MARIE, gift(5, 5000, "cad"), LATER)

    assert "This is not an official receipt for income tax purposes." in text_of(render.pdf("receipt", receipt))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("", donors.Address("5 Elm Street", "", "Ottawa", "ON", "K1A 0A1", "CA")),
        ("Marie", donors.Address("5 Elm Street", "", "Ottawa", "ON", "K1A 0A1", "CA")),
        ("Marie A. Tremblay", donors.Address()),
        ("Marie A. Tremblay", donors.Address("5 Elm Street", "", "Ottawa", "ON", "", "CA")),
    ],
    ids=["no name", "half a name", "no address", "no postal code"],
)  # fmt: skip
def test_canada_asks_for_the_donors_full_name_and_address(aws_local: Cloud, name: str, address: donors.Address) -> None:
    """
    The donor is told what to fill in and where; nothing void is issued meanwhile.
    """
    donor_id = donors.found_or_made(donors.Donor("", "marie@example.org", name, address=address))

    with pytest.raises(Conflict, match="/portal/contact") as refused:
        draw_up(source("ca"), donor_facts.recipient(donor_id, "CA"), gifts("ca"), 2026, mark("ca"))
    assert refused.value.code == "contact_incomplete"


def test_only_what_exceeds_the_value_of_something_in_return_counts() -> None:
    """
    A payment of 200 with a dinner worth 60 is a gift of 140; one worth more than the payment is no negative gift.
    """
    statement_ = draw_up(source("us"), MARIE, [gift(1, 20000, **BENEFIT), gift(2, 5000, **BENEFIT)], 2026, mark("us"))

    assert [line.eligible for line in statement_.tables[0].lines] == [Money(14000, "usd"), Money(0, "usd")]
    assert statement_.tables[0].eligible == Money(14000, "usd")


def test_a_value_without_a_description_is_refused() -> None:
    """
    Publication 1771 wants both, and a description cannot be made up.
    """
    with pytest.raises(MisconfiguredError, match="not what it was"):
        draw_up(source("us"), MARIE, [gift(1, 20000, advantage=6000)], 2026, mark("us"))


def test_a_description_without_a_value_is_refused() -> None:
    """
    A value that was mistyped is not nothing: the whole amount would stand there as deductible.
    """
    with pytest.raises(MisconfiguredError, match="not its value"):
        draw_up(source("us"), MARIE, [gift(1, 20000, advantage_description="Dinner")], 2026, mark("us"))


@pytest.mark.parametrize("entity", ["us", "au"])
def test_the_receipt_of_a_gift_with_a_benefit_does_not_say_there_was_none(entity: str) -> None:
    """
    The sentence is always there, and it is always the true one.
    """
    plain = draw_up_receipt(source(entity), MARIE, gift(1, 20000, CURRENCIES[entity]), LATER)
    dinner = draw_up_receipt(source(entity), MARIE, gift(1, 20000, CURRENCIES[entity], **BENEFIT), LATER)
    said = text_of(render.pdf("receipt", dinner))

    assert plain.sentences[0] not in dinner.sentences
    assert all(each in said for each in ("Dinner for one", "$60.00", "$140.00"))


@pytest.fixture
def with_gala(aws_local: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same charity, where a gift to the rescue fund comes with a dinner."""
    values = "\n".join(f'{code} = {{ description = "Dinner for one", value = 6000 }}' for code in FACTS.currencies)
    path = tmp_path / "charity.toml"
    path.write_text(charity.FACTS_FILE.read_text() + f"\n[benefits.rescue]\n{values}\n")
    monkeypatch.setattr(charity, "FACTS_FILE", path)
    charity.current.cache_clear()


def test_a_benefit_of_a_fund_is_kept_with_the_gift(giving: World, with_gala: None) -> None:
    """
    From charity.toml through Stripe's metadata into the ledger, and into the mail; a monthly gift brings none.
    """
    giving.give(200_00, fund="rescue")
    giving.give(200_00, frequency="monthly", fund="rescue", email="bo@example.org")

    assert giving.gifts()[0].eligible == Money(140_00, "usd")
    assert giving.gifts("bo@example.org")[0].advantage == Money(0, "usd")
    said = " ".join(giving.mails("eceipt")[0].text.split())
    assert "Dinner for one, worth $60.00" in said
    assert "No goods or services" not in said
