"""What a country asks of the documents that a charity gives its donors. Pure."""

from __future__ import annotations

import msgspec


class Country(msgspec.Struct, frozen=True):
    """
    One country's rules, as data: a module here and a layout beside it make a country.

    Sentences may name `{legal_name}`. `required` are the facts of the legal
    entity without which nothing is issued. `currency` is the one whose gifts stand first.
    """

    locale: str
    currency: str
    paper: str
    required: tuple[str, ...]
    receipt_sentences: tuple[str, ...]
    statement_layout: str = ""
    statement_sentences: tuple[str, ...] = ()


# Where we issue no tax document yet, a gift is still confirmed, and nothing is claimed about tax.
ELSEWHERE = Country(
    locale="en_GB",
    currency="",
    paper="a4",
    required=("legal_name", "tax_number", "address"),
    receipt_sentences=("{legal_name} received this gift. This receipt confirms the payment; it is not a tax receipt.",),
)
