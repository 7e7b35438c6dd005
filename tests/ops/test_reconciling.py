"""Reconcile by hand: any range, the schedule's own function, a word on everything, and an end that says how it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from chalicelib import items, keys
from chalicelib.errors import ProcessorUnsure
from chalicelib.giving import ledger
from chalicelib.giving.gift import Fact
from chalicelib.money import Money
from ops import reconciling
from ops.moments import NoMoment
from tests.giving_world import World
from tests.ops.conftest import Ended

Run = Callable[..., Ended]


def _invent(giving: World, charge_id: str = "") -> Fact:
    """Put a payment into the books as nobody should: of a charge that Stripe never made, or once more."""
    place = ledger.place_of(giving.charge_of(giving.gifts()[0].gift_id))
    assert place
    real = ledger.facts_at(place)[0]
    name = charge_id or "ch_invented"
    fact = Fact("payment", name, name, real.gift_at, real.at, Money(70_00, "usd"), "txn_invented", real.payment)
    sort = keys.fact(fact.gift_at, name, "payment", name)
    items.put(items.giving(), items.as_item(keys.donor(place.donor_id, sort), fact))
    return fact


def test_what_was_lost_in_autumn_is_healed_in_january(giving: World, run: Run) -> None:
    """No schedule looks back at once so far; by hand it does, and a second run finds nothing to do."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    giving.pay(giving.start(20_00, "eur"))
    giving.advance(days=300)

    ended = run("reconcile", "--from", "2026-03-01", "--to", "2026-03-31", "--zone", "Europe/London")

    assert ended.well
    assert "From 2026-03-01T00:00:00+00:00 to 2026-03-31T23:59:59+01:00" in ended.said
    assert "2 charges looked at: 2 facts recorded that were missing" in ended.said
    assert "USD      │ $50.00 │ $50.00 │      $0.00" in ended.said
    assert "EUR      │ €20.00 │ €20.00 │      €0.00" in ended.said
    assert len(giving.mails("Receipt")) == 2
    assert "2 charges looked at: 0 facts" in run("reconcile", "--from", "2026-03-01", "--to", "2026-03-31").said
    assert len(giving.mails("Receipt")) == 2


def test_dates_are_those_of_the_charitys_own_zone(giving: World, run: Run) -> None:
    """Noon in London on the tenth is no gift of the ninth in New York; and the future is cut off at now."""
    giving.give(50_00)

    assert "0 charges" in run("reconcile", "--from", "2026-03-09", "--to", "2026-03-09").said
    ended = run("reconcile", "--from", "2026-03-10", "--to", "2027-01-01")

    assert "1 charges" in ended.said
    assert "From 2026-03-10T00:00:00-04:00 to 2026-03-10T08:00:00-04:00" in ended.said


def test_a_difference_is_said_with_its_charge_and_its_sum(giving: World, run: Run) -> None:
    """The treasurer sees which charge, why, and by how much the two books differ."""
    giving.give(50_00)
    charge = giving.charge_of(giving.gifts()[0].gift_id)
    _invent(giving, charge)

    ended = run("reconcile", "--from", "2026-03-10")

    assert not ended.well
    assert charge in ended.said
    assert "FactsDisagree (facts_disagree)" in ended.said
    assert "USD      │ $70.00 │ $50.00 │     $20.00" in ended.said
    assert "The books do NOT agree with Stripe." in ended.said


def test_a_run_that_breaks_off_says_where_to_go_on(giving: World, run: Run) -> None:
    """A long range is done week by week; what is done stands, and need not be done again."""
    giving.give(50_00)
    giving.advance(days=30)
    request, lists = giving.standin.request, 0

    def breaks_in_the_third_week(method: str, path: str, *more: Any) -> Any:
        nonlocal lists
        lists += path == "/v1/balance_transactions"
        if lists == 3:
            giving.standin.fail(path=path, status=500, times=9)
        return request(method, path, *more)

    giving.standin.request = breaks_in_the_third_week  # type: ignore[method-assign]
    said = io.StringIO()
    first, last = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp()), int(giving.time.now().timestamp())

    with pytest.raises(ProcessorUnsure):
        reconciling.over(first, last, ZoneInfo("UTC"), Console(file=said, width=200))

    assert "It broke off. What is done stands; go on with --from 2026-03-24T00:00:00+00:00" in said.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [[], ["--from", "spring"], ["--from", "2026-03-02", "--to", "2026-03-01"], ["--from", "2026-03-02", "--zone", "Mars"]],
)
def test_a_time_that_is_none_is_refused_before_anything_is_done(giving: World, run: Run, arguments: list[str]) -> None:
    """Nothing is asked and nothing written on a slip of the pen."""
    with pytest.raises(NoMoment):
        run("reconcile", *arguments)


def test_the_whole_ledger_is_stripes_whole_balance(giving: World, run: Run) -> None:
    """Years of gifts, refunds, disputes won and lost, in several currencies: proven from end to end."""
    giving.give(50_00)
    giving.give(20_00, "eur")
    giving.give(5_000, "jpy", card="4000000000000259")
    giving.advance(days=400)
    giving.standin.refund(charge=giving.charge_of(giving.gifts()[-1].gift_id), amount=10_00)
    giving.standin.close_dispute(giving.standin.read(lambda world: world.all("dispute"))[0]["id"], won=False)
    giving.advance(days=1)

    ended = run("reconcile", "--whole")

    assert ended.well
    assert "All of the 6 facts, and all of Stripe's movements of them" in ended.said
    assert "The oldest fact is of 2026-03-10." in ended.said
    assert "Every fact is backed by Stripe's balance." in ended.said


def test_a_gift_that_stripe_never_heard_of_is_found_by_the_whole_look_only(giving: World, run: Run) -> None:
    """Reconcile follows what moved; a fact of a charge that does not exist moves nothing."""
    giving.give(50_00)
    _invent(giving)
    giving.advance(hours=1)

    assert run("reconcile", "--from", "2026-03-10").well
    ended = run("reconcile", "--whole")

    assert not ended.well
    assert "ch_invented: payment ch_invented of 2026-03-10" in ended.said
    assert "USD      │ $120.00 │ $50.00 │     $70.00" in ended.said
    assert "The ledger is NOT Stripe's balance." in ended.said


def test_a_ledger_of_many_pages_is_read_to_its_end(giving: World, run: Run) -> None:
    """A scan comes in pages of a megabyte, most of which may hold no fact at all."""
    giving.give(50_00)
    giving.advance(hours=1)
    for number in range(12):
        items.put(items.giving(), keys.donor(f"{number:02}") | {"name": "x" * 200_000})

    assert "All of the 1 facts" in run("reconcile", "--whole").said
