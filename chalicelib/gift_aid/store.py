"""Declarations as they are kept: under their donor, without an end, changed only by cancelling."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from chalicelib import clock, items, keys
from chalicelib.errors import NotFound
from chalicelib.gift_aid import asked, cancelling
from chalicelib.gift_aid.asked import DeclarationRequest, wording
from chalicelib.gift_aid.declaration import Declaration

__all__ = ["DeclarationRequest", "cancel", "cancel_one", "declare", "of_donor", "part", "standing", "wording"]

NOT_CANCELLED = "attribute_exists(pk) AND attribute_not_exists(cancelled_at)"


def declare(records: tuple[str, ...], wanted: DeclarationRequest, ip: str) -> None:
    """
    Keep what a donor declares in the portal, with the very words; what they declared before stays in the trail.

    It stands in each of the donor's records, under one id: a claim looks for
    it beside the gift. The same one sent twice on a day is one, if no other
    one was made between.
    """
    made = asked.made(asked.checked(wanted), clock.now(), ip)
    for each in records:
        _keep(each, made)


def _keep(donor_id: str, made: Declaration) -> None:
    before = next((each for each in of_donor(donor_id) if not each.gift_id), None)
    if before and _says_the_same(made, before):
        return
    name = hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest()[:16]
    made = msgspec.structs.replace(made, declaration_id=f"{made.made_on.isoformat()}-{name}")
    key = keys.donor(donor_id, keys.declaration(made.declaration_id))
    items.put(items.giving(), items.as_item(key, made), items.ABSENT)


def of_donor(donor_id: str) -> list[Declaration]:
    """All the donor's declarations, newest first, cancelled ones too. There may be one for every gift."""
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.DECLARATIONS)
    return _newest_first(items.as_struct(item, Declaration) for item in found)


def standing(records: tuple[str, ...]) -> list[Declaration]:
    """A donor's declarations that are not cancelled, newest first; one that stands in several records once."""
    told = [each for record in records for each in of_donor(record) if each.cancelled_at is None]
    return _newest_first({each.declaration_id: each for each in reversed(told)}.values())


def cancel(donor_id: str) -> None:
    """
    End every lasting declaration of the donor for gifts from now on. Cancelling twice changes nothing.

    Also one that waits for a payment (`cancelling`). One for a single gift
    says nothing of later ones, and stays as it is.
    """
    at = clock.now()
    cancelling.note(donor_id, at)
    for each in of_donor(donor_id):
        if each.cancelled_at is None and not each.only_this:
            _end(donor_id, each.declaration_id, at)


def cancel_one(records: tuple[str, ...], declaration_id: str) -> None:
    """
    End one declaration in each of the donor's records where it stands; one for a single gift is withdrawn with it.

    Raises NotFound if the donor has no such one.
    """
    sort = keys.declaration(declaration_id)
    holders = [each for each in records if items.get(items.giving(), keys.donor(each, sort))]
    if not holders:
        raise NotFound("There is no such declaration.")
    for each in holders:
        _end(each, declaration_id, clock.now())


def part(record: str, main: str) -> None:
    """End in a record what was declared for it in the main one's portal, when it turned out not to be theirs."""
    mains = {each.declaration_id for each in of_donor(main) if not each.gift_id}
    for each in of_donor(record):
        if each.declaration_id in mains:
            _end(record, each.declaration_id, clock.now())


def _end(donor_id: str, declaration_id: str, at: datetime) -> None:
    key = keys.donor(donor_id, keys.declaration(declaration_id))
    try:
        items.update(items.giving(), key, "SET cancelled_at = :at", {":at": keys.moment(at)}, NOT_CANCELLED)
    except items.ConditionFailed:
        return  # cancelled before, here or elsewhere: that moment stands


def _newest_first(told: Iterable[Declaration]) -> list[Declaration]:
    return sorted(told, key=lambda each: (each.made_at, each.declaration_id), reverse=True)


def _says_the_same(new: Declaration, old: Declaration) -> bool:
    apart = {"declaration_id", "made_at", "ip"}
    same = all(getattr(new, name) == getattr(old, name) for name in new.__struct_fields__ if name not in apart)
    return same and old.cancelled_at is None
