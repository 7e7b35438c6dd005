"""
In which language a document speaks, and the sentences it says. Pure.

A tax office reads English: the sentence that its law asks for stands in
English on every document, and where the donor reads another language it
follows in theirs. What a country wants in its own wording altogether has no
translation of its statement, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chalicelib.statements.country import Country, InReturn

ENGLISH = "en"
# What documents are written in, each by its own name.
LANGUAGES = {ENGLISH: "English", "es": "Español"}
TRIBUTES = {
    "en": {"in_memory": "In memory of {name}", "in_honour": "In honour of {name}"},
    "es": {"in_memory": "En memoria de {name}", "in_honour": "En honor de {name}"},
}


class Wording(msgspec.Struct, frozen=True):
    """
    How a document writes: `official` are sentences in English before those of the reader's language, `sentences`.

    `locale` is that language, and the country for which it is written: "es_GB".
    `above`: why gifts for which too much was had in return are listed apart.
    """

    locale: str
    sentences: tuple[str, ...]
    official: tuple[str, ...] = ()
    above: str = ""


def readable(preferred: str) -> str:
    """The language of a donor's documents, from what they or Stripe said: "es-419" is Spanish, "fr" gets English."""
    language = preferred[:2].lower()
    return language if language in LANGUAGES else ENGLISH


def of_statement(country: Country, language: str, named: dict[str, str], *, something: bool) -> Wording:
    """What a yearly statement says; `something` was had in return for at least one gift."""
    language = ENGLISH if country.statement_in_english else language
    spoken = country.translations.get(language, country)
    which = "statement_something" if something else "statement_nothing"
    worded = _wording(country, language, spoken.statement_sentences, named, which)
    return msgspec.structs.replace(worded, above=spoken.statement_above.format(**named))


def of_receipt(
    country: Country, language: str, named: dict[str, str], *, something: bool, above: bool = False
) -> Wording:  # fmt: skip
    """What one gift's receipt says; `above`: more was had in return than the country's limit allows."""
    spoken = country.translations.get(language, country)
    which = "receipt_something" if something else "receipt_nothing"
    rest = (*spoken.receipt_sentences, spoken.receipt_above) if above else spoken.receipt_sentences
    return _wording(country, language, rest, named, which)


def tribute(kind: str, name: str, locale: str) -> str:
    """In whose memory or honour a gift was made; empty where it was for nobody."""
    texts = TRIBUTES[locale[:2]]
    return (texts["in_memory"] if kind == "in_memory" else texts["in_honour"]).format(name=name) if name else ""


def _wording(
    country: Country, language: str, rest: Iterable[str], named: dict[str, str], which: str
) -> Wording:  # fmt: skip
    if language not in country.translations:
        return Wording(country.locale, _filled((*_first(country.in_return, which), *rest), named))
    translated = _first(country.translations[language].in_return, which)
    region = country.locale.partition("_")[2]
    official = _filled(_first(country.in_return, which), named)
    return Wording(f"{language}_{region}", _filled((*translated, *rest), named), official)


def _first(in_return: InReturn | None, which: str) -> tuple[str, ...]:
    return (getattr(in_return, which),) if in_return else ()


def _filled(sentences: Iterable[str], named: dict[str, str]) -> tuple[str, ...]:
    return tuple(sentence.format(**named) for sentence in sentences)
