"""
That a donor who is signed in reads the mail of another address, too: by a link and a code sent there.

    asked ---- mail to that address ---- proven, in a session of who asked (one hour, five tries) ---- what they wished

Only a session of the donor who asked may prove it: else a stranger who presses
the button in an unasked mail would give their own mailbox, and what hangs on
it, to somebody else's record. A donor has one request at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib import items, keys, settings, writes
from chalicelib.clock import epoch_seconds
from chalicelib.errors import InvalidInput
from chalicelib.mail import outbox

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# A new mailbox may make a first mail wait (greylisting); the session proves the rest.
LIFETIME_SECONDS = int(timedelta(hours=1).total_seconds())
CODE_DIGITS, CODE_TRIES = 8, 5

TRIES_LEFT = "attribute_exists(pk) AND expires_at > :now AND tries < :most"
THE_SAME = "change_id = :change"
THE_SAME_AND_PROVEN = "change_id = :change AND proven = :yes"

# To have it as the own address, or to have the giving under it beside the own.
Wish = Literal["change", "join"]
PAGES: dict[Wish, str] = {"change": "/portal/email/confirm", "join": "/portal/other-address/confirm"}


class EmailAsked(msgspec.Struct, frozen=True, tag=True):
    """A donor wants to prove this address, and why."""

    donor_id: str
    email: str
    change_id: str
    asked_at: int
    wish: Wish


def ask(donor_id: str, email: str, wish: Wish) -> None:
    """Have link and code sent to the address, if they are to be; the same for every one."""
    outbox.ask(EmailAsked(donor_id, email, secrets.token_hex(16), epoch_seconds(), wish))


def is_late(job: EmailAsked) -> bool:
    """Whether nobody waits any more."""
    return epoch_seconds() - job.asked_at > LIFETIME_SECONDS


def place(job: EmailAsked) -> dict[str, object]:
    """
    Let the request stand; a new one ends the one before. What the mail carries.

    Whether there is a mail or not: else who asks for two addresses could tell
    by the first one's code whether we know the second.
    """
    secret, code = secrets.token_urlsafe(32), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    request = {
        "change_id": job.change_id,
        "email": job.email,
        "wish": job.wish,
        "token_hash": _hash(job.donor_id, secret),
        "code_hash": _hash(job.donor_id, code),
        "tries": 0,
        "expires_at": epoch_seconds() + LIFETIME_SECONDS,
    }
    items.put(items.passing(), key(job.donor_id) | request)
    return {
        "link": f"{settings.current().site_url}{PAGES[job.wish]}#token={secret}",
        "code": f"{code[:4]} {code[4:]}",
    }


def proven(donor_id: str, wish: Wish, *, token: str, code: str) -> items.Item:
    """
    The request that this proves, marked so. Five tries in all.

    The try is counted before anything is compared, so that parallel guesses
    are counted too. Raises InvalidInput for a wrong or old proof, and for one
    of another wish.
    """
    given, field = (token, "token_hash") if token else ("".join(filter(str.isdigit, code)), "code_hash")
    values = {":one": 1, ":now": epoch_seconds(), ":most": CODE_TRIES}
    try:
        request = items.update(items.passing(), key(donor_id), "ADD tries :one", values, TRIES_LEFT)
        fits = hmac.compare_digest(request[field], _hash(donor_id, given))
        if not fits or request["wish"] != wish:
            raise _refused()
        marked = {":yes": True, ":change": request["change_id"]}
        return items.update(items.passing(), key(donor_id), "SET proven = :yes", marked, THE_SAME)
    except items.ConditionFailed as gone:
        raise _refused() from gone


def proven_one(donor_id: str, change_id: str) -> items.Item | None:
    """The request, if it still stands and was proven."""
    request = items.get(items.passing(), key(donor_id))
    return request if request and request["change_id"] == change_id and request.get("proven") else None


def used(donor_id: str, change_id: str) -> TransactWriteItemTypeDef:
    """The write, as part of a transaction, by which a proven request is done with, once."""
    values = {":change": change_id, ":yes": True}
    return writes.remove(items.passing(), key(donor_id), THE_SAME_AND_PROVEN, values)


def is_over(donor_id: str) -> bool:
    """Whether the request is gone: another worker did it, and it may have been undone since, or the donor erased."""
    return items.get(items.passing(), key(donor_id)) is None


def key(donor_id: str) -> keys.Key:
    """Where a donor's request stands."""
    return keys.passing("NEWEMAIL", donor_id)


def _hash(donor_id: str, secret: str) -> str:
    """A code has few digits, so what is kept of it is keyed: a reader of the table alone cannot try them all."""
    secret_key = settings.current().token_secret.encode()
    return hmac.new(secret_key, f"{donor_id}:{secret}".encode(), hashlib.sha256).hexdigest()


def _refused() -> InvalidInput:
    return InvalidInput(
        "This does not prove the address. It may have been used, be older than an hour, or have been tried too often: "
        "then ask again.",
        code="proof_invalid", field="code",
    )  # fmt: skip
