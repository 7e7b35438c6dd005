"""From an event to the books: each fact once, whatever the order, number and delay."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest

from chalicelib import aws, items, keys, settings
from chalicelib.errors import GivingError, NotUnderstood
from chalicelib.giving import checkout, donors
from chalicelib.processor import reconcile, settle
from chalicelib.processor.webhook import Hint
from chalicelib.statements import register
from tests.giving_world import ANN, VISA, World
from tests.processor.test_poison import Poison, _its_object_lacks_what_we_need, _stripe_is_broken_for_it
from tests.processor.test_standing import asked_of

BANK, WARNED = "000123456789", "4000000000005423"


def test_a_paid_gift_is_in_the_ledger_and_receipted_once(giving: World) -> None:
    """However many events tell of it."""
    gift_id = giving.give(50_00)
    for _ in range(3):
        settle.session(giving.session_of(gift_id))
        settle.charge(giving.charge_of(gift_id))

    assert [(gift.gift_id, gift.kept.minor) for gift in giving.gifts()] == [(gift_id, 50_00)]
    assert len(giving.mails("Receipt")) == 1
    assert checkout.progress_of(gift_id).state == "paid"


def test_every_order_of_the_events_ends_in_the_same_books(giving: World) -> None:
    """A refund may come before its payment; all orders of a gift's events, each doubled, agree."""
    giving.standin.set_webhooks("hold")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    charge = giving.standin.read(lambda world: world.all("charge"))[0]["id"]
    refund = giving.standin.refund(charge=charge, amount=20_00)["id"]
    hints = [
        Hint("charge.succeeded", charge), Hint("refund.created", refund, charge_id=charge),
        Hint("checkout.session.completed", giving.session_of(gift_id)),
    ]  # fmt: skip

    for order in itertools.permutations(hints):
        for hint in [*order, *order]:
            settle.handle(hint)
        assert [(gift.gift_id, gift.kept.minor) for gift in giving.gifts()] == [(gift_id, 30_00)]

    assert len(giving.mails("Receipt")) == 1


@pytest.mark.parametrize("card", ["4000000000000002", "4000000000009995", "4000000000000069"])
def test_a_declined_card_is_no_gift_and_another_card_is(giving: World, card: str) -> None:
    """A donor who mistypes still gives, on the same page."""
    gift_id = giving.start(50_00)
    assert giving.pay(gift_id, card)["status"] == "declined"
    giving.deliver()
    assert checkout.progress_of(gift_id).state == "started"

    giving.pay(gift_id)
    giving.deliver()

    assert checkout.progress_of(gift_id).state == "paid"
    assert len(giving.gifts()) == 1


def test_a_bank_debit_counts_when_it_arrives(giving: World) -> None:
    """`checkout.session.completed` can be unpaid; the gift's date is the day of success."""
    gift_id = giving.start(50_00)
    giving.pay(gift_id, BANK)
    giving.deliver()
    assert checkout.progress_of(gift_id).state == "processing"
    assert giving.mails("Receipt") == []

    giving.advance(days=5)

    assert checkout.progress_of(gift_id).state == "paid"
    assert giving.gifts()[0].given_on.isoformat() == "2026-03-14"
    assert len(giving.mails("Receipt")) == 1


@pytest.mark.parametrize("webhooks", ["normal", "drop"])
def test_a_debit_of_december_that_succeeds_in_january_is_a_gift_of_january(giving: World, webhooks: str) -> None:
    """Whether its event came or reconcile found the charge: the date is the event's own, not that of its arrival."""
    december_30(giving)
    giving.pay(giving.start(50_00), BANK)
    giving.standin.set_webhooks(webhooks)
    giving.advance(days=6)
    assert reconcile.last(days=10, both_ways=True).agrees

    assert [gift.given_on.isoformat() for gift in giving.gifts()] == ["2027-01-03"]
    assert register.issue(giving.donor_id(), "us", 2027).totals == {"usd": 50_00}


