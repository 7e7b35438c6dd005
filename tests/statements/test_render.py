"""What stands on the page, read back from the PDF itself."""

from __future__ import annotations

import io
from datetime import date

import pikepdf
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis.strategies import lists, text

from chalicelib.giving.gift import Gift
from chalicelib.statements import render, typefaces
from chalicelib.statements.statement import Mark, Recipient, Statement, draw_up, draw_up_receipt
from tests.statements.papers import FIRST, MARIA, SOURCE, gift, text_of

HOSTILE = r'#panic() $x$ \\ @a <b> [c] _d_ *e* #{1/0} "q" `r` // s /* t'


def statement(*gifts: Gift, donor: Recipient = MARIA, mark: Mark = FIRST) -> Statement:
    return draw_up(SOURCE, donor, gifts or [gift()], 2026, mark)


@pytest.mark.parametrize(
    "element",
    [
        "Open Gate Justice, Inc. (example)",
        "EIN 00-0000000",
        "1 Example Street",
        "Springfield, NY 00000",
        "Maria Fernández",
        "12 Elm Street",
        "Giving statement 2026",
        "January 1, 2026 to December 31, 2026",
        "US-2026-3f9a1c22d04b-2",
        "US-2026-3f9a1c22d04b-1",
        "January 9, 2027",
        "provided no goods or services in return for these gifts",
        "Keep this statement with your tax records",
        "Jan 4, 2026",
        "Rescue and legal help",
        "In memory of Rosa",
        "Monthly",
        "$250.00",
        "$20.00",
        "$230.00",
        "Not counted: disputed or unclear",
        "$99.00",
        "Page 1 of 1",
    ],
)
def test_every_element_stands_on_the_statement(element: str) -> None:
    """
    What the content holds and the layout forgets, the donor never gets.
    """
    told = gift(1, 25000, refunded=2000, fund="rescue", frequency="monthly", tribute_kind="in_memory", tribute_name="Rosa")
    mark = Mark("US-2026-3f9a1c22d04b-2", date(2027, 1, 9), "US-2026-3f9a1c22d04b-1")

    assert element in text_of(render.pdf("us_statement", statement(told, gift(2, 9900, disputed=True), mark=mark)))


@pytest.mark.parametrize(
    "element",
    ["Open Gate Justice, Inc. (example)", "EIN 00-0000000", "1 Example Street", "Maria Fernández", "January 4, 2026",
     "$100.00", "$25.00", "$75.00", "One-time gift", "Visa •••• 4242", "Thank you, Rosa", f"{1:032x}",
     "provided no goods or services in return for this gift"],
)  # fmt: skip
def test_every_element_stands_on_the_receipt(element: str) -> None:
    """
    A receipt stands alone: whoever holds it sees who gave what to whom, and when.
    """
    told = gift(1, 10000, refunded=2500, tribute_note="Thank you, Rosa")
    receipt = draw_up_receipt(SOURCE, MARIA, told, FIRST.issued_on)

    assert element in text_of(render.pdf("receipt", receipt))


def test_the_running_year_says_so() -> None:
    """
    Nobody files with half a year by mistake.
    """
    said = text_of(render.pdf("us_statement", statement(mark=Mark("n", date(2026, 9, 1)))))

    assert "year to date" in said
    assert "January 1, 2026 to September 1, 2026" in said


@pytest.mark.parametrize("layout", ["us_statement", "receipt"])
def test_a_document_is_tagged_for_those_who_hear_it(layout: str) -> None:
    """
    PDF/UA-1: tags, a language, a title that is shown, and the claim in the metadata.
    """
    content = statement() if layout == "us_statement" else draw_up_receipt(SOURCE, MARIA, gift(), FIRST.issued_on)

    with pikepdf.open(io.BytesIO(render.pdf(layout, content))) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in pdf.Root
        assert str(pdf.Root.Lang) == "en-US"
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata() as said:
            assert said["pdfuaid:part"] == "1"
            assert said["dc:title"] in {"Giving statement 2026", "Receipt for your gift"}


def test_the_same_content_gives_the_same_bytes() -> None:
    """
    An issued document is known by its hash; the wall clock has no part in it.
    """
    first = render.pdf("us_statement", statement())
    render.pdf("us_statement", statement(gift(7)))

    assert first == render.pdf("us_statement", statement())
    assert b"D:20270109" in first


def test_five_hundred_gifts_fill_pages_that_each_say_where_they_belong() -> None:
    """
    Headings, number and page count stand on every page: a loose sheet finds its way back.
    """
    many = statement(
        *(gift(nth, tribute_kind="in_memory", tribute_name="y" * 300 if nth == 3 else "") for nth in range(500))
    )
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render.pdf("us_statement", many))).pages]

    assert len(pages) > 10
    assert all("Frequency" in page and f"of {len(pages)}" in page for page in pages[:-1])
    assert all(FIRST.serial in page for page in pages)
    assert all("$25,000.00" in page for page in (pages[0], " ".join(pages[-2:])))


