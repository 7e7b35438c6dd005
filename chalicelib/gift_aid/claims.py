"""
What Gift Aid was claimed on, in entries that are only ever added.

    claim 2027-1        gift A  +50.00     gift B  +20.00
    (B is refunded)
    claim 2027-2        gift B  -20.00     gift C  +10.00

A gift stands claimed on with the sum of its entries. So it is claimed on
once, and what became of it since is put right in the next claim.

Source: HMRC, Charities detailed guidance notes, chapter 3: a charity puts an
over-claim right in its next one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from chalicelib import clock, items, keys, writes
from chalicelib.errors import Conflict

NOT_VOIDED = "attribute_exists(pk) AND attribute_not_exists(voided)"


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim by the name that staff gave it, for gifts of these days. Once it is closed nothing is added to it."""

    name: str
    first: date
    last: date
    begun_at: datetime
    closed_at: datetime | None = None


class Entry(msgspec.Struct, frozen=True):
    """
    What one claim says of one gift, in pence: claimed on, or below zero no longer.

    `number` counts the gift's entries from 1. The row of the schedule is made
    of the declaration, which is kept as long as an entry names it. What is
    taken off names the declaration that it was claimed on.
    """

    claim: str
    charge_id: str
    gift_id: str
    given_on: date
    minor: int
    declaration_id: str
    number: int
    made_at: datetime


def begin(name: str, first: date, last: date) -> Claim:
    """The claim of that name, begun now unless it was before. Raises Conflict if it was for other days."""
    claim = Claim(name, first, last, clock.now())
    try:
        items.put(items.giving(), items.as_item(keys.claim(name), claim), items.ABSENT)
    except items.ConditionFailed as stood:
        assert stood.item, "DynamoDB gives back what was in the way"
        claim = items.as_struct(stood.item, Claim)
    if (claim.first, claim.last) != (first, last):
        raise Conflict(f"The claim {name} is for the gifts of {claim.first} to {claim.last}.", code="other_days")
    return claim


def add(donor_id: str, entry: Entry) -> None:
    """
    Write an entry.

    Raises Conflict if the gift has got one meanwhile, from another claim, or
    if what it is claimed on was taken away.
    """
    key = keys.donor(donor_id, keys.claimed(entry.charge_id, entry.number))
    told = keys.donor(donor_id, keys.declaration(entry.declaration_id))
    rests = [writes.check(items.giving(), told, NOT_VOIDED)] if entry.minor > 0 else []
    try:
        items.transact([items.put_write(items.giving(), items.as_item(key, entry)), *rests])
    except items.ConditionFailed as stood:
        raise Conflict(
            "Another claim is being drawn up, or a declaration was taken away just now. Wait until that is done, and "
            "run this again."
        ) from stood


def close(name: str) -> None:
    """Nothing is added to the claim from now on. Closing twice changes nothing."""
    at = {":at": keys.moment(clock.now())}
    items.update(
        items.giving(), keys.claim(name), "SET closed_at = if_not_exists(closed_at, :at)", at, items.PRESENT
    )  # fmt: skip


def of_donor(donor_id: str) -> list[Entry]:
    """Every entry about the donor's gifts."""
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.CLAIMED)
    return [entry_of(item) for item in found]


def entry_of(item: dict[str, Any]) -> Entry:
    return items.as_struct(item, Entry)
