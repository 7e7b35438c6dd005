"""Gifts, donors and an issuer to draw up documents from, and how to read what came out."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pypdf

from chalicelib import charity
from chalicelib.giving.gift import About, Fact, Gift, Payment
from chalicelib.money import Money
from chalicelib.statements.statement import Mark, Recipient, Source

FACTS = charity.read(charity.FACTS_FILE, production=False)
SOURCE = Source(FACTS.name, FACTS.entities["us"], FACTS.funds)
MARIA = Recipient("Maria Fernández", ("12 Elm Street", "Albany, NY 12207"))
FIRST = Mark("US-2026-3f9a1c22d04b-1", date(2027, 1, 9))
NEW_YEAR = datetime(2026, 1, 3, 15, tzinfo=UTC)


def gift(
    nth: int = 1, minor: int = 5000, currency: str = "usd", *, refunded: int = 0, lost: int = 0, disputed: bool = False,
    **about: Any,
) -> Gift:  # fmt: skip
    """The nth gift of 2026, sixteen hours after the one before. `lost` is what a dispute that is over took."""
    at = NEW_YEAR + timedelta(hours=16 * nth)
    gift_id = f"{nth:032x}"
    return Gift(
        gift_id=gift_id,
        charge_id=f"ch_{nth}",
        given_at=at,
        given_on=at.date(),
        entity="us",
        money=Money(minor, currency),
        kept=Money(0 if disputed else minor - refunded - lost, currency),
        refunded=Money(refunded, currency),
        disputed=disputed,
        about=About(gift_id, **about),
        method="Visa •••• 4242",
        subscription_id="",
    )


def payment(
    nth: int, at: datetime, given_on: date, minor: int = 5000, currency: str = "usd", entity: str = "us"
) -> Fact:
    """The fact of a payment, as the ledger records it."""
    about = About(f"{nth:032x}", fund="rescue")
    paid = Payment(about, entity, given_on, "Visa •••• 4242")
    return Fact("payment", f"ch_{nth}", f"ch_{nth}", at, at, Money(minor, currency), payment=paid)


def refund(of: Fact, minor: int) -> Fact:
    """The fact of a refund of that payment, a day later."""
    later = of.at + timedelta(days=1)
    return Fact(
        "refund", f"re_{of.charge_id}_{minor}", of.charge_id, of.gift_at, later, Money(minor, of.money.currency)
    )


def dispute(of: Fact) -> Fact:
    """The fact that the donor's bank has taken the payment back for now."""
    return Fact("dispute", f"dp_{of.charge_id}", of.charge_id, of.gift_at, of.at + timedelta(days=2), of.money)


def text_of(pdf: bytes) -> str:
    """What the pages say, with every run of spaces and breaks as one space."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())
