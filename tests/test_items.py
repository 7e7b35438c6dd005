"""What is read and then written is read again while another worker writes between, but not for ever."""

from __future__ import annotations

import pytest

from chalicelib import items
from chalicelib.errors import NotFound


def attempts(failing: int) -> tuple[list[int], object]:
    """How often it was tried, and what it came to, where so many tries find something changed."""
    tries: list[int] = []

    def attempt() -> str:
        tries.append(len(tries))
        if len(tries) <= failing:
            raise items.ConditionFailed
        return "written"

    return tries, items.again(attempt, "what is read")


@pytest.mark.parametrize("failing", [0, 1, items.READ_TRIES - 1])
def test_it_is_tried_until_nothing_changed_between(failing: int) -> None:
    """The first try that finds all as it was read is the last."""
    assert attempts(failing) == (list(range(failing + 1)), "written")


def test_what_keeps_changing_is_given_up() -> None:
    """The queue comes again later; a worker that never ends would hold up everybody."""
    with pytest.raises(OverflowError, match="what is read keeps changing"):
        attempts(items.READ_TRIES)


def test_any_other_fault_is_told_at_once() -> None:
    """A refusal is no sign of another writer."""
    tries: list[int] = []

    def refuse() -> None:
        tries.append(1)
        raise NotFound("There is no such thing.")

    with pytest.raises(NotFound):
        items.again(refuse, "nothing")
    assert tries == [1]
