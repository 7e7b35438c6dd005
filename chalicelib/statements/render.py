"""
Content onto paper: PDF/UA-1 by typst.

The same content gives the same bytes: no wall clock, no fonts but those
inside typst and of the packages that `typefaces` names. Content reaches a layout as JSON and is
shown as text, so nothing a donor typed is ever read as markup.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.money import Money, in_words
from chalicelib.statements import typefaces
from chalicelib.statements.wording import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.statements.statement import Receipt, Statement

LAYOUTS = Path(__file__).with_name("layouts")
NO_GLYPH = "could not be displayed"


def pdf(layout: str, content: Statement | Receipt) -> bytes:
    """
    The document as PDF/UA-1, whatever the donor is called.

    Nearly every text is set as it is. Only when typst finds no glyph are the
    typefaces asked what they have, and what they lack is named by its code;
    the document then says so.
    """
    from typst import TypstError  # noqa: PLC0415 - 30 ms and 80 MB on disk that only documents need

    told = _shown(content, content.locale)
    for readable in (typefaces.plain, typefaces.covered):
        try:
            return _compiled(layout, content, _inputs(told, readable))
        except TypstError as fault:
            if NO_GLYPH not in fault.message:
                raise
    return _compiled(layout, content, _inputs(told, typefaces.bare))


def _compiled(layout: str, content: Statement | Receipt, inputs: dict[str, str]) -> bytes:
    import typst  # noqa: PLC0415

    return typst.compile(
        str(LAYOUTS / f"{layout}.typ"),
        root=str(LAYOUTS),
        font_paths=[str(folder) for folder in typefaces.FOLDERS],
        ignore_system_fonts=True,
        timestamp=datetime.combine(content.mark.issued_on, time(), UTC),
        sys_inputs=inputs,
        pdf_standards=["ua-1"],
    )


def _inputs(told: Any, readable: Callable[[str], str]) -> dict[str, str]:
    shown = _each_text(told, readable)
    return {"data": msgspec.json.encode({**shown, "substituted": shown != told}).decode()}


def _each_text(told: Any, readable: Callable[[str], str]) -> Any:
    if isinstance(told, str):
        return readable(told)
    if isinstance(told, list):
        return [_each_text(each, readable) for each in told]
    if isinstance(told, dict):
        return {name: _each_text(each, readable) for name, each in told.items()}
    return told


def _shown(value: Any, locale: str) -> Any:
    """The content with dates, amounts and currencies also in words, as `_shown_money` and `_reads` have it."""
    if isinstance(value, Money):
        return _shown_money(value, locale)
    if isinstance(value, date):
        return _shown_date(value, locale)
    if isinstance(value, (list, tuple)):
        return [_shown(each, locale) for each in value]
    if not isinstance(value, msgspec.Struct):
        return value
    told = {name: _shown(getattr(value, name), locale) for name in value.__struct_fields__}
    return {**told, **_named(told, locale)} if "currency" in told else told


def _shown_money(money: Money, locale: str) -> dict[str, Any]:
    """
    The amount as the country's English has it, whatever the reader's language.

    Its tax office reads it too: 1.234 is a thousand in Madrid and one in London.
    """
    return {"minor": money.minor, "text": in_words(money, f"en_{locale.partition('_')[2]}")}


def _reads(locale: str) -> str:
    """The locale of dates and currency names. Spanish has none for Britain, and is the same everywhere in these."""
    return locale if locale.startswith(ENGLISH) else locale[:2]


def _shown_date(day: date, locale: str) -> dict[str, str]:
    from babel.dates import format_date  # noqa: PLC0415

    return {style: format_date(day, style, _reads(locale)) for style in ("medium", "long")}


def _named(table: dict[str, Any], locale: str) -> dict[str, str]:
    from babel.numbers import get_currency_name  # noqa: PLC0415

    # For two or more: "US dollars", also above a single gift.
    plural = get_currency_name(table["currency"].upper(), 2, _reads(locale))
    return {"currency_name": f"{plural} ({table['currency'].upper()})"}
