"""
Our own code broken on purpose, in the ways that a simulation is there to find.

Each is a context in which one guarantee is gone; the harness must show it. Here
alone our own functions are replaced: that is what a mistake would do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from chalicelib import keys, letters
from chalicelib.gift_aid import pending
from chalicelib.mail import outbox
from chalicelib.partners import store
from chalicelib.processor import movements, reconcile, trouble, unpaid, webhook
from tests.faults import promises
from tests.faults.queues import Message, Queue
from tests.faults.seams import Aws


@contextlib.contextmanager
def puts_without_condition() -> Iterator[None]:
    """Whoever writes last wins."""
    answer = Aws._answer

    def unconditional(self: Aws, operation: str, body: dict[str, Any]) -> Any:
        for put in [body, *(each.get("Put", {}) for each in body.get("TransactItems", []))]:
            if "Item" in put and put.pop("ConditionExpression", None):
                for left in ("ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure"):
                    put.pop(left, None)
        return answer(self, operation, body)

    with mock.patch.object(Aws, "_answer", unconditional):
        yield


@contextlib.contextmanager
def message_deleted_before_the_work() -> Iterator[None]:
    """A worker that dies takes its message with it."""
    take = Queue.take

    def forget(self: Queue, message: Message, now: int) -> dict[str, Any]:
        taken = take(self, message, now)
        self.delete(message)
        return taken

    with mock.patch.object(Queue, "take", forget):
        yield


@contextlib.contextmanager
def facts_keyed_by_event() -> Iterator[None]:
    """Two events tell of one fact, so it counts twice or contradicts itself."""
    read, named, heard = webhook.read_hint, keys.fact, [""]

    def read_and_remember(message: str) -> webhook.Hint:
        hint = read(message)
        heard[0] = hint.event_id
        return hint

    with (
        mock.patch.object(webhook, "read_hint", read_and_remember),
        mock.patch.object(keys, "fact", lambda *names: f"{named(*names)}#{heard[0]}"),
    ):
        yield


@contextlib.contextmanager
def mail_without_a_lease() -> Iterator[None]:
    """Whoever comes to it sends it."""

    def claimed(table: str, key: keys.Key) -> dict[str, Any]:
        return {**key, "sent_at": "", "lease_until": "", "tries": 1}

    with mock.patch.object(outbox, "_claim", claimed):
        yield


@contextlib.contextmanager
def reconcile_without_refunds() -> Iterator[None]:
    """A refund whose events were lost is never found."""
    kinds = {name: kind for name, kind in movements.KINDS.items() if name != "refund"}
    with mock.patch.object(movements, "KINDS", kinds):
        yield


@contextlib.contextmanager
def runs_look_back_a_day() -> Iterator[None]:
    """What was lost before a schedule stood still for some days stays lost."""
    last = reconcile.last
    with mock.patch.object(reconcile, "last", lambda days, **how: last(days=1, **how)):
        yield


@contextlib.contextmanager
def old_weeks_never_looked_at() -> Iterator[None]:
    """What could not be settled for five weeks is never settled."""
    with mock.patch.object(reconcile, "an_old_week", lambda: None):
        yield


@contextlib.contextmanager
def kept_is_as_good_as_told() -> Iterator[None]:
    """A monthly gift that was kept is taken for looked after, whoever died over its mail."""
    replace = store.replace
    with mock.patch.object(store, "replace", lambda stands, seen, **_: replace(stands, seen, unfinished=False)):
        yield


@contextlib.contextmanager
def cause_not_kept() -> Iterator[None]:
    """A dead letter does not say why it lies there."""
    with mock.patch.object(letters, "_note", lambda message_id, attributes, why: None):
        yield


@contextlib.contextmanager
def declarations_not_taken() -> Iterator[None]:
    """What was declared with a gift is forgotten when it is paid."""
    with mock.patch.object(pending, "take", lambda donor_id, gift_id: None):
        yield


@contextlib.contextmanager
def every_month_given_up() -> Iterator[None]:
    """A renewal of which an event tells while it is a draft is never taken."""
    with mock.patch.object(trouble, "takes_nothing", lambda subscription: True):
        yield


@contextlib.contextmanager
def failed_month_given_up_at_once() -> Iterator[None]:
    """A month whose payment has failed is left out, and no new card and no retry brings it."""
    give_up = unpaid.give_up
    with mock.patch.object(unpaid, "give_up", lambda subscription_id, but="": give_up(subscription_id)):
        yield


@contextlib.contextmanager
def nothing_given_up() -> Iterator[None]:
    """What was asked for before a pause or an end is taken after it."""
    with mock.patch.object(unpaid, "give_up", lambda subscription_id, but="": None):
        yield


# Each with the promises that it breaks.
FOUND_BY_SEEDS: dict[Callable[[], AbstractContextManager[None]], set[str]] = {
    puts_without_condition: {promises.FORWARD, promises.NEVER_TWO, promises.NO_DOUBLE},
    message_deleted_before_the_work: {promises.FACTS},
    facts_keyed_by_event: {promises.FACTS, promises.TOTALS},
    mail_without_a_lease: {promises.NEVER_TWO},
    reconcile_without_refunds: {promises.FACTS, promises.TOTALS, promises.HEALED},
    runs_look_back_a_day: {promises.HEALED},
    old_weeks_never_looked_at: {promises.FACTS},
    cause_not_kept: {promises.POISON},
    declarations_not_taken: {promises.DECLARED},
    every_month_given_up: {promises.MONTHS},
    failed_month_given_up_at_once: {promises.MONTHS},
    nothing_given_up: {promises.STOPPED},
}
