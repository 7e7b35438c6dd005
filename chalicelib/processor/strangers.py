"""
Charges of the same Stripe account that are no gifts, remembered for a while.

Only asking Stripe tells that a charge is another product's. A shop's orders
would otherwise be asked about every hour, as long as reconcile sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from chalicelib import items, keys
from chalicelib.clock import epoch_seconds

# Longer than the daily run looks back, so that each is asked about once.
REMEMBERED = timedelta(days=40)


def among(charge_ids: Iterable[str]) -> set[str]:
    """Those of the charges that are known to be no gifts."""
    wanted = [keys.passing("STRANGER", charge_id) for charge_id in charge_ids]
    found = items.get_many(items.passing(), wanted)
    return {str(each["pk"]).removeprefix("STRANGER#") for each in found if each["expires_at"] > epoch_seconds()}


def remember(charge_id: str) -> None:
    """Note that a charge is another product's."""
    until = epoch_seconds() + int(REMEMBERED.total_seconds())
    items.put(items.passing(), keys.passing("STRANGER", charge_id) | {"expires_at": until})