def test_what_a_donor_typed_is_text_and_never_markup() -> None:
    """
    A name is shown as it was typed, whatever it would mean to the typesetter.
    """
    content = statement(gift(tribute_kind="in_memory", tribute_name=HOSTILE), donor=Recipient(HOSTILE, (HOSTILE,)))
    said = text_of(render.pdf("us_statement", content))

    # Spaces aside: where a line is broken, reading it back adds some.
    assert said.replace(" ", "").count(HOSTILE.replace(" ", "")) == 3


@pytest.mark.parametrize(
    "name",
    ["Łódź Nguyễn Thị", "Αθήνα", "Юлія", "שלום", "محمد علي", "გიორგი", "Արամ", "王小明", "國龍體", "さくら", "김철수",
     "สมชาย", "தமிழ்", "राहुल", "𠮷野", "ኃይለ", "Ann 🎉", "👩‍👩‍👧 1️⃣", "e\u0301\u0302"],
)  # fmt: skip
def test_names_are_shown_in_their_own_script(name: str) -> None:
    """
    A donor reads the own name, not a code, whatever it is written in.
    """
    pdf = render.pdf("us_statement", statement(donor=Recipient(name)))

    assert is_pdf_ua(pdf)
    assert "[U+" not in text_of(pdf)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann ᠮ", "Ann [U+182E]"),
        ("a\u0489", "a\u0489"),
        ("a\u20d2", "a[U+20D2]"),
        ("x\ud800\x00\ufeff", "x[U+D800][U+0000][U+FEFF]"),
        ("Ann\u202egpj", "Ann[U+202E]gpj"),
        ("\U000e1234\ufffe\ue000", "[U+E1234][U+FFFE][U+E000]"),
    ],
)
def test_what_no_typeface_has_is_named_by_its_code(name: str, shown: str) -> None:
    """
    PDF/UA knows no character without a glyph: the claim stays, and the reader sees what is missing.
    """
    pdf = render.pdf("us_statement", statement(donor=Recipient(name)))

    assert is_pdf_ua(pdf)
    assert shown in text_of(pdf)
    assert ("A code such as" in text_of(pdf)) == ("[U+" in shown)


def test_a_mark_is_set_in_the_typeface_of_its_letter() -> None:
    """
    An Arabic mark on a Latin letter has no typeface; the vowels of Hindi have the one of their letters.
    """
    assert typefaces.covered("a\u064e राहुल") == "a[U+064E] राहुल"


def test_a_mark_that_does_not_go_with_its_letter_is_named_too() -> None:
    """
    A typeface that has both is no promise that typst sets them with it: then marks stand for themselves.
    """
    pdf = render.pdf("us_statement", statement(donor=Recipient("Ann\u202d\u1ce3")))

    assert is_pdf_ua(pdf)
    assert "Ann[U+202D][U+1CE3]" in text_of(pdf)


@settings(max_examples=4, derandomize=True, deadline=None)
@given(lists(text(min_size=1, max_size=8), min_size=30, max_size=30))
def test_no_name_keeps_a_donor_from_the_document(lines: list[str]) -> None:
    """
    Whatever Unicode holds, and what it does not: there is a document, and it is PDF/UA.
    """
    assert is_pdf_ua(render.pdf("us_statement", statement(donor=Recipient(lines[0], tuple(lines)))))


def test_a_substituted_document_has_the_same_bytes_each_time() -> None:
    """
    It is known by its hash like any other, whichever attempt made it.
    """
    content = statement(donor=Recipient("王 ᠮ 🎉"))

    assert render.pdf("us_statement", content) == render.pdf("us_statement", content)


def is_pdf_ua(pdf: bytes) -> bool:
    with pikepdf.open(io.BytesIO(pdf)) as opened, opened.open_metadata() as said:
        return bool(said["pdfuaid:part"] == "1" and opened.Root.MarkInfo.Marked and "/StructTreeRoot" in opened.Root)


def test_what_a_dispute_took_is_on_paper_and_adds_up() -> None:
    """
    A line of which $50 were given and $30 kept says where the rest is; the widest table stays on its page.
    """
    paper = statement(gift(1, 5000, lost=2000), gift(2, 10000, refunded=1000, lost=1500, advantage=500, advantage_description="A book"))
    said = text_of(render.pdf("us_statement", paper))

    assert "Date Gift Given Refunded Taken back by bank Value in return Deductible" in said
    assert "$50.00 $0.00 $20.00 $0.00 $30.00" in said
    assert "$100.00 $10.00 $15.00 $5.00 $70.00" in said
    assert "$150.00 $10.00 $35.00 $5.00 $100.00" in said


def test_a_receipt_names_what_a_dispute_took() -> None:
    """
    Kept is not what was given: the paper says why.
    """
    said = text_of(render.pdf("receipt", draw_up_receipt(SOURCE, MARIA, gift(1, 5000, lost=2000), FIRST.issued_on)))

    assert "$50.00 given, $20.00 taken back by the bank" in said
    assert "Taken back by the bank $20.00 Kept $30.00" in said


def test_a_name_in_two_scripts_keeps_its_space() -> None:
    """
    A space that is taken along by Arabic letters changes sides with them, and two names become one.
    """
    assert " José" in text_of(render.pdf("us_statement", statement(donor=Recipient("王小明 مريم José"))))
