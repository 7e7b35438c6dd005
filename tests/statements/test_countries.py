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
from chalicelib.errors import Conflict, MisconfiguredError, NotFound
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
    first, second = {"uk": (195, 264), "au": (321, 390)}.get(entity, (130, 200))
    return [gift(first, 25000, currency, refunded=2000), gift(second, 20000, currency, **BENEFIT)]


def pdf(entity: str, *told: Gift) -> bytes:
    content = draw_up(source(entity), MARIE, told or gifts(entity), 2026, mark(entity))
    return render.pdf(statement.layout(FACTS.entities[entity].country), content)


REQUIRED = {
    "us": [
        "Open Gate Justice, Inc. (example)", "EIN 00-0000000", "1 Example Street", "Prepared for Marie A. Tremblay", "5 Elm Street",
        "US-2026-3f9a1c22d04b5e6f-2", "Issued July 9, 2027", "Cancels and replaces no. US-2026-3f9a1c22d04b5e6f-1",
        "Mar 31, 2026", "May 16, 2026", "$250.00", "$200.00", "Dinner for one", "$60.00",
        "our estimate in good faith", "only what exceeds it is deductible", "provided no goods or services in return for any other",
        "Deductible", "$140.00", "Total of 2 gifts $450.00 $20.00 $60.00 $370.00", "January 1, 2026 to December 31, 2026",
    ],
    "ca": [
        "Official receipt for income tax purposes", "Open Gate Justice Canada (example)", "3 Example Avenue", "Ottawa ON X0X 0X0",
        "Registration no. 00000 0000 RR0000", "Receipt no. CA-2026-3f9a1c22d04b5e6f-2", "Issued at Ottawa, Ontario",
        "Gifts received in 2026", "Mar 31, 2026", "May 16, 2026", "Issued on July 9, 2027", "Marie A. Tremblay", "5 Elm Street", "Ottawa, ON K1A 0A1",
        "Total amount received $450.00", "Refunded since $20.00", "Value of advantage $60.00",
        "Description of advantage Dinner for one", "Eligible amount of gift for tax purposes $370.00",
        "Treasurer (example), authorized to sign for Open Gate Justice Canada", "Canada Revenue Agency",
        "canada.ca/charities-giving", "cancels and replaces receipt no. CA-2026-3f9a1c22d04b5e6f-1",
    ],
    "uk": [
        "Open Gate Justice UK (example)", "2 Example Road", "Registered charity no. 0000000", "Giving statement 2026–27",
        "6 April 2026 to 5 April 2027", "Prepared for Marie A. Tremblay", "5 Elm Street", "13 May 2026", "28 Jun 2026",
        "£250.00", "£20.00", "£200.00", "Dinner for one", "£60.00", "Counted", "£370.00", "GB-2026-3f9a1c22d04b5e6f-2",
        "Issued 9 July 2027", "Cancels and replaces no. GB-2026-3f9a1c22d04b5e6f-1", "not a Gift Aid declaration",
    ],
    "au": [
        "Receipt for gifts 2026–27", "This receipt is for gifts to Open Gate Justice Australia (example), ABN 00 000 000 000",
        "deductible gift recipient", "1 July 2026 to 30 June 2027", "Market value", "$60.00", "Dinner for one", "$370.00",
        "Prepared for Marie A. Tremblay", "4 Example Parade", "5 Aug 2026", "20 Sept 2026", "$250.00", "$20.00", "$200.00",
        "AU-2026-3f9a1c22d04b5e6f-2", "Issued 9 July 2027", "Cancels and replaces no. AU-2026-3f9a1c22d04b5e6f-1",
    ],
}  # fmt: skip
ON_EVERY_RECEIPT = [
    "Receipt for your gift", "Received from Marie A. Tremblay 5 Elm Street Ottawa, ON K1A 0A1", "Visa •••• 4242",
    "In return Dinner for one", f"Gift number {200:032x}",
]  # fmt: skip
ON_RECEIPTS = {
    "us": [
        "Open Gate Justice, Inc. (example)", "EIN 00-0000000", "Date of gift May 16, 2026", "Amount given $200.00",
        "Dinner for one $60.00", "Above that value $140.00", "Issued July 9, 2027",
        "provided the goods or services described above in return for this payment", "our estimate in good faith",
        "only what exceeds it is deductible",
    ],
    "ca": [
        "Open Gate Justice Canada (example)", "Registration no. 00000 0000 RR0000", "Date of gift May 16, 2026",
        "Amount given $200.00", "Dinner for one $60.00", "Issued July 9, 2027",
        "This is not an official receipt for income tax purposes.", "one such receipt for all your gifts of a year",
    ],
    "uk": [
        "Open Gate Justice UK (example)", "Registered charity no. 0000000", "Date of gift 16 May 2026",
        "Amount given £200.00", "Dinner for one £60.00", "Issued 9 July 2027", "it is not a tax receipt",
    ],
    "au": [
        "Open Gate Justice Australia (example)", "ABN 00 000 000 000", "Date of gift 16 May 2026", "Amount given $200.00",
        "Dinner for one $60.00", "Above that value $140.00", "Issued 9 July 2027", "deductible gift recipient",
        "This receipt is for a contribution to Open Gate Justice Australia (example), ABN 00 000 000 000.",
        "the market value of what you had in return",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("entity", "element"), [(entity, each) for entity, wanted in REQUIRED.items() for each in wanted])
def test_every_required_element_is_in_the_text(entity: str, element: str) -> None:
    """
    Courts void a document for one missing element; each is looked for in the PDF itself.
    """
    assert element in text_of(pdf(entity))


@pytest.mark.parametrize("entity", sorted(ON_RECEIPTS))
def test_every_required_element_is_on_a_single_gifts_receipt(entity: str) -> None:
    """
    It stands alone: a donor may have nothing else in hand.
    """
    told = gift(200, 20000, CURRENCIES[entity], **BENEFIT)
    said = text_of(render.pdf("receipt", draw_up_receipt(source(entity), MARIE, told, LATER)))

    assert [each for each in ON_EVERY_RECEIPT + ON_RECEIPTS[entity] if each not in said] == []


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


# Written out by hand from each country's law, not read from the modules that are held against it: who issues, the number
# and what it is called, where; and by Canada's Regulation 3501 the place of issue and the signature of somebody who may sign.
REFUSED = {
    "us": ["legal_name", "tax_number_label", "tax_number", "address"],
    "ca": ["legal_name", "tax_number_label", "tax_number", "address", "place_of_issue", "signatory", "signature"],
    "uk": ["legal_name", "tax_number_label", "tax_number", "address"],
    "au": ["legal_name", "tax_number_label", "tax_number", "address"],
}
ON_THE_YEARS_ALONE = {"place_of_issue", "signatory", "signature"}


def empty(name: str) -> Any:
    return [] if name == "address" else " "


@pytest.mark.parametrize(("entity", "name"), [(entity, name) for entity, names in REFUSED.items() for name in names])
def test_each_required_fact_removed_in_turn_is_refused_by_name(entity: str, name: str) -> None:
    """
    Never issued without it, and staff read what to fill in.
    """
    with pytest.raises(MisconfiguredError, match=rf"documents of {FACTS.entities[entity].country}: {name}\."):
        draw_up(source(entity, **{name: empty(name)}), MARIE, gifts(entity), 2026, mark(entity))


@pytest.mark.parametrize(
    ("entity", "name"), [(entity, name) for entity, names in REFUSED.items() for name in names if name not in ON_THE_YEARS_ALONE]
)
def test_a_single_gifts_receipt_lacks_none_of_them_either(entity: str, name: str) -> None:
    """
    "00-0000000" alone says nothing: nobody knows whose number, nor what kind.
    """
    with pytest.raises(MisconfiguredError, match=rf": {name}\."):
        draw_up_receipt(source(entity, **{name: empty(name)}), MARIE, gift(1, 5000, CURRENCIES[entity]), LATER)


def test_a_plain_receipt_names_the_number_too() -> None:
    """
    Where we issue no tax document the same facts are wanted.
    """
    with pytest.raises(MisconfiguredError, match=r"of DE: tax_number_label\."):
        draw_up_receipt(source("us", country="DE", tax_number_label=""), MARIE, gift(1), LATER)


@pytest.mark.parametrize("entity", sorted(REFUSED))
def test_no_document_without_the_charitys_own_name(entity: str) -> None:
    """
    Donors know the charity by it, and it stands at the head of every page.
    """
    nameless = msgspec.structs.replace(source(entity), charity=" ")

    with pytest.raises(MisconfiguredError, match=r": name\."):
        draw_up(nameless, MARIE, gifts(entity), 2026, mark(entity))


def test_every_country_is_in_the_lists() -> None:
    """
    Whoever adds a country writes down what its documents hold and what they are refused without.
    """
    told = {FACTS.entities[entity].country for entity in REFUSED}

    assert set(COUNTRIES) == told
    assert set(REQUIRED) == set(ON_RECEIPTS) == set(REFUSED)


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
        ("Marie A. Tremblay", donors.Address(" ", "", "\u3000", "", " ", "CA")),
        ("Marie A. Tremblay", donors.Address("-", "", "Ottawa", "ON", ".", "CA")),
        ("Marie A. Tremblay", donors.Address()),
        ("Marie A. Tremblay", donors.Address("5 Elm Street", "", "Ottawa", "ON", "", "CA")),
    ],
    ids=["no name", "half a name", "blanks", "dashes", "no address", "no postal code"],
)  # fmt: skip
def test_canada_asks_for_the_donors_full_name_and_address(aws_local: Cloud, name: str, address: donors.Address) -> None:
    """
    The donor is told what to fill in and where; nothing void is issued meanwhile.
    """
    donor_id = donors.found_or_made(donors.Donor("", "marie@example.org", name, address=address))

    with pytest.raises(Conflict, match="/portal/contact") as refused:
        draw_up(source("ca"), donor_facts.recipient(donors.profile(donor_id), "CA"), gifts("ca"), 2026, mark("ca"))
    assert refused.value.code == "contact_incomplete"


