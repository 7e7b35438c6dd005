"""The whole of `Giving`, read from end to end at a pace that leaves the table to donors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib import aws, clock, items

# A page is a megabyte, 256 read units; four a second leave a table that serves donors in peace.
PAUSE_SECONDS = 0.25
# 100,000 pages are some hundred million facts.
PAGES_LIMIT = 100_000


def giving(wanted: str, values: dict[str, Any]) -> Iterator[items.Item]:
    """Every item that meets the condition. Raises OverflowError rather than read for ever."""
    start: dict[str, Any] = {}
    for _ in range(PAGES_LIMIT):
        page = aws.dynamodb().scan(
            TableName=items.giving(), ConsistentRead=True, FilterExpression=wanted,
            ExpressionAttributeValues=items.marshal(values), **start,
        )  # fmt: skip
        yield from map(items.unmarshal, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        clock.sleep(PAUSE_SECONDS)
    raise OverflowError(f"more than {PAGES_LIMIT} pages of the table")
