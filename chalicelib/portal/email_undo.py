"""
The old address again, by the link or the code that was mailed to it.

Whoever had the address longer decides: undoing a change also ends every
later one, and the links that could have undone those.

    a@ -> b@ -> c@      the link at a@: a@ again      the link at b@: of no use any more

Having a record's giving joined to another's is such a change, too, and the
latest: whatever is undone of a record that was joined, it stands by itself again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import items, keys, settings, tokens, writes
from chalicelib.errors import Conflict
from chalicelib.gift_aid import store as gift_aid
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import address_proof, email_change, long_codes, parting, sessions
from chalicelib.portal.email_change import UNDO_WITHIN, UNDOING, Undo
from chalicelib.processor import customers
from chalicelib.statements import superseding

UNCHANGED = "email = :seen AND email_changes = :changes_seen AND attribute_not_exists(erased_at)"
OURS_OR_GONE = email_change.OURS_OR_NOBODYS


class EmailUndone(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """
    Somebody at the old address wants it back. `old` is told once that it is.

    `joined_to` is the record from which theirs was taken back with it.
    """

    donor_id: str
    change_id: str
    old: str
    joined_to: str = ""


def undo(*, token: str, code: str) -> None:
    """
    Restore the old address and end every session.

    Raises InvalidInput for a token that is not ours or older than a week and
    for a code that is not known any more, and Conflict for what was used or overtaken.
    """
    change_id = tokens.read(UNDOING, token, within=UNDO_WITHIN) if token else long_codes.read(UNDOING, code)
    known = email_change.find_undo(change_id)
    donor = donors.profile(known.donor_id) if known else None
    if known is None or donor is None or change_id not in donor.email_changes:
        raise Conflict("This has been used, or is older than a week.", code="undo_over")
    outbox.ask(EmailUndone(known.donor_id, change_id, known.old, donor.joined_to))
    _take_back(donor, known)
    _end_sessions(known.donor_id, donor.joined_to)


def finish(job: EmailUndone) -> None:
    """The rest of an undo, any number of times: the undo itself, every session ended, both told, Stripe told."""
    known, donor = email_change.find_undo(job.change_id), donors.profile(job.donor_id)
    if known and donor and job.change_id in donor.email_changes:
        _take_back(donor, known)
    donor = donors.profile(job.donor_id)
    if donor is None or not donor.email:
        return
    _end_sessions(job.donor_id, job.joined_to)
    portal = f"{settings.current().site_url}/portal"
    context = {"portal_url": portal, "parted": bool(job.joined_to)}
    outbox.send_once("email_restored", job.change_id, job.old, context)
    customers.tell_address(job.donor_id)
    if job.joined_to:
        gift_aid.part(job.donor_id, job.joined_to)
        superseding.look_again(job.joined_to, running=True)


def _end_sessions(*records: str) -> None:
    """Also of the main record to which it was joined: they reached this one, too."""
    for each in filter(None, records):
        sessions.end_all(each)


def _take_back(donor: Donor, known: Undo) -> None:
    """One transaction; if another worker was first, nothing."""
    try:
        items.transact(_taking_back(donor, known))
    except items.ConditionFailed:
        now = donors.profile(donor.donor_id)
        if now and known.change_id in now.email_changes:
            raise


def _taking_back(donor: Donor, known: Undo) -> list[Any]:
    whose = {":donor": donor.donor_id}
    values = {
        ":old": known.old,
        ":hashes": list(known.hashes_before),
        ":changes": list(donor.email_changes[: donor.email_changes.index(known.change_id)]),
        ":seen": donor.email,
        ":changes_seen": list(donor.email_changes),
    }
    gained = [each for each in donor.every_hash if each not in known.hashes_before]
    as_joined, names = donors.joined_as(donor)
    return [
        writes.change(
            items.giving(), keys.donor(donor.donor_id),
            "SET email = :old, email_hashes = :hashes, email_changes = :changes REMOVE joined_to",
            {**values, **names}, f"{UNCHANGED} AND {as_joined}",
        ),
        *([parting.let_go(donor)] if donor.joined_to else []),
        *(writes.remove(items.giving(), keys.pointer("EMAIL", each), OURS_OR_GONE, whose) for each in gained),
        *(writes.remove(items.passing(), each) for each in email_change.undo_keys(known.change_id)),
        writes.remove(items.passing(), address_proof.key(donor.donor_id)),
        *(writes.remove(items.passing(), keys.passing("SIGNIN", each)) for each in donor.every_hash),
    ]  # fmt: skip
