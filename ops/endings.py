"""How monthly gifts ended, and why where donors said so: counts, and nobody's name."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import date

from rich.console import Console
from rich.table import Table

from chalicelib import items, keys
from chalicelib.partners.partnership import END_REASONS, Partnership
from ops import scanning
from ops.moments import NoMoment

LAPSED, UNSAID, ELSEWHERE = "It could not be taken", "No reason given", "Not known"


def run(given: argparse.Namespace, console: Console) -> bool:
    """Count the endings of these days, both included, by what was said. Raises NoMoment if there are no such days."""
    if given.first > given.last:
        raise NoMoment("That time ends before it begins.")
    table = Table("why", "monthly gifts")
    table.columns[1].justify = "right"
    found = counted(given.first, given.last)
    for why in (*END_REASONS.values(), UNSAID, LAPSED, ELSEWHERE):
        table.add_row(why, str(found[why]))
    console.print(table)
    console.print(f"{found.total()} monthly gifts ended from {given.first} to {given.last}.")
    return True


def counted(first: date, last: date) -> Counter[str]:
    """How many monthly gifts ended in these days, by why; the days are those of their receipts' time zone."""
    found = Counter[str]()
    for item in scanning.giving("begins_with(sk, :partnerships)", {":partnerships": keys.PARTNERSHIPS}):
        each = items.as_struct(item, Partnership)
        ended_on = each.date_of(each.ended_at)
        if each.state == "ended" and ended_on and first <= ended_on <= last:
            found[why(each)] += 1
    return found


def why(ended: Partnership) -> str:
    """What is known of why a monthly gift ended, in words."""
    if ended.reason:
        return END_REASONS[ended.reason]
    if ended.lapsed:
        return LAPSED
    return UNSAID if ended.ended_by == "cancellation_requested" else ELSEWHERE
