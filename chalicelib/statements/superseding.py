"""
The year's statements go out, and then something happens to a gift of that year, or to what we say of ourselves.

    fact written -- asked --+-- issued anew -- donor told
          |                 |        |
          `- crash: the event comes again, and is asked of again, fact or no new fact
                            `- crash: the errand comes again; `known` says which number the donor last had

So it is never missed, and told once: a number is issued once, and its mail is remembered by it.

Nor is it missed by a worker that is just issuing one: no number is entered
after a fact that it does not know (register.py). Whoever wrote the fact finds
either the number that lacks it, or none, and then the next one has it.
"""

from __future__ import annotations

import msgspec

from chalicelib import charity, log, settings
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors, ledger
from chalicelib.giving.ledger import Place
from chalicelib.mail import outbox
from chalicelib.statements import refused, register, shelf, statement, yearly
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.yearly import StatementDue


class StatementOutdated(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """
    What was issued of a closed year under the number `known` may not tell the truth any more.

    `corrected`: by what it says of the charity too, and not by gifts and
    amounts alone.
    """

    donor_id: str
    entity: str
    tax_year: int
    known: int
    corrected: bool = False


def look(place: Place) -> None:
    """
    Have the statement issued that tells of this gift as it is now, if its year is over: anew, or at last.

    Asked on every visit, not only of new facts: a worker that died after it
    had written them finds none that are new. Of a running year nothing is
    done: its statement says "to date", and the next download brings another.
    Nor is a first one issued before the year's run, which does it for everybody.
    """
    gift = ledger.gift_at(place)
    assert gift, "the payment has just been recorded"
    entity = charity.current().entities.get(gift.entity)
    if entity is None or entity.country not in tax_years.BEGINS:
        return
    year = tax_years.of(gift.given_on, entity.country)
    if not register.is_over(gift.entity, year):
        return
    record, newest = register.whose(place.donor_id, gift.entity, year)
    if newest:
        outbox.ask(StatementOutdated(record, gift.entity, year, newest.number))
    elif statement.counts(gift) and yearly.has_begun(gift.entity, year):
        outbox.ask(StatementDue(record, gift.entity, year))


def look_again(donor_id: str, *, running: bool = False) -> None:
    """
    Have each closed year's statement of a main record looked at: a record was joined to it, or taken away.

    It tells then of more or of less than it did. With `running` those of years that are not over, too: of gifts that
    were taken away, another record's statement tells from now on. What was never issued is not issued here.
    """
    for (year, entity), issued in shelf.issued(donor_id).items():
        if running or register.is_over(entity, year):
            outbox.ask(StatementOutdated(donor_id, entity, year, issued[0].number))


def parted(record: str, main: str) -> None:
    """
    Have the statements of both looked at, after a record was taken out of a main one. Any number of times.

    The main one's told of the record's gifts until now, if the record had none
    of its own. Those are then told of nowhere: of a year whose run has begun
    the record is due a first one, of any other the run or the donor asks for it.
    """
    look_again(main, running=True)
    for year in shelf.years((record,)):
        if not (year.issued or year.so_far) and yearly.has_begun(year.entity, year.tax_year):
            outbox.ask(StatementDue(record, year.entity, year.tax_year))


def supersede(job: StatementOutdated) -> None:
    """
    Issue it anew if it reads otherwise now, and tell the donor by one mail.

    A new name or address alone does nothing: what was issued keeps the old.
    A donor who has been erased, be it while it is drawn up, gets neither: what
    was issued is kept as it was. Raises NotIssued, after an alarm, while a fact
    of the entity is missing; redriving the dead letter then does what was left.
    """
    donor = donors.person(job.donor_id)
    if donor is None or donor.erased_at:
        return
    try:
        with refused.told_to_staff():
            if stands(job):
                return
            issued = register.issue(job.donor_id, job.entity, job.tax_year)
    except Conflict as lack:
        log.alarm("statement_not_replaced", donor=job.donor_id, entity=job.entity, tax_year=job.tax_year, why=lack.code)
        return
    except NotFound as nothing:
        log.count("statement_not_due", donor=job.donor_id, entity=job.entity, tax_year=job.tax_year, why=nothing.code)
        return
    if issued.number > job.known and donor.email:
        _tell(donor, job, issued)


def stands(job: StatementOutdated) -> bool:
    """
    Whether what was issued under `known` is still the newest, and still true of the donor as they were then.

    Raises what `register.drawn` raises.
    """
    last = register.newest(job.donor_id, job.entity, job.tax_year)
    assert last, "what was issued under `known` is kept"
    if last.number > job.known:
        return False
    content, _ = register.drawn(job.donor_id, job.entity, job.tax_year, last.language)
    return register.says(last, content) if job.corrected else last.figures == statement.figures(content)


def _tell(donor: donors.Donor, job: StatementOutdated, issued: register.Issued) -> None:
    entity = charity.current().entities[job.entity]
    before = shelf.numbered(job.donor_id, job.entity, job.tax_year, job.known)
    context = {
        "name": donor.named_on_receipts,
        "year": tax_years.name(job.tax_year, entity.country),
        "legal_name": entity.legal_name,
        "serial": issued.serial,
        "replaces": issued.replaces,
        "gifts_changed": before.figures != issued.figures,
        "statements_url": f"{settings.current().site_url}/portal/statements",
    }
    outbox.send_once("statement_replaced", issued.serial, donor.email, context, donor_id=donor.donor_id)
