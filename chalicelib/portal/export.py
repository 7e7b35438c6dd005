"""A copy of everything that is held of a donor, put where a browser may fetch it for five minutes."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from chalicelib import charity, clock, items, keys
from chalicelib.errors import Conflict, NotSignedIn
from chalicelib.giving import donors, gift_view, spreadsheet
from chalicelib.giving.donors import Donor
from chalicelib.giving.gift import Fact, fold_all
from chalicelib.portal import data_files, email_change, sessions
from chalicelib.portal.data_files import Row
from chalicelib.signups import store as signups
from chalicelib.statements import documents

# On either side of what is left out. One page gathers it within API Gateway's half minute: 10,000 gifts took
# 11 seconds, moto's own share included.
MOST = 12_000
# What each part of a donor's partition is called in the copy. A kind that is not named here goes by its key.
CALLED = {
    "PROFILE": "profile", "FACT": "payments_refunds_disputes", "PARTNER": "monthly_gifts", "STATEMENT": "statements",
    "GIFTAID": "gift_aid_declarations", "CLAIMED": "gift_aid_claimed", "MAIL": "mails", "YEAR": "years",
}  # fmt: skip
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
    """Every kind of thing by its name in the copy. What is empty is there too, to say so."""
    kinds: dict[str, list[Row]] = defaultdict(list, {name: [] for name in CALLED.values()})
    for item in _items(donor.donor_id, most):
        kind = item["sk"].partition("#")[0]
        kinds[CALLED.get(kind, kind.lower())].append(_row(kind, item))
    kinds["sign_ups"] = [found for name in donor.every_hash for found in _without_key(items.signups(), name)]
    kinds["sessions"] = [_plain(each) for each in sessions.of_donor(donor.donor_id).values()]
    kinds["address_changes"] = [_plain(each) for each in map(email_change.find_undo, donor.email_changes) if each]
    return dict(kinds)


def _items(donor_id: str, most: int) -> Iterator[items.Item]:
    pk = keys.donor(donor_id)["pk"]
    yield from items.query_all(items.giving(), pk, most=most, **BEFORE_PLACES)
    yield from items.query_all(items.giving(), pk, most=most, **AFTER_PLACES)


def _row(kind: str, item: items.Item) -> Row:
    """An item as a row. A mail's name and what it was about stand in its key."""
    row = {name: value for name, value in item.items() if name not in {"pk", "sk", "email_hashes", "email_changes"}}
    if kind != "MAIL":
        return row
    _, mail, about = item["sk"].split("#", 2)
    return {"mail": mail, "about": about, "sent_at": row["sent_at"]}


def _gifts(kinds: dict[str, list[Row]]) -> dict[str, str]:
    """The gifts that the facts come to, once more as a table to be read by people."""
    facts = charity.current()
    gifts = fold_all([items.as_struct(row, Fact) for row in kinds["payments_refunds_disputes"]])
    entities = {name: entity.legal_name for name, entity in facts.entities.items()}
    return {"gifts.csv": spreadsheet.written(gifts, funds=facts.funds, entities=entities, told=gift_view.happened)}


def _without_key(table: str, name: str) -> Iterator[Row]:
    item = items.get(table, signups.key(name))
    if item:
        yield {name: value for name, value in item.items() if name not in {"pk", "sk"}}


def _plain(value: Any) -> Row:
    row: Row = msgspec.to_builtins(value)
    return row
