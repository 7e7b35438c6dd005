"""The processor's books, for the desk: what Stripe would show in its dashboard."""

from collections import defaultdict
from typing import Any

from local.standin.world import Thing, World

COUNTED = ("customer", "checkout.session", "payment_intent", "charge", "refund", "dispute", "subscription", "invoice",
           "event")


def books(world: World) -> dict[str, Any]:
    """Counts by kind, the money objects newest first, and the balance per currency in minor units."""
    return {
        "now": world.now(),
        "counts": {kind: len(world.things[kind]) for kind in COUNTED},
        "charges": _shown(world, "charge", "amount", "amount_refunded", "currency", "status", "disputed", "customer",
                          "payment_intent", "created", "failure_code"),
        "refunds": _shown(world, "refund", "amount", "currency", "status", "charge", "created"),
        "disputes": _shown(world, "dispute", "amount", "currency", "status", "reason", "charge", "created"),
        "subscriptions": _shown(world, "subscription", "status", "customer", "currency", "created", "cancel_at"),
        "sessions": _shown(world, "checkout.session", "status", "payment_status", "amount_total", "currency", "url",
                           "mode", "created"),
        "balance": _balance(world),
    }


def _shown(world: World, kind: str, *fields: str) -> list[Thing]:
    return [{name: each[name] for name in ("id", *fields)} for each in world.all(kind)[::-1]]


def _balance(world: World) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = defaultdict(lambda: {"gross": 0, "fees": 0, "net": 0, "movements": 0})
    for each in world.all("balance_transaction"):
        total = totals[each["currency"]]
        total["gross"] += each["amount"]
        total["fees"] += each["fee"]
        total["net"] += each["net"]
        total["movements"] += 1
    return dict(totals)
