"""What is asked for and stands so already is no change: nothing is asked of Stripe, and nobody is mailed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from chalicelib.errors import InvalidInput
from chalicelib.partners import manage
from chalicelib.partners.asked import Done
from tests.giving_world import World

UNTIL = manage.Pause(date(2026, 9, 1))


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 on the 10th of each month, and adds $1.06 towards the fee."""
    giving.give(25_00, "usd", "monthly", cover_fees=True)
    return giving


def as_it_is(partner: World) -> manage.Change:
    """What the page sends when nothing on it was touched."""
    stands = partner.partnership()
    return manage.Change(amount=stands.amount.minor, day=stands.day)


def press(partner: World, wanted: manage.Change | manage.Pause | None) -> Done:
    names = partner.donor_id(), partner.partnership().partnership_id
    if isinstance(wanted, manage.Pause):
        return manage.pause(*names, wanted)
    return manage.change(*names, wanted) if wanted else manage.resume(*names)


def fees_covered(partner: World) -> str:
    found = partner.standin.world.find("subscription", partner.partnership().partnership_id)
    return str(found["metadata"]["fees_covered"])


CASES: dict[str, Callable[[World], manage.Change | manage.Pause | None]] = {
    "the page as it is": as_it_is,
    "the amount alone": lambda it: manage.Change(amount=it.partnership().amount.minor),
    "the day alone": lambda it: manage.Change(day=10),
    "resumed while active": lambda it: None,
}


@pytest.mark.parametrize("case", CASES)
def test_three_presses_write_nothing_and_mail_nobody(partner: World, case: str) -> None:
    """Stripe would break at any write; and what was added towards the fee stays."""
    writes = partner.standin.fail(method="POST", path="/v1/", status=500, times=99)
    assert [press(partner, CASES[case](partner)).what for _ in range(3)] == ["nothing"] * 3
    partner.work()

    assert writes.times == 99
    assert partner.mails("Your monthly gift:") == []
    assert fees_covered(partner) == "106"


def test_a_pause_until_the_same_day_is_one_pause_and_one_mail(partner: World) -> None:
    """Pressed three times."""
    assert [press(partner, UNTIL).what for _ in range(3)] == ["paused", "nothing", "nothing"]
    partner.work()

    assert len(partner.mails("paused until 1 September 2026")) == 1


def test_a_pause_whose_other_half_was_lost_gives_up_the_draft_at_the_second_press(partner: World) -> None:
    """Stripe paused, and could not be asked to give up what it was preparing; no event tells. Nothing is taken."""
    partner.standin.world.draft_seconds = 3600
    partner.advance(days=31, minutes=5)
    partner.standin.set_webhooks("drop")
    partner.standin.fail(method="GET", path="/v1/invoices", status=500, times=2)
    with pytest.raises(Exception, match="nothing is certain"):
        press(partner, UNTIL)
    partner.work()
    assert partner.partnership().state == "paused"

    press(partner, UNTIL)
    partner.advance(hours=3)

    assert len(partner.standin.world.all("charge")) == 1


def test_another_day_leaves_the_amount_and_what_covers_its_fee(partner: World) -> None:
    """The page sends the amount along: unchanged, it is not told as changed."""
    done = press(partner, manage.Change(amount=partner.partnership().amount.minor, day=20))
    partner.work()

    assert (done.what, done.stands.day, fees_covered(partner)) == ("day", 20, "106")
    assert [mail.subject for mail in partner.mails("Your monthly gift:")] == ["Your monthly gift: on day 20"]


def test_another_amount_is_without_what_covered_the_old_one_s_fee(partner: World) -> None:
    """It belonged to the old amount."""
    assert press(partner, manage.Change(amount=40_00, day=10)).what == "amount"
    assert fees_covered(partner) == "0"
    assert press(partner, manage.Change(amount=50_00, day=15)).what == "amount_and_day"


def test_what_a_lost_try_has_done_is_told_and_not_done_again(partner: World) -> None:
    """Our own record does not know it yet, so the donor has heard of nothing."""
    donor, name = partner.donor_id(), partner.partnership().partnership_id
    partner.standin.set_webhooks("drop")
    partner.standin.request("POST", f"/v1/subscriptions/{name}", {"trial_end": 1776686400, "proration_behavior": "none"})
    writes = partner.standin.fail(method="POST", path="/v1/", status=500, times=99)

    done = manage.change(donor, name, manage.Change(day=20))
    partner.work()

    assert (done.what, done.stands.day, writes.times) == ("day", 20, 99)
    assert len(partner.mails("on day 20")) == 1


def test_an_amount_below_today_s_least_goes_on_and_its_day_can_be_changed(partner: World) -> None:
    """The charity raised the least since: nothing less can be chosen, but what is given already is not refused."""
    donor, name = partner.donor_id(), partner.partnership().partnership_id
    partner.standin.world.find("subscription", name)["items"]["data"][0]["price"]["unit_amount"] = 3_00
    partner.standin.request("POST", f"/v1/subscriptions/{name}", {"metadata": {"seen": "yes"}})
    partner.deliver()
    assert partner.partnership().amount.minor == 3_00

    assert manage.change(donor, name, manage.Change(amount=3_00, day=20)).what == "day"
    with pytest.raises(InvalidInput, match="smallest gift"):
        manage.change(donor, name, manage.Change(amount=4_00, day=20))
