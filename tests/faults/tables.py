"""The three tables in moto, empty for each seed, and what they hold read without a call."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from chalicelib import items, settings
from local.cloud import REGION, description

TABLES = ("Giving", "Signups", "Passing")


def create() -> None:
    """Make the tables anew, as `.chalice/resources.json` describes them."""
    tables = _backend().tables
    tables.clear()
    for name in TABLES:
        given = _described(name)
        _backend().create_table(
            name, schema=given["KeySchema"], attr=given["AttributeDefinitions"], billing_mode=given["BillingMode"],
            throughput=None, global_indexes=[], indexes=[], streams=None, sse_specification=None, tags=[],
            deletion_protection_enabled=False, warm_throughput=None,
        )  # fmt: skip


def held(prefix: str) -> Iterator[dict[str, Any]]:
    """Every item of the Giving table whose sort key begins with `prefix`."""
    return (item for item in _items(settings.current().giving_table) if item["sk"].startswith(prefix))


def item(name: str, pk: str, sk: str) -> dict[str, Any] | None:
    """What stands under a key now."""
    found = _backend().tables[name].items.get(DynamoType({"S": pk}), {}).get(DynamoType({"S": sk}))
    return items.unmarshal(found.to_json()["Attributes"]) if found else None


def every() -> Iterator[dict[str, Any]]:
    """Every item of the three tables."""
    return (item for _, item in everywhere())


def everywhere() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item with the table that it stands in."""
    return ((name, item) for name in TABLES for item in _items(name))


def snapshot() -> dict[str, Any]:
    """What stands in the tables now, copied: moto changes an item in place when it is updated."""
    return {name: copy.deepcopy(table.items) for name, table in _backend().tables.items()}


def restore(kept: dict[str, Any]) -> None:
    """Make it stand there again."""
    for name, table in _backend().tables.items():
        table.items = copy.deepcopy(kept[name])


def _items(name: str) -> Iterator[dict[str, Any]]:
    for partition in list(_backend().tables[name].items.values()):
        for item in list(partition.values()):
            yield items.unmarshal(item.to_json()["Attributes"])


@functools.cache
def _described(name: str) -> dict[str, Any]:
    return dict(description()["Resources"][name]["Properties"])


def _backend() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
