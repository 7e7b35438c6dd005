"""Input: strict JSON or a plain form, of the declared type, within limits. What is wrong is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from chalicelib import plain_text
from chalicelib.errors import InvalidInput

# A gift with a long note is about 2 kB; nothing we take comes near this.
BODY_LIMIT_BYTES = 16_384
FORM_FIELDS_LIMIT = 60
FIELD_IN_MESSAGE = re.compile(r"at `\$\.(\w+)|field `(\w+)`")
PART_IN_MESSAGE = re.compile(r"at `\$\.\w+\.(\w+)")

FormFields = dict[str, list[str]]


def read_json(body: bytes, takes: type[msgspec.Struct]) -> Any:
    """
    Strict JSON of the given type. Raises InvalidInput naming the field.

    Refuses what Python's own parser lets through: NaN, numbers beyond
    a double, lone surrogates, and nesting that exhausts the stack.
    """
    try:
        value = msgspec.json.decode(body, type=takes)
    except msgspec.ValidationError as fault:
        raise _named(fault) from fault
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise InvalidInput("Send one JSON object.", code="json_invalid", field=_not_a_number(body)) from fault
    return plain_text.check_struct(value)


def read_form(body: bytes) -> FormFields:
    """The fields of a plain form. Raises InvalidInput if it is not UTF-8 or has too many."""
    try:
        return parse_qs(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_LIMIT
        )
    except ValueError as fault:
        raise InvalidInput("That form cannot be read.", code="form_invalid") from fault


def convert(fields: Mapping[str, Any], takes: type[msgspec.Struct], *, strict: bool) -> Any:
    """The fields as the given type. Raises InvalidInput naming the field."""
    try:
        value = msgspec.convert(fields, takes, strict=strict)
    except msgspec.ValidationError as fault:
        raise _named(fault) from fault
    return plain_text.check_struct(value)


def plain_fields(fields: FormFields) -> dict[str, Any]:
    """A form's fields as they are, the last of each name, blank ones left out: what most forms need."""
    return {name: values[-1] for name, values in fields.items() if values[-1].strip()}


def _not_a_number(body: bytes) -> str | None:
    """The field that holds NaN or Infinity, which are no JSON though many programs write them."""
    found = re.search(rb'"(\w{1,40})"\s*:\s*-?(?:NaN|Infinity)\b', body)
    return found.group(1).decode("ascii", "replace") if found else None


def _named(fault: msgspec.ValidationError) -> InvalidInput:
    found = FIELD_IN_MESSAGE.search(str(fault))
    field = next((name for name in found.groups() if name), None) if found else None
    missing = "missing required field" in str(fault)
    reason = "is missing" if missing else "is not right"
    said = re.sub(r" - at `.*", "", str(fault)).replace("`", "")
    message = f"{field} {reason}." if missing and field else f"{field or 'The request'} {reason}: {said}."
    within = PART_IN_MESSAGE.search(str(fault))
    return InvalidInput(
        message, code="missing" if missing else "invalid", field=field, part=within[1] if within else None
    )
