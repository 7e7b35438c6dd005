"""What befalls gifts, each from its beginning to its end. Nothing in them is left to chance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from chalicelib.partners import manage
from tests.giving_world import ANN, World

ASKS, FAILS_LATER, DISPUTED, REFUND_FAILS = "4000002500003155", "4000000000000341", "4000000000000259", "4000000000005126"
BANK, BANK_CLOSED = "000123456789", "000111111116"
BEN = "ben@example.org"


def one_off(giving: World) -> None:
    """A gift by card, and one by bank debit that takes its days."""
    give(giving, 1)
    give(giving, 2, card=BANK, email=BEN)
    giving.advance(days=5)


def monthly(giving: World) -> None:
    """Three renewals, one of them over a short month."""
    give(giving, 1, frequency="monthly")
    giving.advance(days=95)


def refunds(giving: World) -> None:
    """In part, in part again, and of another gift the whole."""
    first = give(giving, 1)
    give(giving, 2, email=BEN)
    giving.advance(minutes=1)
    for amount in (10_00, 15_00):
        giving.standin.refund(charge=giving.charge_of(first), amount=amount)
        giving.deliver()
    giving.standin.refund(charge=giving.gifts(BEN)[0].charge_id)
    giving.deliver()


def refund_that_fails(giving: World) -> None:
    """The donor's bank will not take it; days later the money is ours again."""
    gift = give(giving, 1, card=REFUND_FAILS)
    giving.standin.refund(charge=giving.charge_of(gift))
    giving.advance(days=4)


def dispute_won(giving: World) -> None:
    decided(giving, won=True)


def dispute_lost(giving: World) -> None:
    decided(giving, won=False)


def bank_debit_that_fails(giving: World) -> None:
    give(giving, 1, card=BANK_CLOSED)
    give(giving, 2, email=BEN)
    giving.advance(days=5)


def cancelled(giving: World) -> None:
    give(giving, 1, frequency="monthly")
    giving.advance(days=40)
    manage.cancel(giving.donor_id(), partnership(giving), manage.Cancel("cost"))
    giving.deliver()
    giving.advance(days=40)


def amount_and_day_changed(giving: World) -> None:
    give(giving, 1, frequency="monthly")
    manage.change(giving.donor_id(), partnership(giving), manage.Change(amount=75_00))
    manage.change(giving.donor_id(), partnership(giving), manage.Change(day=25))
    giving.deliver()
    giving.advance(days=60)


def paused(giving: World) -> None:
    give(giving, 1, frequency="monthly")
    manage.pause(giving.donor_id(), partnership(giving), manage.Pause(date(2026, 5, 1)))
    giving.deliver()
    giving.advance(days=75)


def secure_at_renewal(giving: World) -> None:
    """The bank asks again at the renewal; the donor confirms two days later."""
    give(giving, 1, frequency="monthly", card=ASKS)
    giving.advance(days=31)
    giving.advance(days=2)
    (unpaid,) = giving.standin.read(lambda world: world.all("invoice", status="open"))
    giving.standin.pay_invoice(unpaid["id"])
    giving.deliver()


def lapsed(giving: World) -> None:
    """The card pays once and never again, until Stripe gives up."""
    give(giving, 1, frequency="monthly", card=FAILS_LATER)
    giving.advance(days=50)


def beside_a_shop(giving: World) -> None:
    """A mug sold on the same account, to somebody who gives."""
    sell(giving, ANN)
    give(giving, 1)
    giving.standin.refund(charge=sell(giving, BEN))
    giving.deliver()


LIVES: tuple[Callable[[World], None], ...] = (
    one_off, monthly, refunds, refund_that_fails, dispute_won, dispute_lost, bank_debit_that_fails, cancelled,
    amount_and_day_changed, paused, secure_at_renewal, lapsed, beside_a_shop,
)  # fmt: skip


def give(giving: World, number: int, **more: Any) -> str:
    """A gift whose id is a number, so that two runs give the same one."""
    return giving.give(50_00, gift_id=f"{number:032x}", **more)


def decided(giving: World, *, won: bool) -> None:
    give(giving, 1, card=DISPUTED)
    (dispute,) = giving.standin.read(lambda world: world.all("dispute"))
    giving.advance(days=20)
    giving.standin.close_dispute(dispute["id"], won)
    giving.deliver()


def partnership(giving: World) -> str:
    return giving.partnership().partnership_id


def sell(giving: World, email: str, card: str = "4242424242424242", **more: Any) -> str:
    """Something else that the charity sells; the charge that paid for it."""
    price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Mug"}}
    wanted = {"mode": "payment", "success_url": "https://shop.example/", "line_items": [{"price_data": price, "quantity": 1}]}
    session = giving.standin.request("POST", "/v1/checkout/sessions", {**wanted, **more}).body
    giving.standin.pay(session["id"], card, email, "Somebody")
    giving.deliver()
    return str(giving.standin.read(lambda world: world.all("charge"))[-1]["id"])
