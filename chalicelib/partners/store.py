"""Partnerships as they were last seen at Stripe, each under its donor."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from chalicelib import items, keys
from chalicelib.partners.partnership import Partnership

# Two workers and the donor's own click may meet on one partnership; more than
# a few rounds of that is a fault to look at.
TRIES = 6
# A donor with more partnerships than this is not a donor.
MOST = 100


class Seen(msgspec.Struct, frozen=True):
    """
    Whose a partnership is, and which version of it is kept; version 0 is none yet.

    `stands` is None as well if what is kept cannot be read: what is kept anew
    takes its place. `unfinished` from the moment something new is kept until
    all that it calls for was done once: its mail above all. A crash in between
    leaves it standing, so that it is seen.
    """

    donor_id: str = ""
    version: int = 0
    stands: Partnership | None = None
    unfinished: bool = False


def seen(subscription_id: str) -> Seen:
    """What is kept of a subscription now."""
    pointer = items.get(items.giving(), keys.pointer("SUBSCRIPTION", subscription_id))
    if pointer is None:
        return Seen()
    item = items.get(items.giving(), _key(pointer["donor_id"], subscription_id))
    if item is None:
        return Seen(pointer["donor_id"])
    stands = None
    with suppress(msgspec.ValidationError):
        stands = items.as_struct(item, Partnership)
    return Seen(pointer["donor_id"], item["version"], stands, "unfinished" in item)


def replace(stands: Partnership, seen_version: int, *, unfinished: bool = True) -> bool:
    """Keep how a partnership stands unless somebody else wrote since `seen_version`; whether it was kept."""
    item = items.as_item(_key(stands.donor_id, stands.partnership_id), stands) | {"version": seen_version + 1}
    item |= {"unfinished": True} if unfinished else {}
    try:
        if seen_version:
            items.put(items.giving(), item, "version = :seen", {":seen": seen_version})
        else:
            pointer = keys.pointer("SUBSCRIPTION", stands.partnership_id) | {"donor_id": stands.donor_id}
            items.transact([items.put_write(items.giving(), item), items.put_write(items.giving(), pointer)])
    except items.ConditionFailed:
        return False
    return True


def finish(kept: Seen) -> None:
    """Note that all that this version calls for has been done. A later one is for whoever kept it to finish."""
    if kept.stands and kept.unfinished:
        key = _key(kept.donor_id, kept.stands.partnership_id)
        with suppress(items.ConditionFailed):
            items.update(items.giving(), key, "REMOVE unfinished", {":done": kept.version}, "version = :done")


def of_donor(donor_id: str) -> list[Partnership]:
    """The donor's partnerships, the ones that go on first, then the newest."""
    found, _ = items.query(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.PARTNERSHIPS, limit=MOST)
    return _in_order(items.as_struct(item, Partnership) for item in found)


def _in_order(partnerships: Iterable[Partnership]) -> list[Partnership]:
    newest = sorted(partnerships, key=lambda each: each.started_at, reverse=True)
    return sorted(newest, key=lambda each: each.state == "ended")


def of_person(records: tuple[str, ...]) -> list[Partnership]:
    """The partnerships in all of a person's records, in the same order."""
    return _in_order(each for record in records for each in of_donor(record))


def holder(records: tuple[str, ...], subscription_id: str) -> str:
    """In which of a person's records a partnership stands; the main one if in none, where it will be missed."""
    return next((each for each in records[1:] if one(each, subscription_id)), records[0])


def one(donor_id: str, subscription_id: str) -> Partnership | None:
    """One partnership of this donor; another donor's is not looked at."""
    item = items.get(items.giving(), _key(donor_id, subscription_id))
    return items.as_struct(item, Partnership) if item else None


def _key(donor_id: str, subscription_id: str) -> keys.Key:
    return keys.donor(donor_id, f"{keys.PARTNERSHIPS}{subscription_id}")