def test_only_what_exceeds_the_value_of_something_in_return_counts() -> None:
    """
    A payment of 200 with a dinner worth 60 is a gift of 140; one worth more than the payment is no negative gift.
    """
    statement_ = draw_up(source("us"), MARIE, [gift(1, 20000, **BENEFIT), gift(2, 5000, **BENEFIT)], 2026, mark("us"))

    assert [line.eligible for line in statement_.tables[0].lines] == [Money(14000, "usd"), Money(0, "usd")]
    assert statement_.tables[0].eligible == Money(14000, "usd")


@pytest.mark.parametrize("entity", sorted(CURRENCIES))
def test_every_column_adds_up_whatever_was_had_in_return(entity: str) -> None:
    """
    Given less refunded less advantage is what counts, on each line and in the sum: a treasurer adds them up.
    """
    told = [gift(nth, 10000, CURRENCIES[entity], refunded=5000 * (nth % 2), advantage=1300 * nth, advantage_description="A dinner")
            for nth in range(9)]
    told[0] = gift(9, 700, CURRENCIES[entity])
    (table,) = draw_up(source(entity), MARIE, told, 2026, mark(entity)).tables

    for row in (table, *table.lines):
        assert row.given - row.refunded - row.advantage == row.eligible
        assert row.eligible.minor >= 0


