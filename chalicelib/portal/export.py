"""A copy of everything that is held of a donor, put where a browser may fetch it for five minutes."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from chalicelib import charity, clock, items, keys
from chalicelib.errors import Conflict, NotSignedIn
from chalicelib.gift_aid import pending
from chalicelib.gift_aid.declaration import OF_THE_DECLARANT
from chalicelib.giving import donors, erased, gift_view, spreadsheet
from chalicelib.giving.donors import Donor
from chalicelib.giving.gift import Fact, fold_all
from chalicelib.portal import data_files, known_browsers, sessions
from chalicelib.portal.data_files import Row
from chalicelib.signups import store as signups
from chalicelib.statements import documents

# On either side of what is left out. One page gathers it within API Gateway's half minute: 10,000 gifts took
# 11 seconds, moto's own share included.
MOST = 12_000
# What may stand elsewhere, on top of that: browsers that are known, mostly.
BESIDE = known_browsers.MOST
# What each part of a donor's partition is called in the copy, and what stands in its keys. A kind that is not named
# here goes by its own name, with the rest of its key.
CALLED = {
    "PROFILE": "profile", "FACT": "payments_refunds_disputes", "PARTNER": "monthly_gifts", "STATEMENT": "statements",
    "GIFTAID": "gift_aid_declarations", "CLAIMED": "gift_aid_claimed", "MAIL": "mails", "YEAR": "years",
}  # fmt: skip
IN_KEYS = {
    "PROFILE": (), "FACT": ("gift_at", "charge_id", "kind", "stripe_id"), "PARTNER": ("partnership_id",),
    "STATEMENT": ("entity", "tax_year", "number"), "GIFTAID": ("declaration_id",), "CLAIMED": ("charge_id", "number"),
    "MAIL": ("mail", "about"), "YEAR": ("year",),
}  # fmt: skip
# By these things are found, and doors opened. What is short-lived counts its moments in seconds.
NOT_TOLD, IN_SECONDS = {"pk", "sk", "email_changes", "email_sha256", "mailed_to"}, ("began", "seen", "expires_at")
# Where in FACT# a gift stands says nothing that the facts do not, and is as much again to read.
BEFORE_PLACES, AFTER_PLACES = {"first": " ", "last": "GIFT#"}, {"first": "GIFT#~", "last": "~"}
FILENAME = "your-data.zip"


def link_for(donor_id: str, most: int = MOST) -> str:
    """
    Where the donor's copy may be fetched during the next five minutes. S3 lets go of it after a day.

    Raises Conflict for more than `most` items on either side of what is left out.
    """
    key = f"{_place(donor_id)}{secrets.token_hex(16)}.zip"
    documents.keep(key, _copy(donor_id, most), FILENAME, documents.ZIP)
    return documents.link(key, FILENAME, documents.ZIP)


def forget(donor_id: str) -> None:
    """Delete the donor's copies before their day is over. One that is being packed just now goes after its day."""
    documents.delete_all(_place(donor_id))


def _place(donor_id: str) -> str:
    return f"exports/{donor_id}/"


def _copy(donor_id: str, most: int) -> bytes:
    donor = donors.profile(donor_id)
    if donor is None:
        raise NotSignedIn("Please sign in.")
    try:
        kinds = _kinds(donor, most)
    except OverflowError as many:
        raise Conflict(
            "There is more than we can pack while you wait. Please write to us, and we send it to you.",
            code="export_too_large",
        ) from many  # fmt: skip
    facts = charity.current()
    at = f"{clock.now():%d %B %Y, %H:%M} UTC"
    return data_files.packed(kinds, {"README.txt": data_files.READ_ME.format(name=facts.name, at=at)} | _gifts(kinds))


def _kinds(donor: Donor, most: int) -> dict[str, list[Row]]:
    """
    Every kind of thing by its name in the copy, of all of the donor's records. What is empty is there too, to say so.

    Raises OverflowError for more than one record alone may have.
    """
    kinds: dict[str, list[Row]] = defaultdict(list, {name: [] for name in CALLED.values()})
    joined = filter(None, map(donors.profile, donor.joined))
    for record in (donor, *joined):
        for item in _items(record.donor_id, most):
            kind = item["sk"].partition("#")[0]
            kinds[CALLED.get(kind, kind.lower())].append(_row(kind, _without_a_stranger(item, donor)))
        for name, rows in _beside(record).items():
            kinds[name] += rows
        if sum(map(len, kinds.values())) > 2 * most + BESIDE:
            raise OverflowError("more than one copy may hold")
    return dict(kinds)


def _beside(donor: Donor) -> dict[str, list[Row]]:
    """What stands elsewhere: by the donor's id, by an address, or by a change of address."""
    hashes, passing = donor.every_hash, items.passing()
    return {
        "sign_ups": _rows(items.signups(), map(signups.key, hashes)),
        "sessions": [_told(msgspec.to_builtins(each)) for each in sessions.of_donor(donor.donor_id).values()],
        "known_browsers": [_told(each) for each in known_browsers.of_donor(donor.donor_id)],
        "sign_ins_under_way": _rows(passing, (keys.passing("SIGNIN", each) for each in hashes)),
        "address_changes_under_way": _rows(passing, [keys.passing("NEWEMAIL", donor.donor_id)]),
        "address_changes": _rows(passing, (keys.passing("UNDO", each) for each in donor.email_changes)),
        "gift_aid_waiting": [waits for each in hashes for waits in pending.beside(each)],
        # Whoever has the address now need not be who was erased: not where it leads.
        "erased_before": [
            {"erased_at": found["erased_at"], "kept_until": _told(found)["expires_at"]}
            for found in map(erased.find, hashes) if found
        ],
    }  # fmt: skip


def _items(donor_id: str, most: int) -> Iterator[items.Item]:
    pk = keys.donor(donor_id)["pk"]
    yield from items.query_all(items.giving(), pk, most=most, **BEFORE_PLACES)
    yield from items.query_all(items.giving(), pk, most=most, **AFTER_PLACES)


def _without_a_stranger(item: items.Item, donor: Donor) -> items.Item:
    """
    A declaration that was made for this record in another's portal says who made it to nobody else.

    It stands for what was claimed on it, after the record was taken out again.
    """
    if item.get("declared_in", donor.donor_id) in donor.records:
        return item
    return {name: value for name, value in item.items() if name not in OF_THE_DECLARANT}


def _row(kind: str, item: items.Item) -> Row:
    """An item as a row, with what stands in its key alone."""
    names = IN_KEYS.get(kind, ("key",))
    parts = item["sk"].split("#", len(names))[1:]
    return {**dict(zip(names, parts, strict=True)), **_told(item)}


def _rows(table: str, wanted: Iterable[keys.Key]) -> list[Row]:
    return [_told(item) for item in (items.get(table, key) for key in wanted) if item]


def _told(item: Mapping[str, Any]) -> Row:
    """What an item says, moments as moments, without what it or a door is found by."""
    told = {name: value for name, value in item.items() if name not in NOT_TOLD and "hash" not in name}
    seconds = {name: keys.moment(clock.from_epoch(told[name])) for name in IN_SECONDS if name in told}
    return told | seconds


def _gifts(kinds: dict[str, list[Row]]) -> dict[str, str]:
    """The gifts that the facts come to, once more as a table to be read by people."""
    facts = charity.current()
    gifts = fold_all([items.as_struct(row, Fact) for row in kinds["payments_refunds_disputes"]])
    entities = {name: entity.legal_name for name, entity in facts.entities.items()}
    return {"gifts.csv": spreadsheet.written(gifts, funds=facts.funds, entities=entities, told=gift_view.happened)}

