"""The ledger is a set: no order, repetition or delay of Stripe's events changes what it comes to."""

from __future__ import annotations

import pytest

from tests.faults import lives
from tests.faults.lives import Life
from tests.faults.orders import Walk
from tests.faults.world import surroundings


@pytest.mark.parametrize("life", lives.TOLD, ids=lambda life: life.__name__)
def test_every_order_of_a_gift_s_events(life: Life) -> None:
    """Each of them once or more, while the gift's life goes on."""
    with surroundings():
        walked = Walk(life).everywhere()

    assert [] == walked.violations
    assert walked.nodes > walked.events