def test_a_value_above_the_gift_is_told_in_full_beside_it() -> None:
    """
    Publication 1771 wants what it is worth; the column takes off no more than there was.
    """
    statement_ = draw_up(source("us"), MARIE, [gift(2, 5000, refunded=500, **BENEFIT)], 2026, mark("us"))
    (line,) = statement_.tables[0].lines
    said = text_of(render.pdf("us_statement", statement_))

    assert (line.kept, line.advantage, line.eligible, line.worth) == tuple(Money(each, "usd") for each in (4500, 4500, 0, 6000))
    assert "Dinner for one, worth $60.00" in said
    assert "Total of 1 gift $50.00 $5.00 $45.00 $0.00" in said


def test_the_receipt_of_a_gift_tells_the_whole_value_too() -> None:
    """
    There it stands beside nothing that it could exceed.
    """
    receipt = draw_up_receipt(source("us"), MARIE, gift(2, 5000, refunded=5000, **BENEFIT), LATER)

    assert "In return Dinner for one $60.00 Above that value $0.00" in text_of(render.pdf("receipt", receipt))


EXAMINED = [
    gift(1, 5000, "cad", advantage=6000, advantage_description="Gala seat"),
    gift(2, 10000, "cad", advantage=8500, advantage_description="Dinner for two"),
    gift(3, 10000, "cad", advantage=8000, advantage_description="A box at the opera"),
]


