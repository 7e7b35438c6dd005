"""In which language documents speak, and that no language lacks a word that another has."""

from __future__ import annotations

import tomllib
from datetime import date
from string import Formatter

import pytest

from chalicelib.statements import render, wording
from chalicelib.statements.countries import COUNTRIES
from chalicelib.statements.country import ELSEWHERE, Country
from chalicelib.statements.statement import Mark, Recipient, draw_up, draw_up_receipt, fingerprint
from tests.statements.papers import FIRST, MARIA, SOURCE, gift, text_of
from tests.statements.sheets import NAMES, donor, sheet, source
from tests.statements.test_countries import CURRENCIES

EVERYWHERE = [*COUNTRIES.values(), ELSEWHERE]
WORDS = {language: tomllib.loads((render.LAYOUTS / "words" / f"{language}.toml").read_text("utf-8")) for language in wording.LANGUAGES}


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("preferred", "language"), [("es", "es"), ("es-419", "es"), ("ES", "es"), ("en-GB", "en"), ("", "en"), ("fr", "en"), ("zh-Hant", "en")]
)
def test_a_language_that_we_do_not_write_gets_english(preferred: str, language: str) -> None:
    """
    What a browser or the portal said is taken for what it means.
    """
    assert wording.readable(preferred) == language


@pytest.mark.parametrize("language", sorted(set(wording.LANGUAGES) - {"en"}))
def test_every_word_is_there_in_every_language_with_the_same_blanks(language: str) -> None:
    """
    A word that is missing would keep the donors of one language from their documents.
    """
    told = {name: blanks(text) for name, text in WORDS[language].items()}

    assert told == {name: blanks(text) for name, text in WORDS["en"].items()}
    assert all(text.strip() for text in WORDS[language].values())


@pytest.mark.parametrize("country", EVERYWHERE, ids=[*COUNTRIES, "elsewhere"])
def test_every_country_says_in_spanish_what_it_says_in_english(country: Country) -> None:
    """
    As many sentences, and in each place the same facts: nothing is lost on the way.
    """
    spanish = country.translations["es"]

    assert [blanks(each) for each in spanish.receipt_sentences] == [blanks(each) for each in country.receipt_sentences]
    assert (spanish.in_return is None) == (country.in_return is None)
    if country.in_return and spanish.in_return:
        names = country.in_return.__struct_fields__
        assert all(blanks(getattr(spanish.in_return, name)) == blanks(getattr(country.in_return, name)) for name in names)
    assert blanks(spanish.receipt_above) == blanks(country.receipt_above)
    if not country.statement_in_english:
        assert blanks(spanish.statement_above) == blanks(country.statement_above)
        assert list(map(blanks, spanish.statement_sentences)) == list(map(blanks, country.statement_sentences))


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("us-statement-es", [
            "Open Gate Justice, Inc. (example)", "EIN 00-0000000", "12 Elm Street", "Fecha de emisión 9 de julio de 2027",
            "Constancia de donativos 2026", "A nombre de María Fernández López", "Del 1 de enero de 2026 al 31 de diciembre de 2026",
            "Rescate y ayuda legal", "31 mar 2026", "16 may 2026", "$250.00", "$20.00", "$200.00", "Dinner for one", "$60.00",
            "Total de 2 donativos", "$370.00", "No se cuentan: en disputa", "En memoria de",
            "provided no goods or services in return for any other gift", "no le proporcionó bienes ni servicios a cambio de ningún otro",
            "our estimate in good faith", "nuestra estimación de buena fe", "Anula y sustituye n.º US-2026", "Página 1 de 1",
            "Donativos en dólares estadounidenses (USD)",
        ]),
        ("us-receipt-es", [
            "Recibo de su donativo", "Open Gate Justice, Inc. (example)", "EIN 00-0000000", "Recibido de María Fernández López",
            "12 Elm Street", "16 de mayo de 2026", "Importe donado $200.00", "A cambio Dinner for one $60.00", "Donativo único",
            "Excedente $140.00", "provided the goods or services described above", "only what exceeds it is deductible",
            "le proporcionó, a cambio de este pago", "Fecha de emisión 9 de julio de 2027", f"Número de donativo {200:032x}",
        ]),
        ("uk-statement-es", [
            "Constancia de donativos 2026–27", "Open Gate Justice UK (example)", "Registered charity no. 0000000",
            "A nombre de María Fernández López", "Del 6 de abril de 2026 al 5 de abril de 2027", "16 may 2026", "£200.00", "£60.00",
            "No es una declaración de Gift Aid", "£370.00", "Donativos en libras esterlinas (GBP)", "Fecha de emisión 9 de julio de 2027",
        ]),
        ("uk-receipt-es", [
            "Recibo de su donativo", "Open Gate Justice UK (example)", "Registered charity no. 0000000", "Recibido de María Fernández López",
            "16 de mayo de 2026", "Importe donado £200.00", "A cambio Dinner for one £60.00", "no tiene efectos fiscales",
        ]),
        ("au-statement-es", [
            "Recibo de donativos 2026–27", "Open Gate Justice Australia (example)", "ABN 00 000 000 000", "A nombre de María Fernández López",
            "Del 1 de julio de 2026 al 30 de junio de 2027", "16 may 2026", "$200.00", "This receipt is for gifts to",
            "Este recibo corresponde a donativos", "Valor de mercado", "$60.00", "puede recibir donativos deducibles", "$370.00",
        ]),
        ("au-receipt-es", [
            "Recibo de su donativo", "Open Gate Justice Australia (example)", "Recibido de María Fernández López", "16 de mayo de 2026",
            "Importe donado $200.00", "A cambio Dinner for one $60.00", "Excedente $140.00",
            "This receipt is for a contribution to Open Gate Justice Australia (example), ABN 00 000 000 000.",
            "Este recibo corresponde a una contribución", "valor de mercado", "puede recibir donativos deducibles",
        ]),
        ("ca-statement-es", [
            "Official receipt for income tax purposes", "Gifts in Canadian dollars", "Rescue and legal help", "Page 1 of 1",
            "Prepared for María Fernández López", "Registration no. 00000 0000 RR0000", "Canada Revenue Agency",
        ]),
        ("ca-receipt-es", [
            "Este no es un recibo oficial a efectos del impuesto sobre la renta", "Registration no. 00000 0000 RR0000",
            "Recibido de María Fernández López", "16 de mayo de 2026", "Importe donado $200.00", "A cambio Dinner for one $60.00",
        ]),
    ],
)  # fmt: skip
def test_every_element_is_there_in_spanish(name: str, elements: list[str]) -> None:
    """
    What the law wants said stands in English beside it; Canada's official receipt is in English alone.
    """
    said = text_of(sheet(name))

    assert [each for each in elements if each not in said] == []


