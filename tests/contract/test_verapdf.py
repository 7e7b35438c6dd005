"""Our documents before the judge that tax offices and libraries use. `make contract` alone can call it."""

from __future__ import annotations

import io
import os
from datetime import date
from pathlib import Path

import pikepdf
import pytest

from chalicelib.statements import render
from chalicelib.statements.statement import Mark, Recipient, draw_up, draw_up_receipt
from tests.contract import verapdf
from tests.statements.papers import gift
from tests.statements.sheets import NAMES, sheet, source
from tests.statements.test_countries import BENEFIT, EXAMINED, LATER, MARIE, pdf

STRANGE = ["محمد علي", "王小明 さくら 김철수", "राहुल สมชาย", "Ann 🎉 1️⃣ \U000e1234\x00", "שרה Cohen"]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What veraPDF says of each document, of strange names, of 500 gifts, of gifts apart, and of one that was spoilt."""
    folder = tmp_path_factory.mktemp("pdf")
    documents = {name: sheet(name) for name in NAMES}
    documents |= {f"strange-{nth}": statement(name) for nth, name in enumerate(STRANGE)}
    documents |= {"many": statement("Ann", 500), "spoilt": spoilt(sheet(NAMES[0]))}
    documents |= {"apart": pdf("ca", *EXAMINED, gift(9, 9900, "cad", disputed=True, **BENEFIT)), "later": later_receipt()}
    for name, paper in documents.items():
        (folder / f"{name}.pdf").write_bytes(paper)
    jars = Path(os.environ["VERAPDF"])
    found = verapdf.breaches(jars, sorted(folder.iterdir()))
    return {name.removesuffix(".pdf"): each for name, each in found.items()}


def statement(name: str, gifts: int = 1) -> bytes:
    told = [gift(nth, tribute_kind="in_memory", tribute_name=name) for nth in range(gifts)]
    content = draw_up(source("us"), Recipient(name, language="es"), told, 2026, Mark("US-1", date(2027, 1, 9)))
    return render.pdf("us_statement", content)


def later_receipt() -> bytes:
    return render.pdf("receipt", draw_up_receipt(source("au"), MARIE, gift(1, 5000, "aud", refunded=100, **BENEFIT), LATER))


def spoilt(paper: bytes) -> bytes:
    """The same document, without its language and without showing its title."""
    with pikepdf.open(io.BytesIO(paper)) as opened:
        del opened.Root.Lang
        del opened.Root.ViewerPreferences.DisplayDocTitle
        written = io.BytesIO()
        opened.save(written)
    return written.getvalue()


@pytest.mark.parametrize("name", [*NAMES, *(f"strange-{nth}" for nth in range(len(STRANGE))), "many", "apart", "later"])
def test_a_document_is_pdf_ua_1(verdicts: dict[str, list[str]], name: str) -> None:
    """Every country, both languages, any name, and as many pages as it takes."""
    assert verdicts[name] == []


def test_the_judge_finds_fault_where_there_is_some(verdicts: dict[str, list[str]]) -> None:
    """Silence proves something only of a judge that speaks up."""
    assert any("language" in each for each in verdicts["spoilt"])
