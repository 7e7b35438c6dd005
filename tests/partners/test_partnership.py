"""When the next monthly gift is taken."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.errors import InvalidInput
from chalicelib.partners.partnership import check_pause, first_charge_from, next_on_day


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "day", "resumes", "next_charge"),
    [
        ("2026-08-10", 10, "2026-09-01", "2026-09-10"),
        ("2026-08-10", 10, "2026-08-05", "2026-08-10"),
        ("2026-01-31", 31, "2026-02-15", "2026-02-28"),
        ("2026-02-28", 31, "2026-03-01", "2026-03-31"),
        ("2026-11-30", 31, "2027-01-01", "2027-01-31"),
    ],
)
def test_charges_within_a_pause_are_given_up(due: str, day: int, resumes: str, next_charge: str) -> None:
    """Paused until 1 September with charges on the 10th: the next is on 10 September, nothing is owed."""
    assert first_charge_from(at(due), day, at(resumes)) == at(next_charge)


@pytest.mark.parametrize(
    ("day", "due", "now", "moved"),
    [
        (3, "2026-12-24", "2026-11-24", "2026-12-03"),
        (28, "2026-12-24", "2026-11-24", "2026-12-28"),
        (5, "2026-12-24", "2026-12-10", "2027-01-05"),
        (31, "2026-02-10", "2026-02-05", "2026-02-28"),
    ],
)
def test_a_moved_day_never_charges_a_month_twice(day: int, due: str, now: str, moved: str) -> None:
    """The charge stays in the month in which it was due, or goes to the next if that day is past."""
    assert next_on_day(day, at(due), at(now)) == at(moved)


@pytest.mark.parametrize("days", [0, -1, 368])
def test_a_pause_ends_in_the_future_and_within_a_year(days: int) -> None:
    """For longer than that a donor is better asked anew."""
    with pytest.raises(InvalidInput):
        check_pause(at("2026-03-10") + timedelta(days=days), at("2026-03-10"))
