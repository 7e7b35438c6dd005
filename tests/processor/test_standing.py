"""Once a day every monthly gift is compared with Stripe: what no event told is seen and told all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import aws, items, keys
from chalicelib.partners import store
from chalicelib.processor import settle, standing
from tests.giving_world import VISA, World

FAILS, ASKS = "4000000000000341", "4000002500003155"
BOB = "bob@example.org"


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 each month since 10 March, and from then on no event comes through."""
    giving.give(25_00, "usd", "monthly")
    giving.standin.set_webhooks("drop")
    return giving


def asked_of(giving: World) -> list[str]:
    """The requests that are made of Stripe from here on."""
    calls: list[str] = []
    request = giving.standin.request
    giving.standin.request = lambda method, path, *more: (calls.append(path), request(method, path, *more))[1]  # type: ignore[method-assign]
    return calls


def new_card(giving: World, card: str) -> None:
    """The donor changes the card on Stripe's page; the day's run takes it up."""
    giving.standin.change_card(giving.partnership().customer_id, card)
    standing.look()


def at_stripe(giving: World, **change: object) -> None:
    giving.standin.request("POST", f"/v1/subscriptions/{giving.partnership().partnership_id}", dict(change))


def test_an_end_that_no_event_told_is_seen_and_told_once(partner: World) -> None:
    """`customer.subscription.deleted` was lost."""
    partner.standin.request("DELETE", f"/v1/subscriptions/{partner.partnership().partnership_id}", {})
    assert partner.partnership().state == "active"

    report = standing.look()
    standing.look()

    assert (report.partnerships, report.healed, report.unhealed) == (1, 1, [])
    assert partner.partnership().state == "ended"
    assert len(partner.mails("has ended")) == 1


@pytest.mark.parametrize(("card", "mail"), [(FAILS, "could not be taken"), (ASKS, "confirm your monthly gift")])
def test_a_failed_month_that_no_event_told_is_seen_and_told_once(partner: World, card: str, mail: str) -> None:
    """`invoice.payment_failed` was lost; the donor hears on the same day what to do, and once."""
    new_card(partner, card)
    partner.advance(days=32)
    assert partner.mails(mail) == []

    for _ in range(3):
        standing.look()
        partner.advance(days=1)

    assert partner.partnership().state == "payment_problem"
    assert len(partner.mails(mail)) == 1


def test_a_lapse_and_a_recovery_that_no_event_told_are_seen(partner: World) -> None:
    """Active, in trouble, active again; in trouble, lapsed: each seen on its day, each mail sent once."""
    new_card(partner, FAILS)
    partner.advance(days=32)
    standing.look()
    new_card(partner, VISA)
    partner.advance(days=5)
    standing.look()
    assert partner.partnership().state == "active"

    new_card(partner, FAILS)
    partner.advance(days=60)
    standing.look()

    assert partner.partnership().state == "ended"
    assert (len(partner.mails("has stopped")), len(partner.mails("has ended"))) == (1, 0)


def test_a_second_failed_month_is_seen_though_the_first_was_known(giving: World) -> None:
    """What is kept says "payment problem", and nothing of the month that has failed since: its mail is due all the same."""
    giving.standin.world.draft_seconds, giving.standin.world.retry_after_days = 3600, (3,) * 20
    giving.give(25_00, "usd", "monthly")
    giving.standin.change_card(giving.partnership().customer_id, FAILS)
    giving.advance(days=61, minutes=30)  # the second is in draft
    giving.standin.set_webhooks("drop")
    giving.advance(hours=1)

    standing.look()

    assert len(giving.mails("could not be taken")) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"pause_collection": {"behavior": "void"}},
        {"pause_collection": {"behavior": "void", "resumes_at": 1780000000}},
        {"trial_end": 1776000000, "proration_behavior": "none"},
    ],
)
def test_a_change_that_no_event_told_is_seen(partner: World, change: dict[str, object]) -> None:
    """Paused, resumed or moved by staff in Stripe's dashboard."""
    at_stripe(partner, **change)
    before = partner.partnership()

    assert standing.look().healed == 1

    assert partner.partnership() != before
    assert partner.partnership() == settle.read_partnership(before.partnership_id)
    assert standing.look().healed == 0