def test_canada_receipts_no_gift_for_which_more_than_80_percent_was_had() -> None:
    """
    Income Tax Act 248(30): 80 % is allowed, a cent more is no gift. It is listed, with the reason.
    """
    receipt = draw_up(source("ca"), MARIE, EXAMINED, 2026, mark("ca"))
    said = text_of(render.pdf("ca_statement", receipt))

    assert [line.advantage_description for table in receipt.tables for line in table.lines] == ["A box at the opera"]
    assert [(line.kept.minor, line.worth) for line in receipt.unreceipted] == [(5000, Money(6000, "cad")), (10000, Money(8500, "cad"))]
    assert "Total amount received $100.00 Value of advantage $80.00" in said
    assert "Eligible amount of gift for tax purposes $20.00" in said
    assert "Not receipted No official receipt is issued for these gifts" in said
    assert "worth more than 80% of the amount kept" in said
    assert "Dinner for two, worth $85.00 $100.00 $100.00" in said


@pytest.mark.parametrize(("refunded", "totalled"), [(0, True), (2500, True), (2501, False)])
def test_the_share_is_of_what_was_kept(refunded: int, totalled: bool) -> None:
    """
    What went back is no part of the gift any more; what was had in return for it was not given back.
    """
    told = gift(1, 10000, "cad", refunded=refunded, **BENEFIT)

    assert statement.is_totalled(told, "CA") is totalled
    assert statement.is_totalled(told, "US")


def test_no_official_receipt_says_nothing_but_that_there_is_none() -> None:
    """
    A serial number is not spent on it; but one that was issued before is replaced, for its gifts have changed.
    """
    first = msgspec.structs.replace(mark("ca"), replaces="")

    with pytest.raises(NotFound, match="80%") as refused:
        draw_up(source("ca"), MARIE, EXAMINED[:2], 2026, first)
    assert refused.value.code == "nothing_to_receipt"
    assert draw_up(source("ca"), MARIE, EXAMINED[:2], 2026, mark("ca")).tables == ()


@pytest.mark.parametrize(("language", "words"), [("en", "It will not cover this gift"), ("es", "Este donativo no figurará en él")])
def test_the_plain_receipt_promises_no_official_one_above_the_limit(language: str, words: str) -> None:
    """
    "One such receipt for all your gifts" would be untrue of this one.
    """
    who = msgspec.structs.replace(MARIE, language=language)
    above, at_most = (draw_up_receipt(source("ca"), who, each, LATER) for each in EXAMINED[1:])

    assert words in text_of(render.pdf("receipt", above))
    assert "80" in above.sentences[-1]
    assert words not in " ".join(at_most.sentences)


@pytest.mark.parametrize("unsure", [{"disputed": True}, {"unclear": True}])
@pytest.mark.parametrize("language", ["en", "es"])
def test_what_a_waiting_gift_brought_is_not_denied(language: str, unsure: dict[str, bool]) -> None:
    """
    "Dinner for one" in a table, and below it that nothing was provided, is a paper that nobody can use.
    """
    waiting = msgspec.structs.replace(gift(2, 9900, **BENEFIT), **unsure)
    who = msgspec.structs.replace(MARIE, language=language)
    american = text_of(render.pdf("us_statement", draw_up(source("us"), who, [gift(1), waiting], 2026, mark("us"))))

    assert "in return for these gifts" not in american
    assert "a cambio de estos donativos" not in american
    assert "provided no goods or services in return for any other gift" in american
    assert {"en": "Dinner for one, worth $60.00", "es": "Dinner for one, con un valor de $60.00"}[language] in american


def test_canada_says_of_which_gifts_there_was_no_advantage() -> None:
    """
    "None" beside a waiting dinner is denied on the same page.
    """
    told = [gift(1, 5000, "cad"), gift(2, 9900, "cad", disputed=True, **BENEFIT)]

    assert "Description of advantage None for the gifts counted Eligible" in text_of(pdf("ca", *told))


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
