"""Reconcile by hand, over any time: the schedule's own function, and its report for people."""

from __future__ import annotations

import argparse
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from chalicelib import charity, clock
from chalicelib.money import Money, in_words
from chalicelib.processor import reconcile
from chalicelib.processor.reconcile import Span
from chalicelib.processor.report import Report, Totals
from ops import moments
from ops.moments import NoMoment


def run(given: argparse.Namespace, console: Console) -> bool:
    """Compare and heal the time that was asked for; whether the books agree now."""
    if not given.first:
        raise NoMoment("Say from when: --from 2026-01-01.")
    zone = zone_of(given)
    return over(moments.first_second(given.first, zone), _until(given.last, zone), zone, console).agrees


def over(first: int, last: int, zone: ZoneInfo, console: Console) -> Report:
    """Reconcile week by week with progress, and say what came of it. If it breaks off, say where to go on."""
    if first > last:
        raise NoMoment("That time ends before it begins.")
    console.print(f"From {moments.shown(first, zone)} to {moments.shown(last, zone)}, both ways.")
    reached = first
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("reconciling", total=last - first + 1)

        def went_on(span: Span, _report: Report) -> None:
            nonlocal reached
            reached = span.last + 1
            progress.update(bar, completed=reached - first)

        try:
            report = reconcile.between(first, last, both_ways=True, after_each=went_on)
        except BaseException:
            console.print(f"It broke off. What is done stands; go on with --from {moments.shown(reached, zone)}")
            raise
    _say(report, console)
    return report


def zone_of(given: argparse.Namespace) -> ZoneInfo:
    """In which zone dates are meant."""
    if given.zone:
        return moments.zone_named(given.zone)
    facts = charity.current()
    return facts.entity_for(facts.default_currency)[1].zone


def show_totals(totals: dict[str, Totals], title: str, console: Console) -> None:
    """Both totals of each currency, and by how much ours is above Stripe's."""
    console.print(f"{title}:")
    table = Table("currency", "ledger", "Stripe", "difference")
    for name in table.columns[1:]:
        name.justify = "right"
    for currency, each in sorted(totals.items()):
        minors = (each.ledger, each.stripe, each.ledger - each.stripe)
        table.add_row(currency.upper(), *(in_words(Money(minor, currency)) for minor in minors))
    console.print(table)


def _until(text: str, zone: ZoneInfo) -> int:
    now = clock.epoch_seconds()
    return min(moments.last_second(text, zone), now) if text else now


def _say(report: Report, console: Console) -> None:
    console.print(
        f"{report.charges} charges looked at: {report.facts_healed} facts recorded that were missing, "
        f"{report.finished} gifts finished (their receipt, above all), "
        f"{report.not_ours} another product's, {report.not_paid} not paid yet."
    )
    show_totals(report.totals, "What moved", console)
    if report.unhealed:
        console.print(f"Not healed, for a person to look at: {len(report.unhealed)}")
    for each in report.unhealed:
        console.print(f"  {each.name}: {each.why}", soft_wrap=True, markup=False)
    console.print("The books agree with Stripe." if report.agrees else "The books do NOT agree with Stripe.")
