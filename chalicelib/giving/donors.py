"""Who gave. A donor is found by Stripe customer or by address, and made once."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import date, datetime

import msgspec

from chalicelib import items, keys
from chalicelib.clock import now
from chalicelib.giving import erased

NO_TOMBSTONE = "attribute_not_exists(erased_at)"
# A change may be under way while its donor is erased: nothing of a person may come to stand under their tombstone.
NOT_ERASED = f"{items.PRESENT} AND {NO_TOMBSTONE}"
# The donor may fill in an address while one is taken over.
NO_STREET_YET = f"{NOT_ERASED} AND (attribute_not_exists(address.line1) OR address.line1 = :none)"


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """A postal address; `country` is an ISO 3166-1 alpha-2 code."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def reaches(self) -> bool:
        """Whether a letter would arrive."""
        return all(map(says, (self.line1, self.city, self.postal_code, self.country)))


def says(part: str) -> bool:
    """Whether a part of an address says anything: a blank or a dash, typed because a form insisted, does not."""
    return any(map(str.isalnum, part))


class Donor(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What is kept of a donor besides their gifts. `email` is as the donor writes it.

    `email_hashes` are all addresses that lead to the donor, once one of them
    was changed; `email_changes` those that can be undone, oldest first;
    `gift_aid_cancelled` when they cancelled their Gift Aid declarations.
    `joined` are the records of the same person's giving under other addresses,
    and each of those says `joined_to` which one. Of an erased donor nothing is
    left but `erased_at`, until when the gifts must be kept, and a name and
    address only where the law wants them with the gifts; `farewell` is where
    the last mail goes, and is gone with it.
    """

    donor_id: str
    email: str = ""
    name: str = ""
    phone: str = ""
    address: Address = Address()
    language: str = ""
    customer_id: str = ""
    receipt_name: str = ""
    email_hashes: tuple[str, ...] = ()
    email_changes: tuple[str, ...] = ()
    gift_aid_cancelled: tuple[datetime, ...] = ()
    joined: tuple[str, ...] = ()
    joined_to: str = ""
    farewell: str = ""
    erased_at: datetime | None = None
    kept_until: date | None = None

    @property
    def named_on_receipts(self) -> str:
        """The name that receipts and statements carry."""
        return self.receipt_name or self.name

    @property
    def every_hash(self) -> tuple[str, ...]:
        """The hashes of every address that leads here."""
        return self.email_hashes or ((keys.email_hash(self.email),) if self.email else ())

    @property
    def records(self) -> tuple[str, ...]:
        """The ids of this record and of those joined to it."""
        return (self.donor_id, *self.joined)


def profile(donor_id: str) -> Donor | None:
    """The donor of this id, or None."""
    item = items.get(items.giving(), keys.donor(donor_id))
    return items.as_struct(item, Donor) if item else None


def person(donor_id: str) -> Donor | None:
    """
    The main record of the person whose record this is: how they are called, and where they are reached.

    It is the record itself unless it was joined to another. Those are never joined any further.
    """
    found = profile(donor_id)
    return profile(found.joined_to) if found and found.joined_to else found


def records(donor_id: str) -> tuple[str, ...]:
    """The ids of all records of the person whose record this is, the main one first."""
    found = person(donor_id)
    return found.records if found else (donor_id,)


def joined_as(seen: Donor) -> tuple[str, items.Item]:
    """The condition on a record, and its values: it is joined to the same one as was seen, and the same are to it."""
    wanted = {"joined": list(seen.joined), "joined_to": seen.joined_to}
    parts = [f"{name} = :{name}" if value else f"attribute_not_exists({name})" for name, value in wanted.items()]
    return " AND ".join(parts), {f":{name}": value for name, value in wanted.items() if value}


def id_by_email(address: str) -> str | None:
    """The donor who has proven or paid with this address."""
    return _pointed(keys.pointer("EMAIL", keys.email_hash(address)))


def id_by_customer(customer_id: str) -> str | None:
    """The donor behind a Stripe customer."""
    return _pointed(keys.pointer("CUSTOMER", customer_id))


def found_or_made(payer: Donor, begun_at: datetime | None = None) -> str:
    """
    The id of the donor who is `payer`, made if there is none yet.

    The pointers decide, in one transaction with the profile: of two workers
    with the same new donor one makes it and the other finds it. Somebody who
    was erased after `begun_at`, the moment at which paying was begun, is found
    as their tombstone; without it paying begins now.
    """
    begun_at = begun_at or now()
    # Another worker may just have made it, or erased it.
    return items.again(lambda: _known(payer, begun_at) or _make(payer, begun_at), "who the payer is")


def take_address(donor_id: str, typed: Address) -> None:
    """
    Keep the address that a donor typed where they paid, if they have none of their own here.

    A postal code and a country, which is what comes with a card, are none
    yet. What they change in the portal meanwhile goes first.
    """
    donor = person(donor_id)
    if donor is None or donor.erased_at or donor.address.line1:
        return
    values = {":typed": msgspec.to_builtins(typed), ":none": ""}
    with suppress(items.ConditionFailed):
        items.update(items.giving(), keys.donor(donor.donor_id), "SET address = :typed", values, NO_STREET_YET)


def is_erased(donor_id: str) -> bool:
    """Whether a tombstone is all that stands of the donor."""
    donor = profile(donor_id)
    return bool(donor and donor.erased_at)


def _known(payer: Donor, begun_at: datetime) -> str | None:
    by_customer = id_by_customer(payer.customer_id) if payer.customer_id else None
    if by_customer:
        return by_customer
    by_email = _known_by_email(payer.email, begun_at) if payer.email else None
    if by_email and payer.customer_id:
        _point(keys.pointer("CUSTOMER", payer.customer_id), by_email)
    return by_email


def _known_by_email(address: str, begun_at: datetime) -> str | None:
    """
    Who paid with this address at that moment.

    Asked in this order: whoever has the address now may be somebody new only
    if the erasure that freed it is there to be found.
    """
    has_it_now = id_by_email(address)
    return erased.whose(keys.email_hash(address), begun_at) or has_it_now


def _make(payer: Donor, begun_at: datetime) -> str:
    donor_id = secrets.token_hex(16)
    made = msgspec.structs.replace(payer, donor_id=donor_id)
    item = items.as_item(keys.donor(donor_id), made) | {"made_at": keys.moment(now())}
    pointers = [{**key, "donor_id": donor_id} for key in _pointers(payer)]
    made_of = [items.put_write(items.giving(), each) for each in (item, *pointers)]
    if payer.email:
        made_of.append(erased.nobodys(keys.email_hash(payer.email), begun_at))
    items.transact(made_of)
    return donor_id


def _pointers(payer: Donor) -> list[keys.Key]:
    found = []
    if payer.email:
        found.append(keys.pointer("EMAIL", keys.email_hash(payer.email)))
    if payer.customer_id:
        found.append(keys.pointer("CUSTOMER", payer.customer_id))
    return found


def _point(key: keys.Key, donor_id: str) -> None:
    try:
        items.put(items.giving(), {**key, "donor_id": donor_id}, items.ABSENT)
    except items.ConditionFailed:
        return  # pointed already: whoever came first decided


def _pointed(key: keys.Key) -> str | None:
    item = items.get(items.giving(), key)
    return str(item["donor_id"]) if item else None
