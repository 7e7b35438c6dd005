"""Reading parameters strictly: what Stripe would refuse is refused, and so is what the stand-in does not play."""

from collections.abc import Callable, Mapping
from typing import Any

from local.standin.refusals import malformed, missing, unknown

Reader = Callable[[Any, str], Any]

LONGEST_TEXT = 5000
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500


def text(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise malformed(f"Invalid string: {value}", name)
    if value == "":
        raise malformed(f"You passed an empty string for '{name}'. We assume empty values are an attempt to "
                        f"unset a parameter; however '{name}' cannot be unset.", name, "parameter_invalid_empty")
    if len(str(value)) > LONGEST_TEXT:
        raise malformed(f"Invalid string: must be at most {LONGEST_TEXT} characters", name)
    return str(value)


def free_text(value: Any, name: str) -> str | None:
    """Text that an empty string unsets."""
    return None if value == "" else text(value, name)


def whole(value: Any, name: str) -> int:
    try:
        return int(value if not isinstance(value, (bool, float)) else "no")
    except (TypeError, ValueError):
        raise malformed(f"Invalid integer: {value}", name, "parameter_invalid_integer") from None


def flag(value: Any, name: str) -> bool:
    known = {"true": True, "false": False, True: True, False: False}
    if not isinstance(value, (str, bool)) or value not in known:
        raise malformed(f"Invalid boolean: {value}", name)
    return known[value]


def one_of(*allowed: str) -> Reader:
    def read(value: Any, name: str) -> str:
        if value not in allowed:
            raise malformed(f"Invalid {name}: must be one of {', '.join(allowed)}", name)
        return value
    return read


def many(each: Reader) -> Reader:
    """A list, sent as `name[]`, as `name[0]`, or in process as a list."""
    def read(value: Any, name: str) -> list[Any]:
        if isinstance(value, Mapping) and all(str(key).isdigit() for key in value):
            value = [value[key] for key in sorted(value, key=int)]
        if not isinstance(value, list):
            raise malformed("Invalid array", name)
        return [each(one, f"{name}[{i}]") for i, one in enumerate(value)]
    return read


def group(required: tuple[str, ...] = (), **fields: Reader) -> Reader:
    """A hash with exactly these fields."""
    def read(value: Any, name: str = "") -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise malformed("Invalid object", name)
        named = {key: f"{name}[{key}]" if name else str(key) for key in (*value, *required)}
        for key in value:
            if key not in fields:
                raise unknown(named[key])
        for key in required:
            if key not in value:
                raise missing(named[key])
        return {key: fields[key](each, named[key]) for key, each in value.items()}
    return read


def or_empty(reader: Reader) -> Reader:
    """What the reader reads, or the empty string that unsets it."""
    return lambda value, name: None if value == "" else reader(value, name)


def metadata(value: Any, name: str) -> dict[str, str]:
    """Strings by name; an empty value marks a key to be deleted, an empty hash clears all (answered as None)."""
    if value == "":
        return {"": ""}
    if not isinstance(value, Mapping):
        raise malformed("Invalid object", name)
    for key, each in value.items():
        if len(str(key)) > METADATA_KEY_LENGTH:
            raise malformed(f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters, but you passed in a "
                            f"key that is {len(str(key))} characters. Invalid key: {key}", name)
        if isinstance(each, (Mapping, list)) or len(str(each)) > METADATA_VALUE_LENGTH:
            raise malformed(f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters, but you passed in "
                            f"a value that is {len(str(each))} characters.", f"{name}[{key}]")
    return {str(key): str(each) for key, each in value.items()}


def merged(old: Mapping[str, str], new: Mapping[str, str] | None) -> dict[str, str]:
    """Stripe's merge: named keys change, empty ones go, the others stay. Raises Refused above fifty keys."""
    if new is None:
        return dict(old)
    if new == {"": ""}:
        return {}
    together = {key: each for key, each in {**old, **new}.items() if each != ""}
    if len(together) > METADATA_KEYS:
        raise malformed(f"You can only have up to {METADATA_KEYS} metadata keys", "metadata")
    return together


def moment_range(value: Any, name: str) -> dict[str, int]:
    """`created`: one second, or any of gt, gte, lt and lte."""
    if isinstance(value, Mapping):
        return group(gt=whole, gte=whole, lt=whole, lte=whole)(value, name)
    return {"gte": whole(value, name), "lte": whole(value, name)}


address = group(city=free_text, country=free_text, line1=free_text, line2=free_text,
                postal_code=free_text, state=free_text)
EXPAND: dict[str, Any] = {"expand": many(text)}
PAGE: dict[str, Any] = {"limit": whole, "starting_after": text, "ending_before": text, **EXPAND}
