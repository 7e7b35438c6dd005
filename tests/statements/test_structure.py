"""Every document, as those meet it who hear it: tags, headings, tables, language, and nothing beside them."""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
from typing import Any

import pikepdf
import pypdf
import pytest

from chalicelib.money import Money, in_words
from chalicelib.statements import render
from chalicelib.statements.statement import Recipient, Statement, draw_up
from tests.statements import structure
from tests.statements.papers import FIRST, SOURCE, gift
from tests.statements.sheets import ENTITIES, LANGUAGES, NAMES, sheet

every_document = pytest.mark.parametrize("name", NAMES)


@every_document
def test_it_claims_pdf_ua_and_names_its_language_and_title(name: str) -> None:
    """
    A reader's software goes by these before it reads a word. Canada's official receipt is in English for everybody.
    """
    language = "en" if name.startswith("ca-statement") else name[-2:]
    with structure.opened(sheet(name)) as pdf, pdf.open_metadata() as said:
        assert said["pdfuaid:part"] == "1"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert str(pdf.Root.Lang).startswith(f"{language}-")
        assert len(said["dc:title"]) > 10


@every_document
def test_all_that_is_painted_is_tagged_or_furniture(name: str) -> None:
    """
    What hangs on no tag is not read out; what is furniture must not be.
    """
    with structure.opened(sheet(name)) as pdf:
        pieces, artifacts, strays = structure.painted(pdf)

        assert strays == []
        assert pieces == structure.marked(pdf)
        assert "/Pagination" in artifacts


@every_document
def test_headings_begin_with_one_and_leave_out_none(name: str) -> None:
    """
    Who jumps from heading to heading must not fall into a gap.
    """
    with structure.opened(sheet(name)) as pdf:
        levels = [int(tag.kind[1]) for tag in structure.tags(pdf) if tag.kind[0] == "H" and tag.kind[1:].isdigit()]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("name", [name for name in NAMES if "statement" in name])
def test_tables_have_headers_with_a_scope_and_every_cell_knows_its_own(name: str) -> None:
    """
    "$140.00" alone says nothing: it is read with the name of its column.
    """
    with structure.opened(sheet(name)) as pdf:
        found = structure.tags(pdf)
        tables = [tag for tag in found if tag.kind == "Table"]
        heads = [tag for tag in found if tag.kind == "TH"]
        cells = [tag for tag in found if tag.kind == "TD"]

        assert len(tables) == 2
        assert all(str(head.attributes["Scope"]) == "/Column" and "THead" in head.path for head in heads)
        ids = _header_ids(pdf)
        assert all({str(each) for each in cell.attributes["Headers"]} <= ids and cell.attributes["Headers"] for cell in cells)
        assert sum(tag.kind == "TFoot" for tag in found) == 1


