"""
What operators see: JSON lines and counted events, without a word about any person.

Only ids of Stripe's and our own, kinds and numbers are ever logged.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from chalicelib import settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@functools.cache
def _logger() -> Logger:
    from aws_lambda_powertools import Logger  # noqa: PLC0415 - 74 ms, only where something is said

    return Logger(service="giving", use_rfc3339=True)


def note(event: str, **about: str | int | None) -> None:
    """Say that something ordinary happened."""
    _logger().info(event, extra=about)


def count(event: str, **about: str | int | None) -> None:
    """Count an event as a CloudWatch metric, for whoever looks at the numbers, and say it."""
    _logger().warning(event, extra=about)
    _measure(event)


def alarm(event: str, **about: str | int | None) -> None:
    """
    Count an event that a person must look at, and say it.

    The alarm of this name stands in .chalice/resources.json, and what to do
    in docs/how-to/deploy.md.
    """
    _logger().error(event, extra=about)
    _measure(event)


def _measure(event: str) -> None:
    from aws_lambda_powertools.metrics import MetricUnit, single_metric  # noqa: PLC0415

    namespace = settings.current().metrics_namespace
    with single_metric(name=event, unit=MetricUnit.Count, value=1, namespace=namespace):
        pass  # leaving the block writes the metric
