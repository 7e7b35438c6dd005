"""The books agree with Stripe, also when its events do not come."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import aws, charity
from chalicelib.giving import ledger
from chalicelib.processor import reconcile, settle, stripe_api
from tests.giving_world import World
from tests.processor.power import PowerCut, cut


def test_what_no_event_told_is_found_and_receipted(giving: World) -> None:
    """Events can be lost; the money was not."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    giving.deliver()

    report = reconcile.last(days=3)

    assert (report.charges, report.facts_healed, report.unhealed) == (1, 1, [])
    assert [gift.gift_id for gift in giving.gifts()] == [gift_id]
    assert len(giving.mails("Receipt")) == 1


def test_a_refund_of_an_old_gift_is_found_by_its_own_date(giving: World) -> None:
    """The gift is months old, the refund is of today."""
    gift_id = giving.give(50_00)
    giving.advance(days=90)
    giving.standin.set_webhooks("drop")
    giving.standin.refund(charge=giving.charge_of(gift_id), amount=10_00)

    report = reconcile.last(days=3)

    assert report.facts_healed == 1
    assert giving.gifts()[0].kept.minor == 40_00


def test_books_that_agree_are_left_as_they_are(giving: World) -> None:
    """Reconcile every hour mails nobody twice."""
    giving.give(50_00)

    report = reconcile.last(days=3)

    assert (report.charges, report.facts_healed) == (1, 0)
    assert len(giving.mails("Receipt")) == 1


def test_one_run_heals_four_days_without_a_single_event(giving: World) -> None:
    """Gifts, refunds, disputes, a renewal: afterwards the two totals are equal."""
    giving.standin.set_webhooks("drop")
    for card in ("4242424242424242", "4000000000000259", "4000000000005126", "000123456789"):
        giving.pay(giving.start(50_00), card)
    giving.pay(giving.start(25_00, "eur", "monthly"))
    giving.advance(days=4)
    charges = giving.standin.read(lambda world: [charge["id"] for charge in world.all("charge") if charge["paid"]])
    giving.standin.refund(charge=charges[0], amount=5_00)

    report = reconcile.last(days=5)

    assert report.agrees
    assert {code: totals.ledger for code, totals in report.totals.items()} == {"usd": 145_00, "eur": 25_00}
    assert len(giving.mails("Receipt")) == 5
    assert reconcile.last(days=5).facts_healed == 0


def test_books_that_agree_cost_stripe_no_call_per_charge(giving: World) -> None:
    """Thousands of charges an hour must not become thousands of calls."""
    for _ in range(3):
        giving.give(50_00)
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]

    reconcile.last(days=3)

    assert calls == ["/v1/balance_transactions", "/v1/disputes"]


def test_a_range_is_looked_at_week_by_week_without_a_gap(giving: World) -> None:
    """However long it is; a charge of the first second and one of the last are both seen, and each once."""
    first = giving.time.now()
    giving.give(50_00)
    giving.advance(days=21)
    giving.give(20_00)
    spans: list[tuple[int, int]] = []

    start, end = int(first.timestamp()), int(giving.time.now().timestamp())
    report = reconcile.between(start, end, after_each=lambda span, _: spans.append((span.first, span.last)))

    assert report.charges == 2
    assert (spans[0][0], spans[-1][1]) == (start, end)
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(spans))
    assert max(last - first for first, last in spans) < 7 * 86_400


