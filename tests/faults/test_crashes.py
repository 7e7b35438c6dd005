"""Whatever dies, wherever and twice: done once more, it is as if nothing had been."""

from __future__ import annotations

from functools import partial

import pytest

from tests.faults import crashes, lives
from tests.faults.lives import Life
from tests.faults.promises import Promises
from tests.faults.world import surroundings


@pytest.mark.parametrize("life", lives.EVERY, ids=lambda life: life.__name__)
def test_every_crash_and_every_pair_of_crashes(life: Life) -> None:
    """Each piece of work in a gift's life, at each of its calls: facts, receipts, partnerships as ever."""
    with surroundings():
        explored: list[crashes.Explored] = []
        world = lives.Quiet(partial(crashes.explore_into, explored)).live(life)
        promises = Promises(world)
        promises.at_rest()

    assert [] == [why for each in explored for why in each.violations]
    assert [] == promises.violations
    assert sum(each.points for each in explored) > 20
