"""Declarations made with gifts, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from botocore.model import OperationModel

from chalicelib import aws, items
from chalicelib.gift_aid import store
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.gift_aid.claims import Entry
from chalicelib.gift_aid.declaration import Declaration
from ops import gift_aid as schedule
from tests.giving_world import ANN, World
from tests.guard.test_form_token import wish
from tests.over_http import Answered, Site
from tests.portal.calls import everything

BO, VISA, BANK, DECLINED = "bo@example.org", "4242 4242 4242 4242", "000123456789", "4000 0000 0000 0002"
DISPUTED = "4000 0000 0000 0259"
THIS, LATER, ALL = (
    DeclarationWithGift("Ann", "Lee-Moor", "Rose Cottage", "sw1a1aa", scope, "yes")
    for scope in ("this_gift", "future", "past_and_future")
)
PARTS = {
    "gift_aid": "yes", "scope": "future", "first_name": "Ann", "last_name": "Lee-Moor", "house": "Rose Cottage", "postcode": "sw1a 1aa",
    "country": "GB", "taxpayer": "yes",
}  # fmt: skip


def give(giving: World, told: Any, *more: Any, **how: Any) -> str:
    return giving.give(50_00, "gbp", *more, gift_aid=told, **how)


def declared(giving: World, email: str = ANN) -> list[Declaration]:
    return store.of_donor(giving.donor_id(email))


def looked_at() -> list[tuple[Entry, Declaration]]:
    """What a claim over all the days there are would hold, and which declaration each row rests on."""
    held = schedule.held()
    entries = schedule.due(held, date(2020, 1, 1), date(2030, 1, 1))
    return [(entry, held[donor_id].declarations[entry.declaration_id]) for donor_id, entry in entries]


def waiting() -> list[items.Item]:
    """The declarations that wait for their gifts."""
    return [each for each in everything(items.passing()) if each["pk"].startswith("GIFTAID#")]


def posted(site: Site, **fields: Any) -> Answered:
    """The giving form in pounds, as a browser without JavaScript sends it."""
    return site.form("/gifts", {**wish(currency="gbp"), **fields})


@contextmanager
def in_between(number: int, other: Callable[[], object]) -> Iterator[list[str]]:
    """Just before call `number` to DynamoDB somebody else's work is done, whole; the calls made so far."""
    made: list[str] = []

    def count(model: OperationModel, **_: object) -> None:
        made.append(model.name)
        if len(made) == number:
            events.unregister("before-call", unique_id="in between")
            other()

    events = aws.dynamodb().meta.events
    events.register("before-call", count, unique_id="in between")
    try:
        yield made
    finally:
        events.unregister("before-call", unique_id="in between")
