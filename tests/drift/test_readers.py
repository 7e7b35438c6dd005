"""Each function that reads one of Stripe's objects gives what it promises, or says that it cannot."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.errors import NotUnderstood
from chalicelib.giving.gift import About, Fact, Payment
from chalicelib.processor import checkouts, events, movements, trouble, vocabulary
from tests.drift.mutations import READ, Mutation, apply, objects, of_object
from tests.drift.stage import Stage

Thing = dict[str, Any]
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PAYMENT = Payment(About("0" * 32), "us", date(2026, 3, 10))
UNPAID = {"id": "in_1", "object": "invoice", "amount_remaining": 50_00, "currency": "usd"}
READERS: dict[str, list[Callable[[Thing], object]]] = {
    "balance_transaction": [movements.read],
    "charge": [
        events.charge_named, events.intent_of, events.is_unpaid, events.is_paid, events.made_at, events.method_of, events.booked_at,
        events.is_by_card, events.has_failed, events.payer_of,
        lambda charge: checkouts.tried_by(charge, names_gift=False), lambda charge: checkouts.tried_by(charge, names_gift=True),
        lambda charge: events.payment_fact(charge, NOON, PAYMENT),
    ],
    "checkout.session": [
        checkouts.came_to_nothing, checkouts.may_be_paid, checkouts.payment_of, checkouts.status_of, checkouts.tried_on, events.metadata_on,
    ],
    "customer": [events.donor_of],
    "dispute": [events.charge_named, lambda dispute: events.dispute_facts(dispute, NOON)],
    "event": [events.made_at, lambda event: events.is_about(event, "py_1")],
    "invoice": [events.about_of_invoice, events.subscription_of, lambda invoice: trouble.of(invoice, [])],
    "invoice_payment": [
        lambda paid: events.intents_paying([paid]), lambda paid: events.payments_paying([paid]),
        lambda paid: events.invoice_paid([paid]),
    ],
    "payment_intent": [checkouts.has_failed, events.metadata_on, lambda payment: trouble.of(UNPAID, [payment])],
    "payment_method": [events.method_of],
    "refund": [events.charge_named, lambda refund: events.refund_facts(refund, NOON)],
    "subscription": [
        events.currency_of, events.customer_of, events.is_partnership, events.item_of, events.latest_invoice_of,
        lambda subscription: events.partnership_of(subscription, "d" * 32, "UTC"),
        trouble.newer_card, trouble.takes_nothing, trouble.unpaid_invoice,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(READERS))
def test_whatever_becomes_of_a_field_the_reader_answers_or_refuses(stage: Stage, kind: str) -> None:
    """Every field of every object in it, gone, null, another word, more or less of an object: also where Stripe promises it."""
    things = {thing["id"]: thing for thing in objects(stage.answers) if thing["object"] == kind}
    assert things

    read = refused = 0
    for thing in things.values():
        for each in {each for inner in objects(thing) for each in ways(inner)}:
            for reader in READERS[kind]:
                spoiled = copy.deepcopy(thing)
                apply(spoiled, (each,))
                try:
                    sound(reader(spoiled))
                    read += 1
                except NotUnderstood as why:
                    assert "example.org" not in str(why), "an address would stand in a log"
                    refused += 1

    assert read
    assert refused or kind in {"customer", "payment_method"}, "all of who a donor is, and all of a card, may be missing"


@pytest.mark.parametrize("kind", sorted(READ))
def test_a_hash_in_place_of_anything_is_refused_or_read(stage: Stage, kind: str) -> None:
    """The worst that a version can do: another type."""
    for thing in [thing for thing in objects(stage.answers) if thing["object"] == kind][:3]:
        for path in READ[kind]:
            for value in ({"value": 1}, [], "novelty", -1, True):
                for reader in READERS.get(kind, []):
                    spoiled = copy.deepcopy(thing)
                    put(spoiled, path.split("."), value)
                    try:
                        sound(reader(spoiled))
                    except NotUnderstood:
                        continue


def test_nothing_that_is_known_is_counted(stage: Stage) -> None:
    """Or operators stop looking."""
    assert vocabulary.unknown(stage.answers) == set()


def ways(thing: Thing) -> set[Mutation]:
    every = {Mutation(thing["object"], path, how) for path in READ[thing["object"]] for how in ("gone", "null")}
    return every | set(of_object(thing))


def sound(result: object) -> None:
    """A fact is of a charge, and of more than nothing."""
    for fact in result if isinstance(result, list) else [result]:
        if isinstance(fact, Fact):
            assert fact.charge_id and fact.stripe_id and fact.money.minor > 0 and fact.money.currency


def put(holder: Any, path: list[str], value: object) -> None:
    for step in path[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder[path[-1]] = value
