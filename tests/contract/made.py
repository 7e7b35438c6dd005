"""Gifts and partnerships as the contract's tests keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.giving import ledger
from chalicelib.giving.gift import About, Fact, Payment
from chalicelib.money import Money
from chalicelib.partners.partnership import Partnership

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)


def payment(number: int, minor: int = 50_00, gift_id: str = "", at: datetime = FIRST) -> Fact:
    """The payment of gift `number`."""
    charge = f"ch_{number:04d}"
    about = About(gift_id or f"gift-of-at-least-22-characters-{number}", fund="where-most-needed")
    return Fact("payment", charge, charge, at, at, Money(minor, "usd"), payment=Payment(about, "us", at.date()))


def refund(paid: Fact, name: str, minor: int) -> Fact:
    return Fact("refund", name, paid.charge_id, paid.gift_at, paid.gift_at, Money(minor, "usd"))


def year_of_gifts(donor_id: str, days: int, refunds: int = 0) -> list[str]:
    """One gift a day, each with so many refunds of one cent; their charges, newest first."""
    made = [payment(day, at=FIRST + timedelta(days=day)) for day in range(days)]
    for paid in made:
        ledger.record(donor_id, [paid, *(refund(paid, f"re_{paid.charge_id}_{each}", 1) for each in range(refunds))])
    return [paid.charge_id for paid in reversed(made)]


def partnership(name: str = "sub_1", minor: int = 25_00) -> Partnership:
    return Partnership(
        partnership_id=name, donor_id="d1", customer_id="cus_1", amount=Money(minor, "usd"), day=10, state="active",
        started_at=FIRST,
    )  # fmt: skip
