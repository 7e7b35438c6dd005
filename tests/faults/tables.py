"""The three tables in moto, empty for each seed, and what they hold read without a call."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

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
    for partition in _backend().tables[settings.current().giving_table].items.values():
        for item in partition.values():
            plain = item.to_json()["Attributes"]
            if plain["sk"]["S"].startswith(prefix):
                yield items.unmarshal(plain)


def snapshot() -> dict[str, Any]:
    """What stands in the tables now. Items are replaced by writes, except by updates: so they are copied."""
    return {name: _copied(table.items) for name, table in _backend().tables.items()}


def restore(kept: dict[str, Any]) -> None:
    """Make it stand there again."""
    for name, table in _backend().tables.items():
        table.items = _copied(kept[name])


def _copied(partitions: Any) -> Any:
    import copy

    return copy.deepcopy(partitions)


@functools.cache
def _described(name: str) -> dict[str, Any]:
    return dict(description()["Resources"][name]["Properties"])


def _backend() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
