"""
What operators see: JSON lines and counted events, without a word about any person.

Only ids of Stripe's and our own, kinds and numbers are ever logged.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = "Giving"


@functools.cache
def _logger() -> Logger:
    from aws_lambda_powertools import Logger  # noqa: PLC0415 - 74 ms, only where something is said

    return Logger(service="giving", use_rfc3339=True)


def note(event: str, **about: str | int | None) -> None:
    """Say that something ordinary happened."""
    _logger().info(event, extra=about)


def count(event: str, **about: str | int | None) -> None:
    """Count an event as a CloudWatch metric, on which an alarm may stand, and say it."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric  # noqa: PLC0415

    _logger().warning(event, extra=about)
    with single_metric(name=event, unit=MetricUnit.Count, value=1, namespace=NAMESPACE):
        pass  # leaving the block writes the metric
