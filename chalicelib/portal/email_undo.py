"""
The old address again, by the link or the code that was mailed to it.

Whoever had the address longer decides: undoing a change also ends every
later one, and the links that could have undone those.

    a@ -> b@ -> c@      the link at a@: a@ again      the link at b@: of no use any more

Having a record's giving joined to another's is such a change, too, and the
latest: whatever is undone of a record that was joined, it stands by itself
again. And what was joined to a record since the change that is undone, by
whoever had its address then, is taken out of it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import items, keys, settings, tokens, writes
from chalicelib.errors import Conflict
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import address_proof, email_change, long_codes, parting, sessions
from chalicelib.portal.email_change import UNDO_WITHIN, UNDOING, Undo
from chalicelib.processor import customers

UNCHANGED = f"email = :seen AND email_changes = :changes_seen AND {donors.NO_TOMBSTONE}"
OURS_OR_GONE = email_change.OURS_OR_NOBODYS


class EmailUndone(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """
    Somebody at the old address wants it back. `old` is told once that it is.

    `parted`: it was joined to another record when they asked.
    """

    donor_id: str
    change_id: str
    old: str
    parted: bool = False


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
    outbox.ask(EmailUndone(known.donor_id, change_id, known.old, bool(donor.joined_to)))
    _take_back(known)
    sessions.end_all(known.donor_id)


def finish(job: EmailUndone) -> None:
    """The rest of an undo, any number of times: the undo itself, every session ended, both told, Stripe told."""
    known = email_change.find_undo(job.change_id)
    if known:
        _take_back(known)
    donor = donors.profile(job.donor_id)
    if donor is None or not donor.email:
        return
    sessions.end_all(job.donor_id)
    context = {"portal_url": f"{settings.current().site_url}/portal", "parted": job.parted}
    outbox.send_once("email_restored", job.change_id, job.old, context)
    customers.tell_address(job.donor_id)


def _take_back(known: Undo) -> None:
    """Part what is to be parted, then all the rest in one transaction. If another worker was first, nothing."""
    # Whoever took the address may go on joining and changing until it is back.
    items.again(lambda: _restore(known), "a donor's address")


def _restore(known: Undo) -> None:
    donor = donors.profile(known.donor_id)
    if donor is None or known.change_id not in donor.email_changes:
        return
    joined_since = _joined_since(donor, known)
    for each in joined_since:
        parting.part(each)
    if joined_since:
        raise items.ConditionFailed  # it is another record now
    items.transact(_taking_back(donor, known))


def _joined_since(donor: Donor, known: Undo) -> list[Donor]:
    """The records that are to be taken out of their main one: this one, or those that joined it since the change."""
    if donor.joined_to:
        return [donor]
    since = map(donors.profile, (each for each in donor.joined if each not in known.joined_before))
    return [each for each in since if each and each.joined_to == donor.donor_id]


def _taking_back(donor: Donor, known: Undo) -> list[Any]:
    whose = {":donor": donor.donor_id}
    as_joined, seen = donors.joined_as(donor)
    values = {
        ":old": known.old,
        ":hashes": list(known.hashes_before),
        ":changes": list(donor.email_changes[: donor.email_changes.index(known.change_id)]),
        ":seen": donor.email,
        ":changes_seen": list(donor.email_changes),
        **seen,
    }
    gained = [each for each in donor.every_hash if each not in known.hashes_before]
    return [
        writes.change(
            items.giving(), keys.donor(donor.donor_id),
            "SET email = :old, email_hashes = :hashes, email_changes = :changes",
            values, f"{UNCHANGED} AND {as_joined}",
        ),
        *(writes.remove(items.giving(), keys.pointer("EMAIL", each), OURS_OR_GONE, whose) for each in gained),
        *(writes.remove(items.passing(), each) for each in email_change.undo_keys(known.change_id)),
        writes.remove(items.passing(), address_proof.key(donor.donor_id)),
    ]  # fmt: skip
