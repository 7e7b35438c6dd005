"""
Changing the address of sign-in: proven at the new one, told to the old one, undone from there within a week.

    asked ---- proven at the new one (address_proof.py) ---- changed
                                                                |
            mail to the old address with link and code <--------'
                           `---- within 7 days: the old address again, every session ended

The page only marks the request as proven and queues the rest before it does
it, so a crash anywhere leaves either nothing changed or a worker that ends
what was begun.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib import items, keys, log, settings, tokens, writes
from chalicelib.clock import epoch_seconds
from chalicelib.errors import Conflict, InvalidInput
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import address_proof, long_codes, sessions
from chalicelib.portal.address_proof import EmailAsked
from chalicelib.processor import customers

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

UNDO_WITHIN = timedelta(days=7)
# A donor moves a few times in a life. A change that can still be undone is never dropped for a newer one: whoever took
# an account over could else go on changing until the first undo, its owner's, was of no use.
CHANGES_A_WEEK = 10
# Change and undo are one transaction each, with a write for every address: DynamoDB takes 100.
ADDRESSES_KEPT = 40

# What the token and the code of the mail to the old address are good for.
UNDOING = "undo_email"

OURS_OR_NOBODYS = "attribute_not_exists(pk) OR donor_id = :donor"
AS_IT_WAS = f"email = :seen AND {donors.NO_TOMBSTONE}"


class EmailProven(msgspec.Struct, frozen=True, tag=True):
    """The donor has shown that the new address is theirs. The session `spared` stays."""

    donor_id: str
    change_id: str
    spared: str


class Undo(msgspec.Struct, frozen=True):
    """
    What an undo needs: whose address was which, and which addresses led to the donor before.

    Of a record that was joined to another, `new` is the other's address, and neither is changed. `joined_before` are
    the records that were joined to the donor's before the change: an undo takes out those that came since.
    """

    change_id: str
    donor_id: str
    old: str
    new: str
    hashes_before: tuple[str, ...]
    expires_at: int
    joined_before: tuple[str, ...] = ()


def ask(donor_id: str, email: str) -> None:
    """
    Have link and code sent to the new address. Whether it belongs to anybody is not told before it is proven.

    Raises InvalidInput for the address of now, and Conflict after too many changes.
    """
    donor = donors.profile(donor_id)
    if donor and donor.email == email:
        raise InvalidInput("That is the address you sign in with now.", code="email_unchanged", field="email")
    _refuse_too_many(donor)
    address_proof.ask(donor_id, email, "change")


def offer(job: EmailAsked) -> None:
    """Mail link and code; a new request ends the one before. One that comes again, or too late, does nothing."""
    donor = donors.profile(job.donor_id)
    known = donor is not None and donor.email
    if not known or address_proof.is_late(job) or outbox.was_sent("email_confirm", job.change_id):
        return
    context = address_proof.place(job)
    outbox.send_once("email_confirm", job.change_id, job.email, context)


def confirm(donor_id: str, *, token: str, code: str, spared: str) -> None:
    """
    Make the proven address the donor's. Doing it again after a lost answer is harmless.

    Raises InvalidInput for a wrong or old proof, and Conflict for an address
    under which somebody else's giving stands: money is not moved between
    donors by a mail. Conflict after too many changes, too.
    """
    request = address_proof.proven(donor_id, "change", token=token, code=code)
    _refuse_taken(donor_id, request["email"])
    _refuse_too_many(donors.profile(donor_id))
    outbox.ask(EmailProven(donor_id, request["change_id"], spared))
    make(donor_id, request["change_id"])
    sessions.end_others(donor_id, spared)


def make(donor_id: str, change_id: str) -> None:
    """Change the address if that was proven and is not done yet: profile, pointer and undo, all or nothing."""
    request, donor = address_proof.proven_one(donor_id, change_id), donors.profile(donor_id)
    if request is None or donor is None:
        return
    _refuse_too_many(donor)
    try:
        items.transact(_making(donor, request))
    except items.ConditionFailed:
        _refuse_taken(donor_id, request["email"])
        if find_undo(change_id) is None and not address_proof.is_over(donor_id):
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
    outbox.send_once("email_changed", job.change_id, undo.old, how_to_undo(undo))
    customers.tell_address(job.donor_id)


def how_to_undo(undo: Undo) -> dict[str, object]:
    """What the mail to the old address says."""
    page = f"{settings.current().site_url}/portal/email/undo"
    return {
        "new": _masked(undo.new), "days": UNDO_WITHIN.days,
        "undo_url": f"{page}#token={tokens.sign(UNDOING, undo.change_id)}",
        "undo_page": page, "code": long_codes.code(UNDOING, undo.change_id),
    }  # fmt: skip


def find_undo(change_id: str) -> Undo | None:
    """What undoes a change, while it can be undone."""
    item = items.get(items.passing(), keys.passing("UNDO", change_id))
    return items.as_struct(item, Undo) if item and item["expires_at"] > epoch_seconds() else None


def forget(donor: Donor) -> None:
    """Take away whatever a change under way or an undo still holds of the donor."""
    items.delete(items.passing(), address_proof.key(donor.donor_id))
    for change_id in donor.email_changes:
        for key in undo_keys(change_id):
            items.delete(items.passing(), key)


def undo_keys(change_id: str) -> tuple[keys.Key, ...]:
    """What stands of an undo: what it brings back, and its code."""
    return keys.passing("UNDO", change_id), long_codes.key(UNDOING, change_id)


def _making(donor: Donor, request: items.Item) -> list[Any]:
    new, change_id = keys.email_hash(request["email"]), request["change_id"]
    still_open, undoable = can_be_undone(donor, change_id, request["email"])
    changed = {
        ":new": request["email"],
        ":hashes": list(dict.fromkeys((*donor.every_hash, new))),
        ":changes": still_open,
        ":seen": donor.email,
    }
    whose = {"donor_id": donor.donor_id}
    return [
        address_proof.used(donor.donor_id, change_id),
        writes.change(
            items.giving(), keys.donor(donor.donor_id),
            "SET email = :new, email_hashes = :hashes, email_changes = :changes", changed, AS_IT_WAS,
        ),
        writes.put(items.giving(), keys.pointer("EMAIL", new) | whose, OURS_OR_NOBODYS, {":donor": donor.donor_id}),
        *undoable,
    ]  # fmt: skip


def can_be_undone(donor: Donor, change_id: str, new: str) -> tuple[list[str], list[TransactWriteItemTypeDef]]:
    """The donor's changes that can be undone, this one the last, and the writes by which just these can be."""
    still_open = _open_changes(donor)
    over = [each for each in donor.email_changes if each not in still_open]
    undo = Undo(change_id, donor.donor_id, donor.email, new, donor.every_hash, _undo_ends(), donor.joined)
    return [*still_open, change_id], [
        items.put_write(items.passing(), items.as_item(keys.passing("UNDO", change_id), undo)),
        long_codes.keep(UNDOING, change_id, undo.expires_at),
        *(writes.remove(items.passing(), key) for each in over for key in undo_keys(each)),
    ]


def _refuse_taken(donor_id: str, email: str) -> None:
    if donors.id_by_email(email) not in {None, donor_id}:
        raise Conflict(
            "There is giving under this address already, so it cannot become the address of another donor. Nothing was "
            "changed. To see that giving beside yours, name the address under “Gifts under another address”.",
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


def _undo_ends() -> int:
    return epoch_seconds() + int(UNDO_WITHIN.total_seconds())


def _masked(email: str) -> str:
    """Enough for its owner to know it; the old mailbox may have another reader by now."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"
