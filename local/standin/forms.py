"""Stripe's bracketed form encoding: `items[0][price]=x` and `expand[]=y` into nested values."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from local.standin.refusals import malformed


def decode(encoded: str) -> dict[str, Any]:
    """Hashes by name; indexed lists stay hashes of digits, which `params.many` reads. Raises Refused."""
    return nest(parse_qsl(encoded, keep_blank_values=True))


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in pairs:
        _put(root, name, _steps(name), value)
    return root


def _steps(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    return [head, *(rest[:-1].split("][") if rest.endswith("]") else [])]


def _put(holder: dict[str, Any], name: str, steps: list[str], value: str) -> None:
    for at, step in enumerate(steps[:-1]):
        if steps[at + 1] == "" and at + 2 == len(steps):
            listed = holder.setdefault(step, [])
            if not isinstance(listed, list):
                raise malformed(f"Invalid parameter: {name}", name)
            listed.append(value)
            return
        holder = holder.setdefault(step, {})
        if not isinstance(holder, dict):
            raise malformed(f"Invalid parameter: {name}", name)
    holder[steps[-1]] = value
