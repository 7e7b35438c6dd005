"""Every call of the portal as the app declares it, and what each of them asks of AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib import aws, items, keys
from chalicelib.http import CALLS
from chalicelib.portal import sessions
from tests.over_http import Answered, Site

SERVICES = ("dynamodb", "counters", "sqs", "s3", "ses")
PLAIN: dict[Any, Any] = {
    msgspec.inspect.IntType: 1, msgspec.inspect.BoolType: True,
    msgspec.inspect.DateType: "2026-09-01", msgspec.inspect.ListType: [], msgspec.inspect.DictType: {},
}  # fmt: skip


# What anybody may ask for who is not signed in. All else wants a session, and is tried without one.
OPEN = {
    ("GET", "/portal"), ("GET", "/portal/sign-in"), ("POST", "/portal/sign-in"), ("GET", "/portal/code"),
    ("GET", "/portal/enter"), ("POST", "/portal/session"), ("DELETE", "/portal/session"), ("POST", "/portal/sign-out"),
    ("GET", "/portal/email/undo"), ("POST", "/portal/email/undo"), ("GET", "/portal/email/undone"),
    ("GET", "/portal/erased"),
}  # fmt: skip
# These end the asker's own session: open, because signing out twice is harmless.
LEAVING = {("DELETE", "/portal/session"), ("POST", "/portal/sign-out")}


class PortalCall(msgspec.Struct, frozen=True):
    """One method of one path, what it takes, by which names it can be asked in a query, and whether a form can call it."""

    method: str
    path: str
    takes: Any
    query: tuple[str, ...]
    form: bool

    @property
    def names_something(self) -> bool:
        return "{" in self.path

    @property
    def texts(self) -> tuple[str, ...]:
        """The fields of its body in which any text may stand, `token` and `code` and `email` among them."""
        return tuple(name for name, kind in _fields(self.takes) if isinstance(_bare(kind), msgspec.inspect.StrType))

    def place(self, named: str, query: str = "") -> str:
        """The path with `named` wherever it wants a name."""
        return re.sub(r"{\w+}", lambda _: quote(named, safe=""), self.path) + (f"?{query}" if query else "")

    def send(self, site: Site, named: str, query: str = "", accept: str = "application/json", **more: Any) -> Answered:
        """The call with `named` wherever the path wants a name; `more` beside the least body that it takes."""
        path = self.place(named, query)
        if self.method == "GET":
            return site.get(path, accept)
        return site.post(path, {**least(self.takes), **more}, self.method)


def portal_calls() -> list[PortalCall]:
    """All of them, from the app's own table: a new one cannot be forgotten."""
    from app import app

    declared = {(call.method, call.path): call for call in CALLS}
    found = [(method, path) for path, methods in app.routes.items() for method in methods if path.startswith("/portal")]
    return [PortalCall(*each, declared[each].takes, declared[each].query, declared[each].form) for each in found]


def least(takes: Any) -> dict[str, Any]:
    """The least body that is of this type, so that a call is refused for who asks and not for what it says."""
    if takes is None:
        return {}
    fields = msgspec.inspect.type_info(takes).fields  # type: ignore[attr-defined]
    return {field.encode_name: _plain(field.type) for field in fields if field.required}


def _fields(takes: Any) -> list[tuple[str, Any]]:
    if takes is None:
        return []
    return [(field.encode_name, field.type) for field in msgspec.inspect.type_info(takes).fields]  # type: ignore[attr-defined]


def _bare(kind: Any) -> Any:
    """The type of a field that may be left out: without its None and without its notes."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _bare(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        real = [each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType)]
        return _bare(real[0]) if len(real) == 1 else kind
    return kind


def _plain(kind: Any) -> Any:
    if isinstance(kind, msgspec.inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, msgspec.inspect.StrType):
        return "x" * max(1, kind.min_length or 0)
    if isinstance(kind, msgspec.inspect.StructType):
        return least(kind.cls)
    assert type(kind) in PLAIN, f"say in PLAIN what a {kind} may be"
    return PLAIN[type(kind)]


@contextmanager
def recorded() -> Iterator[list[dict[str, Any]]]:
    """The parameters of every call to AWS meanwhile, before boto3 writes them out."""
    calls: list[dict[str, Any]] = []
    events = [getattr(aws, name)().meta.events for name in SERVICES]
    for service in events:
        service.register("before-parameter-build", lambda params, **_: calls.append(params), unique_id="recorded")
    try:
        yield calls
    finally:
        for service in events:
            service.unregister("before-parameter-build", unique_id="recorded")


def partitions(params: Any) -> set[str]:
    """Every partition that a call to DynamoDB names, at whatever depth, and every key of S3."""
    if isinstance(params, dict):
        own = {str(each.get("S") if isinstance(each, dict) else each) for name, each in params.items() if name in {"pk", ":pk", "Key"} and not _deeper(each)}
        return own.union(*(partitions(each) for each in params.values()))
    return set().union(*(partitions(each) for each in params)) if isinstance(params, list | tuple) else set()


def _deeper(value: Any) -> bool:
    return isinstance(value, dict) and "S" not in value


class Theirs(msgspec.Struct, frozen=True):
    """Whatever a donor can be known by, and every partition in which something of theirs stands."""

    donor_id: str
    names: frozenset[str]
    partitions: frozenset[str]

    def touched_by(self, calls: list[dict[str, Any]]) -> list[str]:
        """What was asked for of theirs."""
        asked = set().union(*(partitions(each) for each in calls)) if calls else set()
        return sorted(each for each in asked if each in self.partitions or self.donor_id in each)


def theirs(donor_id: str) -> Theirs:
    """Gathered from the tables themselves, so that a new kind of item or pointer is tried too."""
    held = [item for table in (items.giving(), items.passing()) for item in everything(table)]
    own = [item for item in held if _is_of(item, donor_id)]
    # What waits stands under the hash of an address, or under a gift's id that only such an item names.
    hashes = {str(item["pk"]).removeprefix("EMAIL#") for item in own if str(item["pk"]).startswith("EMAIL#")}
    beside = [item for item in held if str(item["pk"]).removeprefix("GIFTAIDS#") in hashes]
    waiting = {f"GIFTAID#{item['sk']}" for item in beside}
    kept = own + beside + [item for item in held if item["pk"] in waiting]
    parts = {part for item in kept for key in ("pk", "sk") for part in str(item[key]).split("#")}
    ids = {str(value) for item in kept for name, value in item.items() if name.endswith(("_id", "email", "number", "serial", "s3_key", "claim"))}
    cursors = {str(item["sk"]) for item in kept if str(item["sk"]).startswith(keys.FACTS)}
    return Theirs(donor_id, frozenset(parts | ids | cursors), frozenset(str(item["pk"]) for item in kept))


def everything(table: str) -> list[items.Item]:
    found = aws.dynamodb().get_paginator("scan").paginate(TableName=table)
    return [items.unmarshal(item) for page in found for item in page["Items"]]


def _is_of(item: items.Item, donor_id: str) -> bool:
    own = {keys.donor(donor_id)["pk"], keys.passing("NEWEMAIL", donor_id)["pk"], sessions._partition(sessions._place(donor_id))}
    return item["pk"] in own or item.get("donor_id") == donor_id
