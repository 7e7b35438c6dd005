"""
Changing the address of sign-in: proven at the new one, told to the old one, undone from there within a week.

    asked ---- mail to the new address ---- proven (one hour, five tries) ---- changed
                                                                                  |
            mail to the old address with link and code <--------------------------'
                           `---- within 7 days: the old address again, every session ended

The page only marks the request as proven and queues the rest before it does
it, so a crash anywhere leaves either nothing changed or a worker that ends
what was begun. Only a session of the donor who asked may prove it: else a
stranger who presses the button in an unasked mail would give their own
mailbox, and their later gifts, to somebody else's record.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib import items, keys, log, settings, tokens, writes
from chalicelib.clock import epoch_seconds
from chalicelib.errors import Conflict, InvalidInput
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import long_codes, sessions
from chalicelib.processor import customers

# A new mailbox may make a first mail wait (greylisting); the session proves the rest.
LIFETIME_SECONDS = int(timedelta(hours=1).total_seconds())
UNDO_WITHIN = timedelta(days=7)
CODE_DIGITS, CODE_TRIES = 8, 5
# A donor moves a few times in a life. A change that can still be undone is never dropped for a newer one: whoever took
# an account over could else go on changing until the first undo, its owner's, was of no use.
CHANGES_A_WEEK = 10
# Change and undo are one transaction each, with a write or two for every address: DynamoDB takes 100.
ADDRESSES_KEPT = 40

# What the token and the code of the mail to the old address are good for.
UNDOING = "undo_email"

TRIES_LEFT = "attribute_exists(pk) AND expires_at > :now AND tries < :most"
THE_SAME = "change_id = :change"
THE_SAME_AND_PROVEN = "change_id = :change AND proven = :yes"
OURS_OR_NOBODYS = "attribute_not_exists(pk) OR donor_id = :donor"
AS_IT_WAS = "email = :seen AND attribute_not_exists(erased_at)"


class EmailAsked(msgspec.Struct, frozen=True, tag=True):
    """A donor wants this address to be theirs."""

    donor_id: str
    email: str
    change_id: str
    asked_at: int


class EmailProven(msgspec.Struct, frozen=True, tag=True):
    """The donor has shown that the new address is theirs. The session `spared` stays."""

    donor_id: str
    change_id: str
    spared: str


class Undo(msgspec.Struct, frozen=True):
    """What an undo needs: whose address was which, and which addresses led to the donor before."""

    change_id: str
    donor_id: str
    old: str
    new: str
    hashes_before: tuple[str, ...]
    expires_at: int


def ask(donor_id: str, email: str) -> None:
    """
    Have link and code sent to the new address. Whether it belongs to anybody is not told before it is proven.

    Raises InvalidInput for the address of now, and Conflict after too many changes.
    """
    donor = donors.profile(donor_id)
    if donor and donor.email == email:
        raise InvalidInput("That is the address you sign in with now.", code="email_unchanged", field="email")
    _refuse_too_many(donor)
    outbox.ask(EmailAsked(donor_id, email, secrets.token_hex(16), epoch_seconds()))


def offer(job: EmailAsked) -> None:
    """Mail link and code; a new request ends the one before. One that comes again, or too late, does nothing."""
    donor = donors.profile(job.donor_id)
    late = epoch_seconds() - job.asked_at > LIFETIME_SECONDS
    if late or donor is None or not donor.email or outbox.was_sent("email_confirm", job.change_id):
        return
    secret, code = secrets.token_urlsafe(32), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    request = {
        "change_id": job.change_id,
        "email": job.email,
        "token_hash": _hash(job.donor_id, secret),
        "code_hash": _hash(job.donor_id, code),
        "tries": 0,
        "expires_at": epoch_seconds() + LIFETIME_SECONDS,
    }
    items.put(items.passing(), _request(job.donor_id) | request)
    link = f"{settings.current().site_url}/portal/email/confirm#token={secret}"
    context = {"link": link, "code": f"{code[:4]} {code[4:]}"}
    outbox.send_once("email_confirm", job.change_id, job.email, context)


def confirm(donor_id: str, *, token: str, code: str, spared: str) -> None:
    """
    Make the proven address the donor's. Doing it again after a lost answer is harmless.

    Raises InvalidInput for a wrong or old proof, and Conflict for an address
    under which somebody else's giving stands: money is not moved between
    donors by a mail. Conflict after too many changes, too.
    """
    request = _proven(donor_id, token, code)
    _refuse_taken(donor_id, request["email"])
    _refuse_too_many(donors.profile(donor_id))
    outbox.ask(EmailProven(donor_id, request["change_id"], spared))
    make(donor_id, request["change_id"])
    sessions.end_others(donor_id, spared)


def make(donor_id: str, change_id: str) -> None:
    """Change the address if that was proven and is not done yet: profile, pointer and undo, all or nothing."""
    request = items.get(items.passing(), _request(donor_id))
    donor = donors.profile(donor_id)
    if request is None or request["change_id"] != change_id or not request.get("proven") or donor is None:
        return
    _refuse_too_many(donor)
    try:
        items.transact(_making(donor, request))
    except items.ConditionFailed:
        _refuse_taken(donor_id, request["email"])
        if find_undo(change_id) is None and not _is_over(donor_id):
            raise


def finish(job: EmailProven) -> None:
    """What follows from a proven address, any number of times: the change itself, the old address told, Stripe told."""
    try:
        make(job.donor_id, job.change_id)
    except Conflict:
        log.count("email_change_overtaken")
    undo = find_undo(job.change_id)
    if undo is None:
        return
    sessions.end_others(job.donor_id, job.spared)
    page = f"{settings.current().site_url}/portal/email/undo"
    context = {
        "new": _masked(undo.new), "days": UNDO_WITHIN.days,
        "undo_url": f"{page}#token={tokens.sign(UNDOING, job.change_id)}",
        "undo_page": page, "code": long_codes.code(UNDOING, job.change_id),
    }  # fmt: skip
    outbox.send_once("email_changed", job.change_id, undo.old, context)
    customers.tell_address(job.donor_id)


def find_undo(change_id: str) -> Undo | None:
    """What undoes a change, while it can be undone."""
    item = items.get(items.passing(), keys.passing("UNDO", change_id))
    return items.as_struct(item, Undo) if item and item["expires_at"] > epoch_seconds() else None


def forget(donor: Donor) -> None:
    """Take away whatever a change under way or an undo still holds of the donor."""
    items.delete(items.passing(), _request(donor.donor_id))
    for change_id in donor.email_changes:
        for key in undo_keys(change_id):
            items.delete(items.passing(), key)


def undo_keys(change_id: str) -> tuple[keys.Key, ...]:
    """What stands of an undo: what it brings back, and its code."""
    return keys.passing("UNDO", change_id), long_codes.key(UNDOING, change_id)


def _proven(donor_id: str, token: str, code: str) -> items.Item:
    """
    The request that this proves, marked so. Five tries in all.

    The try is counted before anything is compared, so that parallel guesses are counted too.
    """
    given, field = (token, "token_hash") if token else ("".join(filter(str.isdigit, code)), "code_hash")
    values = {":one": 1, ":now": epoch_seconds(), ":most": CODE_TRIES}
    try:
        request = items.update(items.passing(), _request(donor_id), "ADD tries :one", values, TRIES_LEFT)
        if not hmac.compare_digest(request[field], _hash(donor_id, given)):
            raise _refused()
        return items.update(
            items.passing(), _request(donor_id), "SET proven = :yes",
            {":yes": True, ":change": request["change_id"]}, THE_SAME,
        )  # fmt: skip
    except items.ConditionFailed as gone:
        raise _refused() from gone


def _making(donor: Donor, request: items.Item) -> list[Any]:
    new, change_id = keys.email_hash(request["email"]), request["change_id"]
    still_open = _open_changes(donor)
    over = [each for each in donor.email_changes if each not in still_open]
    undo = Undo(change_id, donor.donor_id, donor.email, request["email"], donor.every_hash, _undo_ends())
    changed = {
        ":new": request["email"],
        ":hashes": list(dict.fromkeys((*donor.every_hash, new))),
        ":changes": [*still_open, change_id],
        ":seen": donor.email,
    }
    whose = {"donor_id": donor.donor_id}
    return [
        writes.remove(
            items.passing(), _request(donor.donor_id), THE_SAME_AND_PROVEN, {":change": change_id, ":yes": True}
        ),
        writes.change(
            items.giving(), keys.donor(donor.donor_id),
            "SET email = :new, email_hashes = :hashes, email_changes = :changes", changed, AS_IT_WAS,
        ),
        writes.put(items.giving(), keys.pointer("EMAIL", new) | whose, OURS_OR_NOBODYS, {":donor": donor.donor_id}),
        items.put_write(items.passing(), items.as_item(keys.passing("UNDO", change_id), undo)),
        long_codes.keep(UNDOING, change_id, undo.expires_at),
        *(writes.remove(items.passing(), key) for each in over for key in undo_keys(each)),
        # A link that waits in the old mailbox must not sign in any more, whichever address it was asked for with.
        *(writes.remove(items.passing(), keys.passing("SIGNIN", each)) for each in donor.every_hash),
    ]  # fmt: skip


def _refuse_taken(donor_id: str, email: str) -> None:
    if donors.id_by_email(email) not in {None, donor_id}:
        raise Conflict(
            "There is giving under this address already, so it cannot become the address of another donor. Nothing was "
            "changed: sign in with it to see that giving, or write to us.",
            code="email_has_giving", field="email",
        )  # fmt: skip


def _open_changes(donor: Donor) -> list[str]:
    """Those that can be undone, oldest first. Of the others nothing is needed."""
    return [each for each in donor.email_changes if find_undo(each)]


def _refuse_too_many(donor: Donor | None) -> None:
    """The oldest undo belongs to whoever had the address longest: it makes no room for a newer one."""
    if donor and len(donor.every_hash) >= ADDRESSES_KEPT:
        raise Conflict(
            "Your giving has had so many addresses that another one needs us. Nothing was changed: please write to us.",
            code="email_changed_too_often", field="new_email",
        )  # fmt: skip
    if donor and len(_open_changes(donor)) >= CHANGES_A_WEEK:
        raise Conflict(
            "Your address was changed so often within a week that it cannot be changed again yet. Nothing was changed: "
            "please try again in a few days. Was it not you? Then open the mail about the first change.",
            code="email_changed_too_often", field="new_email",
        )  # fmt: skip


def _is_over(donor_id: str) -> bool:
    """Whether the request is gone: another worker did it, and it may have been undone since, or the donor erased."""
    return items.get(items.passing(), _request(donor_id)) is None


def _undo_ends() -> int:
    return epoch_seconds() + int(UNDO_WITHIN.total_seconds())


def _masked(email: str) -> str:
    """Enough for its owner to know it; the old mailbox may have another reader by now."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def _request(donor_id: str) -> keys.Key:
    return keys.passing("NEWEMAIL", donor_id)


def _hash(donor_id: str, secret: str) -> str:
    """A code has few digits, so what is kept of it is keyed: a reader of the table alone cannot try them all."""
    key = settings.current().token_secret.encode()
    return hmac.new(key, f"{donor_id}:{secret}".encode(), hashlib.sha256).hexdigest()


def _refused() -> InvalidInput:
    return InvalidInput(
        "This does not prove the address. It may have been used, be older than an hour, or have been tried too often: "
        "then ask again.",
        code="proof_invalid", field="code",
    )  # fmt: skip
