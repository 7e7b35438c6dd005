"""
Taking a record that was joined to another out of it again, whoever asks: an undo, the donor, or an erasure.

    queued ---- links taken away ---- sessions of both ended ---- Gift Aid, statements, Stripe
       `-- crash anywhere: the errand does what is left, and the links first

The links go, and nothing else was ever moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chalicelib import items, keys, writes
from chalicelib.gift_aid import store as gift_aid
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import outbox
from chalicelib.portal import sessions
from chalicelib.processor import customers
from chalicelib.statements import superseding

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class GivingParted(msgspec.Struct, frozen=True, tag=True):
    """
    A record is to be taken out of the main one. `joining` is the change by which it was joined.

    An errand that comes late must not part what was joined anew since.
    """

    record: str
    main: str
    joining: str


def part(record: Donor) -> None:
    """Take a record out of the main one at once; the queue sees to all that follows, and to this if we die here."""
    assert record.joined_to, "it is joined to another"
    job = GivingParted(record.donor_id, record.joined_to, _joining(record))
    outbox.ask(job)
    _take_apart(job)


def finish(job: GivingParted) -> None:
    """All that follows a parting, any number of times. Tax first: Stripe may be down for long."""
    _take_apart(job)
    record = donors.profile(job.record)
    if record and record.joined_to == job.main:
        return
    gift_aid.part(job.record, job.main)
    superseding.parted(job.record, job.main)
    customers.tell_address(job.record)


def writes_for(record: Donor) -> list[TransactWriteItemTypeDef]:
    """The writes, as one transaction, after which neither record names the other."""
    main = donors.profile(record.joined_to)
    assert main, "a record that others were joined to is never deleted"
    of_record, seen_of_record = donors.joined_as(record)
    of_main, seen_of_main = donors.joined_as(main)
    left = [each for each in main.joined if each != record.donor_id]
    change, given = ("SET joined = :left", {":left": left}) if left else ("REMOVE joined", {})
    return [
        writes.change(items.giving(), keys.donor(record.donor_id), "REMOVE joined_to", seen_of_record, of_record),
        writes.change(items.giving(), keys.donor(main.donor_id), change, {**seen_of_main, **given}, of_main),
    ]


def _take_apart(job: GivingParted) -> None:
    """Take the links away, and end every session that could reach both. Joined anew since: nothing."""
    # Others may be joined to the main record, or taken out of it, at the same time.
    if items.again(lambda: _is_apart(job), "what is joined"):
        for each in (job.record, job.main):
            sessions.end_all(each)


def _is_apart(job: GivingParted) -> bool:
    """Whether the record is out of the main one, if need be by this; not if it was joined anew."""
    record = donors.profile(job.record)
    if record is None or record.joined_to != job.main:
        return True
    if _joining(record) != job.joining:
        return False
    items.transact(writes_for(record))
    return True


def _joining(record: Donor) -> str:
    """The latest change of a joined record: while it is joined, there is no other."""
    return record.email_changes[-1] if record.email_changes else ""
