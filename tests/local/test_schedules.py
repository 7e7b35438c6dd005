"""Schedules fall due as EventBridge's do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local import schedules

TUESDAY_NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 hour)", datetime(2026, 11, 24, 13, 0, tzinfo=UTC)),
        ("rate(2 days)", datetime(2026, 11, 26, 12, 0, tzinfo=UTC)),
        ("cron(15 3 * * ? *)", datetime(2026, 11, 25, 3, 15, tzinfo=UTC)),
        ("cron(0/20 * * * ? *)", datetime(2026, 11, 24, 12, 20, tzinfo=UTC)),
        ("cron(0 8 ? * 1 *)", datetime(2026, 11, 29, 8, 0, tzinfo=UTC)),
        ("cron(0 0 29 2 ? *)", datetime(2028, 2, 29, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_next_moment(expression, due):
    """
    A rate counts from the last time; a cron names moments, days of the week from Sunday as 1.
    """
    assert due == schedules.next_due(expression, TUESDAY_NOON)


@pytest.mark.parametrize("expression", ["every hour", "rate(1 fortnight)", "cron(0 0 31 2 ? *)"])
def test_what_never_falls_due_is_refused(expression):
    """
    A schedule that would silently never run is a mistake that must show.
    """
    with pytest.raises(ValueError, match="cron"):
        schedules.next_due(expression, TUESDAY_NOON)
