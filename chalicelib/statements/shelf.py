"""The donor's shelf: for which tax years statements can be had, and every number that was issued of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from chalicelib import charity, items, keys
from chalicelib.errors import NotFound
from chalicelib.giving.years import Fold, parts_of
from chalicelib.statements import register, statement
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.register import Issued

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from chalicelib.giving.gift import Gift

# Of the code. Raise it when `_add_up`, or what it asks, comes to something else for the same facts of the charity.
EDITION = 1
# A tax year, and the entity whose it is.
Kind = tuple[int, str]


class Total(msgspec.Struct, frozen=True):
    """What the statement counts in one currency, in minor units: what was kept above any value in return."""

    amount: int
    currency: str


class Told(msgspec.Struct, frozen=True):
    """Of some gifts, what the statement of one tax year and entity counts in one currency: `amount` as in Total."""

    tax_year: int
    entity: str
    currency: str
    gifts: int
    amount: int


class Issue(msgspec.Struct, frozen=True):
    """One issued statement. `replaced_by` is the serial of the next one, empty for the newest."""

    number: int
    serial: str
    issued_on: date
    replaced_by: str


class Year(msgspec.Struct, frozen=True):
    """
    A tax year with gifts to one entity, for which a statement can be had.

    `tax_year` is the calendar year in which it begins, and its place in
    addresses; `year_name` is what people there call it: "2026" or "2026–27".
    Totals and `gifts` are those of the statement as it would be issued now.
    `so_far`: the year has not ended. `available_from`: the day on which the
    statement can be had first, where the country has none of a year that has
    not ended; else null. `issued`: every number, newest first.
    `series` is of a statement that a joined record had before it was joined,
    and goes on with: it tells of that record's gifts, and no other does. Of
    all others it is empty.
    """

    tax_year: int
    year_name: str
    entity: str
    legal_name: str
    currency_totals: list[Total]
    gifts: int
    so_far: bool
    available_from: date | None
    issued: list[Issue]
    series: str = ""


def years(records: tuple[str, ...]) -> list[Year]:
    """
    Every tax year and entity for which the donor can have a statement, newest first.

    Also one whose gifts have all been returned since: what was issued of it stays to be seen.
    Raises TooManyGifts if those of one calendar year are more than can be added up.
    """
    entered = {record: issued(record) for record in records}
    told: dict[tuple[Kind, str], list[Told]] = {(kind, record): [] for record in records for kind in entered[record]}
    fold = Fold("statements", Told, _add_up, _rules())
    for record in records:
        for part in parts_of(record, fold):
            kind = part.tax_year, part.entity
            told.setdefault((kind, record if kind in entered[record] else records[0]), []).append(part)
    in_order = sorted(told, key=lambda each: (each[0], -records.index(each[1])), reverse=True)
    return [
        _year(kind, told[kind, record], entered[record].get(kind, []), record if record != records[0] else "")
        for kind, record in in_order
    ]


def record_of(records: tuple[str, ...], entity_id: str, series: str) -> str:
    """The record whose statements these are: the main one's without a name. Raises NotFound for another donor's."""
    if not series:
        return records[0]
    found = [each for each in records if register.series(entity_id, each) == series]
    if not found:
        raise NotFound("There are no such statements.")
    return found[0]


def entity_of(records: tuple[str, ...], tax_year: int) -> str:
    """The entity that took the donor's gifts of the year: the default one if it took any. Raises NotFound if none."""
    took = [year.entity for year in years(records) if year.tax_year == tax_year]
    if not took:
        raise NotFound("There are no gifts in that tax year.")
    entities = charity.current().entities
    return next((entity for entity in took if entities[entity].default), took[0])


def numbered(donor_id: str, entity_id: str, tax_year: int, number: int) -> Issued:
    """The statement that was issued under this number, replaced or not. Raises NotFound."""
    found = items.get(items.giving(), keys.donor(donor_id, keys.statement(entity_id, tax_year, number)))
    if found is None:
        raise NotFound("There is no statement of that number.")
    return items.as_struct(found, Issued)


def issued(donor_id: str) -> dict[Kind, list[Issued]]:
    """All that a record was issued, newest first. Of an entity that charity.toml no longer has nothing can be said."""
    found: dict[Kind, list[Issued]] = defaultdict(list)
    for item in items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.STATEMENTS, backward=True):
        _, entity, tax_year, _ = item["sk"].split("#")
        if entity in charity.current().entities:
            found[int(tax_year), entity].append(items.as_struct(item, Issued))
    return found


def _issues(issued: list[Issued], zone: ZoneInfo) -> list[Issue]:
    after = ["", *(each.serial for each in issued)]
    return [
        Issue(each.number, each.serial, each.issued_at.astimezone(zone).date(), replaced_by)
        for each, replaced_by in zip(issued, after, strict=False)
    ]


def _add_up(gifts: Iterable[Gift]) -> list[Told]:
    """What statements count of the gifts. A part of a tax year may be in the calendar year before or after."""
    counted = defaultdict(list)
    for gift in filter(_is_told, gifts):
        counted[(*_year_of(gift), gift.eligible.currency)].append(gift.eligible.minor)
    return [Told(*about, gifts=len(those), amount=sum(those)) for about, those in sorted(counted.items())]


def _rules() -> str:
    """By which facts of the charity, and by which of its countries', gifts are counted."""
    countries = {name: entity.country for name, entity in charity.current().entities.items()}
    told = {name: statement.counted_by(code) for name, code in countries.items() if statement.has_statements(code)}
    return msgspec.json.encode([EDITION, told], order="sorted").decode()


def _is_told(gift: Gift) -> bool:
    entity = charity.current().entities.get(gift.entity)
    if entity is None or not statement.has_statements(entity.country):
        return False
    return statement.is_totalled(gift, entity.country)


def _year_of(gift: Gift) -> Kind:
    return tax_years.of(gift.given_on, charity.current().entities[gift.entity].country), gift.entity


def _year(kind: Kind, told: list[Told], issued: list[Issued], joined: str) -> Year:
    tax_year, entity_id = kind
    entity = charity.current().entities[entity_id]
    so_far = not register.is_over(entity_id, tax_year)
    waits = so_far and statement.is_for_whole_years_only(entity.country)
    return Year(
        tax_year=tax_year,
        year_name=tax_years.name(tax_year, entity.country),
        entity=entity_id,
        legal_name=entity.legal_name,
        currency_totals=_totals(told),
        gifts=sum(part.gifts for part in told),
        so_far=so_far,
        available_from=tax_years.first_day(tax_year + 1, entity.country) if waits else None,
        issued=_issues(issued, entity.zone),
        series=register.series(entity_id, joined) if joined else "",
    )


def _totals(told: Iterable[Told]) -> list[Total]:
    counted: Counter[str] = Counter()
    for part in told:
        counted[part.currency] += part.amount
    return [Total(minor, currency) for currency, minor in sorted(counted.items())]
