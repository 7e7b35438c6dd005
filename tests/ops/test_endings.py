"""Staff see why monthly gifts ended, counted, and nothing of whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from chalicelib.partners import manage
from chalicelib.partners.partnership import EndReason
from ops import endings
from tests.giving_world import World
from tests.ops.conftest import Ended


def end(giving: World, email: str, reason: EndReason = "") -> None:
    giving.give(25_00, "usd", "monthly", email=email)
    manage.cancel(giving.donor_id(email), giving.partnership(email).partnership_id, manage.Cancel(reason))


def test_endings_are_counted_by_what_was_said(giving: World, run: Callable[..., Ended]) -> None:
    """Reasons, none given, and what could not be taken; what goes on or ended on another day is none of them."""
    giving.give(25_00, "usd", "monthly", email="stays@example.org")
    giving.give(25_00, "usd", "monthly", email="lapses@example.org", card="4000000000000341")
    end(giving, "early@example.org", "other")
    giving.advance(days=60)
    for email, reason in (("a@example.org", "cost"), ("b@example.org", "cost"), ("c@example.org", "rather_once"), ("d@example.org", "")):
        end(giving, email, reason)  # type: ignore[arg-type]

    assert endings.counted(date(2026, 3, 11), date(2026, 5, 9)) == {
        "I cannot afford it at present": 2, "I would rather give now and then": 1, "No reason given": 1, "It could not be taken": 1,
    }  # fmt: skip
    said = run("endings", "--from", "2026-03-10", "--to", "2026-05-09")
    assert said.well
    assert "6 monthly gifts ended from 2026-03-10 to 2026-05-09." in said.said
    assert "@" not in said.said
    assert "sub_" not in said.said


def test_the_days_are_those_of_the_receipts(giving: World) -> None:
    """Ended at nine in the evening in New York, it ended on that day, not on UTC's next."""
    giving.advance(hours=13)
    end(giving, "a@example.org", "other")

    assert endings.counted(date(2026, 3, 10), date(2026, 3, 10)) == {"Another reason": 1}
    assert endings.counted(date(2026, 3, 11), date(2026, 3, 11)) == {}
