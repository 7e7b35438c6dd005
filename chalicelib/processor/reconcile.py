"""
Comparing the books with Stripe, and healing them.

Events are lost, late or never made. Every movement of Stripe's balance must
stand in the ledger as a fact; a charge with one that does not is put through
the very function that the webhook's worker uses. So is a charge whose facts
are all there while what follows from them, the receipt, may not have gone out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from chalicelib import clock, letters, log
from chalicelib.errors import MailHeld
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from chalicelib.processor import comparing, movements, settle, strangers
from chalicelib.processor.movements import Movement, Name
from chalicelib.processor.report import Report

DAY_SECONDS = 86_400
# A week at a time, however long the range: what is at hand stays small, and a run by hand can be gone on with.
SLICE_SECONDS = 7 * DAY_SECONDS
# Banks take two to three months over a dispute, and that it was lost moves no money: half a year covers them.
# Source: https://docs.stripe.com/disputes/how-disputes-work#timelines
DISPUTES_LAST_SECONDS = 180 * DAY_SECONDS
# Stripe tells of a payment within seconds, and a worker that stumbled has had its second and third try after a quarter
# of an hour. Allowing much more would see nothing: what the hourly run finds is an hour old at most.
EVENT_DUE_SECONDS = 15 * 60
# The daily run looks back this far, and then at one of the 52 weeks before that, another one each day.
DAILY_DAYS, OLD_WEEKS = 35, 52
# So many charges are read at once.
AT_ONCE = 100

# What a charge may turn out to be, so that nothing of it need stand in the books though its money moved.
NOT_IN_THE_BOOKS = {"no payment", "something else"}

Moved = dict[Name, Movement]


class Span(NamedTuple):
    """From when to when (epoch seconds, inclusive), and whether to look for facts that Stripe does not back as well."""

    first: int
    last: int
    both_ways: bool


class Known(NamedTuple):
    """What the books have of a charge; no facts means that they are still to be read."""

    place: ledger.Place | None
    facts: list[Fact]
    stranger: bool


def last(*, days: int, both_ways: bool = False) -> Report:
    """Reconcile the last `days` days, up to now."""
    now = clock.epoch_seconds()
    return between(now - days * DAY_SECONDS + 1, now, both_ways=both_ways)


def an_old_week() -> Report:
    """Reconcile one of the 52 weeks before the daily run's five: run every day, it comes to each once in 52 days."""
    today = clock.epoch_seconds() // DAY_SECONDS
    newest = (today - DAILY_DAYS) // 7
    first = (newest - (newest - today) % OLD_WEEKS) * SLICE_SECONDS
    return between(first, first + SLICE_SECONDS - 1, both_ways=True)


def between(
    first: int, last: int, *, both_ways: bool = False, after_each: Callable[[Span, Report], None] = lambda *_: None
) -> Report:
    """
    Reconcile what moved from `first` to `last` (epoch seconds, inclusive), a week at a time.

    Stripe's balance transactions say what moved: a charge, a refund and its
    failure, a dispute and its reinstatement each have one of their own date.
    When it goes `both_ways`, each charge of them is read whole, and a fact that
    Stripe does not back is reported. One charge that cannot be settled stops
    no other. All of it may be run again at any time.
    """
    report = Report()
    for span in _slices(first, last, both_ways):
        moved = movements.between(span.first, span.last)
        _reconcile(moved, span, report)
        after_each(span, report)
    # A dispute that was opened before, and was lost since, moves nothing: it is looked at all the same.
    disputed = movements.disputed(first - DISPUTES_LAST_SECONDS, first - 1)
    _reconcile(disputed, Span(first, last, both_ways=False), report)
    report.say()
    return report


def _slices(first: int, last: int, both_ways: bool) -> Iterator[Span]:  # noqa: FBT001 - handed on
    for start in range(first, last + 1, SLICE_SECONDS):
        yield Span(start, min(start + SLICE_SECONDS - 1, last), both_ways)


