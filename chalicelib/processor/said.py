"""
What donors said of a gift, as it travels in Stripe's metadata. Pure: texts in, texts out.

Staff may edit metadata in Stripe's dashboard. A field that cannot be read is
left out, and only that one; vocabulary names it to whoever listens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.giving.gift import About

# In Stripe's metadata all values are texts of at most 500 characters.
# Source: https://docs.stripe.com/metadata
FIELDS = frozenset(field.name for field in msgspec.structs.fields(About))
# Amounts in minor units. Whoever types "60.00" does not mean sixty cents.
AMOUNTS = frozenset(field.name for field in msgspec.structs.fields(About) if type(field.default) is int)
DIGITS = re.compile(r"[0-9]{1,12}")


def written(about: About) -> dict[str, str]:
    """What travels with the payment so that the ledger can be rebuilt from Stripe alone."""
    built = msgspec.to_builtins(about)
    return {name: str(value).lower() if value is True else str(value) for name, value in built.items()}


def read(metadata: Mapping[str, Any]) -> About | None:
    """What was said, as far as it can be read, or None if the object is not one of ours."""
    if not metadata.get("gift_id"):
        return None
    ours = {name: value for name, value in metadata.items() if name in FIELDS and _is_readable(name, value)}
    return msgspec.convert({**ours, "gift_id": str(metadata["gift_id"])}, About, strict=False)


def unreadable(metadata: Mapping[str, Any]) -> list[str]:
    """The fields of ours that cannot be read; none of an object that is not one of ours."""
    if not metadata.get("gift_id"):
        return []
    return [name for name, value in metadata.items() if name in FIELDS and not _is_readable(name, value)]


def _is_readable(name: str, value: object) -> bool:
    if name in AMOUNTS and not DIGITS.fullmatch(str(value)):
        return False
    try:
        msgspec.convert({"gift_id": "-", name: value}, About, strict=False)
    except msgspec.ValidationError:
        return False
    return True
