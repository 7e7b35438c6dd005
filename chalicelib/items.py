"""
Structs as DynamoDB items and back, and the few calls we make on them.

Numbers come back as int: no float is ever stored. Writes that may meet
another writer name their condition; what failed is told apart from what
collided.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from chalicelib import aws, clock, settings

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

S = TypeVar("S")
T = TypeVar("T")
Item = dict[str, Any]

ABSENT = "attribute_not_exists(pk)"
PRESENT = "attribute_exists(pk)"

# Transactions of two workers on one donor collide as a matter of course; five
# tries over at most a second outlast any pair of them. A single write that
# meets a transaction is turned away too, and boto3 does not try it again.
CONFLICT_TRIES = 5
# What was read may be another worker's to change before it is written.
READ_TRIES = 5
# What DynamoDB takes in one BatchGetItem, and how often what it left over is asked for again.
BATCH, BATCH_TRIES = 100, 6
# Whatever the limit, a page ends at a megabyte: about so many facts.
A_MEGABYTE_OF_FACTS = 2_000
# What one write says of another in its way: alone, and among the reasons of a transaction.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
PASSING_FAULTS = {
    "TransactionConflictException", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded",
}  # fmt: skip
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html - in UTF-8.
KEY_BYTES = {"pk": 2048, "sk": 1024}


class ConditionFailed(Exception):
    """The condition did not hold. `item` is what stood there, if anything."""

    def __init__(self, item: Item | None = None) -> None:
        super().__init__("condition failed")
        self.item = item


def giving() -> str:
    return settings.current().giving_table


def signups() -> str:
    return settings.current().signups_table


def passing() -> str:
    return settings.current().passing_table


def as_item(key: Mapping[str, str], value: Any) -> Item:
    """A Struct or mapping under its key, with None and empty texts left out."""
    built = msgspec.to_builtins(value)
    return {**key, **{name: part for name, part in built.items() if part not in (None, "")}}


def as_struct(item: Mapping[str, Any], kind: type[S]) -> S:
    """The Struct that an item holds. Fields we no longer know are left aside."""
    return msgspec.convert(item, kind, strict=False)


def get(table: str, key: Mapping[str, str]) -> Item | None:
    """
    One item, read consistently, or None.

    An address may carry any text where an id belongs. DynamoDB refuses to
    look for a key that is too long to stand in it, and so nothing stands there.
    """
    if any(len(part.encode()) > KEY_BYTES[name] for name, part in key.items()):
        return None
    answer = aws.dynamodb().get_item(TableName=table, Key=marshal(key), ConsistentRead=True)
    return unmarshal(answer["Item"]) if "Item" in answer else None


def get_many(table: str, wanted: Iterable[Mapping[str, str]]) -> Iterator[Item]:
    """
    What stands under these keys, read consistently and a hundred to a call, in no order. No key may come twice.

    Raises OverflowError if the table will not give the rest of a batch.
    """
    left = [marshal(key) for key in wanted]
    for start in range(0, len(left), BATCH):
        yield from _batch(table, left[start : start + BATCH])


def _batch(table: str, left: list[dict[str, Any]]) -> Iterator[Item]:
    for attempt in range(BATCH_TRIES):
        answer = aws.dynamodb().batch_get_item(RequestItems={table: {"Keys": left, "ConsistentRead": True}})
        yield from (unmarshal(item) for item in answer["Responses"].get(table, []))
        left = list(answer["UnprocessedKeys"].get(table, {"Keys": []})["Keys"])
        if not left:
            return
        clock.sleep(random.uniform(0.02, 0.1 * 2**attempt))  # noqa: S311 - jitter, not a secret
    raise OverflowError(f"{len(left)} items of a batch were not given")


def put(table: str, item: Item, condition: str | None = None, values: Item | None = None) -> None:
    """Write an item. Raises ConditionFailed with what stood there."""
    extra = _conditional(condition, values)
    _or_condition_failed(lambda: aws.dynamodb().put_item(TableName=table, Item=marshal(item), **extra))


def update(
    table: str, key: Mapping[str, str], expression: str, values: Item, condition: str | None = None,
    names: dict[str, str] | None = None,
) -> Item:  # fmt: skip
    """Change one item and give back what it is now. Raises ConditionFailed with what stood there."""
    extra = _conditional(condition, values)
    if names:
        extra["ExpressionAttributeNames"] = names
    answer = _or_condition_failed(
        lambda: aws.dynamodb().update_item(
            TableName=table, Key=marshal(key), UpdateExpression=expression, ReturnValues="ALL_NEW", **extra
        )
    )
    return unmarshal(answer["Attributes"])


def delete(table: str, key: Mapping[str, str], condition: str | None = None, values: Item | None = None) -> Item | None:
    """Take one item away and give back what it was. Raises ConditionFailed with what stands there."""
    extra = _conditional(condition, values)
    answer = _or_condition_failed(
        lambda: aws.dynamodb().delete_item(TableName=table, Key=marshal(key), ReturnValues="ALL_OLD", **extra)
    )
    return unmarshal(answer["Attributes"]) if answer.get("Attributes") else None


def query(  # noqa: PLR0913 - DynamoDB's own parameters, each by its name
    table: str, pk: str, *, first: str = "", last: str = "", prefix: str = "", backward: bool = False,
    limit: int = 100, after: str = "",
) -> tuple[list[Item], str]:  # fmt: skip
    """
    One page of a partition, read consistently: the items and the sort key to go on `after`, or "".

    `prefix` or an inclusive range `first`..`last` narrows it; DynamoDB refuses
    a range that ends before it begins, so that one is empty without asking.
    Never more than `limit` items. A page that is just full may say that more follows when nothing does.
    """
    if last < first:
        return [], ""
    values: Item = {":pk": pk}
    where = "pk = :pk"
    if prefix:
        where, values = f"{where} AND begins_with(sk, :prefix)", {**values, ":prefix": prefix}
    elif first:
        where, values = f"{where} AND sk BETWEEN :first AND :last", {**values, ":first": first, ":last": last}
    extra: dict[str, Any] = {"ExclusiveStartKey": marshal({"pk": pk, "sk": after})} if after else {}
    answer = aws.dynamodb().query(
        TableName=table, KeyConditionExpression=where, ExpressionAttributeValues=marshal(values),
        ConsistentRead=True, ScanIndexForward=not backward, Limit=limit, **extra,
    )  # fmt: skip
    last_key = answer.get("LastEvaluatedKey")
    return [unmarshal(item) for item in answer["Items"]], unmarshal(last_key)["sk"] if last_key else ""


def query_all(table: str, pk: str, *, most: int = 20_000, **narrowed: Any) -> Iterator[Item]:
    """Every item of the range, page by page. Raises OverflowError beyond `most` rather than run for ever."""
    after, seen = "", 0
    while True:
        found, after = query(table, pk, after=after, limit=A_MEGABYTE_OF_FACTS, **narrowed)
        seen += len(found)
        if seen > most:
            raise OverflowError(f"more than {most} items under {pk.split('#', maxsplit=1)[0]}")
        yield from found
        if not after:
            return


def transact(writes: list[TransactWriteItemTypeDef]) -> None:
    """
    All of the writes or none.

    Raises ConditionFailed with the item that stood in the way. A collision
    with another transaction is normal and tried again a few times.
    """
    try:
        _outlast(lambda: aws.dynamodb().transact_write_items(TransactItems=writes))
    except aws.dynamodb().exceptions.TransactionCanceledException as cancelled:
        failed = [reason for reason in _reasons(cancelled) if reason.get("Code") == "ConditionalCheckFailed"]
        if not failed:
            raise
        raise ConditionFailed(unmarshal(failed[0].get("Item") or {}) or None) from cancelled


def again(attempt: Callable[[], T], changing: str) -> T:
    """
    What `attempt` gives, which reads and then writes where nothing has changed since: anew while something has.

    Raises OverflowError, naming what keeps `changing`, after a few times.
    """
    for _ in range(READ_TRIES):
        with suppress(ConditionFailed):
            return attempt()
    raise OverflowError(f"{changing} keeps changing")


def put_write(table: str, item: Item, condition: str | None = ABSENT) -> TransactWriteItemTypeDef:
    """A put as part of a transaction, by default only where nothing stands."""
    put: Any = {"TableName": table, "Item": marshal(item), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if condition:
        put["ConditionExpression"] = condition
    return {"Put": put}


def count_write(table: str, key: Mapping[str, str], name: str) -> TransactWriteItemTypeDef:
    """One more of `name` as part of a transaction, whether the item is there or not."""
    one = marshal({":one": 1})
    counted = {"#name": name}
    return {
        "Update": {
            "TableName": table, "Key": marshal(key), "UpdateExpression": "ADD #name :one",
            "ExpressionAttributeNames": counted, "ExpressionAttributeValues": one,
        }
    }  # fmt: skip


def marshal(values: Mapping[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeSerializer  # noqa: PLC0415 - with boto3, only where data is touched

    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in values.items()}


def unmarshal(item: Mapping[str, Any]) -> Item:
    from boto3.dynamodb.types import TypeDeserializer  # noqa: PLC0415

    deserializer = TypeDeserializer()
    return {name: _plain(deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _conditional(condition: str | None, values: Item | None) -> dict[str, Any]:
    extra: dict[str, Any] = {"ExpressionAttributeValues": marshal(values)} if values else {}
    if condition:
        extra |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return extra


def _or_condition_failed(call: Callable[[], Any]) -> Any:
    try:
        return _outlast(call)
    except aws.dynamodb().exceptions.ConditionalCheckFailedException as refused:
        stood = refused.response.get("Item")
        raise ConditionFailed(unmarshal(stood) if isinstance(stood, Mapping) else None) from refused


def _outlast(write: Callable[[], Any]) -> Any:
    """Write, and again while it collides with a transaction: DynamoDB then did nothing and says so."""
    for attempt in range(CONFLICT_TRIES - 1):
        try:
            return write()
        except aws.dynamodb().exceptions.ClientError as refused:
            if not _collided(refused):
                raise
        clock.sleep(random.uniform(0.01, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret
    return write()


def _collided(refused: ClientError) -> bool:
    """Whether it may go through the next time. A condition that failed beside a collision will fail again."""
    codes = {refused.response["Error"]["Code"], *(reason.get("Code") for reason in _reasons(refused))}
    return "ConditionalCheckFailed" not in codes and bool(codes & PASSING_FAULTS)


def _reasons(cancelled: ClientError) -> list[Any]:
    return list(cancelled.response.get("CancellationReasons", []))
