"""
A statement that has been issued for a closed year, and then something happens to a gift of that year.

    fact written -- asked --+-- issued anew -- donor told
          |                 |        |
          `- crash: the event comes again, and is asked of again, fact or no new fact
                            `- crash: the errand comes again; `known` says which number the donor last had

So it is never missed, and told once: a number is issued once, and its mail is remembered by it.
"""

from __future__ import annotations

import msgspec

from chalicelib import charity, log, settings
from chalicelib.errors import Conflict
from chalicelib.giving import donors, ledger
from chalicelib.giving.ledger import Place
from chalicelib.mail import outbox
from chalicelib.statements import refused, register, statement
from chalicelib.statements import tax_year as tax_years


class StatementOutdated(msgspec.Struct, frozen=True, tag=True):
    """What was issued of a closed year under the number `known` may not tell the truth any more."""

    donor_id: str
    entity: str
    tax_year: int
    known: int


def look(place: Place) -> None:
    """
    Have the statement issued anew that tells of this gift, if there is one and its year is over.

    Asked on every visit, not only of new facts: a worker that died after it
    had written them finds none that are new. Of a running year nothing is
    done: its statement says "to date", and the next download brings another.
    """
    gift = ledger.gift_at(place)
    assert gift, "the payment has just been recorded"
    entity = charity.current().entities.get(gift.entity)
    if entity is None or entity.country not in tax_years.BEGINS:
        return
    year = tax_years.of(gift.given_on, entity.country)
    if register.is_over(gift.entity, year):
        newest = register.newest(place.donor_id, gift.entity, year)
        if newest:
            outbox.ask(StatementOutdated(place.donor_id, gift.entity, year, newest.number))


def supersede(job: StatementOutdated) -> None:
    """
    Issue it anew if its gifts or amounts are others now, and tell the donor by one mail.

    A new name or address alone does nothing: what was issued keeps the old.
    A donor who has been erased gets neither: what was issued is kept as it
    was. Raises NotIssued, after an alarm, while a fact of the entity is missing;
    redriving the dead letter then does what was left.
    """
    donor = donors.profile(job.donor_id)
    if donor is None or donor.erased_at:
        return
    try:
        with refused.told_to_staff():
            if _stands(job):
                return
            issued = register.issue(job.donor_id, job.entity, job.tax_year)
    except Conflict as lack:
        log.alarm("statement_not_replaced", donor=job.donor_id, entity=job.entity, tax_year=job.tax_year, why=lack.code)
        return
    if issued.number > job.known and donor.email:
        _tell(donor, job, issued)


def _stands(job: StatementOutdated) -> bool:
    content, last = register.drawn(job.donor_id, job.entity, job.tax_year)
    return last is not None and last.number <= job.known and last.figures == statement.figures(content)


def _tell(donor: donors.Donor, job: StatementOutdated, issued: register.Issued) -> None:
    entity = charity.current().entities[job.entity]
    context = {
        "name": donor.named_on_receipts,
        "year": tax_years.name(job.tax_year, entity.country),
        "legal_name": entity.legal_name,
        "serial": issued.serial,
        "replaces": issued.replaces,
        "statements_url": f"{settings.current().site_url}/portal/statements",
    }
    outbox.send_once("statement_replaced", issued.serial, donor.email, context, donor_id=donor.donor_id)
