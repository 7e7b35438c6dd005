"""`python -m tests.faults --seeds 3000` runs that many seeds; `--seed 17` replays one with its trace."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from multiprocessing import get_context

from tests.faults import promises
from tests.faults.seeds import FRESH_AFTER, Outcome, limited, outcome, simulate


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
        # concurrent.futures' pool stands still for ever once enough of its processes have been replaced (Python 3.11).
        with get_context("spawn").Pool(os.cpu_count(), limited, maxtasksperchild=FRESH_AFTER) as pool:
            outcomes = list(pool.imap(outcome, seeds, chunksize=4))
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