def test_no_spanish_document_is_left_out() -> None:
    """
    Who adds a country adds what its documents say in Spanish.
    """
    (marked,) = [each for each in test_every_element_is_there_in_spanish.pytestmark if each.name == "parametrize"]

    assert sorted(name for name, _ in marked.args[1]) == sorted(name for name in NAMES if name.endswith("-es"))


@pytest.mark.parametrize(("entity", "written"), [("us", "$1,234.56"), ("uk", "£1,234.56"), ("ca", "$1,234.56"), ("au", "$1,234.56")])
def test_amounts_are_written_as_the_tax_office_reads_them(entity: str, written: str) -> None:
    """
    1.000 is a thousand in Madrid and one in London: the decimal sign is the country's, whatever the language.
    """
    receipt = draw_up_receipt(source(entity), donor("es"), gift(1, 123456, CURRENCIES[entity]), FIRST.issued_on)

    assert f"Importe donado {written}" in text_of(render.pdf("receipt", receipt))


def test_a_single_gift_is_counted_in_the_singular() -> None:
    """
    "1 gifts" is what machines write.
    """
    told = [text_of(render.pdf("us_statement", draw_up(SOURCE, Recipient("Ann", language=each), [gift()], 2026, FIRST))) for each in ("en", "es")]

    assert "Total of 1 gift $50.00" in told[0]
    assert "Total de 1 donativo $50.00" in told[1]


def test_the_language_is_part_of_what_a_document_says() -> None:
    """
    Two languages are two documents; a document without a translation is one for everybody.
    """
    in_spanish = Recipient(MARIA.name, MARIA.address, language="es")
    mark = Mark("CA-1", date(2027, 1, 9))
    full = [Recipient("Marie A. Tremblay", ("5 Elm Street",), in_full=True, language=each) for each in ("en", "es")]

    assert fingerprint(draw_up(SOURCE, MARIA, [gift()], 2026, FIRST)) != fingerprint(draw_up(SOURCE, in_spanish, [gift()], 2026, FIRST))
    assert len({fingerprint(draw_up(source("ca"), who, [gift(1, 5000, "cad")], 2026, mark)) for who in full}) == 1


def test_what_was_issued_before_there_were_languages_still_tells_the_truth() -> None:
    """
    These two were computed before; another hash would replace every issued statement on the next visit.
    """
    statement, receipt = draw_up(SOURCE, MARIA, [gift()], 2026, FIRST), draw_up_receipt(SOURCE, MARIA, gift(), FIRST.issued_on)

    assert fingerprint(statement) == "41e253bbd40c308aaf893eb69a8da84b5d478fb4dc261cb7a6547d0997b78f33"
    assert fingerprint(receipt) == "a2c411eef854c9cb287bdf5fda68ba0f074ca16be5d3cd7caceda5f1bd7e7fa3"
