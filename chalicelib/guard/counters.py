"""
Where the guard counts: a few names in the table `Passing`, each with its end.

A small interface with one implementation for production. Its twin in memory
lets a campaign of thousands be simulated in seconds; a test holds the two
against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from chalicelib import aws, items, keys, log
from chalicelib.clock import epoch_seconds

T = TypeVar("T")

# The time to live is late by days, so an end that has come is read as absence.
#
#     kept ------------- expires_at ----- deleted by DynamoDB, some day
#          stands        | free again
FREE = "attribute_not_exists(pk) OR expires_at <= :now"
# DynamoDB reads up to 100 items in one call; an attempt needs about fifteen.
READS = 100


class Down(Exception):
    """The counters cannot be reached, or not in time."""


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands under one name: how many times, who belongs to it, and what else is known."""

    expires_at: int
    times: int = 0
    members: frozenset[str] = frozenset()
    known: dict[str, str | int] = {}


class Counters(Protocol):
    """What any store of counters can do. Every call raises Down when it cannot."""

    def read(self, names: Sequence[str]) -> dict[str, Tally]:
        """What stands now under these names, in one call; a name whose end has come is left out."""

    def add(self, name: str, until: int) -> Tally:
        """Count one more, and give back what stands after it."""

    def join(self, name: str, member: str, until: int, most: int) -> tuple[Tally, bool]:
        """Add a member, unless it belongs already or `most` do; whether it is new."""

    def keep(self, name: str, known: Mapping[str, str | int], until: int) -> None:
        """Write what is known, over whatever stood there."""

    def keep_first(self, name: str, known: Mapping[str, str | int], until: int) -> Tally:
        """Write what is known where nothing stands, and give back what stands: of two racers one decides."""


class InDynamoDB:
    """The counters of production. One short attempt and one more: a donor is waiting."""

    def read(self, names: Sequence[str]) -> dict[str, Tally]:
        assert len(names) <= READS
        wanted: Any = {"Keys": [items.marshal(_key(name)) for name in names], "ConsistentRead": True}
        answer = _reached(lambda: aws.counters().batch_get_item(RequestItems={items.passing(): wanted}))
        if answer.get("UnprocessedKeys"):
            raise _down("UnprocessedKeys")
        found = [items.unmarshal(item) for item in answer["Responses"].get(items.passing(), [])]
        return {_name(item): _tally(item) for item in found if item["expires_at"] > epoch_seconds()}

    def add(self, name: str, until: int) -> Tally:
        changed = self._update(name, "ADD times :one SET expires_at = :until", {":one": 1, ":until": until})
        return _tally(changed)

    def join(self, name: str, member: str, until: int, most: int) -> tuple[Tally, bool]:
        is_new = "attribute_not_exists(members) OR (size(members) < :most AND NOT contains(members, :member))"
        values = {":these": {member}, ":member": member, ":most": most, ":until": until}
        try:
            return _tally(self._update(name, "ADD members :these SET expires_at = :until", values, is_new)), True
        except items.ConditionFailed as known:
            assert known.item is not None
            return _tally(known.item), False

    def keep(self, name: str, known: Mapping[str, str | int], until: int) -> None:
        item = items.marshal({**_key(name), "known": dict(known), "expires_at": until})
        _reached(lambda: aws.counters().put_item(TableName=items.passing(), Item=item))

    def keep_first(self, name: str, known: Mapping[str, str | int], until: int) -> Tally:
        item = {**_key(name), "known": dict(known), "expires_at": until}
        try:
            _reached(
                lambda: aws.counters().put_item(
                    TableName=items.passing(), Item=items.marshal(item), ConditionExpression=FREE,
                    ExpressionAttributeValues=items.marshal({":now": epoch_seconds()}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )  # fmt: skip
        except items.ConditionFailed as stands:
            assert stands.item is not None
            return _tally(stands.item)
        return _tally(item)

    def _update(self, name: str, expression: str, values: items.Item, condition: str = "") -> items.Item:
        extra: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        answer = _reached(
            lambda: aws.counters().update_item(
                TableName=items.passing(), Key=items.marshal(_key(name)), UpdateExpression=expression,
                ExpressionAttributeValues=items.marshal(values), ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD" if condition else "NONE", **extra,
            )
        )  # fmt: skip
        return items.unmarshal(answer["Attributes"])


_store: Counters = InDynamoDB()


def store() -> Counters:
    """The counters of this process."""
    return _store


def set_store(counters: Counters | None = None) -> None:
    """Count in `counters` from here on; in DynamoDB again when none is given."""
    global _store  # noqa: PLW0603 - the seam at which a simulation stands in for the table
    _store = counters or InDynamoDB()


def _reached(call: Callable[[], T]) -> T:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with boto3

    try:
        return call()
    except aws.counters().exceptions.ConditionalCheckFailedException as refused:
        stood = refused.response.get("Item")
        raise items.ConditionFailed(items.unmarshal(stood) if isinstance(stood, Mapping) else None) from refused
    except (BotoCoreError, ClientError) as fault:
        raise _down(type(fault).__name__) from fault


def _down(why: str) -> Down:
    log.alarm("guard_store_down", why=why)
    return Down(why)


def _key(name: str) -> keys.Key:
    return keys.passing("COUNT", name)


def _name(item: items.Item) -> str:
    return str(item["pk"]).removeprefix("COUNT#")


def _tally(item: items.Item) -> Tally:
    return Tally(
        expires_at=item["expires_at"],
        times=item.get("times", 0),
        members=frozenset(item.get("members", ())),
        known=item.get("known", {}),
    )
