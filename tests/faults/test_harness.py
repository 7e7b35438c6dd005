"""A check that cannot fail is none: each guarantee is broken on purpose, and the harness must show it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.faults import broken, crashes, lives, promises
from tests.faults.promises import Promises
from tests.faults.seeds import simulate
from tests.faults.world import surroundings

# A guarantee that so many seeds do not miss is not being watched.
SEEDS = 40


@pytest.mark.parametrize(
    ("gone", "promised"), broken.FOUND_BY_SEEDS.items(), ids=[gone.__name__ for gone in broken.FOUND_BY_SEEDS]
)
def test_a_broken_guarantee_breaks_its_promises(
    gone: Callable[[], AbstractContextManager[None]], promised: set[str]
) -> None:
    """Each of those that it stands for, within forty seeds; that something or other broke shows nothing."""
    kept = set(promised)
    with gone():
        for seed in range(1, SEEDS + 1):
            kept -= {promise for promise, _ in simulate(seed).violations}
            if not kept:
                break

    assert not kept, f"not shown within {SEEDS} seeds"


def test_a_reconcile_that_skips_refunds_is_shown() -> None:
    """A refund of which no event told stays lost."""
    with broken.reconcile_without_refunds(), surroundings():
        world = lives.Quiet().live(lives.refund_unheard)
        kept = Promises(world)
        kept.at_rest()

    assert {promises.FACTS, promises.TOTALS} <= {promise for promise, _ in kept.violations}


def test_a_look_that_trusts_what_is_kept_is_shown() -> None:
    """Whoever dies between keeping how a monthly gift stands and its mail leaves the donor untold."""
    with broken.kept_is_as_good_as_told(), surroundings():
        explored: list[crashes.Explored] = []
        lives.Quiet(partial(crashes.explore_into, explored)).live(lives.lapsed_unheard)

    assert any("it came to something else" in why for each in explored for why in each.violations)


@pytest.mark.parametrize("seed", range(1, 9))
def test_nothing_is_shown_of_what_is_whole(seed: int) -> None:
    """The same seeds, unbroken; `make faults` runs thousands."""
    assert [] == simulate(seed).violations


def test_a_seed_replays_step_by_step() -> None:
    """What a seed shows can be looked at again: the same steps in the same order."""
    assert simulate(5).trace == simulate(5).trace
