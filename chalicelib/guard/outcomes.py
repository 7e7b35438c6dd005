"""How card payments went, as the webhook tells it: what the guard knows of whom to look at twice comes from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.clock import epoch_seconds
from chalicelib.guard import breaker, counters, rate_limit, strangers, suspects
from chalicelib.guard.askers import Who, hashed
from chalicelib.guard.counters import Down, Tally

# A card that failed this often in a day is being guessed at; one that gave this often is being used up.
CARD_FAILURES, CARD_GIFTS = 5, 20
CARD_WINDOW = rate_limit.DAY
# What reconcile finds later tells of yesterday's campaign, not of today's.
NEWS_SECONDS = int(timedelta(hours=1).total_seconds())


def learn(charge: Mapping[str, Any], gift_id: str, *, monthly: bool) -> None:
    """
    Take in how a card payment went: whose it was, with which card.

    Renewals and old news are left aside. Told twice, it counts once. Never
    raises for want of counters, because money is recorded beside it.
    """
    if is_news(charge):
        try:
            _take_in(charge, gift_id, monthly=monthly)
        except Down:
            return  # counted where it happened


def is_news(charge: Mapping[str, Any]) -> bool:
    """Whether a charge has something to tell: a card's, decided, and of this hour."""
    made_at = charge.get("created")
    return isinstance(made_at, int) and bool(_card(charge)) and epoch_seconds() - made_at < NEWS_SECONDS


def _card(charge: Mapping[str, Any]) -> str:
    """The card's fingerprint, hashed; an empty text for what is no card or not yet decided."""
    details = charge.get("payment_method_details")
    card = details.get("card") if isinstance(details, dict) else None
    fingerprint = card.get("fingerprint") if isinstance(card, dict) else None
    decided = charge.get("status") in {"succeeded", "failed"}
    return hashed("card", str(fingerprint)) if decided and fingerprint else ""


def _take_in(charge: Mapping[str, Any], gift_id: str, *, monthly: bool) -> None:
    card, begun, declined = _card(charge), f"gift#{gift_id}", f"declined#{gift_id}"
    known = counters.store().read([begun, declined]) if gift_id else {}
    page = known.get(begun)
    if monthly and page is None:
        return  # a renewal: nobody is at a form
    named = _named(page)
    at, failed = int(charge["created"]), charge["status"] == "failed"
    worn_out, is_new = _use_card(card, str(charge["id"]), failed=failed)
    if failed:
        suspects.blame(named, str(charge["id"]))
        breaker.failed(at, named.get("ip", card))
        if page:
            counters.store().keep(declined, {}, page.expires_at)
    elif is_new:
        breaker.paid(at)
        # Of a tester's three cards one is good often enough to have paid for the next page.
        if declined not in known:
            strangers.paid(named, int(page.known.get("campaign", 0)) if page else 0)
    if worn_out:
        suspects.mark(named)


def _named(page: Tally | None) -> dict[Who, str]:
    """By which hashes those are known who began the gift."""
    known: tuple[Who, ...] = ("ip", "neighbourhood", "browser", "email")
    return {who: str(page.known[who]) for who in known if page and who in page.known}


def _use_card(card: str, charge_id: str, *, failed: bool) -> tuple[bool, bool]:
    """Whether this card was now used more often than a donor's is, and whether the charge is new to us."""
    starts, ends = rate_limit.ends_of(CARD_WINDOW)
    kind, most = ("failed", CARD_FAILURES) if failed else ("paid", CARD_GIFTS)
    name = f"card#{kind}#{card}#{starts}"
    tally, is_new = counters.store().join(name, charge_id, ends + NEWS_SECONDS, suspects.MOST_CHARGES)
    return len(tally.members) > most, is_new