def test_more_than_one_list_may_hold_is_listed_in_halves(giving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign's week must not be too much for the run that has to heal it."""
    giving.standin.set_webhooks("drop")
    for _ in range(5):
        giving.pay(giving.start(10_00))
        giving.advance(minutes=10)
    monkeypatch.setattr(stripe_api, "PAGE", 2)
    monkeypatch.setattr(stripe_api, "PAGES_LIMIT", 1)

    report = reconcile.last(days=3)

    assert (report.charges, report.facts_healed, report.agrees) == (5, 5, True)


@pytest.mark.parametrize(("minutes", "overdue"), [(5, 0), (16, 1)])
def test_a_fact_that_an_event_should_have_told_raises_the_alarm(
    giving: World, minutes: int, overdue: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """That nobody gave is no trouble; that somebody gave and no event came is, at once."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    giving.advance(minutes=minutes)

    report = reconcile.last(days=3)

    assert (report.facts_healed, report.overdue) == (1, overdue)
    assert capsys.readouterr().out.count('{"Name":"event_missing"') == overdue


def test_each_week_of_the_year_has_its_turn(giving: World) -> None:
    """A charge that could not be healed for five weeks would otherwise never be looked at again."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    giving.advance(days=200)
    days = 0

    while not reconcile.an_old_week().facts_healed:
        days += 1
        assert days < reconcile.OLD_WEEKS
        giving.advance(days=1)

    assert [gift.gift_id for gift in giving.gifts()] == [gift_id]


def test_a_refused_receipt_is_mailed_by_the_next_run(giving: World) -> None:
    """SES may refuse while reconcile heals; the facts stand from then on, and the receipt is still owed."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    sender = {"EmailIdentity": charity.current().mail.sender.split("<")[1].strip(">")}
    aws.ses().delete_email_identity(**sender)
    assert [each.why.partition(" at ")[0] for each in reconcile.last(days=3).unhealed] == ["NotSent (mail_not_sent) from MessageRejected"]

    aws.ses().create_email_identity(**sender)
    report = reconcile.last(days=3)

    assert (report.agrees, report.facts_healed, report.finished) == (True, 0, 1)
    assert len(giving.mails("Receipt")) == 1
    assert reconcile.last(days=3).finished == 0


def test_a_mail_that_another_worker_is_sending_is_no_failure(giving: World) -> None:
    """Its lease ends within two minutes, and the next run sees whether it went out."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    charge = giving.standin.read(lambda world: world.all("charge"))[0]["id"]
    lease_is_claimed = 4  # after the donor, the payment and the gift's own record
    with cut(lease_is_claimed), pytest.raises(PowerCut):
        settle.charge(charge)

    assert reconcile.last(days=3).agrees
    assert giving.mails("Receipt") == []

    giving.advance(hours=1)
    assert reconcile.last(days=3).finished == 1
    assert len(giving.mails("Receipt")) == 1


def test_another_products_charges_are_asked_about_once(giving: World) -> None:
    """A shop on the same account may have thousands a month, and only Stripe knows that they are no gifts."""
    giving.give(50_00)
    shop = giving.standin.request(
        "POST", "/v1/checkout/sessions",
        {"mode": "payment", "success_url": "https://shop.example/",
         "line_items": [{"price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Mug"}}, "quantity": 1}]},
    )  # fmt: skip
    giving.standin.pay(shop.body["id"], "4242424242424242", "bob@example.org", "Bob")
    first = reconcile.last(days=3)
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]

    second = reconcile.last(days=3)

    assert (first.not_ours, second.not_ours, second.charges) == (1, 1, 2)
    assert {code: (each.ledger, each.stripe) for code, each in second.totals.items()} == {"usd": (50_00, 50_00)}
    assert calls == ["/v1/balance_transactions", "/v1/disputes"]


def test_a_dispute_of_spring_that_was_lost_today_is_decided(giving: World) -> None:
    """It moves nothing today, and no event told: the gift would stay disputed for ever."""
    giving.give(50_00, card="4000000000000259")
    giving.advance(days=80)
    giving.standin.set_webhooks("drop")
    dispute = giving.standin.read(lambda world: world.all("dispute"))[0]["id"]
    giving.standin.close_dispute(dispute, won=False)

    report = reconcile.last(days=3)

    assert (report.facts_healed, report.agrees) == (1, True)
    assert giving.gifts()[0].state == "refunded"
    assert reconcile.last(days=3).facts_healed == 0


