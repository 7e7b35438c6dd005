"""What a donor takes out of a mail to go on with: the secret in its link, and the code beside it."""

from __future__ import annotations


def token(text: str) -> str:
    """Of the link whose secret stands in the fragment, which no browser sends to a server."""
    return text.split("#token=")[1].split(maxsplit=1)[0]


def code(text: str) -> str:
    """As it is printed in the sign-in mail, in two groups of four digits."""
    return text.split("in any browser:")[1].split("Both", maxsplit=1)[0].strip()
