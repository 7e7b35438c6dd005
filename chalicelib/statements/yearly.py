"""
One donor's part of the year's run: the statement issued, and one mail that says so.

    due --+-- issued --------------------------------- mailed: it is ready
          `-- name or address missing -- mailed: what is missing
                                              `-- filled in -- due again

Each mail goes out once for each entity and year. A try of which nobody knows
whether it went is left so: the donor finds the statement in the portal
either way, and staff may have the mail sent again.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from chalicelib import charity, clock, items, keys, log, settings
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.statements import donor_facts, refused, register
from chalicelib.statements import tax_year as tax_years

READY: Final = "statement_ready"
WANTING: Final = "statement_wanting"
Mail = Literal["statement_ready", "statement_wanting"]
# The code of the refusal that the donor can do something about.
INCOMPLETE = "contact_incomplete"


class StatementDue(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """
    A donor's statement of a year that is over is to be issued, and the donor to be told.

    `again`: staff want the mail sent even where an earlier one may have gone.
    """

    donor_id: str
    entity: str
    tax_year: int
    again: bool = False


def begin(entity_id: str, tax_year: int) -> None:
    """
    Mark that the year's statements go out, before the first donor is looked for.

        mark .......... read the ledger
             fact: the run may miss it, but whoever wrote it sees the mark

    So whose first statement of the year is due later gets it without another run.
    """
    begun = {**keys.years_run(entity_id, tax_year), "begun_at": keys.moment(clock.now())}
    try:
        items.put(items.giving(), begun, items.ABSENT)
    except items.ConditionFailed:
        return  # by an earlier run, which counts


def has_begun(entity_id: str, tax_year: int) -> bool:
    """Whether the year's statements of an entity are going out, or have gone."""
    return items.get(items.giving(), keys.years_run(entity_id, tax_year)) is not None


def send(job: StatementDue) -> None:
    """
    Issue the statement and mail the donor, once for each entity and year however often it is asked for.

    Asked for of any record of a person, it is done for the person.

    Who has not given what the country wants is asked for it, once. Whose gifts
    have all gone back, and who was erased, gets none; also if that came while
    it was being drawn up.
    """
    donor = donors.person(job.donor_id)
    if donor is None:
        return
    job = msgspec.structs.replace(job, donor_id=donor.donor_id)
    if donor.erased_at or told(job, READY) == "sent":
        return
    try:
        with refused.told_to_staff():
            register.of_person(register.issue, donor, job.entity, job.tax_year)
    except (Conflict, NotFound) as lack:
        log.count("statement_not_due", donor=job.donor_id, entity=job.entity, tax_year=job.tax_year, why=lack.code)
        if lack.code == INCOMPLETE:
            _ask_for_contact(job, donor)
        return
    _mail(job, READY, donor, _context(job, donor))


def told(job: StatementDue, mail: Mail) -> outbox.Outcome:
    """What became of the mail that the statement is ready, or of the one that asks for what is missing."""
    return outbox.outcome(mail, _about(job), donor_id=job.donor_id)


def look_again(donor_id: str) -> None:
    """
    Queue each statement that was waiting for the donor's name or address, if both are there now.

    Called after every save of them: a worker that died in between is made good
    by the next one, and by the next run.
    """
    donor = donors.profile(donor_id)
    if donor is None or donor.erased_at or donor_facts.lacks(donor):
        return
    for about in {about for record in donor.records for about in outbox.begun(WANTING, record)}:
        entity, _, tax_year = about.partition("#")
        job = StatementDue(donor_id, entity, int(tax_year))
        if told(job, READY) == "not sent":
            outbox.ask(job)


def _ask_for_contact(job: StatementDue, donor: Donor) -> None:
    """
    Mail what is missing and where to fill it in.

        we: read the donor ......................... mail, marked ... look again
        donor:            ... save, no mail yet ...

    So whoever saves while the mail is on its way is not waited for in vain.
    """
    _mail(job, WANTING, donor, {**_context(job, donor), "lacks": donor_facts.lacks(donor)})
    look_again(job.donor_id)


def _mail(job: StatementDue, mail: Mail, donor: Donor, context: dict[str, object]) -> None:
    if donor.email:
        never_twice = not job.again
        outbox.send_once(mail, _about(job), donor.email, context, donor_id=donor.donor_id, never_twice=never_twice)


def _about(job: StatementDue) -> str:
    return f"{job.entity}#{job.tax_year}"


def _context(job: StatementDue, donor: Donor) -> dict[str, object]:
    entity = charity.current().entities[job.entity]
    site = settings.current().site_url
    return {
        "name": donor.named_on_receipts,
        "year": tax_years.name(job.tax_year, entity.country),
        "legal_name": entity.legal_name,
        "statements_url": f"{site}/portal/statements",
        "contact_url": f"{site}/portal/contact",
    }
