"""
The year's run: every donor of an entity and a year gets the statement issued, and one mail.

    the whole ledger -- donors --+-- mailed: nothing left to do
                                 +-- nothing that counts, or erased: skipped
                                 +-- name or address missing: asked for, once
                                 +-- unknown whether the mail went: left, until staff say --unknown
                                 +-- refused: counted under its reason, not queued
                                 `-- due: one message on the mail queue each

Where each donor stands is read from the register and from the mails sent,
nowhere else. So a run that broke off is simply begun again, and two at once
do no harm: the register issues once, the outbox mails once. With --corrected
those are queued whose statement is issued and would read otherwise now.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from chalicelib import charity, clock, keys
from chalicelib.email_forms import on_the_wire
from chalicelib.errors import Conflict, MisconfiguredError, NotFound, TooManyGifts
from chalicelib.giving import donors
from chalicelib.mail import outbox
from chalicelib.statements import register, statement, superseding, yearly
from chalicelib.statements import tax_year as tax_years
from chalicelib.statements.superseding import StatementOutdated
from chalicelib.statements.yearly import StatementDue
from ops import scanning

# Ten a second: SES lets a new account send fourteen, and receipts and sign-ins go out beside these.
PACE_SECONDS = 0.1
GIVEN_THEN = "begins_with(sk, :facts) AND payment.entity = :entity AND payment.given_on BETWEEN :first AND :last"

MAILED, ISSUED, NOTHING = "mailed", "issued, no address to mail", "nothing that counts, or erased"
DUE, ASKED, UNKNOWN, REFUSED = "left", "asked for name or address", "unknown whether the mail went", "refused: "
# Of what is issued already, and may have to be corrected.
TRUE, NONE, OUTDATED = "as issued", "none issued, or erased", "to be replaced"


DONE = frozenset({MAILED, ISSUED, NOTHING, TRUE, NONE})


class Standing(msgspec.Struct, frozen=True):
    """Where a donor stands, and what is to be queued for them, if anything."""

    name: str
    errand: msgspec.Struct | None = None


def run(given: argparse.Namespace, console: Console) -> bool:
    """Queue what is due, or only look; whether nothing is left. Raises Conflict before the year has ended."""
    _check(given)
    if not given.look and not given.corrected:
        yearly.begin(given.entity, given.year)
    console.print(f"Reading the whole ledger for gifts to {given.entity} in {given.year}.")
    look, of = (correction, records_given_to) if given.corrected else (delivery, givers)
    found, issued, queued = Counter[str](), 0, 0
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for donor_id in progress.track(of(given.entity, given.year), description="donors"):
            stands = _or_refused(look, donor_id, given)
            if stands.errand and not given.look:
                outbox.ask(stands.errand)
                queued += 1
                clock.sleep(PACE_SECONDS)
            found[stands.name] += 1
            issued += register.newest(donor_id, given.entity, given.year) is not None
    _say(found, issued, queued, console)
    return DONE.issuperset(found)


def givers(entity_id: str, tax_year: int) -> list[str]:
    """Every donor of whom the ledger knows a payment to the entity in that year, by the main one of their records."""
    return sorted(set(_records_and_mains(entity_id, tax_year).values()))


def records_given_to(entity_id: str, tax_year: int) -> list[str]:
    """Every record that may have a statement of the entity and year: those with such a payment, and the main ones."""
    found = _records_and_mains(entity_id, tax_year)
    return sorted({*found, *found.values()})


def _records_and_mains(entity_id: str, tax_year: int) -> dict[str, str]:
    """Each record with a payment to the entity in that year, and the main one of its person."""
    country = charity.current().entities[entity_id].country
    first, last = tax_years.first_day(tax_year, country), tax_years.last_day(tax_year, country)
    values = {":facts": keys.FACTS, ":entity": entity_id, ":first": first.isoformat(), ":last": last.isoformat()}
    gave, joined_to = set(), {}
    for item in scanning.giving(f"({GIVEN_THEN}) OR attribute_exists(joined_to)", values):
        record = item["pk"].removeprefix("DONOR#")
        if "joined_to" in item:
            joined_to[record] = item["joined_to"]
        else:
            gave.add(record)
    return {record: joined_to.get(record, record) for record in gave}


def delivery(donor_id: str, given: argparse.Namespace) -> Standing:
    """Where a donor stands in the run. What would be refused is found by drawing the statement up, without a PDF."""
    job = StatementDue(donor_id, given.entity, given.year, again=given.unknown)
    donor, ready = donors.profile(donor_id), yearly.told(job, yearly.READY)
    if ready == "sent":
        return Standing(MAILED)
    if donor is None or donor.erased_at:
        return Standing(NOTHING)
    try:
        drawn = register.of_person(register.drawn, donor, given.entity, given.year)
    except Conflict as lack:
        if lack.code != yearly.INCOMPLETE or not on_the_wire(donor.email):
            raise
        return _wanting(job)
    as_issued = all(last and last.fingerprint == statement.fingerprint(content) for content, last in drawn)
    if as_issued and not on_the_wire(donor.email):
        return Standing(ISSUED)
    return _unknown(job) if ready == "unknown" else Standing(DUE, job)


def correction(donor_id: str, given: argparse.Namespace) -> Standing:
    """Whether what the donor was issued last would read otherwise now, for another reason than their own."""
    donor, last = donors.person(donor_id), register.newest(donor_id, given.entity, given.year)
    if donor is None or donor.erased_at or last is None:
        return Standing(NONE)
    job = StatementOutdated(donor_id, given.entity, given.year, last.number, corrected=True)
    return Standing(TRUE) if superseding.stands(job) else Standing(OUTDATED, job)


def _or_refused(
    look: Callable[[str, argparse.Namespace], Standing], donor_id: str, given: argparse.Namespace
) -> Standing:  # fmt: skip
    """Where a donor stands, also where there is no statement to be had."""
    try:
        return look(donor_id, given)
    except NotFound:
        return Standing(NOTHING)
    except (Conflict, TooManyGifts) as lack:
        return Standing(REFUSED + lack.code)
    except MisconfiguredError as lack:
        return Standing(REFUSED + lack.message)


def _wanting(job: StatementDue) -> Standing:
    """A donor whose name or address is missing: asked for it, or to be asked."""
    asked = yearly.told(job, yearly.WANTING)
    if asked == "unknown":
        return _unknown(job)
    return Standing(ASKED) if asked == "sent" else Standing(DUE, job)


def _unknown(job: StatementDue) -> Standing:
    """Nobody knows whether the mail went: staff decide whether it may come twice."""
    return Standing(UNKNOWN, job if job.again else None)


def _check(given: argparse.Namespace) -> None:
    entity = charity.current().entities.get(given.entity)
    if entity is None or not statement.has_statements(entity.country):
        raise NotFound(f"charity.toml has no entity {given.entity} that issues yearly statements.")
    if not register.is_over(given.entity, given.year):
        ends = tax_years.last_day(given.year, entity.country)
        raise Conflict(f"That year ends with {ends.isoformat()} in {entity.time_zone}. Statements go out after it.")
    if given.corrected and not yearly.has_begun(given.entity, given.year):
        raise Conflict("The statements of that year have not gone out yet. Run it without --corrected.")


def _say(found: Counter[str], issued: int, queued: int, console: Console) -> None:
    table = Table("donors", "")
    table.columns[1].justify = "right"
    for name, number in sorted(found.items()):
        table.add_row(name, str(number))
    console.print(table)
    console.print(f"{found.total()} donors; {issued} have a statement; {queued} queued now.")
    if queued:
        console.print("The queue works on them now. Look how far it is with --look; begin again if some stay left.")
