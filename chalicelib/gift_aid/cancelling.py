"""
When donors cancelled their lasting declarations, kept with the donor for those that still wait for a payment.

    form sent ............ cancelled ............ paid: stands as cancelled then
    form sent ... paid ... cancelled                    ended then
              cancelled ... form sent .......... paid: stands

`note` comes before what stands is looked through, and whoever takes what
waited requires the moments to be as they were read: either sees the other.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib import items, keys
from chalicelib.giving import donors
from chalicelib.items import Item

NEVER_SO_FAR = f"{donors.NOT_ERASED} AND attribute_not_exists(gift_aid_cancelled)"
NOT_SINCE = f"{donors.NOT_ERASED} AND gift_aid_cancelled = :seen"
HAS_ROOM = f"{donors.NOT_ERASED} AND (attribute_not_exists(gift_aid_cancelled) OR size(gift_aid_cancelled) < :most)"

# Nobody cancels as often. Were every press kept, one donor's item could be filled until nothing can be written to it.
MOST = 100


def note(donor_id: str, at: datetime) -> None:
    """
    Keep that the donor cancelled at a moment. Of more than `MOST` the first stay and the newest.

    Nothing for an erased donor: nothing that waits becomes theirs any more.
    """
    key, now = keys.donor(donor_id), keys.moment(at)
    one_more = "SET gift_aid_cancelled = list_append(if_not_exists(gift_aid_cancelled, :none), :now)"
    try:
        items.update(items.giving(), key, one_more, {":none": [], ":now": [now], ":most": MOST}, HAS_ROOM)
    except items.ConditionFailed as full:
        if full.item is None or "erased_at" in full.item:
            return
        _replace_newest(donor_id, now)


def moments(donor_id: str) -> tuple[datetime, ...]:
    """When the donor cancelled, oldest first."""
    donor = donors.profile(donor_id)
    return donor.gift_aid_cancelled if donor else ()


def not_since(seen: tuple[datetime, ...]) -> tuple[str, Item]:
    """The condition on a donor, and its values: not erased, and nothing cancelled since these moments were read."""
    return (NOT_SINCE, {":seen": [keys.moment(each) for each in seen]}) if seen else (NEVER_SO_FAR, {})


def _replace_newest(donor_id: str, now: str) -> None:
    newest = f"SET gift_aid_cancelled[{MOST - 1}] = :now"
    try:
        items.update(items.giving(), keys.donor(donor_id), newest, {":now": now}, donors.NOT_ERASED)
    except items.ConditionFailed:
        return  # erased since
