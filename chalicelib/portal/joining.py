"""
A donor's giving under another address, joined to theirs once that address is proven.

    asked ---- proven at that address (address_proof.py) ---- linked ---- both told; that address has 7 days to undo it

Linked, not copied: each record keeps its gifts, its monthly gifts and its
statements. The other record names the main one, whose profile then speaks for
the person, and the main one lists it. Nothing but this proof joins records:
no name, no card, no postal address.

It must be the address with which the other record is signed in to: a past
address of somebody's may have been given to somebody else since.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import items, keys, log, settings, writes
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import address_proof, email_change, parting, sessions
from chalicelib.portal.address_proof import EmailAsked
from chalicelib.portal.email_change import AS_IT_WAS, Undo
from chalicelib.processor import customers
from chalicelib.statements import superseding, yearly

# Each page reads them one after another. Nobody has given under so many addresses.
MOST_RECORDS = 10


class GivingProven(msgspec.Struct, frozen=True, tag=True):
    """The donor has shown that the giving under another address is theirs. The session `spared` stays."""

    donor_id: str
    change_id: str
    spared: str


def ask(donor_id: str, email: str) -> None:
    """
    Have link and code sent to the address, if giving stands under it that is not the donor's yet.

    Whether it does is not told: the same is done here for every address.
    Raises Conflict for more records than one person may have.
    """
    _refuse_too_many(donors.profile(donor_id))
    address_proof.ask(donor_id, email, "join")


def offer(job: EmailAsked) -> None:
    """Mail link and code if there is something to join. One that comes again, or too late, does nothing."""
    if address_proof.is_late(job) or outbox.was_sent("giving_confirm", job.change_id):
        return
    context, other = address_proof.place(job), _other(job.donor_id, job.email)
    if other:
        outbox.send_once("giving_confirm", job.change_id, other.email, context)


def confirm(donor_id: str, *, token: str, code: str, spared: str) -> tuple[str, ...]:
    """
    Join the giving under the proven address to the donor's, and give the records that are theirs now.

    Raises InvalidInput for a wrong or old proof, and Conflict where that is
    another's by now, others are joined to it, or the donor's to others.
    """
    request = address_proof.proven(donor_id, "join", token=token, code=code)
    _joinable(donors.profile(donor_id), _other(donor_id, request["email"]))
    job = GivingProven(donor_id, request["change_id"], spared)
    outbox.ask(job)
    make(donor_id, request["change_id"])
    if _made(job) is None:
        raise _over()
    return _let_only_one_reach(job)


def make(donor_id: str, change_id: str) -> None:
    """Link the two records if that was proven and is not done yet: all or nothing."""
    # Another of the donor's browsers may join, or an owner undo, at the same time.
    items.again(lambda: _link(donor_id, change_id), "what is to be joined")


def finish(job: GivingProven) -> None:
    """
    What follows, any number of times: the link itself, sessions ended, statements, both addresses told, Stripe told.

    Nothing does of one that was undone meanwhile.
    """
    try:
        make(job.donor_id, job.change_id)
    except Conflict:
        log.count("joining_overtaken")
    undo = _made(job)
    if undo is None:
        return
    _let_only_one_reach(job)
    yearly.look_again(job.donor_id)
    superseding.look_again(job.donor_id)
    outbox.send_once("giving_joined", job.change_id, undo.old, email_change.how_to_undo(undo))
    outbox.send_once("giving_added", job.change_id, undo.new, _how_to_take_out(undo.old))
    customers.tell_address(job.donor_id)


def take_out(donor_id: str, email: str) -> None:
    """
    Take the giving that is signed in to with this address out of the donor's again, and end their sessions.

    Raises NotFound for an address whose giving is not joined to theirs, or was taken out before.
    """
    wanted = keys.email_hash(email)
    found = [each for each in map(donors.profile, donors.records(donor_id)) if each and each.joined_to == donor_id]
    joined = [each for each in found if keys.email_hash(each.email) == wanted]
    if not joined:
        raise NotFound("No giving under this address is joined to yours. It may have been taken out already.")
    for each in joined:
        parting.part(each)


def _made(job: GivingProven) -> Undo | None:
    """What undoes the link, if it was made and stands: an earlier change of the other record may have been undone."""
    undo = email_change.find_undo(job.change_id)
    other = donors.profile(undo.donor_id) if undo else None
    stands = other and other.joined_to == job.donor_id and job.change_id in other.email_changes
    return undo if stands else None


def _how_to_take_out(email: str) -> dict[str, object]:
    """What the mail to the donor's own address says."""
    return {"other": email, "page": f"{settings.current().site_url}/portal/other-address"}


