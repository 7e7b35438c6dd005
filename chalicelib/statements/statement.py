"""
What a tax statement and a receipt say. Pure: facts in, content out; how it looks is a layout's business.

Amounts of different currencies stand in tables of their own and are never
added together. A gift under open dispute, or one whose facts contradict each
other, is named but not counted, and so is one for which more was had in
return than the country allows; one that was returned in full is no gift and
is left out.
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
from chalicelib.statements import wording
from chalicelib.statements.countries import COUNTRIES
from chalicelib.statements.country import ELSEWHERE, Country

if TYPE_CHECKING:
    from chalicelib.charity import LegalEntity
    from chalicelib.giving.gift import Frequency, Gift


# What a gift is worth is not known while it is one of these.
WAITING = frozenset({"disputed", "unclear"})


class Issuer(msgspec.Struct, frozen=True):
    """Who issues the document: a legal entity, under the name that donors know."""

    charity: str
    legal_name: str
    tax_number_label: str
    tax_number: str
    address: tuple[str, ...]
    place_of_issue: str = ""
    signatory: str = ""
    signature: str = ""


class Recipient(msgspec.Struct, frozen=True):
    """
    Whom the document is for: a name, an address if we know one, and the language they read.

    `in_full`: name and address are as a tax office wants them.
    """

    name: str
    address: tuple[str, ...] = ()
    in_full: bool = False
    language: str = wording.ENGLISH


class Mark(msgspec.Struct, frozen=True):
    """What tells one issue of a document from another: all that the fingerprint leaves out."""

    serial: str
    issued_on: date
    replaces: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One gift. `kept` is `given` less `refunded` and `lost`; `eligible`, what counts for tax, is `kept` less `advantage`.

    So `advantage` is the value of what was had in return as far as something
    was kept to take it off. `worth` is the whole value where that does not
    tell it: it is more, or the gift stands in no table. `lost` is what the
    donor's bank took back by a dispute that is over. Both are there only if
    there is some, or every statement issued before would tell something else.
    """

    given_on: date
    fund: str
    tribute: str
    frequency: Frequency
    given: Money
    refunded: Money
    kept: Money
    advantage: Money
    advantage_description: str
    eligible: Money
    lost: Money | None = None
    worth: Money | None = None


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """The gifts of one currency, oldest first, and their totals."""

    currency: str
    lines: tuple[Line, ...]
    given: Money
    refunded: Money
    kept: Money
    advantage: Money
    eligible: Money
    lost: Money | None = None