def _reconcile(moved: movements.Moved, span: Span, report: Report) -> None:
    for unreadable in moved.unreadable:
        report.give_up(unreadable, "unreadable")
    by_charge, every = moved.by_charge, sorted(moved.by_charge)
    for start in range(0, len(every), AT_ONCE):
        some = {charge_id: by_charge[charge_id] for charge_id in every[start : start + AT_ONCE]}
        for charge_id, known in _in_the_books(some, span).items():
            report.charges += 1
            _reconcile_charge(charge_id, some[charge_id], known, span, report)


def _in_the_books(some: dict[str, Moved], span: Span) -> dict[str, Known]:
    """
    What the books have of these charges, in as few reads as it takes.

    Most were paid and nothing else: of those the payment is enough, unless
    the look goes both ways.
    """
    places = ledger.places_of(some)
    strange = strangers.among(charge_id for charge_id in some if charge_id not in places)
    plain = [] if span.both_ways else [places[each] for each in places if set(some[each]) == {("payment", each)}]
    paid = ledger.payments_at(plain)
    return {each: Known(places.get(each), paid.get(each, []), each in strange) for each in some}


def _reconcile_charge(charge_id: str, moved: Moved, known: Known, span: Span, report: Report) -> None:
    if known.stranger:
        report.not_ours += 1
        return
    try:
        facts, told = known.facts or _facts(known.place), None
        if _doubtful(known.place, facts, moved, span):
            settled = _settled(charge_id, known.place, report)
            facts, told = _facts(ledger.place_of(charge_id)), settled.told if settled else None
            if settled and settled.of in NOT_IN_THE_BOOKS and not facts:
                return
        _add_up(charge_id, facts, told, moved, report)
    except Exception as fault:  # noqa: BLE001 - what ails one charge must not keep all the others from being healed
        report.give_up(charge_id, letters.cause_of(fault))


def _doubtful(place: ledger.Place | None, facts: list[Fact], moved: Moved, span: Span) -> bool:
    """Whether Stripe must be asked for the whole charge: something is missing, undone, undecided or too much."""
    lacking = comparing.missing(facts, moved) or comparing.unequal(facts, moved)
    if place is None or place.unfinished or lacking or comparing.undecided(facts):
        return True
    return span.both_ways and comparing.unbacked(facts, moved, span.first, span.last)


def _settled(charge_id: str, place: ledger.Place | None, report: Report) -> settle.Settled | None:
    """What settling the charge came to; None if it failed, which is then in the report, or must wait."""
    try:
        settled = settle.charge(charge_id)
    except MailHeld:
        # A worker is mailing the receipt this very moment; until it is done the charge stands unfinished.
        log.note("reconcile_waits", charge=charge_id)
        return None
    except Exception as fault:  # noqa: BLE001 - likewise, and what was written before it must be added up
        report.give_up(charge_id, letters.cause_of(fault))
        return None
    if settled.of == "something else":
        strangers.remember(charge_id)
    due = clock.epoch_seconds() - EVENT_DUE_SECONDS
    report.not_ours += settled.of == "something else"
    report.not_paid += settled.of == "no payment"
    report.facts_healed += len(settled.new)
    report.finished += bool(place and place.unfinished)
    report.overdue += len([fact for fact in settled.new if fact.at.timestamp() < due])
    return settled


def _add_up(charge_id: str, facts: list[Fact], told: list[Fact] | None, moved: Moved, report: Report) -> None:
    """Add the charge to both totals: Stripe's by what moved, ours by the same and by what Stripe knows nothing of."""
    too_many = set() if told is None else comparing.excess(facts, told)
    wrong = comparing.in_words(comparing.missing(facts, moved), too_many, comparing.unequal(facts, moved))
    if wrong:
        report.give_up(charge_id, wrong)
    counted = {*moved, *too_many}
    report.add_up((fact for fact in facts if comparing.name(fact) in counted), moved.values())


def _facts(place: ledger.Place | None) -> list[Fact]:
    return ledger.facts_at(place) if place else []
