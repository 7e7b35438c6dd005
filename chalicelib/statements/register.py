r"""
The register of issued statements: each is drawn up once, kept for good, and replaced rather than changed.

    gifts --> content --> fingerprint --- the same as the newest? ---> that one, byte for byte
                                      \\-- not the same: PDF to S3, then the next number here

The PDF is in S3 before its number is here, so whatever the register names can
be fetched; a crash in between leaves a file that nobody names.

A number is entered only if all is still as it was when the gifts were read,
else it is drawn up anew:

    read ............. looked at again, PDF to S3 ....... entered
             fact, erasure: no PDF         fact, erasure: a file that nobody names

A person whose records were joined has one statement of a year, under the main
record. A record that had one of its own when it was joined goes on with that:

                    issued before?     tells of
    main record     either             its gifts, and those of every record below that says no
    joined record   no                 nothing: it has none
    joined record   yes                its own gifts

So every gift is told of in one of them, whichever is replaced when.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from chalicelib import charity, clock, items, keys, writes
from chalicelib.errors import NotFound
from chalicelib.giving import donors, together, years
from chalicelib.giving.donors import Donor
from chalicelib.statements import documents, donor_facts, render, statement, wording
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.statement import Mark, Recipient, Statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chalicelib.giving.gift import Gift

T = TypeVar("T")

# A gift's date is in the entity's zone and can be a day off its UTC date, either way.
ZONES_APART = timedelta(days=1)
# Sixteen hex digits: of a million donors two share them with a chance of 1 in 37 million. Canada wants numbers unique.
DONOR_DIGITS = 16


class Issued(msgspec.Struct, frozen=True):
    """
    One issued statement. `totals` are minor units by currency, what was kept of the gifts.

    `figures` tells whether its gifts and amounts changed, `but_donor` whether anything did that it says besides the
    donor's name and address; what was issued before there were such things has none.
    `language` is the one that the donor's documents were in at the time.
    """

    number: int
    serial: str
    issued_at: datetime
    fingerprint: str
    sha256: str
    s3_key: str
    gifts: int
    totals: dict[str, int]
    replaces: str = ""
    figures: str = ""
    but_donor: str = ""
    language: str = wording.ENGLISH

    @property
    def filename(self) -> str:
        return f"statement-{self.serial}.pdf"


def issue(donor_id: str, entity_id: str, tax_year: int) -> Issued:
    """
    The donor's statement of a tax year: the newest one if it still tells the truth, else a new one.

    Once a year is over, another language is no other truth: a paper that may
    lie at a tax office is not replaced because its donor reads differently now.
    Raises what `drawn` raises, and OverflowError while facts come faster than it can be drawn up.
    """
    return items.again(lambda: _issue(donor_id, entity_id, tax_year), "what a statement tells of")


def _issue(donor_id: str, entity_id: str, tax_year: int) -> Issued:
    donor = donors.profile(donor_id) or Donor(donor_id)
    draft = _drawn(donor, entity_id, tax_year)
    last, content = draft.last, draft.content
    if last and last.fingerprint == statement.fingerprint(content):
        return last
    if last and last.language != content.donor.language and is_over(entity_id, tax_year):
        as_it_was = _drawn(donor, entity_id, tax_year, last.language)
        if last.fingerprint == statement.fingerprint(as_it_was.content):
            return last
    return _enter(donor, entity_id, tax_year, draft)


def of_person(act: Callable[[str, str, int], T], donor: Donor, entity_id: str, tax_year: int) -> list[T]:
    """
    What `issue` or `drawn` gives for each statement of the tax year that a person has.

    That is the main record's, if it has gifts to tell of, and one of each
    record that had its own when joined. Raises NotFound if there is none, and
    what else `act` raises.
    """
    own = [each for each in donor.joined if newest(each, entity_id, tax_year)]
    try:
        main = [act(donor.donor_id, entity_id, tax_year)]
    except NotFound:
        if not own:
            raise
        main = []
    return main + [act(each, entity_id, tax_year) for each in own]


def whose(record_id: str, entity_id: str, tax_year: int) -> tuple[str, Issued | None]:
    """In which record's statement a record's gifts of the year are told of, and what was issued last there."""
    last, joined_to = _newest_or_main(record_id, entity_id, tax_year)
    return (joined_to, newest(joined_to, entity_id, tax_year)) if joined_to else (record_id, last)


def _newest_or_main(record_id: str, entity_id: str, tax_year: int) -> tuple[Issued | None, str]:
    """
    What a record was issued last of the year; if nothing, to which one it is joined.

    Asked of every gift of a closed year, so it is mostly one call: backward
    from where the statement would stand, the profile comes before it.

        PROFILE    STATEMENT#us#2025#0001    STATEMENT#us#2026#0001 <-- from here
    """
    key, prefix = keys.donor(record_id), keys.statement(entity_id, tax_year)
    found, _ = items.query(items.giving(), key["pk"], first=key["sk"], last=f"{prefix}~", backward=True, limit=1)
    if found and found[0]["sk"].startswith(prefix):
        return items.as_struct(found[0], Issued), ""
    is_profile = found and found[0]["sk"] == key["sk"]
    donor = items.as_struct(found[0], Donor) if is_profile else donors.profile(record_id)
    return None, donor.joined_to if donor else ""


def drawn(donor_id: str, entity_id: str, tax_year: int, language: str = "") -> tuple[Statement, Issued | None]:
    """
    What the statement says as things stand, under the number that would come next, and what was issued last.

    In the donor's language, unless another is named.
    Raises NotFound for an entity or year without gifts to tell of, and for a
    donor who was erased. Where an earlier statement's gifts have all been
    returned, the new one says so.
    Raises Conflict for what the country wants and the donor or the time does
    not give, and MisconfiguredError for what we lack.
    """
    draft = _drawn(donors.profile(donor_id) or Donor(donor_id), entity_id, tax_year, language)
    return draft.content, draft.last


class Draft(NamedTuple):
    """
    A statement as it would be issued, in the place of `last` if there is one.

    `as_read` are the parts of a transaction that goes through only while nothing of what it rests on has changed.
    """

    content: Statement
    last: Issued | None
    as_read: list[TransactWriteItemTypeDef]


def _drawn(donor: Donor, entity_id: str, tax_year: int, language: str = "") -> Draft:
    entity = charity.current().entities.get(entity_id)
    if entity is None or not statement.has_statements(entity.country):
        raise NotFound("There are no statements of that organisation.")
    if donor.erased_at:
        raise NotFound("There are no new statements of a donor who was erased.")
    last = newest(donor.donor_id, entity_id, tax_year)
    told_of = _told_of(donor, last, entity_id, tax_year)
    as_read = _as_read(donor, told_of, entity_id, tax_year)
    gifts = _gifts(told_of, entity_id, tax_year)
    if last is None and not any(map(statement.counts, gifts)):
        raise NotFound("There are no gifts in that tax year.")
    called = donors.profile(donor.joined_to) if donor.joined_to else donor
    recipient = donor_facts.recipient(called, entity.country, language)
    mark = _next_mark(donor.donor_id, entity_id, tax_year, last)
    return Draft(statement.draw_up(donor_facts.source(entity_id), recipient, gifts, tax_year, mark), last, as_read)


def _told_of(donor: Donor, last: Issued | None, entity_id: str, tax_year: int) -> tuple[str, ...]:
    """Of which records a record's statement tells: see above."""
    if donor.joined_to:
        return (donor.donor_id,) if last else ()
    return (donor.donor_id, *(each for each in donor.joined if newest(each, entity_id, tax_year) is None))


