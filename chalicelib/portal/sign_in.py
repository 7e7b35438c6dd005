"""
Signing in without a password: a link for the browser that asked, a code for any other.

The page does the same for every address: count, queue, answer. Whether
there is a donor is found out by the worker, whose only answer is a mail.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

import msgspec

from chalicelib import items, keys, log, settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import InvalidInput, NotSignedIn
from chalicelib.giving import donors
from chalicelib.mail import outbox

COOKIE = "asking"
# Long enough to walk to another room's computer, short enough to be of no use tomorrow.
LIFETIME_SECONDS = int(timedelta(minutes=10).total_seconds())
# The queue's five tries take half an hour. Whoever has waited longer has given up or asked anew, and a link out of the
# blue, from a dead letter sent back after days, would frighten them.
WAITED_FOR_SECONDS = int(timedelta(hours=1).total_seconds())
# Five guesses at 8 digits: 1 in 20 million a request, and a request is limited too. Strangers have five and the donor's
# own browsers five, or whoever knows an address could use up its donor's.
CODE_DIGITS, CODE_TRIES = 8, 5

# One for every cause: which it was is nobody's business who cannot sign in.
LINK_REFUSED = (
    "This link does not sign you in. It may have been used, be older than 10 minutes, or belong to another browser: "
    "then type the code from the mail, or ask for a new one."
)
CODE_REFUSED = (
    "This code does not sign you in. It may be mistyped, used, or older than 10 minutes. "
    "After five wrong tries it is of no use any more: then ask for a new one."
)

THE_VERY_ONE = "token_hash = :token AND asking_hash = :asking AND expires_at > :now"
TRIES_LEFT = "attribute_exists(pk) AND expires_at > :now AND tries < :most"
OWN_TRIES_LEFT = "attribute_exists(pk) AND expires_at > :now AND own_tries < :most"
# A stranger's request does not end that of a browser which the donor has used before. One that was mailed to where the
# donor is not reached any more opens nothing, and holds nobody up.
NO_OWN_ONE_WAITS = (
    "attribute_not_exists(pk) OR expires_at <= :now OR attribute_not_exists(own) OR mailed_to <> :mailed_to"
)


class SignInAsked(msgspec.Struct, frozen=True, tag=True):
    """
    Somebody asked at `asked_at` to sign in with this address, from the browser whose cookie has this hash.

    `own`: a browser in which it was signed in to before.
    """

    email: str
    asking_hash: str
    request_id: str
    asked_at: int
    own: bool = False


class Entered(msgspec.Struct, frozen=True):
    """
    Who has shown that they read the mail, by which address it was asked for, and which other records are theirs.

    `mailed_to` is the hash of where that mail went: it signs in only while the donor is reached there.
    """

    donor_id: str
    email_sha256: str
    mailed_to: str
    joined: tuple[str, ...] = ()


def ask(email: str, *, own: bool = False) -> str:
    """Have the mail sent, if there is a donor; give the secret that stays with the asking browser."""
    asking = secrets.token_urlsafe(32)
    outbox.ask(SignInAsked(email, _hash(asking), secrets.token_hex(8), epoch_seconds(), own))
    return asking


def send(job: SignInAsked) -> None:
    """
    Send link and code to a known donor; a new request ends the one before. For an unknown address, nothing.

    They go to where the donor is reached now, whichever of their addresses it was asked for with.
    A stranger's request does nothing for the ten minutes in which one of the
    donor's own browsers waits: else it would end that one again and again.

    A request that comes again after its mail was sent does nothing: it must
    not make the link in that mail useless, nor bring a used one back. So does
    one for which nobody waits any more.
    """
    if epoch_seconds() - job.asked_at > WAITED_FOR_SECONDS:
        log.count("sign_in_too_late")
        return
    if outbox.was_sent("sign_in", job.request_id):
        return
    donor_id = donors.id_by_email(job.email)
    donor = donors.person(donor_id) if donor_id else None
    if donor is None or not donor.email:
        return
    name = keys.email_hash(job.email)
    secret, code = secrets.token_urlsafe(32), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    request = {
        "donor_id": donor.donor_id,
        "mailed_to": keys.email_hash(donor.email),
        "token_hash": _hash(secret),
        "code_hash": _hash_code(name, code),
        "asking_hash": job.asking_hash,
        "tries": 0,
        "own_tries": 0,
        "expires_at": epoch_seconds() + LIFETIME_SECONDS,
        **({"joined": list(donor.joined)} if donor.joined else {}),
    }
    if not _placed(keys.passing("SIGNIN", name) | request, own=job.own):
        log.count("sign_in_waits_elsewhere")
        return
    link = f"{settings.current().site_url}/portal/enter#token={name}.{secret}"
    outbox.send_once("sign_in", job.request_id, donor.email, {"link": link, "code": f"{code[:4]} {code[4:]}"})


def _placed(request: items.Item, *, own: bool) -> bool:
    """Whether the request stands now, in the place of any before."""
    if own:
        items.put(items.passing(), request | {"own": True})
        return True
    try:
        values = {":now": epoch_seconds(), ":mailed_to": request["mailed_to"]}
        items.put(items.passing(), request, NO_OWN_ONE_WAITS, values)
    except items.ConditionFailed:
        return False
    return True


def by_token(token: str, asking: str) -> Entered:
    """
    The donor whose link this is, once, in the browser that asked.

    One conditional delete decides: of eight presses one wins. Raises
    NotSignedIn for any other, without saying why.
    """
    name, _, secret = token.partition(".")
    values = {":token": _hash(secret), ":asking": _hash(asking), ":now": epoch_seconds()}
    try:
        used = items.delete(items.passing(), keys.passing("SIGNIN", name), THE_VERY_ONE, values)
    except items.ConditionFailed:
        used = None
    if used is None:
        raise _refused()
    return _entered(used, name)


def by_code(email: str, code: str, *, own: bool = False) -> Entered:
    """
    The donor whose code this is, in any browser. Five wrong ones end the code.

    The try is counted before the code is compared, so that parallel guesses
    are counted too. The link goes on working where it was asked for, and the
    code in the donor's own browsers, whatever strangers guess.
    """
    name = keys.email_hash(email)
    digits = "".join(char for char in code if char.isdigit())
    key, values = keys.passing("SIGNIN", name), {":one": 1, ":now": epoch_seconds(), ":most": CODE_TRIES}
    try:
        if own:
            request = items.update(items.passing(), key, "ADD own_tries :one", values, OWN_TRIES_LEFT)
        else:
            request = items.update(items.passing(), key, "ADD tries :one", values, TRIES_LEFT)
        if not hmac.compare_digest(request["code_hash"], _hash_code(name, digits)):
            raise _refused(CODE_REFUSED, "code")
        items.delete(items.passing(), key, "code_hash = :code", {":code": request["code_hash"]})
    except items.ConditionFailed as gone:
        raise _refused(CODE_REFUSED, "code") from gone
    return _entered(request, name)


def check_code(code: str) -> None:
    """Raise InvalidInput for what cannot be a code, before a try is counted."""
    if len([char for char in code if char.isascii() and char.isdigit()]) != CODE_DIGITS:
        raise InvalidInput("The code has 8 digits.", code="code_invalid", field="code")


def _entered(request: items.Item, name: str) -> Entered:
    return Entered(str(request["donor_id"]), name, str(request["mailed_to"]), tuple(request.get("joined", ())))


def _refused(why: str = LINK_REFUSED, field: str | None = None) -> NotSignedIn:
    return NotSignedIn(why, code="sign_in_failed", field=field)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _hash_code(name: str, code: str) -> str:
    """A code has few digits, so what is kept of it is keyed: a reader of the table alone cannot try them all."""
    return hmac.new(settings.current().token_secret.encode(), f"{name}:{code}".encode(), hashlib.sha256).hexdigest()
