"""One gift's receipt: drawn up from the gift's facts when first asked for, and kept as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.errors import Conflict, FactsDisagree, NotFound
from chalicelib.giving import donors, together
from chalicelib.statements import documents, donor_facts, render, statement, tax_year

if TYPE_CHECKING:
    from datetime import date

    from chalicelib.charity import LegalEntity


def link_for(records: tuple[str, ...], gift_id: str) -> str:
    """
    Where the receipt of this donor's gift may be fetched during the next five minutes.

    What the receipt says is part of its name, so a refund makes another one
    and the earlier one stays as it was. Raises NotFound for a gift that is
    not this donor's, and Conflict while the payment is disputed or its facts
    contradict each other.
    """
    try:
        found = together.gift(records, gift_id)
    except FactsDisagree as contradiction:
        raise Conflict(
            "We are looking into what became of this gift. Its receipt waits until that is settled.", code="unclear"
        ) from contradiction
    if found is None:
        raise NotFound("There is no such gift.")
    record, gift = found
    source = donor_facts.source(gift.entity)
    recipient = donor_facts.recipient(donors.profile(records[0]), source.entity.country)
    today = clock.now().astimezone(source.entity.zone).date()
    content = statement.draw_up_receipt(source, recipient, gift, today)
    key = f"receipts/{record}/{gift_id}-{statement.fingerprint(content)[:16]}.pdf"
    filename = f"receipt-{gift.given_on.isoformat()}-{gift_id[:8]}.pdf"
    if not documents.is_kept(key):
        documents.keep(key, render.pdf("receipt", content), filename, locked_until=_until(source.entity, gift.given_on))
    return documents.link(key, filename)


def _until(entity: LegalEntity, given_on: date) -> date:
    return tax_year.records_end(given_on, entity.country, entity.records_years)
