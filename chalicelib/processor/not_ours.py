"""
Charges that were found to be another product's, so that reconcile need not ask Stripe of each of them every hour.

    asked ---- asked ---- asked -------- asked ---------------- asked ------- ...
          <-1->      <-1->       <--2-->          <----4---->

One is asked of again once it has rested for as long as it has been known. So
a verdict that was wrong, or has become so, is found out in a time that its
age allows, and hundreds of hourly runs become about ten questions. Only
reconcile rests; any event about the charge is looked into at once.
"""

from __future__ import annotations

from chalicelib import items, keys
from chalicelib.clock import epoch_seconds

# How long after its rest a charge is still known to have been asked of: longer than any run looks back.
KEPT_SECONDS = 200 * 86_400


def rests(charge_id: str) -> bool:
    """Whether it is too early to ask of this charge again."""
    stands = items.get(items.passing(), _key(charge_id))
    return stands is not None and epoch_seconds() < stands["rests_until"]


def remember(charge_id: str) -> None:
    """Note that Stripe was asked just now, and that the charge is another product's."""
    now, stands = epoch_seconds(), items.get(items.passing(), _key(charge_id))
    first = stands["first_asked"] if stands else now
    until = now + (now - first)
    note = {"first_asked": first, "rests_until": until, "expires_at": until + KEPT_SECONDS}
    items.put(items.passing(), _key(charge_id) | note)


def _key(charge_id: str) -> keys.Key:
    return keys.passing("NOT_OURS", charge_id)
