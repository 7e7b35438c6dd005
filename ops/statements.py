"""
The year's run: every donor of an entity and a year gets the statement issued, and one mail.

    the whole ledger -- donors --+-- mailed: nothing left to do
                                 +-- nothing that counts, or erased: skipped
                                 +-- refused: counted under its reason, not queued
                                 `-- due: one message on the mail queue each

Where each donor stands is read from the register and from the mails sent,
nowhere else. So a run that broke off is simply begun again, and two at once
do no harm: the register issues once, the outbox mails once.
"""

from __future__ import annotations

import argparse
from collections import Counter

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from chalicelib import charity, clock, keys
from chalicelib.email_forms import on_the_wire
from chalicelib.errors import Conflict, MisconfiguredError, NotFound
from chalicelib.giving import donors
from chalicelib.mail import outbox
from chalicelib.statements import register, statement, yearly
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.yearly import StatementDue
from ops import scanning

# Ten a second: SES lets a new account send fourteen, and receipts and sign-ins go out beside these.
PACE_SECONDS = 0.1
GIVEN_THEN = "begins_with(sk, :facts) AND payment.entity = :entity AND payment.given_on BETWEEN :first AND :last"

MAILED, ISSUED, NOTHING = "mailed", "issued, no address to mail", "nothing that counts, or erased"
DUE, REFUSED = "left", "refused: "


def run(given: argparse.Namespace, console: Console) -> bool:
    """Queue what is due, or only look; whether nothing is left. Raises Conflict before the year has ended."""
    _check(given.entity, given.year)
    console.print(f"Reading the whole ledger for gifts to {given.entity} in {given.year}.")
    found, issued, queued = Counter[str](), 0, 0
    jobs = [StatementDue(donor_id, given.entity, given.year) for donor_id in givers(given.entity, given.year)]
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for job in progress.track(jobs, description="donors"):
            stands = standing(job)
            if stands == DUE and not given.look:
                outbox.ask(job)
                queued += 1
                clock.sleep(PACE_SECONDS)
            found[stands] += 1
            issued += register.newest(job.donor_id, job.entity, job.tax_year) is not None
    _say(found, issued, queued, console)
    return not any(each == DUE or each.startswith(REFUSED) for each in found)


def givers(entity_id: str, tax_year: int) -> list[str]:
    """Every donor of whom the ledger knows a payment to the entity in that year."""
    country = charity.current().entities[entity_id].country
    first, last = tax_years.first_day(tax_year, country), tax_years.last_day(tax_year, country)
    values = {":facts": keys.FACTS, ":entity": entity_id, ":first": first.isoformat(), ":last": last.isoformat()}
    return sorted({item["pk"].removeprefix("DONOR#") for item in scanning.giving(GIVEN_THEN, values)})


def standing(job: StatementDue) -> str:
    """Where a donor stands in the run. What would be refused is found by drawing the statement up, without a PDF."""
    donor = donors.profile(job.donor_id)
    if yearly.was_mailed(job):
        return MAILED
    if donor is None or donor.erased_at:
        return NOTHING
    try:
        content, last = register.drawn(job.donor_id, job.entity, job.tax_year)
    except NotFound:
        return NOTHING
    except Conflict as lack:
        return REFUSED + lack.code
    except MisconfiguredError as lack:
        return REFUSED + lack.message
    is_issued = last is not None and last.fingerprint == statement.fingerprint(content)
    return ISSUED if is_issued and not on_the_wire(donor.email) else DUE


def _check(entity_id: str, tax_year: int) -> None:
    entity = charity.current().entities.get(entity_id)
    if entity is None or not statement.has_statements(entity.country):
        raise NotFound(f"charity.toml has no entity {entity_id} that issues yearly statements.")
    if not register.is_over(entity_id, tax_year):
        ends = tax_years.last_day(tax_year, entity.country)
        raise Conflict(f"That year ends with {ends.isoformat()} in {entity.time_zone}. Statements go out after it.")


def _say(found: Counter[str], issued: int, queued: int, console: Console) -> None:
    table = Table("donors", "")
    table.columns[1].justify = "right"
    for name, number in sorted(found.items()):
        table.add_row(name, str(number))
    console.print(table)
    console.print(f"{found.total()} donors; {issued} have a statement; {queued} queued now.")
    if queued:
        console.print("The queue works on them now. Look how far it is with --look; begin again if some stay left.")
