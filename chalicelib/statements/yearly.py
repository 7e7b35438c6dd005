"""One donor's part of the year's run: the statement issued, and one mail that says so."""

from __future__ import annotations

import msgspec

from chalicelib import charity, log, settings
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors
from chalicelib.mail import outbox
from chalicelib.statements import refused, register
from chalicelib.statements import tax_year as tax_years

MAIL = "statement_ready"


class StatementDue(msgspec.Struct, frozen=True, tag=True):
    """A donor's statement of a year that is over is to be issued, and the donor to be told."""

    donor_id: str
    entity: str
    tax_year: int


def send(job: StatementDue) -> None:
    """
    Issue the statement and mail the donor, once for each entity and year however often it is asked for.

    Whose gifts have all gone back, who was erased, and who has not given what
    the country wants since the run looked, gets none: the next run counts them.
    """
    donor = donors.profile(job.donor_id)
    if donor is None or donor.erased_at:
        return
    try:
        with refused.told_to_staff():
            register.issue(job.donor_id, job.entity, job.tax_year)
    except (Conflict, NotFound) as lack:
        log.count("statement_not_due", donor=job.donor_id, entity=job.entity, tax_year=job.tax_year, why=lack.code)
        return
    if donor.email:
        outbox.send_once(MAIL, _about(job), donor.email, _context(job, donor), donor_id=job.donor_id)


def was_mailed(job: StatementDue) -> bool:
    """Whether the donor was told."""
    return outbox.was_sent(MAIL, _about(job), donor_id=job.donor_id)


def _about(job: StatementDue) -> str:
    return f"{job.entity}#{job.tax_year}"


def _context(job: StatementDue, donor: donors.Donor) -> dict[str, str]:
    entity = charity.current().entities[job.entity]
    return {
        "name": donor.named_on_receipts,
        "year": tax_years.name(job.tax_year, entity.country),
        "legal_name": entity.legal_name,
        "statements_url": f"{settings.current().site_url}/portal/statements",
    }
