"""
A Gift Aid claim: a CSV in HMRC's columns, beside it which declaration each row rests on, and what to take off.

    the whole ledger -- donors -- gifts -+- may be claimed on for more than it stands: a row, and an entry
                                         +- for less (refunded, disputed, withdrawn): taken off, and an entry
                                         +- on a declaration that was another's: taken off, and due once more
                                         `- for as much: nothing

With a name the entries are kept, and the same gift is in no other claim. The
files are made from the entries: of a claim that is closed they come out the
same whenever it is asked for. A run that broke off is simply begun again.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from chalicelib import charity, clock, items, keys
from chalicelib.errors import MisconfiguredError
from chalicelib.gift_aid import claims
from chalicelib.gift_aid import declaration as gift_aid
from chalicelib.gift_aid.claims import Entry
from chalicelib.gift_aid.declaration import Declaration
from chalicelib.giving import ledger
from chalicelib.money import Money, in_words
from ops import scanning

if TYPE_CHECKING:
    from chalicelib.giving.gift import Gift

# HMRC's spreadsheet has room for so many, and lets the rest fall without a word.
ROWS = 1000
TRAIL = ("Charge", "Donor", "Declaration", "Declared on", "Declared")
TAKEN_OFF = ("Charge", "Donor", "Given on", "Claimed in", "Taken off")
# A basic rate of 20 %: what was given is 80 of 100, and the tax on it 20. https://www.gov.uk/claim-gift-aid
WHOLE, TAX = Fraction(1), Fraction(20, 80)
HELD = "begins_with(sk, :declarations) OR begins_with(sk, :claimed)"


class Held(NamedTuple):
    """What is kept of one donor: declarations by their id, and of each charge the entries of every claim, in order."""

    declarations: dict[str, Declaration]
    entries: dict[str, list[Entry]]


class Line(NamedTuple):
    """What one claim comes to for one gift, in pence: a row above zero, to be taken off below."""

    donor_id: str
    entry: Entry
    pence: int


def run(given: argparse.Namespace, console: Console) -> bool:
    """
    Write the files, readable by their owner only: they hold home addresses. Keep the claim if it has a name.

    Whether nothing of these days is left for another claim.
    """
    if charity.current().gift_aid is None:
        raise MisconfiguredError("charity.toml has no [gift_aid]: nothing can be claimed.")
    donors, left = held(), 0
    if given.claim:
        left = _keep(claims.begin(given.claim, given.first, given.last), donors)
        lines = _lines(donors, given.claim)
    else:
        told = list(due(donors, given.first, given.last))
        rows, left = _that_fit(told, ROWS)
        lines = [Line(donor_id, entry, entry.minor) for donor_id, entry in rows]
    _write_files(given.out, lines, donors)
    _say(lines, left, given, console)
    return left == 0


def held() -> dict[str, Held]:
    """Every declaration and every entry, by their donor."""
    found: dict[str, Held] = defaultdict(lambda: Held({}, defaultdict(list)))
    for item in scanning.giving(HELD, {":declarations": keys.DECLARATIONS, ":claimed": keys.CLAIMED}):
        of = found[item["pk"].removeprefix("DONOR#")]
        if item["sk"].startswith(keys.CLAIMED):
            entry = claims.entry_of(item)
            of.entries[entry.charge_id].append(entry)
        else:
            told = items.as_struct(item, Declaration)
            of.declarations[told.declaration_id] = told
    for of in found.values():
        for entries in of.entries.values():
            entries.sort(key=lambda each: each.number)
    return dict(found)


def due(donors: dict[str, Held], first: date, last: date, claim: str = "") -> Iterator[tuple[str, Entry]]:
    """
    The entries that are wanting, with their donors: of these days' gifts, both included, and of earlier claims.

    A gift that stands claimed on for too much is put right whenever it was given.
    """
    for donor_id, of in donors.items():
        for gift in ledger.gifts(donor_id):
            number = len(of.entries.get(gift.charge_id, [])) + 1
            for declaration_id, more in _wanting(of, gift):
                if more < 0 or first <= gift.given_on <= last:
                    yield donor_id, Entry(
                        claim, gift.charge_id, gift.gift_id, gift.given_on, more, declaration_id, number, clock.now()
                    )
                    number += 1


def _wanting(of: Held, gift: Gift) -> Iterator[tuple[str, int]]:
    """
    By how much what stands claimed on a gift is to change, and on which declaration: what is too much first.

    What was claimed on a void declaration went out under a stranger's name. It
    is taken off whole, and what the donor's own covers is claimed on anew.
    """
    before = of.entries.get(gift.charge_id, [])
    on_void = [each for each in before if of.declarations[each.declaration_id].voided]
    stands = sum(each.minor for each in before)
    astray = min(sum(each.minor for each in on_void), stands)
    if astray > 0:
        yield on_void[-1].declaration_id, -astray
    by = gift_aid.that_counts([each for each in of.declarations.values() if gift_aid.covers(each, gift)], gift.gift_id)
    more = (gift.kept.minor if by else 0) - (stands - astray)
    if more < 0:
        yield next(each.declaration_id for each in reversed(before) if each not in on_void), more
    elif more > 0 and by:
        yield by.declaration_id, more


def _keep(claim: claims.Claim, donors: dict[str, Held]) -> int:
    """Add the entries that a claim lacks, up to as many rows as fit, and close it; how many gifts are left."""
    wanting = list(due(donors, claim.first, claim.last, claim.name))
    if claim.closed_at:
        return sum(entry.minor > 0 for _, entry in wanting)
    there = sum(line.pence > 0 for line in _lines(donors, claim.name))
    fitting, left = _that_fit(wanting, ROWS - there)
    for donor_id, entry in fitting:
        claims.add(donor_id, entry)
        donors[donor_id].entries[entry.charge_id].append(entry)
    claims.close(claim.name)
    return left


def _that_fit(wanting: list[tuple[str, Entry]], room: int) -> tuple[list[tuple[str, Entry]], int]:
    """
    All that is to be taken off, the oldest gifts that there is room for, and how many gifts are left.

    In this order they are written: a gift's entries by their numbers.
    """
    rows = sorted((each for each in wanting if each[1].minor > 0), key=lambda each: _when(each[1]))
    return [each for each in wanting if each[1].minor < 0] + rows[:room], len(rows[room:])


def _lines(donors: dict[str, Held], claim: str) -> list[Line]:
    """
    What a claim comes to, gift by gift; a gift that it took up and took off again is in it no more.

    One that is taken off a declaration and claimed on another's ground is in it as both.
    """
    lines = []
    for donor_id, of in donors.items():
        for entries in of.entries.values():
            by_declaration: dict[str, list[Entry]] = defaultdict(list)
            for each in entries:
                if each.claim == claim:
                    by_declaration[each.declaration_id].append(each)
            for told in by_declaration.values():
                pence = sum(each.minor for each in told)
                if pence:
                    lines.append(Line(donor_id, told[-1], pence))
    return lines


def _when(entry: Entry) -> tuple[date, str]:
    return entry.given_on, entry.charge_id


def _write_files(out: str, lines: list[Line], donors: dict[str, Held]) -> None:
    rows, trail, off = [], [], []
    for line in sorted(lines, key=lambda each: _when(each.entry)):
        donor_id, entry, pence = line
        told = donors[donor_id].declarations[entry.declaration_id]
        if pence > 0:
            rows.append(gift_aid.row(told, entry.given_on, pence))
            trail.append((entry.charge_id, donor_id, told.declaration_id, told.made_on.isoformat(), _how(told)))
        else:
            taken = str(_pounds(-pence).major)
            off.append((entry.charge_id, donor_id, entry.given_on.isoformat(), _claimed_in(line, donors), taken))
    _write(Path(out), (gift_aid.COLUMNS, *rows))
    _write(Path(f"{out}.trail.csv"), (TRAIL, *trail))
    _write(Path(f"{out}.off.csv"), (TAKEN_OFF, *off))


def _how(told: Declaration) -> str:
    return f"with gift {told.gift_id}" if told.gift_id else "in the portal"


def _claimed_in(line: Line, donors: dict[str, Held]) -> str:
    """The claims in which the gift was claimed on before, in their order."""
    entries = donors[line.donor_id].entries[line.entry.charge_id]
    before = [each for each in entries if each.number < line.entry.number]
    return " ".join(dict.fromkeys(each.claim for each in before if each.minor > 0))


def _write(path: Path, rows: tuple[tuple[str, ...], ...]) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _say(lines: list[Line], left: int, given: argparse.Namespace, console: Console) -> None:
    rows, off = [line for line in lines if line.pence > 0], [line for line in lines if line.pence < 0]
    days = f"from {given.first} to {given.last}"
    console.print(f"{len(rows)} gifts {days}, {_sum(rows)}, in {given.out}; their trail beside it.")
    if rows:
        console.print(f"The earliest was given on {min(line.entry.given_on for line in rows)}.")
    if off:
        console.print(
            f"{len(off)} gifts claimed on before may not be any longer, {_sum(off)}, in {given.out}.off.csv: give "
            f"{_sum(off, TAX)} as tax over-claimed before."
        )
    if left:
        console.print(f"{left} more gifts do not fit. Draw up another claim for them, under another name.")
    kept = f"The claim {given.claim} is kept." if given.claim else "Nothing was kept: that is done with --claim NAME."
    console.print(kept)


def _sum(lines: list[Line], share: Fraction = WHOLE) -> str:
    return in_words(_pounds(round(sum(abs(line.pence) for line in lines) * share)), "en_GB")


def _pounds(pence: int) -> Money:
    return Money(pence, "gbp")