def test_a_debit_on_its_way_is_neither_missing_nor_a_stranger(giving: World) -> None:
    """Stripe books a bank debit as pending days before it is paid: https://docs.stripe.com/reports/balance-transaction-types"""
    giving.pay(giving.start(50_00), "000123456789")

    assert [(report.not_paid, report.not_ours, report.agrees) for report in (reconcile.last(days=3),) * 2] == [(1, 0, True)] * 2
    giving.advance(days=5)
    assert giving.gifts()[0].money.minor == 50_00


def test_an_event_is_looked_into_though_its_charge_was_taken_for_anothers(giving: World) -> None:
    """Stripe may be slow to say which invoice a payment is for. Only reconcile passes strangers by."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, frequency="monthly"))
    payments = giving.standin.read(lambda world: world.things.pop("invoice_payment"))
    assert [reconcile.last(days=3).not_ours for _ in range(2)] == [1, 1]
    giving.standin.read(lambda world: world.things.update(invoice_payment=payments))
    (charge,) = giving.standin.read(lambda world: world.all("charge"))

    settle.charge(charge["id"])

    assert len(giving.gifts()) == 1
    report = reconcile.last(days=3)
    assert (report.not_ours, report.agrees) == (0, True)


@pytest.mark.parametrize(
    ("spoil", "unhealed"),
    [
        (lambda world: world.all("balance_transaction")[0].update(source=None), 0),
        (lambda world: world.all("balance_transaction")[0].pop("amount"), 1),
        (lambda world: world.all("balance_transaction")[0].update(source="ch_unknown"), 1),
        (lambda world: world.all("refund")[0].update(charge=None), 0),
        (lambda world: world.all("refund")[0].pop("currency"), 1),
    ],
    ids=["a fee", "no amount", "no source", "of no charge", "no currency"],
)
def test_one_movement_that_cannot_be_read_stops_no_other(giving: World, spoil: Callable[[Any], object], unhealed: int) -> None:
    """It stopped the whole run: a refund from a balance of customers names no charge at all."""
    gift_id = giving.give(50_00)
    giving.standin.set_webhooks("drop")
    giving.standin.refund(charge=giving.charge_of(gift_id), amount=5_00)
    giving.standin.read(spoil)
    giving.pay(giving.start(20_00), email="ben@example.org")

    report = reconcile.last(days=3)

    assert len(report.unhealed) == unhealed
    assert [gift.money.minor for gift in giving.gifts("ben@example.org")] == [20_00]


def test_an_old_dispute_that_cannot_be_read_stops_no_other(giving: World) -> None:
    """Those before the range are listed by themselves, and one may have lost its charge's name."""
    giving.give(50_00, card="4000000000000259")
    giving.give(20_00, card="4000000000000259", email="ben@example.org")
    giving.advance(days=80)
    giving.standin.set_webhooks("drop")
    (first, second) = giving.standin.read(lambda world: world.all("dispute"))
    giving.standin.read(lambda world: world.all("dispute")[0].update(charge={}))
    giving.standin.close_dispute(second["id"], won=False)

    report = reconcile.last(days=3)

    assert ([each.name for each in report.unhealed], report.facts_healed) == ([first["id"]], 1)


def test_a_word_that_we_did_not_know_is_no_quarrel_once_we_do(giving: World) -> None:
    """What was kept of it stays in the books, though Stripe tells of nothing like it any more."""
    gift_id = giving.give(50_00, card="4000000000000259")
    known = giving.standin.read(lambda world: world.all("dispute")[0]["status"])
    giving.standin.read(lambda world: world.all("dispute")[0].update(status="something_new"))
    settle.charge(giving.charge_of(gift_id))
    place = ledger.place_of(giving.charge_of(gift_id))
    assert place
    assert [fact.said for fact in ledger.facts_at(place) if fact.kind == "dispute_unclear"] == ["something_new"]
    giving.standin.read(lambda world: world.all("dispute")[0].update(status=known))

    assert reconcile.last(days=3, both_ways=True).unhealed == []
