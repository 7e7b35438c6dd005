"""Money as whole minor units of one currency, never a float, never two currencies added together."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from chalicelib.errors import InvalidInput

# How many decimals Stripe charges in, where that is not two.
# Source: https://docs.stripe.com/currencies#zero-decimal and #three-decimal
ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# Where cards cannot pay every amount that the currency has: tens of fils, and whole crowns and shillings.
# Source: https://docs.stripe.com/currencies#three-decimal and #special-cases
STEPS = {**dict.fromkeys(THREE_DECIMAL, 10), "isk": 100, "ugx": 100}


class Money(msgspec.Struct, frozen=True, order=False):
    """
    An amount in minor units (cents, yen, fils) of an ISO 4217 currency, lower case as Stripe writes it.

    Adding or comparing two currencies raises TypeError: it is a bug, not an input error.
    """

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise TypeError(f"{self.currency} and {other.currency} are never added or compared")
        return other.minor

    @property
    def major(self) -> Decimal:
        """The amount in whole units, exact: 1050 usd is Decimal('10.50')."""
        return Decimal(self.minor).scaleb(-decimals(self.currency))


def decimals(currency: str) -> int:
    """How many digits stand after the point: 0 for yen, 3 for Kuwaiti dinar, 2 for most."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """How many minor units apart the amounts are that can be charged."""
    return STEPS.get(currency, 1)


def from_typed(text: str, currency: str) -> Money:
    """
    The money a person typed into a form, such as "25" or "25.50".

    Raises InvalidInput for anything but ASCII digits and at most one point,
    or for more decimals than the currency has: a fraction of a cent is
    refused, not rounded.
    """
    whole, point, fraction = text.strip().partition(".")
    digits = decimals(currency)
    good = whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit()))
    if not good or len(whole) > 12 or len(fraction) > digits:
        raise InvalidInput("Write the amount in digits, for example 25.", code="amount_invalid", field="amount")
    return Money(int(whole + fraction.ljust(digits, "0")), currency)


def in_words(money: Money, locale: str = "en_US") -> str:
    """The amount as a reader of `locale` writes it: "$10.50", "¥500"."""
    from babel.numbers import format_currency  # noqa: PLC0415 - 21 ms that a webhook never needs

    return format_currency(money.major, money.currency.upper(), locale=locale, currency_digits=True)