def _header_ids(pdf: pikepdf.Pdf) -> set[str]:
    return {str(each.ID) for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/TH"}


@pytest.mark.parametrize("entity", [entity for entity in ENTITIES if entity in {"us", "au"}])
def test_a_sentence_of_law_in_a_spanish_document_is_marked_as_english(entity: str) -> None:
    """
    It stands in the language that the tax office reads, and is spoken in it.
    """
    with structure.opened(sheet(f"{entity}-statement-es")) as pdf:
        paragraphs = [tag.language[:2] for tag in structure.tags(pdf) if tag.kind == "P"]

    assert paragraphs.count("en") == 1


@pytest.mark.parametrize(("name", "language"), [("محمد علي", "ar"), ("王小明", "zh"), ("さくら 花子", "ja"), ("김철수", "ko"), ("שרה", "he")])
def test_a_name_in_another_script_is_marked_with_a_language(name: str, language: str) -> None:
    """
    A voice that reads Spanish skips what is not in Latin letters.
    """
    content = draw_up(SOURCE, Recipient(name, language="es"), [gift()], 2026, FIRST)
    with structure.opened(render.pdf("us_statement", content)) as pdf:
        marks = [operands[1] for operands, what in pikepdf.parse_content_stream(pdf.pages[0]) if str(what) == "BDC"]

    assert language in {str(mark.get("/Lang", "")) for mark in marks if isinstance(mark, pikepdf.Dictionary)}


def test_a_name_from_the_right_does_not_turn_the_sentence_around_it() -> None:
    """
    "In memory of" comes first on the line: the name is from the right, the sentence is not.
    """
    told = gift(1, tribute_kind="in_memory", tribute_name="محمد")
    places = places_of(["In memory of", "محمد"], draw_up(SOURCE, Recipient("Ann"), [told], 2026, FIRST))

    assert places["In memory of"] < places["محمد"]


def test_a_name_that_begins_from_the_right_goes_on_to_the_left() -> None:
    """
    The first name stands right of the last one, whatever letters that one is in.
    """
    places = places_of(["Smith", "محمد"], draw_up(SOURCE, Recipient("محمد Smith"), [gift()], 2026, FIRST))

    assert places["Smith"] < places["محمد"]


@pytest.mark.parametrize(
    "name",
    ["محمد علي", "فاطمة الزهراء", "عبد الله بن محمد", "أحمد إبراهيم", "يوسف شاهين", "خالد سلامة", "لؤي الأحمد", "שרה כהן"],
)
@pytest.mark.parametrize("kind", ["donor", "tribute"])
def test_a_name_from_the_right_is_found_in_the_text_letter_by_letter(name: str, kind: str) -> None:
    """
    What is copied, searched for or read aloud is that name: no letter twice, none missing, its words from right to left.
    """
    who = Recipient(name if kind == "donor" else "Ann")
    told = gift(1, tribute_kind="in_memory", tribute_name=name if kind == "tribute" else "")
    pieces: list[tuple[float, str]] = []

    def see(text: str, matrix: list[float], *_: Any) -> None:
        pieces.extend((matrix[4] - nth, word) for nth, word in enumerate(FROM_THE_RIGHT.findall(text)))

    pdf = render.pdf("us_statement", draw_up(SOURCE, who, [told], 2026, FIRST))
    pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=see)

    assert unicodedata.normalize("NFKC", " ".join(word for _, word in sorted(pieces, reverse=True))) == name


FROM_THE_RIGHT = re.compile(r"[\u0590-\u06ff\u0750-\u077f\ufb1d-\ufdff\ufe70-\ufefc]+")


def places_of(texts: list[str], content: Statement) -> dict[str, float]:
    """How far from the left edge each of the texts begins."""
    places: dict[str, float] = {}

    def see(text: str, matrix: list[float], *_: Any) -> None:
        places.update({each: matrix[4] for each in texts if each in text})

    pypdf.PdfReader(io.BytesIO(render.pdf("us_statement", content))).pages[0].extract_text(visitor_text=see)
    return places


@pytest.mark.parametrize("language", LANGUAGES)
def test_five_hundred_gifts_add_up_on_the_last_page_and_every_page_says_whose_it_is(language: str) -> None:
    """
    A loose sheet finds its way back; what the last page says is the sum of all that the pages list.
    """
    who = Recipient("María Fernández", language=language)
    content = draw_up(SOURCE, who, [gift(nth, 1000 + nth) for nth in range(500)], 2026, FIRST)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render.pdf("us_statement", content))).pages]
    total = in_words(Money(sum(1000 + nth for nth in range(500)), "usd"), content.locale)
    ordinal = {"en": "Page {} of {}", "es": "Página {} de {}"}[language]

    assert len(pages) > 10
    for nth, page in enumerate(pages, 1):
        assert ordinal.format(nth, len(pages)) in page
        assert FIRST.serial in page
        assert "María Fernández" in page
        assert SOURCE.charity in page
    listed = sum(_cents(word) for page in pages for word in page.split() if word.startswith("$"))
    assert listed == 3 * _cents(total)  # each gift once, then the total at the head and below the table
    assert total in " ".join(pages[-2:])
    assert all({"en": "Frequency", "es": "Frecuencia"}[language] in page for page in pages[:-1])


def _cents(written: str) -> int:
    return int(written.strip("$").replace(",", "").replace(".", ""))