def addresses(records: tuple[str, ...]) -> list[str]:
    """The addresses whose giving was joined to the main record, as they were signed in with."""
    return [each.email for each in map(donors.profile, records[1:]) if each]


def _let_only_one_reach(job: GivingProven) -> tuple[str, ...]:
    """Every session but the one at hand ends, and that one reaches all that is the donor's now, which is given."""
    main, *joined = donors.records(job.donor_id)
    sessions.end_others(job.donor_id, job.spared)
    for each in joined:
        sessions.end_all(each)
    sessions.reach(job.donor_id, job.spared, tuple(joined))
    return (main, *joined)


def _other(donor_id: str, email: str) -> Donor | None:
    """The record of which this is the address, if it is another's and can be joined at all."""
    found = donors.id_by_email(email)
    other = donors.profile(found) if found and found != donor_id else None
    if other is None or other.erased_at or other.joined_to:
        return None
    return other if other.email and keys.email_hash(other.email) == keys.email_hash(email) else None


def _link(donor_id: str, change_id: str) -> None:
    request, main = address_proof.proven_one(donor_id, change_id), donors.profile(donor_id)
    if request is None or main is None:
        return
    other = _joinable(main, _other(donor_id, request["email"]))
    items.transact(_linking(main, other, change_id))


def _linking(main: Donor, other: Donor, change_id: str) -> list[Any]:
    changes, undoable = email_change.can_be_undone(other, change_id, main.email)
    main_as_read, of_main = donors.joined_as(main)
    other_as_read, of_other = donors.joined_as(other)
    return [
        address_proof.used(main.donor_id, change_id),
        # What its donor asked for before would make a chain of them, or take the address of this record away.
        writes.remove(items.passing(), address_proof.key(other.donor_id)),
        writes.change(
            items.giving(), keys.donor(main.donor_id), "SET joined = :all",
            {":all": [*main.joined, other.donor_id], ":seen": main.email, **of_main}, f"{AS_IT_WAS} AND {main_as_read}",
        ),
        writes.change(
            items.giving(), keys.donor(other.donor_id), "SET joined_to = :main, email_changes = :changes",
            {":main": main.donor_id, ":changes": changes, ":seen": other.email, **of_other},
            f"{AS_IT_WAS} AND {other_as_read}",
        ),
        *undoable,
    ]  # fmt: skip


def _joinable(main: Donor | None, other: Donor | None) -> Donor:
    """The other record, if it can be joined to this one. Raises Conflict."""
    _refuse_too_many(main)
    if other is None or (main and main.joined_to):
        raise _over()
    if other.joined:
        raise Conflict(
            "Giving of other addresses is joined to the giving under this one. Nothing was changed: sign in with that "
            "address, and join the giving under your present one to it.",
            code="joined_already", field="code",
        )  # fmt: skip
    return other


def _over() -> Conflict:
    return Conflict(
        "The giving under this address cannot be joined any more: its address may have changed, or been joined "
        "otherwise, since you asked.",
        code="joining_over", field="code",
    )  # fmt: skip


def _refuse_too_many(donor: Donor | None) -> None:
    if donor and len(donor.records) >= MOST_RECORDS:
        raise Conflict(
            f"Your giving is joined from {MOST_RECORDS} addresses already. Nothing was changed: please write to us.",
            code="too_many_joined", field="other_email",
        )  # fmt: skip
