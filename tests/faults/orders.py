"""
Every order in which the events of one gift can come, each any number of times, while its life goes on.

    Stripe's books    stage 0: paid ------- stage 1: refunded ------- stage 2: ...
    what waits        its three events      two more                  ...

A node is a stage, what our tables hold, and which events have come since they
were made; from it any event made so far may come (again), or life may go on.
What a delivery does depends on the stage, on the tables and on the event's
hint alone, so it is run once for each, and every order is then walked without
running it. Events whose hints name the same work are one: `settle` knows no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import factorial
from typing import Any, NamedTuple

from chalicelib.processor import settle, webhook
from tests.faults import moments
from tests.faults import promises as promises_kept
from tests.faults.lives import Life, Quiet, undisturbed
from tests.faults.moments import Moment
from tests.faults.promises import Promises
from tests.faults.world import World


class Stage(NamedTuple):
    """How Stripe stands after something happened, and the hints of the events that it made of it, in order."""

    moment: Moment
    made: list[int]


@dataclass
class Walked:
    """What was walked: so many `events`, `worlds` that differ, `deliveries` run, `nodes` of the graph of all orders."""

    name: str
    events: int = 0
    worlds: int = 0
    deliveries: int = 0
    nodes: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """In how many orders the events, each doubled, could come at the end: what the walk has covered."""
        return factorial(2 * self.events) // 2**self.events


class Walk:
    """All orders of one life's events."""

    def __init__(self, life: Life) -> None:
        self.walked = Walked(life.__name__)
        self._quiet = Quiet()
        self._hints: dict[Any, int] = {}
        self._bodies: list[str] = []
        self._stages = self._live(life)
        self._tables: list[Moment] = []
        self._known: dict[str, int] = {}
        self._led: dict[tuple[int, int, int], int] = {}

    @property
    def world(self) -> World:
        return self._quiet.world

    def everywhere(self) -> Walked:
        """Walk every order; whatever came, once all has come the books must be as if it had come in order."""
        last, every = len(self._stages) - 1, (1 << len(self._bodies)) - 1
        (want, told), start = self._in_order(), (0, self._start(), 0)
        todo, seen, ends = [start], {start}, set()
        while todo:
            node = todo.pop()
            if (node[0], node[2]) == (last, every):
                ends.add(node[1])
            fresh = [each for each in self._following(*node) if each not in seen]
            seen.update(fresh)
            todo += fresh
        for end in ends:
            books, mails = self._comes_to(end)
            if books != want or mails - told:
                self.walked.violations.append(f"an order came to something else, and told {sorted(mails ^ told)}")
        self.walked.worlds, self.walked.nodes = len(self._tables), len(seen)
        return self.walked

    def _live(self, life: Life) -> list[Stage]:
        """Live through it with nobody working, and keep what each event puts on the queue."""
        stages = []
        for _ in life(self._quiet):
            for copy in list(self.world.webhooks.ready(self.world.now())):
                undisturbed(self.world, "webhook", lambda copy=copy: self.world.receive(copy))
            made = [self._hint(message.body) for message in self.world.money.waiting]
            self.world.money.waiting.clear()
            self.walked.events += len(made)
            stages.append(Stage(moments.take(self.world), made))
        return stages

    def _hint(self, body: str) -> int:
        """The number of the work that a message asks for."""
        hint = webhook.read_hint(body)
        work = settle.HANDLERS[hint.type], hint.charge_id or hint.object_id
        if work not in self._hints:
            self._hints[work] = len(self._bodies)
            self._bodies.append(body)
        return self._hints[work]

    def _following(self, stage: int, tables: int, come: int) -> list[tuple[int, int, int]]:
        made = {hint for each in self._stages[: stage + 1] for hint in each.made}
        nodes = [(stage, self._delivered(stage, tables, hint), come | 1 << hint) for hint in made]
        if stage + 1 < len(self._stages):
            anew = sum(1 << hint for hint in set(self._stages[stage + 1].made))
            nodes.append((stage + 1, tables, come & ~anew))
        return nodes

    def _delivered(self, stage: int, tables: int, hint: int) -> int:
        """What the tables hold after this work was done at this stage."""
        way = (stage, tables, hint)
        if way not in self._led:
            self._led[way] = self._run(stage, tables, self._bodies[hint])
        return self._led[way]

    def _run(self, stage: int, tables: int, body: str) -> int:
        self._be_at(stage, tables)
        promises = Promises(self.world)
        self.world.money.send(body, self.world.now())
        (process,) = self.world.work_on(self.world.money, self.world.money.waiting[-1])
        while not process.ended:
            self.world.step(process)
            promises.after_step()
        promises.holds(promises_kept.ENDS, process.done, f"{process.failure!r} on {body}")
        self.world.money.waiting.clear()
        self.walked.deliveries += 1
        self.walked.violations += [f"{promise}: {why}" for promise, why in promises.violations]
        return self._named(moments.take(self.world))

    def _named(self, moment: Moment) -> int:
        """The number of what the tables of this moment hold, and of who was told."""
        name = moments.fingerprint(self.world, stripe=False)
        if name not in self._known:
            self._known[name] = len(self._tables)
            self._tables.append(moment)
        return self._known[name]

    def _be_at(self, stage: int, tables: int) -> None:
        there, held = self._stages[stage].moment, self._tables[tables]
        moments.go_back(self.world, there._replace(tables=held.tables, mails=held.mails, sent=held.sent))

    def _comes_to(self, tables: int) -> tuple[str, set[tuple[str, str]]]:
        self._be_at(len(self._stages) - 1, tables)
        return moments.books(self.world), moments.told_of(self.world)

    def _in_order(self) -> tuple[str, set[tuple[str, str]]]:
        """
        What it comes to when each event comes once, in order and at once. It must be right.

        Stripe stands as the life left it with nobody working: what our work
        asked of it on the way is not there to be judged. The crash walk judges that.
        """
        tables = self._start()
        for number, stage in enumerate(self._stages):
            for hint in stage.made:
                tables = self._delivered(number, tables, hint)
        want, promises = self._comes_to(tables), Promises(self.world)
        promises.at_rest()
        ours = [each for each in promises.violations if each[0] not in promises_kept.OF_STRIPES_BOOKS]
        self.walked.violations += [f"in order, {promise}: {why}" for promise, why in ours]
        return want

    def _start(self) -> int:
        moments.go_back(self.world, self._stages[0].moment)
        return self._named(self._stages[0].moment)
