"""One seed, run in a process that may not take the machine with it."""

from __future__ import annotations

import resource
from collections import Counter
from typing import NamedTuple

from tests.faults import promises
from tests.faults.simulation import Simulation
from tests.faults.world import surroundings

# What ended greenlets and boto3's clients leave behind adds up: a process does so many times four seeds.
FRESH_AFTER, MOST_BYTES = 5, 4 << 30


class Outcome(NamedTuple):
    """What one seed came to."""

    seed: int
    trials: Counter[str]
    violations: list[tuple[str, str]]
    trace: list[str]


def simulate(seed: int) -> Outcome:
    """Run one seed."""
    with surroundings():
        simulation = Simulation(seed)
        kept = simulation.run()
        return Outcome(seed, kept.trials, kept.violations, simulation.world.trace)


def outcome(seed: int) -> Outcome:
    """Like `simulate`, with the trace only where something was broken: it has to travel between processes."""
    try:
        ended = simulate(seed)
    except MemoryError:
        return Outcome(seed, Counter(), [(promises.ENDS, "it ran out of memory")], [])
    return ended if ended.violations else ended._replace(trace=[])


def limited() -> None:
    """A seed that runs away is to be named, and not to take the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
