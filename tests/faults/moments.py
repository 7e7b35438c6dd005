"""One moment of a simulated world: taken, gone back to, and told apart from others."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from chalicelib.items import Item
from local.mailbox import Mail
from tests.faults import tables
from tests.faults.queues import Message, Queue
from tests.faults.world import Sent, World

T = TypeVar("T")

# What the stand-in's books are made of; its clock and its listeners are the world's.
BOOKS = ("random", "things", "notes", "_agenda", "_quiet", "_planned")
# Moments at which something was written: two runs differ in them and in nothing that matters.
# A version is only ever compared with itself.
STAMPS = frozenset({"made_at", "lease_until", "expires_at", "attempt_at", "began", "seen", "ended_at", "version"})
# How often a mail was tried is the trace of a crash and not its damage.
TRACES = frozenset({"tries"})
# Drawn anew by every run, beside the ids of donors.
SECRETS = frozenset({"token_hash", "code_hash", "asking_hash"})
DRAWN_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
# Said only while it is true: a payment problem that was heard of after it was mended is no news.
WHILE_TRUE = frozenset({"partner_welcome", "payment_problem", "payment_to_confirm"})
# How a payment page stood is of no account once it has a charge.
PROGRESS = frozenset({"progress", "progress_rank"})
# The guard's counters say nothing of money.
COUNTERS = "COUNT#"


class Moment(NamedTuple):
    """Everything outside of our own code: tables, Stripe's books, queues, mail, time. A dead process leaves no more."""

    tables: dict[str, Any]
    books: dict[str, Any]
    answers: dict[str, Any]
    queues: list[tuple[list[Message], list[Message]]]
    hooks: list[Any]
    mails: list[Mail]
    sent: list[Sent]
    time: Any


def take(world: World) -> Moment:
    """The world as it is now."""
    assert not world.scheduler.running, "a process cannot be copied"
    books = {name: getattr(world.standin.world, name) for name in BOOKS}
    return Moment(
        tables.snapshot(), copy.deepcopy(books), dict(world.standin._api._keys._kept),
        [(_copied(queue.waiting), _copied(queue.dead)) for queue in _queues(world)],
        _copied(world.webhooks.waiting), list(world.mails), list(world.sent), world.time.moment,
    )  # fmt: skip


def go_back(world: World, moment: Moment) -> None:
    """Make the world what it was then. The moment stays good for more."""
    tables.restore(moment.tables)
    for name, value in copy.deepcopy(moment.books).items():
        setattr(world.standin.world, name, value)
    world.standin._api._keys._kept = dict(moment.answers)
    world.standin._api._keys._in_use = set()
    for queue, (waiting, dead) in zip(_queues(world), moment.queues, strict=True):
        queue.waiting, queue.dead = _copied(waiting), _copied(dead)
    world.webhooks.waiting = _copied(moment.hooks)
    world.mails, world.sent = list(moment.mails), list(moment.sent)
    world.time.moment = moment.time


def fingerprint(world: World, *, stripe: bool = True) -> str:
    """Equal for worlds from which everything goes on alike, whatever random ids they picked and when."""
    return _told(world, STAMPS | SECRETS, sorted([*sent] for sent in world.sent), stripe=stripe)


def essence(world: World) -> str:
    """Equal for worlds that came to the same: the same books, gifts and partnerships, and the same people told."""
    return _told(world, STAMPS | SECRETS | TRACES, sorted(told_of(world)))


def books(world: World) -> str:
    """The same but for what is told only while it is true, and so depends on when it was heard of."""
    lasting = sorted(each for each in told_of(world) if each[0] not in WHILE_TRUE)
    return _told(world, STAMPS | SECRETS | TRACES, lasting, but=_is_momentary)


def told_of(world: World) -> set[tuple[str, str]]:
    """Which mails were sent, about what, however often."""
    return {(sent.mail, sent.about) for sent in world.sent}


def _told(
    world: World, left_out: frozenset[str], mails: Any, *, stripe: bool = True,
    but: Callable[[Item], bool] = lambda item: False,
) -> str:  # fmt: skip
    every = [item for item in tables.every() if not item["pk"].startswith(COUNTERS) and not but(item)]
    held = [_lasting(item, left_out | PROGRESS if "charge_id" in item else left_out) for item in every]
    bodies = sorted({DRAWN_ID.sub("<drawn>", message.body) for queue in _queues(world) for message in queue.waiting})
    told = json.dumps([held, mails, bodies, _at_stripe(world) if stripe else []], sort_keys=True, default=str)
    for name, stands_for in _random_names(held):
        told = told.replace(name, stands_for)
    return json.dumps(_sorted(json.loads(DRAWN_ID.sub("<drawn>", told))), sort_keys=True)


def _lasting(item: Item, left_out: frozenset[str]) -> Item:
    return {name: bool(value) if name == "sent_at" else value for name, value in item.items() if name not in left_out}


def _is_momentary(item: Item) -> bool:
    return item["sk"].startswith("MAIL#") and item["sk"].split("#")[1] in WHILE_TRUE


def _at_stripe(world: World) -> list[Any]:
    kinds = ("checkout.session", "charge", "subscription", "refund", "dispute")
    things = [each for kind in kinds for each in world.standin.world.all(kind)]
    return [[each["id"], each.get("status"), each.get("metadata")] for each in things]


def _random_names(held: list[Item]) -> list[tuple[str, str]]:
    """Donors' ids, which are random, and what names the same donor in another run."""
    return [
        (item["donor_id"], f"<{item.get('email') or item.get('customer_id')}>")
        for item in held
        if item["sk"] == "PROFILE"
    ]


def _sorted(told: list[Any]) -> list[Any]:
    held, *rest = told
    return [sorted(held, key=lambda item: json.dumps(item, sort_keys=True)), *rest]


def _queues(world: World) -> tuple[Queue, Queue]:
    return world.money, world.mail


def _copied(waiting: list[T]) -> list[T]:
    """Messages or webhooks, apart from those that wait on: a try changes them."""
    return [copy.copy(each) for each in waiting]
