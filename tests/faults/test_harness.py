"""A check that cannot fail is none: each guarantee is broken on purpose, and the harness must show it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.faults import broken, lives
from tests.faults.promises import Promises
from tests.faults.seeds import simulate
from tests.faults.world import surroundings

# A guarantee that so many seeds do not miss is not being watched.
SEEDS = 40


@pytest.mark.parametrize("gone", broken.FOUND_BY_SEEDS, ids=lambda gone: gone.__name__)
def test_a_broken_guarantee_is_shown(gone: Callable[[], AbstractContextManager[None]]) -> None:
    """Within forty seeds, with the seed that shows it."""
    with gone():
        shown = next((seed for seed in range(1, SEEDS + 1) if simulate(seed).violations), None)

    assert shown is not None


def test_a_reconcile_that_skips_refunds_is_shown() -> None:
    """A refund of which no event told stays lost."""
    with broken.reconcile_without_refunds(), surroundings():
        world = lives.Quiet().live(lives.refund_unheard)
        promises = Promises(world)
        promises.at_rest()

    assert {"facts are Stripe's, to the cent and the id", "each currency's total is Stripe's balance"} <= {
        promise for promise, _ in promises.violations
    }


@pytest.mark.parametrize("seed", range(1, 9))
def test_nothing_is_shown_of_what_is_whole(seed: int) -> None:
    """The same seeds, unbroken; `make faults` runs thousands."""
    assert [] == simulate(seed).violations


def test_a_seed_replays_step_by_step() -> None:
    """What a seed shows can be looked at again: the same steps in the same order."""
    assert simulate(5).trace == simulate(5).trace
