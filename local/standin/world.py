"""Everything the stand-in knows: objects, what they hide, what happened, and what will happen when."""

import copy
import heapq
import random
import string
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from local.standin.refusals import no_such
from local.standin.shapes import blank

API_VERSION = "2026-10-28.endive"
ALPHABET = string.ascii_letters + string.digits
DAY = 24 * 60 * 60
RETRY_AFTER_DAYS = (3, 5, 7)
"""Days between a failed attempt and the next; after the last the subscription ends."""

Thing = dict[str, Any]


class World:
    """
    One account's books. Changed by one caller at a time; `Standin` holds the lock.

    `notes` keeps, by object id, what Stripe knows and does not show: a card's
    number, the parameters of a session still open.
    """

    def __init__(self, clock: Any, seed: int, account: str, url: str) -> None:
        self.clock, self.account, self.url = clock, account, url
        self.random = random.Random(seed)
        self.things: dict[str, dict[str, Thing]] = defaultdict(dict)
        self.notes: dict[str, Any] = {}
        self.cause: dict[str, str | None] | None = None
        self.listeners: list[Callable[[Thing], None]] = []
        self._agenda: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._quiet: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._planned = 0
        # What the charity chose in Stripe's dashboard, and how long a renewal's invoice can still be stopped.
        self.retry_after_days = RETRY_AFTER_DAYS
        self.draft_seconds = 0
        self._acting_at: int | None = None

    def now(self) -> int:
        """Unix seconds; while something due is being done, the second at which it was due."""
        return self._acting_at if self._acting_at is not None else int(self.clock.now().timestamp())

    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{''.join(self.random.choices(ALPHABET, k=length))}"

    def add(self, thing: Thing) -> Thing:
        self.things[thing["object"]][thing["id"]] = thing
        return thing

    def all(self, kind: str, **match: Any) -> list[Thing]:
        """Objects of a kind whose fields equal those given, oldest first."""
        return [each for each in self.things[kind].values()
                if all(each[name] == wanted for name, wanted in match.items())]

    def get(self, kind: str, id: str | None) -> Thing | None:
        return self.things[kind].get(id or "")

    def find(self, kind: str, id: str, param: str = "id", status: int = 404) -> Thing:
        """Raises Refused (`resource_missing`) if there is none."""
        found = self.get(kind, id)
        if found is None:
            raise no_such(kind, id, param, status)
        return found

    def tell(self, kind: str, thing: Thing, previous: Thing | None = None) -> Thing:
        """Make an event of what just happened, holding the object as it is now."""
        told = {"object": copy.deepcopy(thing)}
        if previous is not None:
            told["previous_attributes"] = copy.deepcopy(previous)
        event = self.add(blank(
            "event", id=self.new_id("evt"), api_version=API_VERSION, created=self.now(), data=told,
            livemode=False, pending_webhooks=1, type=kind,
            request=dict(self.cause) if self.cause else {"id": None, "idempotency_key": None}))
        for listener in self.listeners:
            listener(event)
        return event

    def change(self, thing: Thing, event: str, **fields: Any) -> None:
        """Set fields and tell it as an update, if any of them differs."""
        previous = {name: thing[name] for name, value in fields.items() if thing[name] != value}
        thing.update(fields)
        if previous:
            self.tell(event, thing, previous)

    def plan(self, moment: int, act: Callable[..., None], *about: Any) -> None:
        """Do `act(world, *about)` then. It must check for itself that it is still wanted."""
        self._planned += 1
        heapq.heappush(self._agenda, (moment, self._planned, act, about))

    def plan_quietly(self, moment: int, act: Callable[..., None], *about: Any) -> None:
        """Like `plan`, for what nobody is told of: time travel need not stop for it."""
        self._planned += 1
        heapq.heappush(self._quiet, (moment, self._planned, act, about))

    def next_due(self) -> int | None:
        return self._agenda[0][0] if self._agenda else None

    def run_due(self) -> None:
        """Do all that is due by now, each thing at its own moment, in order."""
        until = self.now()
        self._run(self._agenda, until)
        self._run(self._quiet, until)

    def _run(self, agenda: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]], until: int) -> None:
        while agenda and agenda[0][0] <= until:
            moment, _, act, about = heapq.heappop(agenda)
            self._acting_at = moment
            try:
                act(self, *about)
            finally:
                self._acting_at = None
