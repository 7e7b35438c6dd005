"""A donor's partition in memory, answering at once: what is measured is ours alone, not a stand-in's search."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from chalicelib import aws, items, keys
from chalicelib.giving.gift import About, Fact, Payment
from chalicelib.money import Money

FIRST = datetime(2016, 1, 1, tzinfo=UTC)
DAYS = 3_650
# The last one finds nothing, and so reads as far as one page may.
LOOKS: dict[str, dict[str, str]] = {
    "first page": {},
    "page from deep inside": {"cursor": f"{keys.FACTS}2019-06-01"},
    "a year": {"year": "2021"},
    "rare fund": {"fund": "aftercare"},
}
ANSWERED = SimpleNamespace(status_code=200, headers={})


class Partition:
    """One donor with so many gifts over ten years. While `answering`, every DynamoDB call is about this donor."""

    def __init__(self, gifts: int) -> None:
        facts = [_paid(number, FIRST + timedelta(days=DAYS * number / gifts)) for number in range(gifts)]
        changes = Counter(keys.year(fact.gift_at) for fact in facts)
        kept: dict[str, Any] = {keys.gift(each.gift_at, each.charge_id) + "#payment": each for each in facts}
        kept |= {year: {"changes": count} for year, count in changes.items()}
        self._items = {sort: items.marshal(items.as_item(keys.donor("d", sort), each)) for sort, each in kept.items()}
        self._sorts = sorted(self._items)

    def __enter__(self) -> None:
        aws.dynamodb().meta.events.register("before-call.dynamodb", self._answer, unique_id="bench")

    def __exit__(self, *_: object) -> None:
        aws.dynamodb().meta.events.unregister("before-call.dynamodb", unique_id="bench")

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        body = json.loads(params["body"])
        return ANSWERED, self._update(body) if model.name == "UpdateItem" else self._query(body)

    def _query(self, body: dict[str, Any]) -> dict[str, Any]:
        values = {name: value["S"] for name, value in body["ExpressionAttributeValues"].items()}
        first = values.get(":first") or values[":prefix"]
        start, end = bisect_left(self._sorts, first), bisect_right(self._sorts, values.get(":last", first + "~"))
        if "ExclusiveStartKey" in body:
            start = bisect_right(self._sorts, body["ExclusiveStartKey"]["sk"]["S"])
        limit = body["Limit"]
        chosen = self._sorts[start : min(end, start + limit)]
        if not body["ScanIndexForward"]:
            chosen = self._sorts[max(start, end - limit) : end][::-1]
        more = {"LastEvaluatedKey": {"sk": {"S": chosen[-1]}}} if end - start > limit else {}
        return {"Items": [self._items[sort] for sort in chosen], **more}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        item, values = self._items[body["Key"]["sk"]["S"]], body["ExpressionAttributeValues"]
        item |= {body["ExpressionAttributeNames"]["#name"]: values[":kept"]}
        return {"Attributes": item}


def _paid(number: int, at: datetime) -> Fact:
    payment = Payment(About(f"{number:032x}", fund="rescue"), "us", date(at.year, at.month, at.day), "Visa")
    charge = f"ch_{number:06d}"
    return Fact("payment", charge, charge, at, at, Money(50_00, "usd"), "txn", payment)
