"""`python -m tests.faults --seeds 3000` runs that many seeds; `--seed 17` replays one with its trace."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from tests.faults import promises
from tests.faults.simulation import Simulation
from tests.faults.world import surroundings


# What ended greenlets and boto3's clients leave behind adds up: a process does so many times four seeds.
FRESH_AFTER, MOST_BYTES = 20, 4 << 30


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


def _limited() -> None:
    """A seed that runs away is to be named, and not to take the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=int(os.environ.get("SEEDS") or 3000))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 0))
    given = parser.parse_args()
    began = time.monotonic()
    if given.seed:
        outcomes = [simulate(given.seed)]
        print("\n".join(outcomes[0].trace))
    else:
        seeds = range(given.first, given.first + given.seeds)
        with ProcessPoolExecutor(2, get_context("spawn"), _limited, max_tasks_per_child=FRESH_AFTER) as pool:
            outcomes = list(pool.map(outcome, seeds, chunksize=4))
    _print_table(outcomes, time.monotonic() - began)
    return 1 if any(each.violations for each in outcomes) else 0


def _print_table(outcomes: list[Outcome], seconds: float) -> None:
    trials: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for each in outcomes:
        trials += each.trials
        broken.update(promise for promise, _ in each.violations)
    print(f"\n{'promise':<55}{'trials':>10}{'violations':>12}")
    for promise in promises.EVERY:
        print(f"{promise:<55}{trials[promise]:>10}{broken[promise]:>12}")
    print(f"{len(outcomes)} seeds in {seconds:.0f} s")
    failed = [each for each in outcomes if each.violations]
    for each in failed[:20]:
        print(f"SEED={each.seed}: {each.violations[0][0]}: {each.violations[0][1]}")
    if failed and len(outcomes) > 1:
        print(f"\nThe last steps of seed {failed[0].seed}; all of them with --seed {failed[0].seed}:")
        print("\n".join(failed[0].trace[-40:]))


if __name__ == "__main__":
    sys.exit(main())
