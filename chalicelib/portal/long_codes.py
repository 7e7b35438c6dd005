"""
Codes that say what the token of a mailed link says, to be typed where a link's fragment is of no use.

For a link that works for days: 20 digits are 66 bits, too many to guess at
any rate that the guard lets through. So wrong tries need not end the code,
and nobody can end it for its owner by guessing. Nothing of it is kept but a
keyed hash, under which stands what it is for.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from chalicelib import items, keys, settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import InvalidInput

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

DIGITS = 20


def code(purpose: str, name: str) -> str:
    """The code for `name`, good for `purpose` only, in groups of four. Always the same: a mail may be made twice."""
    number = int.from_bytes(_keyed(f"code:{purpose}:{name}")) % 10**DIGITS
    digits = f"{number:0{DIGITS}d}"
    return " ".join(digits[at : at + 4] for at in range(0, DIGITS, 4))


def keep(purpose: str, name: str, expires_at: int) -> TransactWriteItemTypeDef:
    """The write, as part of a transaction, from which on the code is known, until that second."""
    return items.put_write(items.passing(), {**key(purpose, name), "name": name, "expires_at": expires_at})


def read(purpose: str, typed: str) -> str:
    """What a code is for, however its digits are grouped. Raises InvalidInput."""
    item = items.get(items.passing(), _place(purpose, typed))
    if item is None or item["expires_at"] <= epoch_seconds():
        raise InvalidInput(
            "This code does nothing. It may be mistyped, used, or too old.", code="code_invalid", field="code"
        )
    return str(item["name"])


def key(purpose: str, name: str) -> keys.Key:
    """Where it stands that there is such a code, for it to be taken away."""
    return _place(purpose, code(purpose, name))


def _place(purpose: str, typed: str) -> keys.Key:
    digits = "".join(char for char in typed if char.isascii() and char.isdigit())
    return keys.passing("CODE", _keyed(f"place:{purpose}:{digits}").hex())


def _keyed(text: str) -> bytes:
    return hmac.digest(settings.current().token_secret.encode(), text.encode(), hashlib.sha256)
