"""A gift in the words of the API. Knows the charity's funds and time zones; no store."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Literal

import msgspec

from chalicelib import charity
from chalicelib.giving.gift import Fact, Frequency, Gift, State

Befell = Literal["refund", "refund_failed", "dispute", "dispute_won", "dispute_lost"]


class Happening(msgspec.Struct, frozen=True):
    """
    What befell a gift after it was paid.

    `refund`: we gave it back. `refund_failed`: the donor's bank would not take
    it, and we hold it again. `dispute`: the bank took it back, at the donor's
    word. `dispute_won`: the bank gave it to us again. `dispute_lost`: it stays
    with the donor; on which day that was decided is not known.
    """

    kind: Befell
    amount: int
    on: date | None


class GiftView(msgspec.Struct, frozen=True):
    """
    A gift as its donor sees it. Amounts are in minor units; `given_on` is the date in the taker's tax zone.

    `unclear`: what is recorded of it contradicts itself. Its amounts are as far as known, and staff look into it.
    """

    gift_id: str
    state: State
    amount: int
    currency: str
    kept: int
    refunded: int
    frequency: Frequency
    given_at: datetime
    given_on: date
    fund: str
    method: str
    partnership_id: str | None
    happened: list[Happening] = []


def view(gift: Gift) -> GiftView:
    """A gift in the words of the API."""
    return GiftView(
        gift_id=gift.gift_id,
        state=gift.state,
        amount=gift.money.minor,
        currency=gift.money.currency,
        kept=gift.kept.minor,
        refunded=gift.refunded.minor,
        frequency=gift.about.frequency,
        given_at=gift.given_at,
        given_on=gift.given_on,
        fund=charity.current().funds.get(gift.about.fund, ""),
        method=gift.method,
        partnership_id=gift.subscription_id or None,
        happened=happened(gift),
    )


def happened(gift: Gift) -> list[Happening]:
    """What befell the gift as far as we know, in order, on the dates of the zone in which it was given."""
    entity = charity.current().entities.get(gift.entity)
    zone = entity.zone if entity else UTC
    return [_happening(fact, zone) for fact in gift.later if fact.kind != "dispute_unclear"]


def _happening(fact: Fact, zone: tzinfo) -> Happening:
    """A lost dispute's fact carries the day on which it was opened, which is not the day that it was lost."""
    assert fact.kind != "payment"
    assert fact.kind != "dispute_unclear"
    on = None if fact.kind == "dispute_lost" else fact.at.astimezone(zone).date()
    return Happening(fact.kind, fact.money.minor, on)