def test_another_amount_and_another_card_are_seen(partner: World) -> None:
    """The portal shows what will be taken, and from what."""
    item = partner.standin.world.find("subscription", partner.partnership().partnership_id)["items"]["data"][0]
    price = {"currency": "usd", "product": item["price"]["product"], "recurring": {"interval": "month"}, "unit_amount": 70_00}
    at_stripe(partner, items=[{"id": item["id"], "price_data": price, "quantity": 1}], proration_behavior="none")
    partner.standin.change_card(partner.partnership().customer_id, "5555555555554444")

    standing.look()

    assert (partner.partnership().amount.minor, partner.partnership().method) == (70_00, "Mastercard •••• 4444")


def test_a_monthly_gift_of_which_nothing_was_ever_heard_is_kept(giving: World) -> None:
    """All of its events were lost: it is in the portal, and its donor is welcomed."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(25_00, "usd", "monthly"))

    standing.look()

    assert giving.partnership().state == "active"
    assert len(giving.mails("Welcome")) == 1


def test_where_nothing_changed_stripe_is_asked_for_one_list(giving: World) -> None:
    """However many monthly gifts there are; those that ended long ago are not even listed."""
    for number in range(3):
        giving.give(25_00, "usd", "monthly", email=f"{number}@example.org")
    giving.standin.request("DELETE", f"/v1/subscriptions/{giving.partnership('0@example.org').partnership_id}", {})
    giving.deliver()
    calls = asked_of(giving)

    assert standing.look().partnerships == 3
    assert calls == ["/v1/subscriptions"]
    giving.advance(days=100)
    assert standing.look().partnerships == 2


def test_one_that_cannot_be_settled_stops_no_other(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is counted, and looked at again tomorrow."""
    for email in (BOB, "ann@example.org"):
        giving.give(25_00, "usd", "monthly", email=email)
    giving.standin.set_webhooks("drop")
    ids = [giving.partnership(email).partnership_id for email in ("ann@example.org", BOB)]
    for each in ids:
        giving.standin.request("DELETE", f"/v1/subscriptions/{each}", {})
    giving.standin.fail(method="GET", path=f"/v1/subscriptions/{ids[0]}", status=500, times=2)

    report = standing.look()

    assert (report.healed, report.unhealed) == (1, [ids[0]])
    assert "reconcile_failed" in capsys.readouterr().out
    assert standing.look().healed == 1


