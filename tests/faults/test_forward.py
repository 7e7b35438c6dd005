"""What the simulation calls going back: each thing that must not be, beside what it was."""

from __future__ import annotations

import pytest

from tests.faults.forward import gone_back

FACT = {"pk": "DONOR#d", "sk": "FACT#2026-01-31T12:00:00Z#ch_1#payment#ch_1", "charge_id": "ch_1", "money": {"minor": 5}}
PLACE = {"pk": "CHARGE#ch_1", "sk": "POINTER", "donor_id": "d", "gift_id": "g", "charge_id": "ch_1"}
PARTNER = {"pk": "DONOR#d", "sk": "PARTNER#sub_1", "version": 4, "state": "active"}
RECEIPT = {"pk": "DONOR#d", "sk": "MAIL#receipt#g", "sent_at": "2026-01-31T12:00:05Z", "tries": 1}
LEASED = {**RECEIPT, "sent_at": ""}
STATEMENT = {"pk": "DONOR#d", "sk": "STATEMENT#us#2026#0001", "sha256": "ab"}
WISHED = {"pk": "GIFT#g", "sk": "POINTER", "request_hash": "h", "amount": 5, "currency": "usd", "attempt": 2}
PAGE = {**WISHED, "session_id": "cs_1", "progress": "failed", "progress_rank": 2}
PAID = {**PAGE, "charge_id": "ch_1", "donor_id": "d"}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (FACT, {**FACT, "charge_id": "ch_2"}),
        (FACT, None),
        (PLACE, {**PLACE, "gift_id": "other"}),
        (PLACE, {**PLACE, "unfinished": True}),
        (PARTNER, {**PARTNER, "version": 3}),
        (PARTNER, {**PARTNER, "state": "ended"}),
        (PARTNER, {**PARTNER, "unfinished": True}),
        ({**PARTNER, "unfinished": True}, {**PARTNER, "state": "ended"}),
        (PARTNER, None),
        (RECEIPT, LEASED),
        (RECEIPT, None),
        (STATEMENT, {**STATEMENT, "sha256": "cd"}),
        (WISHED, {**WISHED, "amount": 6}),
        (PAGE, {**PAGE, "progress": "processing", "progress_rank": 1}),
        (PAGE, {**PAGE, "session_id": "cs_2"}),
        (PAGE, {**WISHED, "attempt": 1}),
        (PAID, {**PAID, "charge_id": "ch_2"}),
        (PAID, PAGE),
        (PAID, None),
    ],
)
def test_what_goes_back_is_named(was, now) -> None:
    """No write may do so, whatever led to it."""
    assert gone_back(was, now)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (FACT, FACT),
        ({**PLACE, "unfinished": True}, PLACE),
        (PARTNER, {**PARTNER, "version": 5, "state": "ended", "unfinished": True}),
        ({**PARTNER, "unfinished": True}, PARTNER),
        (LEASED, RECEIPT),
        (LEASED, None),
        (PAGE, {**WISHED, "attempt": 3, "progress": "started", "progress_rank": 0}),
        (PAGE, PAID),
    ],
)
def test_what_goes_forward_is_not(was, now) -> None:
    """A lease that is released, and another page after one that came to nothing, are as it should be."""
    assert not gone_back(was, now)
