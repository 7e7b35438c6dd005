"""Everything that a run left behind, with the donors' random ids given by the order of their addresses."""

from __future__ import annotations

import re
from typing import Any

from chalicelib import aws, items
from tests.giving_world import World

CHANGE_ID = re.compile(r"-[0-9a-f]{16}$")
Item = dict[str, Any]


def table(name: str) -> list[Item]:
    """Every item of a table, in the order of its keys."""
    found: list[Item] = []
    more: dict[str, Any] = {}
    while True:
        page = aws.dynamodb().scan(TableName=name, ConsistentRead=True, **more)
        found += [items.unmarshal(item) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return sorted(found, key=lambda item: (item["pk"], item["sk"]))
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def ledger() -> list[Item]:
    """The whole of `Giving`, as two runs can be held against each other."""
    found = table(items.giving())
    profiles = [item for item in found if item["sk"] == "PROFILE"]
    names = {item["donor_id"]: f"<{item.get('email', 'nobody')}>" for item in profiles}
    plain = [{name: _named(value, names) for name, value in item.items()} for item in found]
    return sorted(plain, key=lambda item: (item["pk"], item["sk"]))


def mails(giving: World) -> list[tuple[str, str, str]]:
    """Every mail sent, oldest first: to whom, and what it said."""
    return [(mail.to, mail.subject, mail.text) for mail in giving.mails()]


def _named(value: Any, names: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    for donor_id, name in names.items():
        value = value.replace(donor_id, name)
    return CHANGE_ID.sub("-<change>", value)
