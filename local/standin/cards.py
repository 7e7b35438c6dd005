"""Stripe's published test cards and bank accounts, and what each of them does."""

import hashlib
from dataclasses import dataclass
from typing import Any

MESSAGES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "incorrect_number": ("incorrect_number", "Your card number is incorrect."),
    "authentication_required": (
        "payment_intent_authentication_failure",
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."),
    "account_closed": ("account_closed", "The customer's bank account has been closed."),
    "bank_insufficient_funds": (
        "insufficient_funds", "The customer's account has insufficient funds to cover this payment."),
}


@dataclass(frozen=True)
class Source:
    """A card or bank account: `decline` at once, `later` when a delayed payment settles, `after` once paid."""

    number: str
    does: str
    decline: str | None = None
    fails_at_renewal: bool = False
    asks_authentication: bool = False
    after: str | None = None
    later: str | None = None
    bank: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]

    @property
    def country(self) -> str:
        return {"4000002500003155": "FR", "4000008260000000": "GB"}.get(self.number, "US")


@dataclass(frozen=True)
class Outcome:
    """How an attempt went: `status` is paid, processing, requires_action or declined."""

    status: str
    reason: str | None = None

    @property
    def code(self) -> str | None:
        return MESSAGES[self.reason][0] if self.reason else None

    @property
    def message(self) -> str | None:
        return MESSAGES[self.reason][1] if self.reason else None

    @property
    def decline_code(self) -> str | None:
        """Null for bank debits, which have a code only."""
        bank = self.reason in ("account_closed", "bank_insufficient_funds")
        return None if bank else self.reason


SOURCES = {each.number: each for each in (
    Source("4242424242424242", "paid"),
    Source("4000000000000002", "declined", decline="generic_decline"),
    Source("4000000000009995", "declined: insufficient funds", decline="insufficient_funds"),
    Source("4000000000000069", "declined: expired card", decline="expired_card"),
    Source("4000000000000127", "declined: wrong security code", decline="incorrect_cvc"),
    Source("4000002500003155", "asks for 3-D Secure, at renewal too", asks_authentication=True),
    Source("4000000000000341", "pays now, fails at renewal", fails_at_renewal=True),
    Source("4000000000000259", "paid, then disputed as fraudulent", after="dispute"),
    Source("4000000000005126", "paid; a refund of it fails later", after="refund_fails"),
    Source("4000000000005423", "paid, with an early fraud warning", after="fraud_warning"),
    Source("4000008260000000", "paid (a British card)"),
    Source("5555555555554444", "paid (Mastercard)"),
    Source("000123456789", "bank debit, paid some days later", bank=True),
    Source("000111111116", "bank debit, fails later: account closed", later="account_closed", bank=True),
    Source("000222222227", "bank debit, fails later: insufficient funds",
           later="bank_insufficient_funds", bank=True),
)}


def find(number: Any) -> Source:
    """The source with this number; one that Stripe does not publish is declined as incorrect."""
    digits = "".join(each for each in str(number) if each.isdigit())
    return SOURCES.get(digits) or Source(digits or "0", "declined: unknown number", decline="incorrect_number")


def judge(source: Source, on_session: bool, authenticated: bool | None) -> Outcome:
    """
    How an attempt on this source goes.

    `authenticated` is the donor's answer to 3-D Secure: yes, no, or not yet
    asked. Away from the donor nobody can be asked.
    """
    if source.decline:
        return Outcome("declined", source.decline)
    if source.fails_at_renewal and not on_session:
        return Outcome("declined", "generic_decline")
    if source.asks_authentication and authenticated is not True:
        refused = authenticated is False
        return Outcome("declined", "authentication_required") if refused else Outcome("requires_action")
    return Outcome("processing") if source.bank else Outcome("paid")
