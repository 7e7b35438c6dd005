"""Sent mail, taken apart so that people and programs can read it."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import msgspec


class Mail(msgspec.Struct, frozen=True):
    """One mail as it left: `sent_at` is its Date header in ISO 8601, empty if it has none."""

    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    sent_at: str


def parse(raw: str) -> Mail:
    """The parts of one MIME mail."""
    message = email.message_from_bytes(raw.encode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        headers={name: str(value) for name, value in message.items()},
        sent_at=_sent_at(message),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""


def _sent_at(message: EmailMessage) -> str:
    date = message["Date"]
    return parsedate_to_datetime(str(date)).isoformat() if date else ""
