"""The description of the calls (OpenAPI 3.1), made from the very types that validate their input."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from chalicelib import charity
from chalicelib.http import CALLS, CSV, FORM, JSON, Call, Csv, Problem, Routes

routes = Routes(__name__)

Schema = dict[str, Any]
# 2xx is said per call; these may meet any of them.
REFUSALS = {
    "400": "Something in the request is not right; `field` names it.",
    "401": "Not signed in.",
    "403": "From a place that may not do this.",
    "404": "Nothing here by that name.",
    "409": "Contradicts what is recorded, or the payment processor refused.",
    "415": "Neither JSON nor a plain form.",
    "429": "Too often; `Retry-After` says how long to wait.",
    "503": "The payment processor did not answer: nothing is certain yet.",
}


@routes.route("/openapi.json")
def openapi() -> Schema:
    """Describe every call."""
    return describe()


def describe() -> Schema:
    """The whole document. Pages and static files are not calls and are left out."""
    calls = [call for call in CALLS if not call.hidden]
    types = [kind for call in calls for kind in (call.takes, call.gives) if kind and kind is not Csv] + [Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    by_type = dict(zip([repr(kind) for kind in types], schemas, strict=True))
    paths: dict[str, Schema] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Giving to {charity.current().name}",
            "version": "1.0.0",
            "description": "Amounts are whole minor units of an ISO 4217 currency. Errors have one shape.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(call: Call, by_type: dict[str, Schema]) -> Schema:
    operation: Schema = {
        "summary": call.summary,
        "operationId": f"{call.method.lower()}{re.sub(r'[^a-zA-Z]+', '_', call.path)}".rstrip("_"),
        "parameters": _parameters(call),
        "responses": _responses(call, by_type),
    }
    if call.takes:
        kinds = {JSON: {"schema": by_type[repr(call.takes)]}}
        if call.form:
            kinds[FORM] = {"schema": {"type": "object", "description": "The same fields as a plain form; answers 303."}}
        operation["requestBody"] = {"required": True, "content": kinds}
    return operation


def _parameters(call: Call) -> list[Schema]:
    text = {"type": "string", "maxLength": 500}
    in_path = re.findall(r"{(\w+)}", call.path)
    return [{"name": name, "in": "path", "required": True, "schema": text} for name in in_path] + [
        {"name": name, "in": "query", "required": False, "schema": text} for name in call.query
    ]


def _responses(call: Call, by_type: dict[str, Schema]) -> Schema:
    problem = {JSON: {"schema": by_type[repr(Problem)]}}
    answers: Schema = {status: {"description": said, "content": problem} for status, said in REFUSALS.items()}
    done: Schema = {CSV: {"schema": {"type": "string"}}}
    if call.gives is not Csv:
        done = {JSON: {"schema": by_type[repr(call.gives)]}}
    answers[str(call.status)] = {"description": "Done.", "content": done}
    if call.status == 303:
        answers["303"] = {"description": "Where the document is, for the next five minutes."}
    elif call.form:
        answers["303"] = {"description": "For a plain form: where the browser goes next."}
    return answers
