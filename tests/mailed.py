"""What a donor takes out of a mail to go on with: the secret in its link, and the code beside it."""

from __future__ import annotations

import re

# Groups of four digits, two or more.
CODE = re.compile(r"\b\d{4}(?: \d{4})+\b")


def token(text: str) -> str:
    """Of the link whose secret stands in the fragment, which no browser sends to a server."""
    return text.split("#token=")[1].split(maxsplit=1)[0]


def code(text: str) -> str:
    """As it is printed."""
    return CODE.findall(text)[0]
