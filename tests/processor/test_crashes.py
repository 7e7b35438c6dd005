"""Whoever records a gift may die after any write, and never come back: reconcile does the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.giving import checkout
from chalicelib.partners import store
from chalicelib.processor import reconcile, settle, standing
from chalicelib.processor.webhook import Hint
from tests.giving_world import World
from tests.processor.power import PowerCut, cut

Work = Callable[[str], object]

BY_HINT: Work = lambda charge: settle.handle(Hint("charge.succeeded", charge))
BY_RECONCILE: Work = lambda charge: reconcile.last(days=3)
# Donor, payment with its pointers, the gift's own record, lease, mail, mark, that it is finished.
FEWEST_WRITES = 7


@pytest.mark.parametrize(
    ("work", "frequency"),
    [(BY_HINT, "once"), (BY_RECONCILE, "once"), (BY_RECONCILE, "monthly")],
    ids=["worker", "reconcile", "reconcile, monthly"],
)
def test_wherever_the_power_goes_out_the_next_run_does_the_rest(giving: World, work: Work, frequency: str) -> None:
    """
    The facts, the gift's own record, the partnership and its welcome, and one receipt: never none.

    The hint does not come again here, as when a dead letter ran out or reconcile was the only one to know.
    """
    giving.standin.set_webhooks("drop")
    number, survived = 0, False
    while not survived:
        number += 1
        email = f"donor{number}@example.org"
        gift_id = giving.start(50_00, frequency=frequency)
        giving.pay(gift_id, email=email)
        survived = _survives(work, giving.standin.read(lambda world: world.all("charge")[-1]["id"]), number)
        giving.advance(hours=1)

        assert reconcile.last(days=3).agrees
        assert [gift.gift_id for gift in giving.gifts(email)] == [gift_id]
        assert checkout.progress_of(gift_id).state == "paid"
        _mailed_once(giving, "Receipt", email)
        if frequency == "monthly":
            assert [each.state for each in store.of_donor(giving.donor_id(email))] == ["active"]
            _mailed_once(giving, "Welcome", email)
    assert number > FEWEST_WRITES


def test_wherever_the_power_goes_out_the_next_look_at_monthly_gifts_does_the_rest(giving: World) -> None:
    """A lapse that no event told: kept, its unpaid month given up, and told. No message comes again for any of it."""
    number, survived = 0, False
    while not survived:
        number += 1
        email = f"donor{number}@example.org"
        giving.standin.set_webhooks("normal")
        giving.give(25_00, "usd", "monthly", card="4000000000000341", email=email)
        giving.standin.set_webhooks("drop")
        giving.advance(days=60)
        survived = _survives(lambda _: standing.look(), "", number)
        giving.advance(days=1)

        assert standing.look().unhealed == []
        assert [each.state for each in store.of_donor(giving.donor_id(email))] == ["ended"]
        assert giving.standin.read(lambda world: {each["status"] for each in world.all("invoice")}) == {"paid", "void"}
        _mailed_once(giving, "has stopped", email)
        assert standing.look().healed == 0
    # Kept, lease, mail, mark, that it is finished.
    assert number > 5


def _survives(work: Work, charge: str, number: int) -> bool:
    """Whether the work came to its end before write `number`."""
    with cut(number) as made:
        try:
            work(charge)
        except PowerCut:
            return False
    return len(made) < number


def _mailed_once(giving: World, subject: str, email: str) -> None:
    """Once, or a second time if the first may not have gone out, and then it says so."""
    mails = [mail for mail in giving.mails(subject) if email in mail.to]
    assert mails
    assert len([mail for mail in mails if "X-Possible-Duplicate" not in mail.headers]) <= 1
