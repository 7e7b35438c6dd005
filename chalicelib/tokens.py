"""Signed texts for links in mails: they name a thing and a purpose, and cannot be made by anybody else."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import clock, settings
from chalicelib.errors import InvalidInput


def sign(purpose: str, name: str) -> str:
    """A token that says `name`, good only for `purpose`. It carries when it was made."""
    return _signer(purpose).dumps([name, clock.epoch_seconds()])  # type: ignore[no-any-return, attr-defined]


def read(purpose: str, token: str, *, within: timedelta | None = None) -> str:
    """The name in a token. Raises InvalidInput if it is not ours, is for something else, or is older than `within`."""
    from itsdangerous import BadData  # noqa: PLC0415

    try:
        name, made_at = _signer(purpose).loads(token)  # type: ignore[attr-defined]
    except (BadData, ValueError, TypeError, RecursionError) as fault:
        raise InvalidInput(
            "This link is not complete. Please copy it whole.", code="token_invalid", field="token"
        ) from fault
    if within and clock.epoch_seconds() - made_at > within.total_seconds():
        raise InvalidInput("This link is too old. Please ask for a new one.", code="token_expired", field="token")
    return str(name)


def _signer(purpose: str) -> object:
    from itsdangerous import URLSafeSerializer  # noqa: PLC0415

    return URLSafeSerializer(settings.current().token_secret, salt=purpose)
