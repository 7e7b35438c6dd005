"""What people type: no control characters, no card numbers, no text that breaks a page, a mail or a CSV."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

from chalicelib.errors import InvalidInput

# Made by programs, not typed by people, and allowed to look like anything.
OPAQUE_FIELDS = frozenset({"gift_id", "token", "form_token", "code", "challenge"})
# 13 to 19 digits, in groups or not (ISO/IEC 7812); a leading + makes it a telephone number.
CARD_LIKE = re.compile(r"(?<![\d+])(?:\d[ -]?){12,18}\d(?!\d)")
# Line breaks are for notes; the other controls, and the marks that reverse reading order, are for nobody.
UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_struct(value: Any) -> Any:
    """Check every text in a Struct, nested ones too, and give it back. Raises InvalidInput naming the field."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _check(getattr(value, name), name)
    return value


def checked(text: str, field: str, *, cards: bool = True) -> str:
    """The text itself. Raises InvalidInput if a character or a card number in it must not be kept."""
    if any(unicodedata.category(char) in UNWANTED or char in REORDERING for char in text if char not in "\n\r\t"):
        raise InvalidInput("There is a character here that we cannot take.", code="text_invalid", field=field)
    if cards and has_card_number(text):
        raise InvalidInput(
            "This looks like a card number. Card details go only on the payment page.", code="card_number", field=field
        )
    return text


def one_line(text: str, field: str) -> str:
    """The text with its ends trimmed. Raises InvalidInput if it has line breaks: it may go into a mail header."""
    if any(char in text for char in "\n\r\t"):
        raise InvalidInput("Write this on one line.", code="text_invalid", field=field)
    return text.strip()


def has_card_number(text: str) -> bool:
    """Whether a run of digits in the text passes the check that card numbers pass (ISO/IEC 7812-1 annex B)."""
    candidates = (re.sub(r"\D", "", found) for found in CARD_LIKE.findall(text))
    return any(number[0] in "3456" and _luhn(number) for number in candidates)


def _check(value: Any, field: str) -> None:
    if isinstance(value, str) and field not in OPAQUE_FIELDS:
        checked(value, field)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check(each, field)
    elif isinstance(value, dict):
        _check([*value, *value.values()], field)
    else:
        check_struct(value)


def _luhn(number: str) -> bool:
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(number)))
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0
