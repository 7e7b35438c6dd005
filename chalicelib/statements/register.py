r"""
The register of issued statements: each is drawn up once, kept for good, and replaced rather than changed.

    gifts --> content --> fingerprint --- the same as the newest? ---> that one, byte for byte
                                      \\-- not the same: PDF to S3, then the next number here

The PDF is in S3 before its number is here, so whatever the register names can
be fetched; a crash in between leaves a file that nobody names.

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
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from chalicelib import charity, clock, items, keys, writes
from chalicelib.errors import NotFound
from chalicelib.giving import donors, together
from chalicelib.giving.donors import Donor
from chalicelib.statements import documents, donor_facts, render, statement, wording
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.statement import Mark, Recipient, Statement

if TYPE_CHECKING:
    from datetime import date

    from chalicelib.giving.gift import Gift

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
    Raises what `drawn` raises.
    """
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


def told_in(donor: Donor, entity_id: str, tax_year: int) -> list[str]:
    """
    The records of a person that have a statement of the tax year: the main one, and each that had its own when joined.

    Without any of the latter the main one is given unseen. Raises what `drawn` raises besides NotFound.
    """
    own = [each for each in donor.joined if newest(each, entity_id, tax_year)]
    if own:
        try:
            _drawn(donor, entity_id, tax_year)
        except NotFound:
            return own
    return [donor.donor_id, *own]


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
    Raises NotFound for an entity or year without gifts to tell of. Where an
    earlier statement's gifts have all been returned, the new one says so.
    Raises Conflict for what the country wants and the donor or the time does
    not give, and MisconfiguredError for what we lack.
    """
    draft = _drawn(donors.profile(donor_id) or Donor(donor_id), entity_id, tax_year, language)
    return draft.content, draft.last


class Draft(NamedTuple):
    """A statement as it would be issued, in the place of `last` if there is one, and of which records it tells."""

    content: Statement
    last: Issued | None
    told_of: tuple[str, ...]


def _drawn(donor: Donor, entity_id: str, tax_year: int, language: str = "") -> Draft:
    entity = charity.current().entities.get(entity_id)
    if entity is None or not statement.has_statements(entity.country):
        raise NotFound("There are no statements of that organisation.")
    last = newest(donor.donor_id, entity_id, tax_year)
    told_of = _told_of(donor, last, entity_id, tax_year)
    gifts = _gifts(told_of, entity_id, tax_year)
    if last is None and not any(map(statement.counts, gifts)):
        raise NotFound("There are no gifts in that tax year.")
    called = donors.profile(donor.joined_to) if donor.joined_to else donor
    recipient = donor_facts.recipient(called, entity.country, language)
    mark = _next_mark(donor.donor_id, entity_id, tax_year, last)
    return Draft(statement.draw_up(donor_facts.source(entity_id), recipient, gifts, tax_year, mark), last, told_of)


def _told_of(donor: Donor, last: Issued | None, entity_id: str, tax_year: int) -> tuple[str, ...]:
    """Of which records a record's statement tells: see above."""
    if donor.joined_to:
        return (donor.donor_id,) if last else ()
    return (donor.donor_id, *(each for each in donor.joined if newest(each, entity_id, tax_year) is None))


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
    near = together.gifts_between(records, _midnight(first) - ZONES_APART, _midnight(last) + 2 * ZONES_APART)
    return [gift for gift in near if gift.entity == entity_id and first <= gift.given_on <= last]


def _next_mark(donor_id: str, entity_id: str, tax_year: int, last: Issued | None) -> Mark:
    entity = charity.current().entities[entity_id]
    number = last.number + 1 if last else 1
    today = clock.now().astimezone(entity.zone).date()
    serial = f"{entity.country}-{tax_year}-{series(entity_id, donor_id)}-{number}"
    return Mark(serial, today, last.serial if last else "")


def _enter(donor: Donor, entity_id: str, tax_year: int, draft: Draft) -> Issued:
    """
    Render, keep and enter under the next number; if somebody else took that number meanwhile, look again.

    So too if the donor's records were joined or taken apart meanwhile, or one
    of them was issued its own, taken apart and joined again: else the same
    gift could be told of in two statements.
    """
    content, number = draft.content, draft.last.number + 1 if draft.last else 1
    entity = charity.current().entities[entity_id]
    pdf = render.pdf(statement.layout(entity.country), content)
    sha256 = hashlib.sha256(pdf).hexdigest()
    issued = Issued(
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
    first_day = tax_years.first_day(tax_year, entity.country)
    until = tax_years.records_end(first_day, entity.country, entity.records_years)
    documents.keep(issued.s3_key, pdf, issued.filename, locked_until=until)
    key = keys.donor(donor.donor_id, keys.statement(entity_id, tax_year, number))
    entered = items.put_write(items.giving(), items.as_item(key, issued))
    as_read = writes.check(items.giving(), keys.donor(donor.donor_id), *donors.joined_as(donor))
    firsts = [
        keys.donor(each, keys.statement(entity_id, tax_year, 1)) for each in draft.told_of if each != donor.donor_id
    ]
    none_of_their_own = [writes.check(items.giving(), each, items.ABSENT) for each in firsts]
    try:
        items.transact([as_read, *none_of_their_own, entered])
    except items.ConditionFailed:
        return issue(donor.donor_id, entity_id, tax_year)  # the other's, or the next number if it tells something else
    return issued


def _but_donor(content: Statement) -> str:
    """The fingerprint without its donor: an issued document keeps the name and address that it was issued with."""
    return statement.fingerprint(msgspec.structs.replace(content, donor=Recipient("")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
