"""What a run of reconcile found, healed, and could not heal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chalicelib import log
from chalicelib.giving.gift import SIGN, Fact
from chalicelib.processor.movements import Movement


class Totals(msgspec.Struct):
    """What moved in one currency, in minor units, by our books and by Stripe's."""

    ledger: int = 0
    stripe: int = 0


class Unhealed(msgspec.Struct, frozen=True):
    """A charge, or a balance transaction that cannot be read, that a person must look at, and why."""

    name: str
    why: str


class Report(msgspec.Struct):
    """
    What one run looked at, healed, and could not heal.

    `finished` are charges whose facts stood but not all that follows from
    them; `overdue` are healed facts that an event should have told long since.
    """

    charges: int = 0
    not_paid: int = 0
    not_ours: int = 0
    facts_healed: int = 0
    finished: int = 0
    overdue: int = 0
    unhealed: list[Unhealed] = []
    totals: dict[str, Totals] = {}

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to heal and the two totals of every currency are equal."""
        return not self.unhealed and all(each.ledger == each.stripe for each in self.totals.values())

    def give_up(self, name: str, why: str) -> None:
        """Leave something to a person, once, with the first reason that was found."""
        if name not in {each.name for each in self.unhealed}:
            log.alarm("reconcile_failed", about=name, why=why)
            self.unhealed.append(Unhealed(name, why))

    def add_up(self, facts: Iterable[Fact], moved: Iterable[Movement]) -> None:
        """Add facts to our totals and movements to Stripe's."""
        for fact in facts:
            self._total(fact.money.currency).ledger += SIGN[fact.kind] * fact.money.minor
        for movement in moved:
            self._total(movement.money.currency).stripe += movement.minor

    def say(self) -> None:
        """Tell operators, and raise the alarms that are due."""
        log.note(
            "reconciled", charges=self.charges, not_paid=self.not_paid, not_ours=self.not_ours,
            healed=self.facts_healed, finished=self.finished, unhealed=len(self.unhealed),
        )  # fmt: skip
        if self.facts_healed:
            log.count("reconcile_healed", facts=self.facts_healed)
        if self.overdue:
            log.alarm("event_missing", facts=self.overdue)
        if not self.agrees:
            log.alarm("reconcile_disagrees", unhealed=len(self.unhealed), **self._differences())

    def _total(self, currency: str) -> Totals:
        return self.totals.setdefault(currency, Totals())

    def _differences(self) -> dict[str, int]:
        """By how many minor units our books are above Stripe's, in each currency in which they differ."""
        above = {currency: each.ledger - each.stripe for currency, each in self.totals.items()}
        return {currency: minor for currency, minor in sorted(above.items()) if minor}
