"""Stripe's own description of its API, as stripe-mock brings it: what an answer may look like."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.contract.recording import Sent


class Description:
    """One version of the API. `version` is Stripe's name for it."""

    def __init__(self, where: Path) -> None:
        given = json.loads(where.read_text("utf-8"))
        self.version = str(given["info"]["version"])
        self._paths = {re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)): calls for path, calls in given["paths"].items()}
        self._components = {"schemas": _null_allowed(given["components"]["schemas"])}

    def misread(self, sent: Sent) -> list[str]:
        """
        The parameters that Stripe would not know, by name or by value.

        stripe-mock is strict at the top of a request and lets pass what is wrong further in.
        """
        call = self._call(sent)
        body = call.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
        query = {each["name"]: each["schema"] for each in call.get("parameters", []) if each["in"] == "query"}
        known = {"properties": {**query, **body.get("schema", {}).get("properties", {})}}
        return [f"{sent.method} {sent.path}: {name}" for name in _misread(sent.params, known, "")]

    def faults(self, sent: Sent) -> list[str]:
        """Where the answer strays from what the description says of this call."""
        call = self._call(sent)
        schema = json.dumps(call["responses"]["200"]["content"]["application/json"]["schema"])
        return [
            f"{sent.method} {sent.path}: {_place(fault)}: {fault.message[:120]}"
            for found in self._checker(schema).iter_errors(sent.answer)
            for fault in _causes(found)
        ]

    def _call(self, sent: Sent) -> Any:
        [call] = [calls[sent.method.lower()] for path, calls in self._paths.items() if path.fullmatch(sent.path)]
        return call

    @functools.cache  # noqa: B019 - as long-lived as the one description of a run
    def _checker(self, schema: str) -> Draft202012Validator:
        return Draft202012Validator({"components": self._components, **_null_allowed(json.loads(schema))})


def _misread(given: Any, schema: Any, name: str) -> list[str]:
    """What of a form's value none of the schema's alternatives takes; the nearest one's complaint."""
    alternatives = schema.get("anyOf", [schema])
    return min((_misread_by(given, each, name) for each in alternatives), key=len)


def _misread_by(given: Any, schema: Any, name: str) -> list[str]:
    if not isinstance(given, dict):
        return [] if _takes(schema, str(given)) else [f"{name}={given}"]
    if schema.get("type") == "array":
        return [fault for place, each in given.items() for fault in _misread(each, schema["items"], f"{name}[{place}]")]
    faults = []
    for part, each in given.items():
        inner = schema.get("properties", {}).get(part) or schema.get("additionalProperties")
        faults += _misread(each, inner, f"{name}[{part}]") if inner else [f"{name}[{part}]"]
    return faults


def _takes(schema: Any, text: str) -> bool:
    """Whether a form's text can be read as this."""
    kind = schema.get("type")
    reads = {
        "string": lambda: text in schema.get("enum", [text]) and len(text) <= schema.get("maxLength", len(text)),
        "integer": lambda: re.fullmatch(r"-?\d+", text) is not None,
        "number": lambda: re.fullmatch(r"-?\d+(\.\d+)?", text) is not None,
        "boolean": lambda: text in {"true", "false"},
    }
    return kind in reads and reads[kind]()


def _null_allowed(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` beside a schema where JSON Schema names null among its alternatives."""
    if isinstance(schema, list):
        return [_null_allowed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _null_allowed(each) for name, each in schema.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, inner]} if schema.get("nullable") is True else inner


def _causes(fault: ValidationError) -> Iterator[ValidationError]:
    """The faults behind "is none of these": those of the alternative that comes nearest."""
    if not fault.context:
        yield fault
        return
    alternatives: dict[Any, list[ValidationError]] = {}
    for each in fault.context:
        alternatives.setdefault(each.schema_path[0], []).append(each)
    for each in max(alternatives.values(), key=lambda those: (min(len(one.absolute_path) for one in those), -len(those))):
        yield from _causes(each)


def _place(fault: ValidationError) -> str:
    return ".".join("*" if isinstance(step, int) else str(step) for step in fault.absolute_path)
