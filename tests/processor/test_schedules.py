"""What runs by itself: how often, and how far back, through the very handlers that Lambda calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib import items, keys
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from chalicelib.money import Money
from chalicelib.processor import reconcile
from local.cloud import Cloud
from tests.giving_world import World

SCHEDULED = {
    "version": "0", "id": "1", "account": "1", "region": "eu-west-1", "detail": {}, "detail-type": "Scheduled Event",
    "source": "aws.events", "time": "2026-03-10T12:00:00Z", "resources": [],
}  # fmt: skip
# What is just within, and just without, that time.
THREE_DAYS = ({"days": 2, "hours": 23}, {"days": 3, "hours": 1})
FIVE_WEEKS = {"days": 34, "hours": 23}
# Far from any edge of the year that is looked at by turns.
AN_OLD_WEEK = {"days": 200}


def run(name: str) -> None:
    """What EventBridge has Lambda do."""
    import app

    getattr(app, name)(SCHEDULED, None)


def lost_payment(giving: World) -> Callable[[], bool]:
    """A gift of which no event told; whether it stands in the books."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(70_00)
    giving.pay(gift_id, email="ben@example.org")
    charge = giving.standin.read(lambda world: world.all("charge", amount=70_00)[0]["id"])
    return lambda: ledger.place_of(charge) is not None


def lost_refund(giving: World) -> Callable[[], bool]:
    """A gift of long before that is given back now, of which no event told; whether that stands in the books."""
    charge = giving.charge_of(giving.give(50_00))
    giving.advance(days=500)
    giving.standin.set_webhooks("drop")
    giving.standin.refund(charge=charge, amount=50_00)
    return lambda: any(gift.charge_id == charge and not gift.kept.minor for gift in giving.gifts())


def invented_refund(giving: World, caplog: pytest.LogCaptureFixture) -> Callable[[], bool]:
    """A refund in the books that Stripe never made; whether a person was called to it."""
    place = ledger.place_of(giving.charge_of(giving.give(30_00)))
    assert place
    at = ledger.facts_at(place)[0].at + timedelta(minutes=1)
    fact = Fact("refund", "re_invented", place.charge_id, place.gift_at, at, Money(10_00, "usd"))
    sort = keys.fact(fact.gift_at, fact.charge_id, fact.kind, fact.stripe_id)
    items.put(items.giving(), items.as_item(keys.donor(place.donor_id, sort), fact))
    called = f"'why': 'not at Stripe: refund {fact.stripe_id}'"
    return lambda: any(called in str(vars(record)) for record in caplog.records)


def test_each_schedule_is_as_often_as_it_is_said_to_be(aws_local: Cloud) -> None:
    """Every hour and every day; a rate that is off finds lost money later than the charity was told."""
    import app

    sources = [source for source in app.app.event_sources if hasattr(source, "schedule_expression")]

    assert {source.handler_string: source.schedule_expression.to_string() for source in sources} == {
        "app.reconcile_hourly": "rate(1 hour)",
        "app.reconcile_daily": "rate(1 day)",
    }


@pytest.mark.parametrize("lost", [lost_payment, lost_refund])
@pytest.mark.parametrize(("ago", "found"), list(zip(THREE_DAYS, (True, False), strict=True)), ids=["2d 23h", "3d 1h"])
def test_the_hourly_run_looks_three_days_back(
    giving: World, lost: Callable[[World], Callable[[], bool]], ago: dict[str, int], found: bool
) -> None:
    """An outage over a weekend is healed in the hour after it; what is older is left to the daily run."""
    healed = lost(giving)
    giving.advance(**ago)

    run("reconcile_hourly")

    assert healed() is found


@pytest.mark.parametrize("lost", [lost_payment, lost_refund])
def test_the_daily_run_looks_five_weeks_back(giving: World, lost: Callable[[World], Callable[[], bool]]) -> None:
    """An endpoint that Stripe had disabled over a month."""
    healed = lost(giving)
    giving.advance(**FIVE_WEEKS)
    run("reconcile_hourly")
    assert not healed()

    run("reconcile_daily")

    assert healed()


def test_the_daily_run_looks_both_ways_and_the_hourly_one_does_not(giving: World, caplog: pytest.LogCaptureFixture) -> None:
    """A fact that Stripe does not back takes money off a donor's statement."""
    named = invented_refund(giving, caplog)
    run("reconcile_hourly")
    assert not named()
    giving.advance(**FIVE_WEEKS)

    run("reconcile_daily")

    assert named()


def test_the_daily_run_comes_to_each_old_week_both_ways(giving: World, caplog: pytest.LogCaptureFixture) -> None:
    """Within 52 days, whatever was not healed in its first five weeks."""
    refund = lost_refund(giving)
    giving.standin.set_webhooks("normal")
    named = invented_refund(giving, caplog)
    payment = lost_payment(giving)
    giving.advance(**AN_OLD_WEEK)
    run("reconcile_daily")
    ends = {(refund(), named(), payment())}

    for _ in range(reconcile.OLD_WEEKS - 1):
        giving.advance(days=1)
        run("reconcile_daily")
        ends.add((refund(), named(), payment()))

    assert (True, True, True) in ends
    assert ends <= {(False, False, False), (True, True, True)}, "one week, one run"


def test_the_daily_run_looks_at_monthly_gifts(giving: World) -> None:
    """One that ended moves no money: nothing else would see that its event was lost."""
    giving.give(50_00, frequency="monthly")
    giving.standin.set_webhooks("drop")
    giving.standin.request("DELETE", f"/v1/subscriptions/{giving.partnership().partnership_id}", {})

    run("reconcile_daily")

    assert giving.partnership().state == "ended"
