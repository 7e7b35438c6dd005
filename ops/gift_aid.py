"""The schedule of a Gift Aid claim: a CSV in HMRC's columns, and beside it which declaration each row rests on."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console

from chalicelib import charity, items, keys
from chalicelib.errors import MisconfiguredError
from chalicelib.gift_aid import declaration as gift_aid
from chalicelib.gift_aid.declaration import Declaration
from chalicelib.giving import ledger
from chalicelib.giving.gift import Gift
from ops import scanning

TRAIL = ("Charge", "Donor", "Declaration", "Declared on", "Declared")


def run(given: argparse.Namespace, console: Console) -> bool:
    """Write both files, readable by their owner only: they hold home addresses."""
    rows, trail = [], []
    for donor_id, told, gift in sorted(covered(given.first, given.last), key=lambda each: each[2].given_at):
        rows.append(gift_aid.row(told, gift))
        trail.append((gift.charge_id, donor_id, told.declaration_id, told.made_on.isoformat(), _how(told)))
    _write(Path(given.out), (gift_aid.COLUMNS, *rows))
    _write(Path(f"{given.out}.trail.csv"), (TRAIL, *trail))
    console.print(f"{len(rows)} gifts from {given.first} to {given.last}, in {given.out}; their trail beside it.")
    return True


def _how(told: Declaration) -> str:
    return f"with gift {told.gift_id}" if told.gift_id else "in the portal"


def covered(first: date, last: date) -> Iterator[tuple[str, Declaration, Gift]]:
    """
    Every gift of these days, both included, that a declaration covers, with its donor and the one that counts.

    The one made with the gift; else the newest of those made in the portal,
    by who had proven the mailbox; else the newest made with another gift.
    """
    terms = charity.current().gift_aid
    if terms is None:
        raise MisconfiguredError("charity.toml has no [gift_aid]: nothing can be claimed.")
    zone = charity.current().entities[terms.entity].zone
    begins, ends = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    for donor_id, told in declarations().items():
        newest = sorted(told, key=lambda each: each.made_at, reverse=True)
        for gift in ledger.gifts_between(donor_id, begins - timedelta(days=1), ends + timedelta(days=1)):
            covering = [each for each in newest if gift_aid.covers(each, gift)]
            by = min(covering, key=lambda each: _rank(each, gift), default=None)
            if by and first <= gift.given_on <= last:
                yield donor_id, by, gift


def _rank(told: Declaration, gift: Gift) -> int:
    return 0 if told.gift_id == gift.gift_id else 1 if not told.gift_id else 2


def declarations() -> dict[str, list[Declaration]]:
    """Every declaration by its donor."""
    found: dict[str, list[Declaration]] = {}
    for item in scanning.giving("begins_with(sk, :declarations)", {":declarations": keys.DECLARATIONS}):
        found.setdefault(item["pk"].removeprefix("DONOR#"), []).append(items.as_struct(item, Declaration))
    return found


def _write(path: Path, rows: tuple[tuple[str, ...], ...]) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
