"""What moved in Stripe's balance, charge by charge, in the words of the ledger."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Literal

import msgspec

from chalicelib.errors import NotUnderstood
from chalicelib.giving.gift import SIGN, Kind
from chalicelib.money import Money
from chalicelib.processor import events, stripe_api
from chalicelib.processor.events import Object
from chalicelib.processor.understood import understood

Name = tuple[str, str]

# What a balance transaction of each source is: when money leaves, and when it comes (back). That a payment
# itself is taken back, other than by refund or dispute, is nothing that the ledger has a fact for.
KINDS: dict[str, tuple[Kind | Literal["reversal"], Kind]] = {
    "charge": ("reversal", "payment"),
    "refund": ("refund", "refund_failed"),
    "dispute": ("dispute", "dispute_won"),
}


# In Stripe's own words: what moves for one of these must have its source in the answer.
# Source: https://docs.stripe.com/reports/reporting-categories
CATEGORIES = frozenset({"charge", "charge_failure", "refund", "refund_failure", "dispute", "dispute_reversal"})

# Why the amount of a movement is not to be trusted.
ANOTHER_AMOUNT = "another amount moved"
OFF_RATE = "not converted at its rate"
NO_RATE = "converted at no rate"
MOVED_AGAIN = "moved more than once"

# What a conversion may be off by: the minor unit that it was rounded to, and what its rate was rounded to. Stripe
# writes some six digits of a rate; four are counted on.
ROUNDED_MINOR, RATE_ROUNDED = 1, Decimal("0.0001")


class Movement(msgspec.Struct, frozen=True):
    """
    One movement of Stripe's balance as the fact that it is, in the currency in which the donor was charged.

    `doubt` says why its amount is not to be trusted, if it is not: its own
    and that of the charge, refund or dispute that it is about do not go together.
    """

    kind: Kind | Literal["reversal"]
    stripe_id: str
    charge_id: str
    money: Money
    doubt: str = ""

    @property
    def name(self) -> Name:
        return self.kind, self.stripe_id

    @property
    def minor(self) -> int:
        """What it added to the balance; negative for what left it."""
        return (-1 if self.kind == "reversal" else SIGN[self.kind]) * self.money.minor


class Moved(msgspec.Struct):
    """The movements of each charge by their names, and what of Stripe's nobody can read."""

    by_charge: dict[str, dict[Name, Movement]]
    unreadable: list[str]


def put_in(moved: dict[Name, Movement], movement: Movement) -> None:
    """
    Put a movement beside the others of its charge.

    What is moved for one thing moves once: a second time adds up, and so is
    another amount than that of the fact.
    """
    before = moved.get(movement.name)
    if before:
        doubt = before.doubt or movement.doubt or MOVED_AGAIN
        movement = msgspec.structs.replace(movement, money=before.money + movement.money, doubt=doubt)
    moved[movement.name] = movement


def between(first: int, last: int) -> Moved:
    """What moved from `first` to `last` (epoch seconds, inclusive); payouts and fees are nobody's gift."""
    moved = Moved(defaultdict(dict), [])
    for transaction in _listed(first, last):
        try:
            movement = read(transaction)
        except NotUnderstood:
            # One that Stripe writes differently one day must not hide all the others.
            moved.unreadable.append(str(transaction.get("id")))
            continue
        if movement:
            put_in(moved.by_charge[movement.charge_id], movement)
    return moved


def disputed(first: int, last: int) -> Moved:
    """The charges of which a dispute was opened from `first` to `last`: what it moved is not looked at."""
    moved = Moved({}, [])
    for dispute in stripe_api.made_between("disputes", first, last):
        try:
            charge_id = events.charge_named(dispute)
        except NotUnderstood:
            moved.unreadable.append(str(dispute.get("id")))
            continue
        if charge_id:
            moved.by_charge[charge_id] = {}
    return moved


@understood
def read(transaction: Object) -> Movement | None:
    """
    A balance transaction in the words of the ledger, or None if it is about no charge.

    Its own amount is what moved. That of its source, from which our facts
    come as well, only stands in for it where Stripe converted: then the
    balance is in a currency in which no donor was charged.
    Source: https://docs.stripe.com/reports/balance-transaction-types
    """
    source = transaction["source"]
    if isinstance(source, str) and transaction["reporting_category"] in CATEGORIES:
        raise ValueError("a movement without its source")
    if not isinstance(source, dict) or source["object"] not in KINDS:
        return None
    charge_id = events.charge_named(source)
    if not charge_id:
        return None  # money given back that no charge brought, from a balance that donors do not have
    outward, inward = KINDS[source["object"]]
    own = Money(abs(transaction["amount"]), transaction["currency"])
    said = Money(source.get("amount_captured") or source["amount"], source["currency"])
    converted = own.currency != said.currency
    return Movement(
        kind=outward if transaction["amount"] < 0 else inward,
        stripe_id=source["id"],
        charge_id=charge_id,
        money=said if converted else own,
        doubt=_ill_converted(said, own, transaction.get("exchange_rate")) if converted else _another(said, own),
    )


def _another(said: Money, own: Money) -> str:
    return "" if said == own else ANOTHER_AMOUNT


def _ill_converted(said: Money, own: Money, rate: float | None) -> str:
    """
    Why one cannot have become the other at Stripe's own rate; "" if it can. The rate is one of minor units.

    Source: https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-exchange_rate
    """
    if rate is None:
        return NO_RATE
    due = said.minor * Decimal(str(rate))
    return "" if abs(own.minor - due) <= ROUNDED_MINOR + due * RATE_ROUNDED else OFF_RATE


def _listed(first: int, last: int) -> list[Object]:
    """The balance transactions of that time. Where they are more than one list may hold, its halves are listed."""
    try:
        return list(stripe_api.made_between("balance_transactions", first, last, expand=["data.source"]))
    except OverflowError:
        if first >= last:
            raise
        middle = (first + last) // 2
        return _listed(first, middle) + _listed(middle + 1, last)