def _as_read(
    donor: Donor, told_of: tuple[str, ...], entity_id: str, tax_year: int
) -> list[TransactWriteItemTypeDef]:  # fmt: skip
    """
    What must hold from before the gifts are read until the number is entered.

    No fact comes, and the donor is not erased. The donor's records are joined
    as they were, and none of them was issued its own, taken apart and joined
    again: else the same gift could be told of in two statements. Of ten
    records, three years each, that is 40 of the 100 parts that DynamoDB takes.
    """
    joined, values = donors.joined_as(donor)
    record = writes.check(items.giving(), keys.donor(donor.donor_id), f"{donors.NO_TOMBSTONE} AND {joined}", values)
    first_number = keys.statement(entity_id, tax_year, 1)
    none_of_their_own = [
        writes.check(items.giving(), keys.donor(each, first_number), items.ABSENT)
        for each in told_of if each != donor.donor_id
    ]  # fmt: skip
    return [record, *none_of_their_own, *years.no_fact_since(told_of, *_around(entity_id, tax_year))]


def series(entity_id: str, donor_id: str) -> str:
    """What all numbers of a record's statements have in common, and no other record's."""
    return hashlib.sha256(f"{entity_id}:{donor_id}".encode()).hexdigest()[:DONOR_DIGITS]


