"""Countries to which post can be sent, with their English names (CLDR, by Babel)."""

from __future__ import annotations

import functools

# Two letters that CLDR names, but to which nothing can be posted.
NO_COUNTRIES = frozenset(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"])


@functools.cache
def countries() -> list[tuple[str, str]]:
    """ISO codes and English names, by name."""
    from babel import Locale  # noqa: PLC0415 - one page in twenty needs it

    territories = {str(code): str(name) for code, name in Locale("en").territories.items()}
    codes = (code for code in territories if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES)
    return sorted(((code, territories[code]) for code in codes), key=lambda country: country[1])


def is_country(code: str) -> bool:
    """Whether something can be posted there."""
    return any(code == known for known, _ in countries())