# `omit_defaults`: a field that came later and is empty leaves fingerprints as they were.
class Statement(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A donor's gifts to one legal entity in one tax year. `so_far`: the year had not ended at the time of issue.

    `sentences` are in the language of `locale`; `official` ones stand before them, in English, where that is another.
    `unreceipted` are gifts that the country does not take for such, and `unreceipted_why` says so.
    """

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
    official: tuple[str, ...] = ()
    unreceipted: tuple[Line, ...] = ()
    unreceipted_why: str = ""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One gift, on paper. `sentences` and `official` as in a Statement.

    `takes_place`: an earlier receipt of the gift, if there is one, says more than is true now.
    """

    mark: Mark
    issuer: Issuer
    donor: Recipient
    locale: str
    paper: str
    gift: Line
    method: str
    note: str
    sentences: tuple[str, ...]
    official: tuple[str, ...] = ()
    takes_place: bool = False


class Source(msgspec.Struct, frozen=True):
    """Whose gifts the document is about: the legal entity's facts, the charity's name and what its funds are called."""

    charity: str
    entity: LegalEntity
    funds: Mapping[str, str]
    funds_in: Mapping[str, Mapping[str, str]] = {}

    def funds_as(self, locale: str) -> Mapping[str, str]:
        """What the funds are called in a locale's language, or else as ever."""
        return {**self.funds, **self.funds_in.get(locale[:2], {})}


def has_statements(country: str) -> bool:
    """Whether we issue yearly statements for entities of that country."""
    return bool(COUNTRIES.get(country, ELSEWHERE).statement_layout)


def is_for_whole_years_only(country: str) -> bool:
    """Whether that country's statement is not issued before its year is over."""
    return COUNTRIES[country].whole_years_only


def layout(country: str) -> str:
    """The layout of a country's yearly statement. Raises NotFound where there is none."""
    if not has_statements(country):
        raise NotFound("There are no yearly statements for gifts to this organisation.", code="no_statements")
    return COUNTRIES[country].statement_layout


def draw_up(source: Source, donor: Recipient, gifts: Iterable[Gift], tax_year: int, mark: Mark) -> Statement:
    """
    The statement of `gifts`, which are all of one entity and one tax year.

    Raises MisconfiguredError naming what the entity's facts lack, NotFound
    where the country has no statement or takes none of these gifts for one,
    and Conflict where it asks for more of the donor, or for the year's end.
    """
    code = source.entity.country
    layout(code)
    country = COUNTRIES[code]
    issuer = _issuer(source, country, country.required + country.statement_required)
    last_day = tax_years.last_day(tax_year, code)
    _check_time(country, mark, last_day)
    _check_donor(country, donor)
    told = sorted(gifts, key=lambda gift: (gift.given_at, gift.charge_id))
    words = wording.of_statement(
        country, donor.language, _named(issuer, country), something=any(map(_brought_something, told))
    )
    tables = _tables((_line(gift, source, words.locale) for gift in told if is_totalled(gift, code)), country.currency)
    unreceipted = [gift for gift in told if counts(gift) and not is_totalled(gift, code)]
    if unreceipted and not tables and not mark.replaces:
        raise NotFound(words.above, code="nothing_to_receipt")
    return Statement(
        mark=mark,
        issuer=issuer,
        donor=donor,
        locale=words.locale,
        paper=country.paper,
        year_name=tax_years.name(tax_year, code),
        first_day=tax_years.first_day(tax_year, code),
        last_day=last_day,
        so_far=mark.issued_on <= last_day,
        tables=tables,
        waiting=tuple(_line(gift, source, words.locale, apart=True) for gift in told if gift.state in WAITING),
        sentences=words.sentences,
        official=words.official,
        unreceipted=tuple(_line(gift, source, words.locale, apart=True) for gift in unreceipted),
        unreceipted_why=words.above if unreceipted else "",
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
    issuer = _issuer(source, country, country.required)
    words = wording.of_receipt(
        country,
        donor.language,
        _named(issuer, country),
        something=gift.advantage.minor > 0,
        above=_is_above_limit(gift, country),
    )
    return Receipt(
        mark=Mark(gift.gift_id, issued_on),
        issuer=issuer,
        donor=donor,
        locale=words.locale,
        paper=country.paper,
        gift=_line(gift, source, words.locale),
        method=gift.method,
        note=gift.about.tribute_note,
        sentences=words.sentences,
        official=words.official,
        takes_place=_was_more(gift),
    )


def counts(gift: Gift) -> bool:
    """Whether a statement counts the gift: some of it was kept, and nobody disputes or doubts it."""
    return gift.state == "paid"


def is_totalled(gift: Gift, country: str) -> bool:
    """Whether the gift is in the totals of that country's statement: it counts, and not too much was had in return."""
    return counts(gift) and not _is_above_limit(gift, COUNTRIES[country])


def counted_by(country: str) -> tuple[int, int, int | None]:
    """What of that country's rules decides which gifts are totalled in which year: when it begins, and the limit."""
    return (*tax_years.BEGINS[country], COUNTRIES[country].advantage_limit)


def fingerprint(content: Statement | Receipt) -> str:
    """
    The same for two documents that say the same, whenever and under whatever number they were issued.

    The language is part of it by the locale that came of it; which one the donor prefers is not said on the document.
    """
    told = msgspec.to_builtins(msgspec.structs.replace(content, mark=Mark("", date.min)))
    del told["donor"]["language"]
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def figures(content: Statement) -> str:
    """The same for two statements whose gifts and amounts are the same, whatever else they say, and of whom."""
    lines = [line for table in content.tables for line in table.lines]
    apart = [content.unreceipted] if content.unreceipted else []
    told = [
        [(each.given_on, each.given, each.kept, each.eligible) for each in some]
        for some in (lines, content.waiting, *apart)
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _issuer(source: Source, country: Country, required: tuple[str, ...]) -> Issuer:
    entity = source.entity
    missing = [name for name in required if not _filled(getattr(entity, name))]
    if not source.charity.strip():
        missing.append("name")
    if missing:
        raise MisconfiguredError(f"charity.toml lacks, for documents of {entity.country}: {', '.join(missing)}.")
    signed = {name: getattr(entity, name) for name in country.statement_required if name in required}
    return Issuer(
        source.charity, entity.legal_name, entity.tax_number_label, entity.tax_number, tuple(entity.address), **signed
    )


def _check_time(country: Country, mark: Mark, last_day: date) -> None:
    if country.whole_years_only and mark.issued_on <= last_day:
        raise Conflict(
            f"The official receipt is issued when the year is over, after {last_day.isoformat()}.", code="year_not_over"
        )


def _check_donor(country: Country, donor: Recipient) -> None:
    if country.donor_in_full and not donor.in_full:
        raise Conflict(
            "An official receipt needs your full name, with the initial of your middle name if you have one, and your"
            " postal address. Please fill them in at /portal/contact and ask again.",
            code="contact_incomplete",
        )


def _filled(value: str | list[str]) -> bool:
    return any(line.strip() for line in ([value] if isinstance(value, str) else value))


def _tables(lines: Iterable[Line], first: str) -> tuple[Table, ...]:
    def order(line: Line) -> tuple[bool, str]:
        return line.given.currency != first, line.given.currency

    return tuple(_table(code, tuple(same)) for (_, code), same in groupby(sorted(lines, key=order), key=order))


def _table(currency: str, lines: tuple[Line, ...]) -> Table:
    nothing = Money(0, currency)
    lost = [line.lost for line in lines if line.lost]
    return Table(
        currency=currency,
        lines=lines,
        given=sum((line.given for line in lines), nothing),
        refunded=sum((line.refunded for line in lines), nothing),
        kept=sum((line.kept for line in lines), nothing),
        advantage=sum((line.advantage for line in lines), nothing),
        eligible=sum((line.eligible for line in lines), nothing),
        lost=sum(lost, nothing) if lost else None,
    )


def _line(gift: Gift, source: Source, locale: str, *, apart: bool = False) -> Line:
    about, funds = gift.about, source.funds_as(locale)
    if about.advantage and not about.advantage_description.strip():
        raise MisconfiguredError(f"Gift {gift.gift_id} states the value of something in return, but not what it was.")
    if about.advantage_description.strip() and not about.advantage:
        raise MisconfiguredError(f"Gift {gift.gift_id} states something in return, but not its value.")
    taken_off = gift.kept - gift.eligible
    return Line(
        given_on=gift.given_on,
        fund=funds.get(about.fund, about.fund) or next(iter(funds.values()), ""),
        tribute=wording.tribute(about.tribute_kind, about.tribute_name, locale),
        frequency=about.frequency,
        given=gift.money,
        refunded=gift.refunded,
        kept=gift.kept,
        advantage=taken_off,
        advantage_description=about.advantage_description,
        eligible=gift.eligible,
        lost=_lost(gift),
        worth=gift.advantage if about.advantage and (apart or taken_off != gift.advantage) else None,
    )


def _lost(gift: Gift) -> Money | None:
    """What a bank took back and keeps; of a gift that waits nobody can say yet."""
    gone = gift.money - gift.kept - gift.refunded
    return gone if gone.minor > 0 and gift.state not in WAITING else None


def _brought_something(gift: Gift) -> bool:
    """Also one that is named without being counted: what it brought is described beside it."""
    return (counts(gift) or gift.state in WAITING) and gift.advantage.minor > 0


def _is_above_limit(gift: Gift, country: Country) -> bool:
    limit = country.advantage_limit
    return limit is not None and gift.advantage.minor * 100 > gift.kept.minor * limit


def _was_more(gift: Gift) -> bool:
    """Whether a receipt may have told of more; after a refund that failed, the one in between told of less."""
    refunds = any(fact.kind == "refund" for fact in gift.later)
    return refunds or gift.refunded.minor > 0 or _lost(gift) is not None


def _named(issuer: Issuer, country: Country) -> dict[str, str]:
    told = {name: getattr(issuer, name) for name in ("legal_name", "tax_number_label", "tax_number")}
    return told if country.advantage_limit is None else {**told, "limit": str(country.advantage_limit)}
