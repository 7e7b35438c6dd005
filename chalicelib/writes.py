"""Writes as parts of one transaction: what `items.transact` takes besides a put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.items import Item, marshal

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def put(table: str, item: Item, condition: str, values: Item) -> TransactWriteItemTypeDef:
    """A put whose condition names values."""
    return {"Put": _part(table, condition, values) | {"Item": marshal(item)}}


def change(
    table: str, key: Mapping[str, str], expression: str, values: Item, condition: str
) -> TransactWriteItemTypeDef:
    """A change of one item, where the condition holds."""
    return {"Update": _part(table, condition, values) | {"Key": marshal(key), "UpdateExpression": expression}}


def remove(
    table: str, key: Mapping[str, str], condition: str = "", values: Item | None = None
) -> TransactWriteItemTypeDef:
    """One item taken away; without a condition it need not be there."""
    return {"Delete": _part(table, condition, values or {}) | {"Key": marshal(key)}}


def check(
    table: str, key: Mapping[str, str], condition: str, values: Item | None = None
) -> TransactWriteItemTypeDef:
    """Nothing written, but the rest only where the condition holds."""
    return {"ConditionCheck": _part(table, condition, values or {}) | {"Key": marshal(key)}}


def _part(table: str, condition: str, values: Item) -> Any:
    part: dict[str, Any] = {"TableName": table}
    if condition:
        part |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return part | ({"ExpressionAttributeValues": marshal(values)} if values else {})
