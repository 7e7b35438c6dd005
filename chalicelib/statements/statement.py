"""
What a tax statement and a receipt say. Pure: facts in, content out; how it looks is a layout's business.

Amounts of different currencies stand in tables of their own and are never
added together. A gift under open dispute is named but not counted; one that
was returned in full is no gift and is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from chalicelib.errors import Conflict, MisconfiguredError, NotFound
from chalicelib.money import Money
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.country import ELSEWHERE, Country
from chalicelib.statements.united_states import UNITED_STATES

if TYPE_CHECKING:
    from chalicelib.charity import LegalEntity
    from chalicelib.giving.gift import Frequency, Gift

COUNTRIES: Mapping[str, Country] = {"US": UNITED_STATES}


class Issuer(msgspec.Struct, frozen=True):
    """Who issues the document: a legal entity, under the name that donors know."""

    charity: str
    legal_name: str
    tax_number_label: str
    tax_number: str
    address: tuple[str, ...]


class Recipient(msgspec.Struct, frozen=True):
    """Whom the document is for: a name and the lines of an address, if we know one."""

    name: str
    address: tuple[str, ...] = ()


class Mark(msgspec.Struct, frozen=True):
    """What tells one issue of a document from another: all that the fingerprint leaves out."""

    serial: str
    issued_on: date
    replaces: str = ""


class Line(msgspec.Struct, frozen=True):
    """One gift. `kept` is what counts for tax: `given` less `refunded`."""

    given_on: date
    fund: str
    tribute: str
    frequency: Frequency
    given: Money
    refunded: Money
    kept: Money


class Table(msgspec.Struct, frozen=True):
    """The gifts of one currency, oldest first, and their totals."""

    currency: str
    lines: tuple[Line, ...]
    given: Money
    refunded: Money
    kept: Money


class Statement(msgspec.Struct, frozen=True):
    """A donor's gifts to one legal entity in one tax year. `so_far`: the year had not ended at the time of issue."""

    mark: Mark
    issuer: Issuer
    donor: Recipient
    locale: str
    paper: str
    year_name: str
    first_day: date
    last_day: date
    so_far: bool
    tables: tuple[Table, ...]
    waiting: tuple[Line, ...]
    sentences: tuple[str, ...]


class Receipt(msgspec.Struct, frozen=True):
    """One gift, on paper."""

    mark: Mark
    issuer: Issuer
    donor: Recipient
    locale: str
    paper: str
    gift: Line
    method: str
    note: str
    sentences: tuple[str, ...]


class Source(msgspec.Struct, frozen=True):
    """Whose gifts the document is about: the legal entity's facts, the charity's name and what its funds are called."""

    charity: str
    entity: LegalEntity
    funds: Mapping[str, str]


def has_statements(country: str) -> bool:
    """Whether we issue yearly statements for entities of that country."""
    return bool(COUNTRIES.get(country, ELSEWHERE).statement_layout)


def layout(country: str) -> str:
    """The layout of a country's yearly statement. Raises NotFound where there is none."""
    if not has_statements(country):
        raise NotFound("There are no yearly statements for gifts to this organisation.", code="no_statements")
    return COUNTRIES[country].statement_layout


def draw_up(source: Source, donor: Recipient, gifts: Iterable[Gift], tax_year: int, mark: Mark) -> Statement:
    """
    The statement of `gifts`, which are all of one entity and one tax year.

    Raises MisconfiguredError naming what the entity's facts lack, and
    NotFound where the country has no statement.
    """
    code = source.entity.country
    layout(code)
    country = COUNTRIES[code]
    issuer = _issuer(source, country)
    last_day = tax_years.last_day(tax_year, code)
    told = sorted(gifts, key=lambda gift: (gift.given_at, gift.charge_id))
    return Statement(
        mark=mark,
        issuer=issuer,
        donor=donor,
        locale=country.locale,
        paper=country.paper,
        year_name=tax_years.name(tax_year, code),
        first_day=tax_years.first_day(tax_year, code),
        last_day=last_day,
        so_far=mark.issued_on <= last_day,
        tables=_tables((_line(gift, source.funds) for gift in told if counts(gift)), country.currency),
        waiting=tuple(_line(gift, source.funds) for gift in told if gift.state == "disputed"),
        sentences=_sentences(country.statement_sentences, issuer),
    )


def draw_up_receipt(source: Source, donor: Recipient, gift: Gift, issued_on: date) -> Receipt:
    """
    The receipt of one gift, whatever was refunded of it since.

    Raises MisconfiguredError naming what the entity's facts lack, and
    Conflict while the donor's bank disputes the payment.
    """
    if gift.state == "disputed":
        raise Conflict("Your bank disputes this payment. Its receipt waits until that is settled.", code="disputed")
    country = COUNTRIES.get(source.entity.country, ELSEWHERE)
    issuer = _issuer(source, country)
    return Receipt(
        mark=Mark(gift.gift_id, issued_on),
        issuer=issuer,
        donor=donor,
        locale=country.locale,
        paper=country.paper,
        gift=_line(gift, source.funds),
        method=gift.method,
        note=gift.about.tribute_note,
        sentences=_sentences(country.receipt_sentences, issuer),
    )


def counts(gift: Gift) -> bool:
    """Whether a statement counts the gift: some of it was kept, and nobody disputes it."""
    return gift.state == "paid"


def fingerprint(content: Statement | Receipt) -> str:
    """The same for two documents that say the same, whenever and under whatever number they were issued."""
    unmarked = msgspec.structs.replace(content, mark=Mark("", date.min))
    return hashlib.sha256(msgspec.json.encode(unmarked, order="sorted")).hexdigest()


def _issuer(source: Source, country: Country) -> Issuer:
    entity = source.entity
    missing = [name for name in country.required if not _filled(getattr(entity, name))]
    if not source.charity.strip():
        missing.append("name")
    if missing:
        raise MisconfiguredError(f"charity.toml lacks, for documents of {entity.country}: {', '.join(missing)}.")
    return Issuer(source.charity, entity.legal_name, entity.tax_number_label, entity.tax_number, tuple(entity.address))


def _filled(value: str | list[str]) -> bool:
    return any(line.strip() for line in ([value] if isinstance(value, str) else value))


def _tables(lines: Iterable[Line], first: str) -> tuple[Table, ...]:
    def order(line: Line) -> tuple[bool, str]:
        return line.given.currency != first, line.given.currency

    return tuple(_table(code, tuple(same)) for (_, code), same in groupby(sorted(lines, key=order), key=order))


def _table(currency: str, lines: tuple[Line, ...]) -> Table:
    nothing = Money(0, currency)
    return Table(
        currency=currency,
        lines=lines,
        given=sum((line.given for line in lines), nothing),
        refunded=sum((line.refunded for line in lines), nothing),
        kept=sum((line.kept for line in lines), nothing),
    )


def _line(gift: Gift, funds: Mapping[str, str]) -> Line:
    about = gift.about
    return Line(
        given_on=gift.given_on,
        fund=funds.get(about.fund, about.fund) or next(iter(funds.values()), ""),
        tribute=_tribute(about.tribute_kind, about.tribute_name),
        frequency=about.frequency,
        given=gift.money,
        refunded=gift.refunded,
        kept=gift.kept,
    )


def _tribute(kind: str, name: str) -> str:
    if not name:
        return ""
    return f"In memory of {name}" if kind == "in_memory" else f"In honour of {name}"


def _sentences(sentences: Iterable[str], issuer: Issuer) -> tuple[str, ...]:
    return tuple(sentence.format(legal_name=issuer.legal_name) for sentence in sentences)