def newest(donor_id: str, entity_id: str, tax_year: int) -> Issued | None:
    """What was issued last of this year, if anything was."""
    prefix = keys.statement(entity_id, tax_year)
    found, _ = items.query(items.giving(), keys.donor(donor_id)["pk"], prefix=prefix, backward=True, limit=1)
    return items.as_struct(found[0], Issued) if found else None


def says(issued: Issued, content: Statement) -> bool:
    """
    Whether what was issued says this, whoever the donor is by now.

    Of one that kept no `but_donor` only the whole can be compared, its donor included.
    """
    if issued.but_donor:
        return issued.but_donor == _but_donor(content)
    return issued.fingerprint == statement.fingerprint(content)


def is_over(entity_id: str, tax_year: int) -> bool:
    """Whether the year has ended where the entity keeps its books."""
    entity = charity.current().entities[entity_id]
    return clock.now().astimezone(entity.zone).date() > tax_years.last_day(tax_year, entity.country)


def link(issued: Issued) -> str:
    """Where the statement, held against its hash first, may be fetched for five minutes. Raises DocumentAltered."""
    documents.verify(issued.s3_key, issued.sha256)
    return documents.link(issued.s3_key, issued.filename)


def _gifts(records: tuple[str, ...], entity_id: str, tax_year: int) -> list[Gift]:
    country = charity.current().entities[entity_id].country
    first, last = tax_years.first_day(tax_year, country), tax_years.last_day(tax_year, country)
    near = together.gifts_between(records, *_around(entity_id, tax_year))
    return [gift for gift in near if gift.entity == entity_id and first <= gift.given_on <= last]


def _around(entity_id: str, tax_year: int) -> tuple[datetime, datetime]:
    """Between which moments every gift of the year was paid, whatever the entity's zone."""
    country = charity.current().entities[entity_id].country
    first, last = tax_years.first_day(tax_year, country), tax_years.last_day(tax_year, country)
    return _midnight(first) - ZONES_APART, _midnight(last) + 2 * ZONES_APART


def _next_mark(donor_id: str, entity_id: str, tax_year: int, last: Issued | None) -> Mark:
    entity = charity.current().entities[entity_id]
    number = last.number + 1 if last else 1
    today = clock.now().astimezone(entity.zone).date()
    serial = f"{entity.country}-{tax_year}-{series(entity_id, donor_id)}-{number}"
    return Mark(serial, today, last.serial if last else "")


def _enter(donor: Donor, entity_id: str, tax_year: int, draft: Draft) -> Issued:
    """
    Render, keep and enter under the next number.

    Raises ConditionFailed if somebody else took that number meanwhile, or if
    all is not as it was read. What is kept cannot be taken away for years, so
    that is looked at before as well.
    """
    entity = charity.current().entities[entity_id]
    pdf = render.pdf(statement.layout(entity.country), draft.content)
    issued = _as_issued(donor, entity_id, tax_year, draft, hashlib.sha256(pdf).hexdigest())
    until = tax_years.records_end(tax_years.first_day(tax_year, entity.country), entity.country, entity.records_years)
    key = keys.donor(donor.donor_id, keys.statement(entity_id, tax_year, issued.number))
    items.transact(draft.as_read)
    documents.keep(issued.s3_key, pdf, issued.filename, locked_until=until)
    items.transact([*draft.as_read, items.put_write(items.giving(), items.as_item(key, issued))])
    return issued


def _as_issued(donor: Donor, entity_id: str, tax_year: int, draft: Draft, sha256: str) -> Issued:
    content, number = draft.content, draft.last.number + 1 if draft.last else 1
    return Issued(
        number=number,
        serial=content.mark.serial,
        issued_at=clock.now(),
        fingerprint=statement.fingerprint(content),
        sha256=sha256,
        s3_key=f"statements/{donor.donor_id}/{entity_id}/{tax_year}/{number}-{sha256[:16]}.pdf",
        gifts=sum(len(table.lines) for table in content.tables),
        totals={table.currency: table.kept.minor for table in content.tables},
        replaces=content.mark.replaces,
        figures=statement.figures(content),
        but_donor=_but_donor(content),
        language=content.donor.language,
    )


def _but_donor(content: Statement) -> str:
    """The fingerprint without its donor: an issued document keeps the name and address that it was issued with."""
    return statement.fingerprint(msgspec.structs.replace(content, donor=Recipient("")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
