"""One of each document there is, in each language it can be in: for whatever must hold of all of them."""

from __future__ import annotations

import functools

from chalicelib.statements import render, statement
from chalicelib.statements.statement import Recipient, Source, draw_up, draw_up_receipt
from tests.statements.papers import FACTS, gift
from tests.statements.test_countries import BENEFIT, CURRENCIES, LATER, mark

ENTITIES = tuple(CURRENCIES)
LANGUAGES = ("en", "es")
NAMES = [f"{entity}-{kind}-{language}" for entity in ENTITIES for kind in ("statement", "receipt") for language in LANGUAGES]


@functools.cache
def sheet(name: str) -> bytes:
    """The document of that name: with a refund, something in return, and a gift in dispute."""
    entity, kind, language = name.split("-")
    currency, who = CURRENCIES[entity], donor(language)
    told = [
        gift(130, 25000, currency, refunded=2000, fund="rescue", frequency="monthly"),
        gift(200, 20000, currency, fund="aftercare", tribute_kind="in_memory", tribute_name="محمد علي", **BENEFIT),
        gift(201, 9900, currency, disputed=True),
    ]
    if kind == "receipt":
        return render.pdf("receipt", draw_up_receipt(source(entity), who, told[1], LATER))
    layout = statement.layout(FACTS.entities[entity].country)
    return render.pdf(layout, draw_up(source(entity), who, told, 2026, mark(entity)))


def source(entity: str) -> Source:
    return Source(FACTS.name, FACTS.entities[entity], FACTS.funds, FACTS.funds_in)


def donor(language: str) -> Recipient:
    return Recipient("María Fernández López", ("12 Elm Street", "Albany, NY 12207"), in_full=True, language=language)
