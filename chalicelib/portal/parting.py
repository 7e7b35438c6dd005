"""Taking a record that was joined to another out of it again: the links go, and nothing else was ever moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib import items, keys, writes
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def writes_for(record: Donor) -> list[TransactWriteItemTypeDef]:
    """The writes, as a transaction or part of one, after which neither record names the other."""
    assert record.joined_to, "it is joined to another"
    return [
        writes.change(
            items.giving(), keys.donor(record.donor_id), "REMOVE joined_to",
            {":main": record.joined_to}, "joined_to = :main",
        ),
        let_go(record),
    ]  # fmt: skip


def let_go(record: Donor) -> TransactWriteItemTypeDef:
    """The main record's half of it."""
    main = donors.profile(record.joined_to)
    assert main, "a record that others were joined to is never deleted"
    as_read, values = donors.joined_as(main)
    left = [each for each in main.joined if each != record.donor_id]
    change, given = ("SET joined = :left", {":left": left}) if left else ("REMOVE joined", {})
    return writes.change(items.giving(), keys.donor(main.donor_id), change, {**values, **given}, as_read)
