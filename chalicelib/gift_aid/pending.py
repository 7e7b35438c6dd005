"""
Declarations made on the giving form, until their gift is paid.

    form sent --- waits by the gift's id ---+--- paid ---> the payer's declaration, and waits no more
                                            `--- never --> forgotten

Who pays is known only then, and nothing of it goes to Stripe. Paid means in
the ledger: the step that books the payment takes the declaration along, so a
payment heard of twice, late, or by reconcile alone leaves one declaration.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chalicelib import clock, items, keys, writes
from chalicelib.gift_aid import asked, cancelling
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.gift_aid.declaration import Declaration, as_cancelled

# A payment page is good for a day, a bank debit takes up to two weeks, and what no event told
# reconcile finds within five weeks more.
KEPT = timedelta(days=60)

NONE_WAITS = "attribute_not_exists(pk) OR expires_at <= :now"
# How often the donor may cancel while we take what waits; more often, and the message comes again.
ROUNDS = 5


def keep(gift_id: str, wanted: DeclarationWithGift, email_hash: str, ip: str) -> None:
    """
    Let a checked declaration wait for its gift. The same form sent again is the same declaration, made when first sent.

    `email_hash` is of the address that was typed beside it, if one was: by it an erased donor's can be found.
    """
    made = msgspec.structs.replace(asked.made(wanted, clock.now(), ip, gift_id), declaration_id=f"gift-{gift_id}")
    ends = {"expires_at": int((clock.now() + KEPT).timestamp())}
    waits: list[items.Item] = [items.as_item(keys.passing("GIFTAID", gift_id), made)]
    if email_hash:
        waits.append({**keys.pending_declaration(email_hash, gift_id)})
    now = {":now": clock.epoch_seconds()}
    try:
        items.transact([writes.put(items.passing(), each | ends, NONE_WAITS, now) for each in waits])
    except items.ConditionFailed:
        return  # it waits already


def take(donor_id: str, gift_id: str) -> None:
    """
    Make what waits for this gift the declaration of the donor who paid it; nothing if nothing waits.

    All or nothing, and once: a donor may have cancelled it by the time a late
    event comes, and it must not stand again. What was sent before they
    cancelled stands as cancelled then. Somebody who was erased declares
    nothing any more.
    """
    for _ in range(ROUNDS):
        made = _waiting(gift_id)
        if made is None:
            return
        seen = cancelling.moments(donor_id)
        if _taken(donor_id, as_cancelled(made, seen), seen):
            return
        if cancelling.moments(donor_id) == seen:
            items.delete(items.passing(), keys.passing("GIFTAID", gift_id))  # it stands already, or never will
            return
    raise OverflowError("a donor keeps cancelling")


def _waiting(gift_id: str) -> Declaration | None:
    item = items.get(items.passing(), keys.passing("GIFTAID", gift_id))
    if item is None or item["expires_at"] <= clock.epoch_seconds():
        return None
    return items.as_struct(item, Declaration)


def _taken(donor_id: str, made: Declaration, seen: tuple[datetime, ...]) -> bool:
    """Whether it was taken just now, by a donor who has cancelled at no other moments than those seen."""
    standing = keys.donor(donor_id, keys.declaration(made.declaration_id))
    try:
        items.transact([
            writes.check(items.giving(), keys.donor(donor_id), *cancelling.not_since(seen)),
            items.put_write(items.giving(), items.as_item(standing, made)),
            writes.remove(items.passing(), keys.passing("GIFTAID", made.gift_id), items.PRESENT),
        ])  # fmt: skip
    except items.ConditionFailed:
        return False
    return True


def beside(email_hash: str) -> list[dict[str, str]]:
    """
    What waits beside an address: for which gift, made when and until when. Nothing of what it says.

    Anybody may have typed the address: name and home may be a stranger's. Without `made_at` it waits no more.
    """
    found = items.query_all(items.passing(), keys.pending_declaration(email_hash, "")["pk"])
    return [_waits(item["sk"], item["expires_at"]) for item in found]


def _waits(gift_id: str, until: int) -> dict[str, str]:
    made = items.get(items.passing(), keys.passing("GIFTAID", gift_id))
    at = {"made_at": str(made["made_at"])} if made else {}
    return {"gift_id": gift_id, **at, "waits_until": keys.moment(clock.from_epoch(until))}


def forget(email_hash: str) -> None:
    """Forget what waits beside an address. A gift that is paid all the same has no declaration then."""
    pk = keys.pending_declaration(email_hash, "")["pk"]
    for item in items.query_all(items.passing(), pk):
        items.delete(items.passing(), keys.passing("GIFTAID", item["sk"]))
        items.delete(items.passing(), {"pk": pk, "sk": item["sk"]})
