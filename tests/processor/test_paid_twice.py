"""One gift, one payment: a second one is kept, has an id of its own, and calls a person."""

from __future__ import annotations

from contextlib import suppress

import pytest

from chalicelib.giving import checkout, ledger, started
from chalicelib.giving.gift import second_payment_id
from chalicelib.processor import reconcile, settle
from tests.giving_world import ANN, VISA, World
from tests.processor.power import PowerCut, cut

BOB = "bob@example.org"
ALARM = '"gift_paid_twice":[1.0]'


def pay_twice(giving: World, second: str) -> tuple[str, str, str]:
    """One gift that Ann paid, and somebody once more on another page; its id and both charges. No event told."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    page = giving.standin.read(lambda world: world.find("checkout.session", giving.session_of(gift_id)))
    intent = {"metadata": page["metadata"]}
    wanted = {
        "mode": "payment", "success_url": page["success_url"], "metadata": page["metadata"],
        "customer_creation": "always", "payment_intent_data": intent,
        "line_items": [{"price_data": {"currency": "usd", "unit_amount": 50_00, "product_data": {"name": "Gift"}}, "quantity": 1}],
    }  # fmt: skip
    giving.pay(gift_id)
    other = giving.standin.request("POST", "/v1/checkout/sessions", wanted)
    giving.standin.pay(other.body["id"], VISA, second, "Bob")
    first, again = giving.standin.read(lambda world: [charge["id"] for charge in world.all("charge")])
    return gift_id, first, again


@pytest.mark.parametrize("second", [ANN, BOB])
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "the other first"])
def test_whoever_pays_a_gift_a_second_time_a_person_is_called(
    giving: World, second: str, turned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two payers of one gift never met: each had the gift's id, and nobody heard of it."""
    gift_id, *charges = pay_twice(giving, second)
    one, two = reversed(charges) if turned else charges

    for charge in (one, two, one, two):
        settle.charge(charge)

    places = {charge: ledger.place_of(charge) for charge in charges}
    assert [place.gift_id for charge in (one, two) if (place := places[charge])] == [gift_id, second_payment_id(two)]
    assert capsys.readouterr().out.count(ALARM) == 1
    booked = [gift.gift_id for email in {ANN, second} for gift in giving.gifts(email)]
    assert sorted(booked) == sorted([gift_id, second_payment_id(two)])
    assert len(giving.mails("Receipt")) == 2
    known = started.read(gift_id)
    assert known and known.charge_id == one
    assert checkout.progress_of(gift_id).state == "paid"
    assert reconcile.last(days=3, both_ways=True).agrees


@pytest.mark.parametrize("write", range(1, 12))
def test_a_crash_at_any_write_leaves_two_gifts_and_an_alarm(
    giving: World, write: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each charge keeps its id, whichever worker died where, and the alarm has rung by the end."""
    gift_id, first, again = pay_twice(giving, BOB)
    for charge in (first, again):
        with suppress(PowerCut), cut(write):
            settle.charge(charge)
    giving.advance(hours=1)

    reconcile.last(days=3)

    known = started.read(gift_id)
    assert known and known.charge_id in {first, again}
    second = again if known.charge_id == first else first
    booked = {gift.charge_id: gift.gift_id for email in (ANN, BOB) for gift in giving.gifts(email)}
    assert booked == {known.charge_id: gift_id, second: second_payment_id(second)}
    assert ALARM in capsys.readouterr().out
    assert reconcile.last(days=3, both_ways=True).agrees
