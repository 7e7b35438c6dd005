"""
Declarations as they are kept: under their donor, without an end, changed only by cancelling.

A donor of several records declares for all of them, in one transaction and
under one id, for a claim looks beside the gift. If one of them is taken out
again, its copy ends as if it had never been: what it covers is a stranger's.

    main record    declared ....................... stays
    joined record  copy, `declared_in` the main one  taken out: gone, or voided if a claim names it
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec

from chalicelib import clock, items, keys, writes
from chalicelib.errors import Conflict, NotFound
from chalicelib.gift_aid import asked, cancelling, claims
from chalicelib.gift_aid.asked import DeclarationRequest, wording
from chalicelib.gift_aid.declaration import Declaration
from chalicelib.giving import donors

__all__ = ["DeclarationRequest", "cancel", "cancel_one", "declare", "of_donor", "part", "standing", "wording"]

NOT_CANCELLED = "attribute_exists(pk) AND attribute_not_exists(cancelled_at)"
VOIDED = "SET voided = :yes, cancelled_at = if_not_exists(cancelled_at, :at)"
STILL_JOINED = "joined_to = :main"


def declare(records: tuple[str, ...], wanted: DeclarationRequest, ip: str) -> None:
    """
    Keep what a donor declares in the portal, with the very words; what they declared before stays in the trail.

    The same one sent twice on a day is one, if no other one was made between
    and every record has it. Raises Conflict if a record was taken out just
    then, or the donor was forgotten: no name and home come to stand under a tombstone.
    """
    made = asked.made(asked.checked(wanted), clock.now(), ip)
    copies = {each: _as_in(each, records[0], made) for each in records}
    if _stands_already(copies):
        return
    name = hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest()[:16]
    _keep(copies, f"{made.made_on.isoformat()}-{name}", records[0])


def _keep(copies: dict[str, Declaration], declaration_id: str, main: str) -> None:
    """Each copy in its record, all or none, and only while those are joined: a later copy nobody would look for."""
    made = [writes.check(items.giving(), keys.donor(main), donors.NOT_ERASED)]
    for record, told in copies.items():
        key = keys.donor(record, keys.declaration(declaration_id))
        made.append(items.put_write(items.giving(), items.as_item(key, told) | {"declaration_id": declaration_id}))
        if record != main:
            made.append(writes.check(items.giving(), keys.donor(record), STILL_JOINED, {":main": main}))
    try:
        items.transact(made)
    except items.ConditionFailed as parted:
        raise Conflict("What is yours has changed just now. Please sign in again.", code="records_changed") from parted


def _as_in(record: str, main: str, made: Declaration) -> Declaration:
    return made if record == main else msgspec.structs.replace(made, declared_in=main)


def _stands_already(copies: dict[str, Declaration]) -> bool:
    """Whether the newest that was made in the portal is one and the same in every record, and says this."""
    newest = {each: next((told for told in of_donor(each) if not told.gift_id), None) for each in copies}
    same = all(told and _says_the_same(copies[each], told) for each, told in newest.items())
    return same and len({told.declaration_id for told in newest.values() if told}) == 1


def of_donor(donor_id: str) -> list[Declaration]:
    """
    All the donor's declarations, newest first, cancelled ones too. There may be one for every gift.

    None that was voided: it was never theirs.
    """
    return [each for each in _all(donor_id) if not each.voided]


def _all(donor_id: str) -> list[Declaration]:
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
    found = {each: items.get(items.giving(), keys.donor(each, sort)) for each in records}
    holders = [each for each, item in found.items() if item and "voided" not in item]
    if not holders:
        raise NotFound("There is no such declaration.")
    for each in holders:
        _end(each, declaration_id, clock.now())


def part(record: str, main: str) -> None:
    """
    Void in a record what was declared for it in the main one's portal: it was another's, for earlier gifts too.

    What no claim names goes. What one names stays for HMRC, and the next claim
    takes off what was claimed on it. Called after the links are gone, any number
    of times, whatever became of the main one: nothing happens to a record that
    is joined to it again by then.

        voided ........ claims read ........ deleted
           any entry later is refused: what it names is void (`claims.add`)
    """
    copies = [each.declaration_id for each in _all(record) if each.declared_in == main]
    if not copies or _is_joined(record, main):
        return
    for each in copies:
        _void(record, each)
    claimed = {entry.declaration_id for entry in claims.of_donor(record)}
    for each in copies:
        if each not in claimed:
            items.delete(items.giving(), keys.donor(record, keys.declaration(each)))


def _is_joined(record: str, main: str) -> bool:
    donor = donors.profile(record)
    return donor is not None and donor.joined_to == main


def _void(record: str, declaration_id: str) -> None:
    key, values = keys.donor(record, keys.declaration(declaration_id)), {":yes": True, ":at": keys.moment(clock.now())}
    with suppress(items.ConditionFailed):  # deleted by another worker that does the same
        items.update(items.giving(), key, VOIDED, values, items.PRESENT)


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