def test_a_debit_whose_event_is_gone_has_the_day_of_submission_and_staff_are_told(
    giving: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stripe keeps events for 30 days. What was settled once stays, whoever looks at it again."""
    december_30(giving)
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00), BANK)
    giving.advance(days=40)
    charge_id = giving.standin.read(lambda world: world.all("charge")[0]["id"])

    for _ in range(2):
        settle.charge(charge_id)

    assert [gift.given_on.isoformat() for gift in giving.gifts()] == ["2026-12-30"]
    assert capsys.readouterr().out.count('"debit_dated_by_booking":[1.0]') == 1


def test_a_way_to_pay_that_we_do_not_know_is_not_taken_for_a_card(giving: World) -> None:
    """Stripe may call a new kind of debit what it likes: its day is asked for."""
    gift_id = giving.start(50_00)
    giving.pay(gift_id, BANK)
    giving.standin.read(lambda world: world.all("charge")[0]["payment_method_details"].update(type="something_new"))
    giving.advance(days=5)

    assert giving.gifts()[0].given_on.isoformat() == "2026-03-14"


def test_a_card_asks_for_no_events(giving: World) -> None:
    """Only of a debit does it take one more call."""
    calls = asked_of(giving)
    giving.give(50_00)
    assert "/v1/events" not in calls

    giving.pay(giving.start(50_00), BANK)
    giving.advance(days=6)
    assert calls.count("/v1/events") == 1


def december_30(giving: World) -> None:
    giving.advance(days=(date(2026, 12, 30) - giving.time.now().date()).days)


def test_a_debit_that_came_back_is_no_difference(giving: World) -> None:
    """Stripe books it twice, there and back; in our books it never was."""
    giving.pay(giving.start(50_00), "000111111116")
    giving.advance(days=6)
    moved = giving.standin.read(lambda world: [each["amount"] for each in world.all("balance_transaction")])

    report = reconcile.last(days=10, both_ways=True)

    assert moved == [50_00, -50_00]
    assert (report.agrees, report.unhealed, report.totals) == (True, [], {})


def test_a_bank_debit_that_fails_is_said_to_have_failed(giving: World) -> None:
    """And never becomes a gift."""
    gift_id = giving.start(50_00)
    giving.pay(gift_id, "000111111116")
    giving.advance(days=5)

    assert checkout.progress_of(gift_id).state == "failed"
    assert giving.mails("Receipt") == []


def test_refunds_and_their_failures_change_what_is_kept(giving: World) -> None:
    """A refund that fails later leaves the gift whole."""
    gift_id = giving.give(50_00, card="4000000000005126")
    refund = giving.standin.refund(charge=giving.charge_of(gift_id))["id"]
    giving.deliver()
    assert checkout.progress_of(gift_id).state == "refunded"

    giving.standin.settle(refund=refund)
    giving.deliver()

    assert (giving.gifts()[0].kept.minor, checkout.progress_of(gift_id).state) == (50_00, "paid")


@pytest.mark.parametrize(("won", "state", "kept"), [(True, "paid", 50_00), (False, "refunded", 0)])
def test_a_dispute_holds_the_money_until_it_is_decided(giving: World, won: bool, state: str, kept: int) -> None:
    """Lost money stays lost; won money is the charity's again."""
    giving.give(50_00, card="4000000000000259")
    assert (giving.gifts()[0].state, giving.gifts()[0].kept.minor) == ("disputed", 0)

    dispute = giving.standin.read(lambda world: world.all("dispute"))[0]["id"]
    giving.standin.close_dispute(dispute, won)
    giving.deliver()

    assert (giving.gifts()[0].state, giving.gifts()[0].kept.minor) == (state, kept)


def test_an_early_fraud_warning_is_counted_for_staff(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A refund in time saves a dispute and its fee."""
    giving.give(50_00, card=WARNED)

    assert "early_fraud_warning" in capsys.readouterr().out


@pytest.mark.parametrize("poison", [_stripe_is_broken_for_it, _its_object_lacks_what_we_need])
def test_an_early_fraud_warning_rings_though_its_charge_cannot_be_settled(
    giving: World, capsys: pytest.CaptureFixture[str], poison: Poison
) -> None:
    """Whatever ails it, staff can give it back at Stripe. What failed is tried again."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00), card=WARNED)
    (warning,) = giving.standin.read(lambda world: world.all("radar.early_fraud_warning"))
    poison(giving, warning["charge"])

    with pytest.raises(GivingError):
        settle.handle(Hint("radar.early_fraud_warning.created", warning["id"]))

    assert capsys.readouterr().out.count('{"Name":"early_fraud_warning"') == 1


@pytest.mark.parametrize(
    "hint",
    [
        Hint("customer.created", "cus_1"), Hint("made.up.next_year", "x_1"), Hint("charge.succeeded", "ch_gone"),
        Hint("checkout.session.completed", "cs_gone"), Hint("customer.subscription.updated", "sub_gone"),
        Hint("invoice.paid", "in_gone"),
    ],
)  # fmt: skip
def test_unknown_types_and_gone_objects_are_counted_and_done(giving: World, hint: Hint, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither may be retried for ever, and neither writes."""
    settle.handle(hint)

    assert '"Unit":"Count"' in capsys.readouterr().out
    assert aws.dynamodb().scan(TableName=settings.current().giving_table, Limit=10)["Items"] == []


def test_a_charge_of_another_product_of_the_charity_is_left_alone(giving: World) -> None:
    """The charity's shop may use the same Stripe account."""
    shop = giving.standin.request(
        "POST", "/v1/checkout/sessions",
        {"mode": "payment", "success_url": "https://shop.example/",
         "line_items": [{"price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Mug"}}, "quantity": 1}]},
    )  # fmt: skip
    giving.standin.pay(shop.body["id"], "4242424242424242", "ann@example.org", "Ann")
    giving.deliver()

    assert aws.dynamodb().scan(TableName=settings.current().giving_table, Limit=10)["Items"] == []


def test_one_donor_however_the_address_is_written(giving: World) -> None:
    """`Ann@Example.org` and `ann@example.org` are one."""
    giving.give(50_00, email="Ann@Example.org")
    giving.advance(minutes=1)
    giving.give(20_00, email="ann@example.org")

    assert [gift.money.minor for gift in giving.gifts()] == [20_00, 50_00]


TYPED = {"line1": "1 Main Street", "city": "Ottawa", "state": "ON", "postal_code": "K1A 0B1", "country": "CA"}
HOME = donors.Address("1 Main Street", "", "Ottawa", "ON", "K1A 0B1", "CA")
OWN = donors.Address("7 Own Road", city="Hull")
EMPTIED = dict.fromkeys(donors.Address.__struct_fields__, "")


def give_from_home(giving: World, **typed: str) -> donors.Donor:
    """A gift in Canadian dollars with the address typed on Stripe's page; the donor as they are then."""
    giving.standin.pay(giving.session_of(giving.start(50_00, "cad")), VISA, ANN, "Ann Lee", {**TYPED, **typed})
    giving.deliver()
    donor = donors.profile(giving.donor_id())
    assert donor
    return donor


def test_a_new_donors_address_comes_from_the_payment_page(giving: World) -> None:
    """Where it is asked for, nobody has to type it twice."""
    assert give_from_home(giving).address == HOME


@pytest.mark.parametrize(
    ("had", "has"),
    [(None, HOME), (EMPTIED, HOME), ({"postal_code": "H0H 0H0", "country": "CA"}, HOME), ({"line1": "7 Own Road", "city": "Hull"}, OWN)],
)
def test_a_known_donors_address_is_taken_only_where_there_is_none(giving: World, had: Any, has: donors.Address) -> None:
    """What came with an earlier card is none, and what the donor filled in themselves goes before what pays a card."""
    giving.give(20_00)
    change = ("SET address = :had", {":had": had}) if had else ("REMOVE address", {})
    items.update(items.giving(), keys.donor(giving.donor_id()), *change, items.PRESENT)

    assert give_from_home(giving).address == has


def test_half_an_address_is_not_taken(giving: World) -> None:
    """A letter would not reach it, and a statement would wait all the same."""
    giving.give(20_00)

    assert give_from_home(giving, city="").address == donors.Address()


@pytest.mark.parametrize(
    ("meanwhile", "has"),
    [
        (("SET address = :own", {":own": {"line1": "7 Own Road", "city": "Hull"}}), OWN),
        (("SET erased_at = :at", {":at": "2026-03-10T12:00:00Z"}), donors.Address()),
    ],
)
def test_an_address_saved_meanwhile_or_an_erasure_goes_first(giving: World, meanwhile: Any, has: donors.Address) -> None:
    """The condition decides, not what was read before."""
    giving.give(20_00)
    donor_id, events = giving.donor_id(), aws.dynamodb().meta.events

    def change(**_: Any) -> None:
        events.unregister("before-call.dynamodb.UpdateItem", change)
        items.update(items.giving(), keys.donor(donor_id), *meanwhile, items.PRESENT)

    events.register("before-call.dynamodb.UpdateItem", change)
    donors.take_address(donor_id, HOME)

    now = donors.profile(donor_id)
    assert now and now.address == has


def test_a_partnership_told_of_before_its_payment_makes_no_donor_without_an_address(giving: World) -> None:
    """Such a donor would get no receipt and could not sign in; the payment knows what was typed on its page."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, frequency="monthly"))
    giving.standin.read(lambda world: [customer.update(email=None) for customer in world.all("customer")])
    (partnership,) = giving.standin.read(lambda world: world.all("subscription"))
    (charge,) = giving.standin.read(lambda world: world.all("charge"))

    with pytest.raises(NotUnderstood):
        settle.partnership(partnership["id"])
    settle.charge(charge["id"])
    settle.partnership(partnership["id"])

    assert (giving.partnership().state, len(giving.gifts()), len(giving.mails("Receipt"))) == ("active", 1, 1)
