"""Wall-clock time that can be moved forward, shared by the site, the stand-in and the pump."""

import threading
from datetime import UTC, datetime, timedelta


class TimeMachine:
    """
    Real time plus an offset that only ever grows.

    Call `.now()` for an aware UTC datetime. Going back is refused: Stripe's
    ids, idempotency keys and renewals have no meaning in a reversed order.
    """

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def travel_to(self, moment: datetime) -> None:
        """Make `now()` answer `moment`, and run on from there. A moment already past changes nothing."""
        with self._lock:
            self._offset = max(self._offset, moment - datetime.now(UTC))
