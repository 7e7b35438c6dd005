"""Balance transactions: each movement of money into and out of the account, with Stripe's fee."""

from typing import Any

from local.standin.listing import matching, page
from local.standin.params import PAGE, moment_range, text
from local.standin.routing import route
from local.standin.shapes import blank
from local.standin.world import DAY, Thing, World

AVAILABLE_AFTER = 2 * DAY
CARD_RATE_PER_MILLE, CARD_FIXED = 29, 30
BANK_RATE_PER_MILLE, BANK_MOST = 8, 500
DISPUTE_FEE = 1500


def book(world: World, kind: str, amount: int, source: Thing, category: str, fee: int = 0,
         description: str | None = None, available_on: int | None = None) -> Thing:
    """Move `amount` minor units (negative: out) for this charge, refund or dispute."""
    currency = source["currency"]
    details = [{"amount": fee, "application": None, "currency": currency,
                "description": "Dispute fee" if category == "dispute" else "Stripe processing fees",
                "type": "stripe_fee"}] if fee else []
    available = world.now() + AVAILABLE_AFTER if available_on is None else available_on
    movement = world.add(blank(
        "balance_transaction", id=world.new_id("txn"), amount=amount, available_on=available,
        balance_type="payments", created=world.now(), currency=currency, description=description, fee=fee,
        fee_details=details, net=amount - fee, reporting_category=category, source=source["id"],
        status="pending", type=kind))
    world.plan_quietly(available, make_available, movement["id"])
    return movement


def make_available(world: World, id: str) -> None:
    world.things["balance_transaction"][id]["status"] = "available"


def fee_on(amount: int, bank: bool) -> int:
    """Stripe's published United States prices: 2.9% + 30 for cards, 0.8% up to 5.00 for bank debits."""
    if bank:
        return min(_share(amount, BANK_RATE_PER_MILLE), BANK_MOST)
    return min(amount, _share(amount, CARD_RATE_PER_MILLE) + CARD_FIXED)


def _share(amount: int, per_mille: int) -> int:
    return (amount * per_mille + 500) // 1000


@route("GET /v1/balance_transactions/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("balance_transaction", id)


@route("GET /v1/balance_transactions", created=moment_range, currency=text, type=text, source=text, payout=text,
       **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    chosen = matching(world, "balance_transaction", params, "currency", "type", "source")
    return page(chosen, params, "/v1/balance_transactions")
