"""
Whose a payment is that was on its way when its donor was erased.

    paying begun ---- erased ---- heard of: the tombstone's, and nobody is mailed
                      erased ---- paying begun ---- heard of: somebody new
                      erased ---------------------------------- 60 days: the address is forgotten

The address leads to nobody any more, so nobody can sign in with it. What stays
of it is its hash beside the tombstone's id, apart from the pointers: a new
donor of the same address must not take an old payment over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib import clock, items, keys, writes

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# A bank debit takes up to two weeks, and what no event told reconcile finds within five weeks more.
KEPT = timedelta(days=60)

STILL_THEIRS = "donor_id = :donor"
# A charge of the very second is one from before: Stripe's moments have no parts of a second.
NOT_ERASED_SINCE = "attribute_not_exists(pk) OR expires_at <= :now OR erased_at < :begun"


def release(donor_id: str, email_hash: str, erased_at: datetime) -> None:
    """
    Let an address lead nowhere, and keep for a while whose it was; both or neither.

    One that leads elsewhere by now was released by an earlier try.
    """
    marker = keys.passing("ERASED", email_hash) | {
        "donor_id": donor_id,
        "erased_at": keys.moment(erased_at),
        "expires_at": int((erased_at + KEPT).timestamp()),
    }
    pointer = keys.pointer("EMAIL", email_hash)
    try:
        items.transact([
            writes.remove(items.giving(), pointer, STILL_THEIRS, {":donor": donor_id}),
            items.put_write(items.passing(), marker, None),
        ])  # fmt: skip
    except items.ConditionFailed:
        return


def find(email_hash: str) -> items.Item | None:
    """Who had this address and was erased lately, and when."""
    item = items.get(items.passing(), keys.passing("ERASED", email_hash))
    return item if item and item["expires_at"] > clock.epoch_seconds() else None


def whose(email_hash: str, begun_at: datetime) -> str | None:
    """The tombstone whose payment it is, if its donor was erased after it was begun."""
    found = find(email_hash)
    return str(found["donor_id"]) if found and found["erased_at"] >= keys.moment(begun_at) else None


def nobodys(email_hash: str, begun_at: datetime) -> TransactWriteItemTypeDef:
    """Part of a transaction that goes through only while `whose` would say nobody's."""
    values = {":now": clock.epoch_seconds(), ":begun": keys.moment(begun_at)}
    return writes.check(items.passing(), keys.passing("ERASED", email_hash), NOT_ERASED_SINCE, values)
