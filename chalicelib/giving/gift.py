"""A gift and the facts it is folded from. Pure: no clock, no store, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Literal

import msgspec

from chalicelib.errors import FactsDisagree
from chalicelib.money import Money

Kind = Literal["payment", "refund", "refund_failed", "dispute", "dispute_won", "dispute_lost", "dispute_unclear"]
Frequency = Literal["once", "monthly"]
State = Literal["paid", "refunded", "disputed"]

# Which way each fact moves what the charity keeps. A lost dispute moves nothing: the money went when it opened.
# Neither does one of which Stripe said something that we do not know: `said` keeps it, for somebody who does.
SIGN: dict[Kind, int] = {
    "payment": 1, "refund": -1, "refund_failed": 1, "dispute": -1, "dispute_won": 1, "dispute_lost": 0,
    "dispute_unclear": 0,
}  # fmt: skip


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What was said of a gift when it was made. It travels in Stripe's metadata and stays on every renewal.

    `gift_aid` says that the donor wished it; the declaration itself, with a
    name and a home, never leaves us.
    `advantage` is the value, in minor units, of what the donor had in return.
    Never the donor's word: charity.toml states it, or staff in a payment's metadata.
    """

    gift_id: str
    frequency: Frequency = "once"
    fund: str = ""
    source: str = ""
    tribute_kind: str = ""
    tribute_name: str = ""
    tribute_note: str = ""
    fees_covered: int = 0
    gift_aid: bool = False
    advantage: Annotated[int, msgspec.Meta(ge=0)] = 0
    advantage_description: str = ""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One thing that happened to one charge, named by Stripe's own object.

    `gift_at` is the moment the payment succeeded, the same on every fact of
    the charge, so that a gift's facts stand together; `at` is when this fact
    happened. `money` is positive; the kind says which way it went.
    """

    kind: Kind
    stripe_id: str
    charge_id: str
    gift_at: datetime
    at: datetime
    money: Money
    balance_transaction: str = ""
    payment: Payment | None = None
    said: str = ""


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only the payment itself tells: whose tax year it falls in, and what the donor said of it."""

    about: About
    entity: str
    given_on: date
    method: str = ""
    subscription_id: str = ""


class Gift(msgspec.Struct, frozen=True):
    """
    What the facts of one charge add up to. `kept` is what the charity still holds of `money`.

    `later` is what happened to it after it was paid, in order of time.
    """

    gift_id: str
    charge_id: str
    given_at: datetime
    given_on: date
    entity: str
    money: Money
    kept: Money
    refunded: Money
    disputed: bool
    about: About
    method: str
    subscription_id: str
    later: tuple[Fact, ...] = ()

    @property
    def advantage(self) -> Money:
        """The value of what the donor had in return."""
        return Money(self.about.advantage, self.money.currency)

    @property
    def eligible(self) -> Money:
        """What counts for tax: what was kept above the value of anything had in return, never less than nothing."""
        return Money(max(0, self.kept.minor - self.about.advantage), self.money.currency)

    @property
    def state(self) -> State:
        """Disputed while the bank decides; refunded when nothing is kept, also after a lost dispute; else paid."""
        if self.disputed:
            return "disputed"
        return "paid" if self.kept.minor > 0 else "refunded"


def fold(facts: Iterable[Fact]) -> Gift | None:
    """
    The gift that the facts of one charge tell of, whatever their order or number.

    Facts are a set: a repeated one adds nothing, and a refund may be known
    before the payment it returns, in which case there is no gift yet and the
    answer is None. Raises FactsDisagree if charges, amounts or currencies
    contradict each other; guessing would end on a tax statement.
    """
    told = _as_set(facts)
    payment = next((fact for fact in told if fact.payment), None)
    if payment is None or payment.payment is None:
        return None
    totals = _totals(told, payment)
    kept = sum(SIGN[kind] * minor for kind, minor in totals.items())
    refunded = totals["refund"] - totals["refund_failed"]
    currency = payment.money.currency
    if refunded < 0 or refunded > payment.money.minor:
        raise FactsDisagree(f"Refunds of charge {payment.charge_id} exceed it.")
    return Gift(
        gift_id=payment.payment.about.gift_id,
        charge_id=payment.charge_id,
        given_at=payment.gift_at,
        given_on=payment.payment.given_on,
        entity=payment.payment.entity,
        money=payment.money,
        kept=Money(kept, currency),
        refunded=Money(refunded, currency),
        disputed=totals["dispute"] > totals["dispute_won"] + totals["dispute_lost"],
        about=payment.payment.about,
        method=payment.payment.method,
        subscription_id=payment.payment.subscription_id,
        later=tuple(sorted((fact for fact in told if not fact.payment), key=_in_time)),
    )


def fold_all(facts: Iterable[Fact]) -> list[Gift]:
    """Every gift among `facts`, newest first. Facts of one charge need not stand together."""

    def charge(fact: Fact) -> str:
        return fact.charge_id

    gifts = (fold(told) for _, told in groupby(sorted(facts, key=charge), key=charge))
    return sorted((gift for gift in gifts if gift), key=lambda gift: (gift.given_at, gift.charge_id), reverse=True)


def renewal_id(invoice_id: str) -> str:
    """
    The gift id of a renewal, made from its invoice.

    A renewal has no browser to make one up; the same invoice always gives
    the same id, in whichever order its events come.
    """
    return hashlib.sha256(f"renewal:{invoice_id}".encode()).hexdigest()[:32]


def second_payment_id(charge_id: str) -> str:
    """The gift id of a charge that paid a gift once more: the same charge always gives the same id."""
    return hashlib.sha256(f"second payment:{charge_id}".encode()).hexdigest()[:32]


def _as_set(facts: Iterable[Fact]) -> list[Fact]:
    """One fact per name, in order of name; the same name with other contents is a contradiction."""
    by_name: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        known = by_name.setdefault((fact.kind, fact.stripe_id), fact)
        if known.money != fact.money or known.charge_id != fact.charge_id:
            raise FactsDisagree(f"Two facts named {fact.kind} {fact.stripe_id} differ.")
    return [by_name[name] for name in sorted(by_name)]


def _in_time(fact: Fact) -> tuple[datetime, int, str]:
    """By moment; of one moment the money goes before it comes back."""
    return fact.at, list(SIGN).index(fact.kind), fact.stripe_id


def _totals(facts: list[Fact], payment: Fact) -> dict[Kind, int]:
    totals: dict[Kind, int] = dict.fromkeys(SIGN, 0)
    for fact in facts:
        if fact.charge_id != payment.charge_id or fact.money.currency != payment.money.currency:
            raise FactsDisagree(f"{fact.kind} {fact.stripe_id} does not belong to charge {payment.charge_id}.")
        if fact.money.minor <= 0:
            raise FactsDisagree(f"{fact.kind} {fact.stripe_id} has no positive amount.")
        totals[fact.kind] += fact.money.minor
    if totals["payment"] != payment.money.minor:
        raise FactsDisagree(f"Charge {payment.charge_id} was paid more than once.")
    return totals