def test_the_charity_s_other_subscriptions_are_left_alone(partner: World) -> None:
    """A magazine on the same Stripe account."""
    magazine = partner.standin.request(
        "POST", "/v1/checkout/sessions",
        {"mode": "subscription", "success_url": "https://shop.example/", "line_items": [{"quantity": 1, "price_data": {
            "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}, "product_data": {"name": "Magazine"}}}]},
    )  # fmt: skip
    partner.standin.pay(magazine.body["id"], VISA, BOB, "Bob")

    assert standing.look().partnerships == 1
    assert store.seen(partner.standin.world.all("subscription")[-1]["id"]).version == 0


def test_somebody_hears_of_what_is_counted() -> None:
    """Each count on which a person must act has its alarm, and the engineer is told what to do."""
    root = Path(__file__).parents[2]
    resources = json.loads((root / ".chalice" / "resources.json").read_text())["Resources"].values()
    watched = {each["Properties"].get("MetricName") for each in resources if each.get("Type") == "AWS::CloudWatch::Alarm"}

    assert {"charged_after_end", "reconcile_failed"} <= watched
    assert "`ChargedAfterEndAlarm`" in (root / "docs" / "how-to" / "deploy.md").read_text()


def test_one_that_cannot_be_read_stops_no_other(partner: World) -> None:
    """It is named for a person; Bob's end, which no event told either, is seen."""
    partner.pay(partner.start(10_00, "usd", "monthly"), email=BOB)
    anns, bobs = [each["id"] for each in partner.standin.read(lambda world: world.all("subscription"))]
    settle.partnership(bobs)
    partner.standin.request("DELETE", f"/v1/subscriptions/{bobs}", {})
    partner.standin.read(lambda world: world.find("subscription", anns).pop("pause_collection"))

    report = standing.look()

    assert (report.partnerships, report.unhealed, report.healed) == (2, [anns], 1)
    assert partner.partnership(BOB).state == "ended"


def _its_mail_gets_no_answer(giving: World, subscription: str) -> None:
    def lose(**_: Any) -> None:
        aws.ses().meta.events.unregister("before-call.sesv2.SendEmail", lose)
        raise ConnectionClosedError(endpoint_url="https://email.invalid")

    aws.ses().meta.events.register("before-call.sesv2.SendEmail", lose)


def _its_record_has_no_version(giving: World, subscription: str) -> None:
    items.update(items.giving(), _key(giving), "REMOVE version", {}, items.PRESENT)


def _its_listing_has_no_name(giving: World, subscription: str) -> None:
    giving.standin.read(lambda world: world.find("subscription", subscription).pop("id"))


@pytest.mark.parametrize(
    ("poison", "why"),
    [
        (_its_mail_gets_no_answer, "ConnectionClosedError"),
        (_its_record_has_no_version, "KeyError"),
        (_its_listing_has_no_name, "NotUnderstood (payment_processor_not_understood)"),
    ],
)
def test_whatever_ails_one_it_stops_no_other(
    giving: World, caplog: pytest.LogCaptureFixture, poison: Callable[[World, str], None], why: str
) -> None:
    """Also what nobody thought of: it is named with its cause, and of the others each is seen, before it or after it."""
    ended = []
    for email in ("0@example.org", "ann@example.org", "2@example.org"):
        giving.give(25_00, "usd", "monthly", email=email)
        ended.append(giving.partnership(email).partnership_id)
        giving.advance(seconds=1)
    giving.standin.set_webhooks("drop")
    for each in ended:
        giving.standin.request("DELETE", f"/v1/subscriptions/{each}", {})
    poison(giving, ended[1])

    report = standing.look()

    [alarm] = [vars(record) for record in caplog.records if record.getMessage() == "reconcile_failed"]
    assert (report.healed, report.unhealed) == (2, [alarm["about"]])
    assert alarm["why"].partition(" at ")[0] == why


def test_a_record_that_cannot_be_read_is_kept_anew(partner: World) -> None:
    """What is kept is what Stripe says, and Stripe can be asked; the portal would fail on it for ever."""
    before = partner.partnership()
    items.update(items.giving(), _key(partner), "SET started_at = :at", {":at": "yesterday"}, items.PRESENT)

    assert (standing.look().healed, standing.look().healed) == (1, 0)

    assert partner.partnership() == before


def _key(giving: World) -> keys.Key:
    """Where Ann's monthly gift is kept."""
    stands = giving.partnership()
    return keys.donor(stands.donor_id, f"{keys.PARTNERSHIPS}{stands.partnership_id}")


def test_what_was_kept_before_cards_were_named_is_kept_anew_and_mailed_to_nobody(partner: World) -> None:
    """An older record does not say from which card: that is no other card."""
    stands, key = partner.partnership(), _key(partner)
    kept = items.get(items.giving(), key)
    assert kept
    items.put(items.giving(), {name: value for name, value in kept.items() if name != "method_id"})
    mails = len(partner.mails())

    assert (standing.look().healed, standing.look().healed) == (1, 0)
    partner.work()

    assert (partner.partnership().method_id, len(partner.mails())) == (stands.method_id, mails)
