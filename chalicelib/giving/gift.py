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
State = Literal["paid", "refunded", "disputed", "unclear"]

# Which way each fact moves what the charity keeps. A lost dispute moves nothing: the money went when it opened.
# Neither does one of which Stripe said something that we do not know: `said` keeps it, for somebody who does.
SIGN: dict[Kind, int] = {
    "payment": 1, "refund": -1, "refund_failed": 1, "dispute": -1, "dispute_won": 1, "dispute_lost": 0,
    "dispute_unclear": 0,
}  # fmt: skip

# What a fact brings back or ends. Of one whose other half we do not know no money is told: that went with the other.
ENDS: dict[Kind, Kind] = {"refund_failed": "refund", "dispute_won": "dispute", "dispute_lost": "dispute"}


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
    `unclear` is one whose facts contradict each other: its amounts are as far as known.
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
    unclear: bool = False

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
        if self.unclear:
            return "unclear"
        if self.disputed:
            return "disputed"
        return "paid" if self.kept.minor > 0 else "refunded"


def fold(facts: Iterable[Fact]) -> Gift | None:
    """
    The gift that the facts of one charge tell of, whatever their order or number.

    Facts are a set: a repeated one adds nothing, and a refund may be known
    before the payment it returns, in which case there is no gift yet and the
    answer is None. One half of a pair may be known before the other: a refund
    that failed moves nothing without the refund. Raises FactsDisagree if
    charges, amounts or currencies contradict each other; guessing would end
    on a tax statement.
    """
    gift, wrong = _folded(facts)
    if wrong:
        raise FactsDisagree(wrong[0])
    return gift


def fold_all(facts: Iterable[Fact]) -> list[Gift]:
    """
    Every gift among `facts`, newest first. Facts of one charge need not stand together.

    One whose facts contradict each other is `unclear` and keeps none of the
    others from being shown. Staff hear of it where it is recorded.
    """

    def charge(fact: Fact) -> str:
        return fact.charge_id

    gifts = (_folded(told)[0] for _, told in groupby(sorted(facts, key=charge), key=charge))
    return sorted((gift for gift in gifts if gift), key=lambda gift: (gift.given_at, gift.charge_id), reverse=True)


def without_their_half(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that bring back or end what the others do not tell of."""
    told = list(facts)
    known = {(fact.kind, fact.stripe_id) for fact in told}
    return [fact for fact in told if fact.kind in ENDS and (ENDS[fact.kind], fact.stripe_id) not in known]


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


def _folded(facts: Iterable[Fact]) -> tuple[Gift | None, list[str]]:
    """The gift, and what is wrong with its facts; with something wrong it is unclear, its amounts as far as known."""
    told, wrong = _as_set(facts)
    payment = next((fact for fact in told if fact.payment), None)
    if payment is None:
        return None, wrong
    why_not = [_foreign(fact, payment) for fact in told]
    gift = _gift(payment, [fact for fact, foreign in zip(told, why_not, strict=True) if not foreign])
    wrong += filter(None, why_not)
    if not 0 <= gift.refunded.minor <= gift.money.minor:
        wrong.append(f"Refunds of charge {payment.charge_id} exceed it.")
    return (_unclear(gift) if wrong else gift), wrong


def _as_set(facts: Iterable[Fact]) -> tuple[list[Fact], list[str]]:
    """One fact per name, in order of name; the same name with other contents is a contradiction."""
    by_name: dict[tuple[str, str], Fact] = {}
    wrong = []
    for fact in facts:
        known = by_name.setdefault((fact.kind, fact.stripe_id), fact)
        if known.money != fact.money or known.charge_id != fact.charge_id:
            wrong.append(f"Two facts named {fact.kind} {fact.stripe_id} differ.")
    return [by_name[name] for name in sorted(by_name)], wrong


def _foreign(fact: Fact, payment: Fact) -> str:
    """Why a fact cannot be of this payment; an empty text if it can."""
    if fact.charge_id != payment.charge_id or fact.money.currency != payment.money.currency:
        return f"{fact.kind} {fact.stripe_id} does not belong to charge {payment.charge_id}."
    if fact.money.minor <= 0:
        return f"{fact.kind} {fact.stripe_id} has no positive amount."
    if fact.kind == "payment" and fact is not payment:
        return f"Charge {payment.charge_id} was paid more than once."
    return ""


def _in_time(fact: Fact) -> tuple[datetime, int, str]:
    """By moment; of one moment the money goes before it comes back."""
    return fact.at, list(SIGN).index(fact.kind), fact.stripe_id


def _totals(facts: list[Fact]) -> dict[Kind, int]:
    totals: dict[Kind, int] = dict.fromkeys(SIGN, 0)
    halves = without_their_half(facts)
    for fact in facts:
        totals[fact.kind] += 0 if fact in halves else fact.money.minor
    return totals


def _gift(payment: Fact, told: list[Fact]) -> Gift:
    paid, totals, currency = payment.payment, _totals(told), payment.money.currency
    assert paid, "what only a payment tells"
    return Gift(
        gift_id=paid.about.gift_id,
        charge_id=payment.charge_id,
        given_at=payment.gift_at,
        given_on=paid.given_on,
        entity=paid.entity,
        money=payment.money,
        kept=Money(sum(SIGN[kind] * minor for kind, minor in totals.items()), currency),
        refunded=Money(totals["refund"] - totals["refund_failed"], currency),
        disputed=totals["dispute"] > totals["dispute_won"] + totals["dispute_lost"],
        about=paid.about,
        method=paid.method,
        subscription_id=paid.subscription_id,
        later=tuple(sorted((fact for fact in told if not fact.payment), key=_in_time)),
    )


def _unclear(gift: Gift) -> Gift:
    """
    No more than all of it went back, and none that is not there is kept.

    So two refunds of the whole, of which one has failed and that is not known yet, leave nothing.
    """
    refunded = min(max(0, gift.refunded.minor), gift.money.minor)
    kept = min(max(0, gift.kept.minor), gift.money.minor - refunded)
    currency = gift.money.currency
    return msgspec.structs.replace(gift, refunded=Money(refunded, currency), kept=Money(kept, currency), unclear=True)
