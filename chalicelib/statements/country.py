"""What a country asks of the documents that a charity gives its donors. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class InReturn(msgspec.Struct, frozen=True):
    """What documents say first: nothing was had in return for any gift, or something for at least one."""

    receipt_nothing: str
    receipt_something: str
    statement_nothing: str
    statement_something: str


class Translation(msgspec.Struct, frozen=True):
    """What a country's documents say to a donor who reads another language."""

    receipt_sentences: tuple[str, ...]
    statement_sentences: tuple[str, ...] = ()
    in_return: InReturn | None = None
    receipt_above: str = ""
    statement_above: str = ""


class Country(msgspec.Struct, frozen=True):
    """
    One country's rules, as data: a module here and a layout beside it make a country.

    Sentences may name `{legal_name}`, `{tax_number_label}`, `{tax_number}` and `{limit}`.
    `required` are the facts of the legal entity without which nothing is
    issued, `statement_required` those that only the yearly statement needs.
    `currency` is the one whose gifts stand first. `donor_in_full`: no yearly
    statement without the donor's full name and postal address.
    `whole_years_only`: none before the year is over. `advantage_limit`: a gift
    for which more than so many percent of it were had in return is no gift to
    that tax office; the statement lists it apart, and why (`statement_above`),
    and its own receipt says so too (`receipt_above`). `translations` are by
    language; `statement_in_english`: the yearly statement is in the tax
    office's own words, for every donor.
    """

    locale: str
    currency: str
    paper: str
    required: tuple[str, ...]
    receipt_sentences: tuple[str, ...]
    statement_layout: str = ""
    statement_sentences: tuple[str, ...] = ()
    statement_required: tuple[str, ...] = ()
    in_return: InReturn | None = None
    donor_in_full: bool = False
    whole_years_only: bool = False
    advantage_limit: int | None = None
    receipt_above: str = ""
    statement_above: str = ""
    statement_in_english: bool = False
    translations: Mapping[str, Translation] = {}


# Where we issue no tax document yet, a gift is still confirmed, and nothing is claimed about tax.
ELSEWHERE = Country(
    locale="en_GB",
    currency="",
    paper="a4",
    required=("legal_name", "tax_number_label", "tax_number", "address"),
    receipt_sentences=("{legal_name} received this gift. This receipt confirms the payment; it is not a tax receipt.",),
    translations={
        "es": Translation(
            receipt_sentences=(
                "{legal_name} recibió este donativo. Este recibo confirma el pago; no tiene efectos fiscales.",
            ),
        )
    },
)
