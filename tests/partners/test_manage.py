"""The donor's control over the monthly gift, and nothing shown that did not happen."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.errors import Conflict, InvalidInput, NotFound, ProcessorUnsure
from chalicelib.partners import manage
from tests.giving_world import World


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 each month since 10 March."""
    giving.give(25_00, "usd", "monthly", source="guatemala")
    return giving


def test_a_month_later_there_is_a_second_gift_with_the_same_source(partner: World) -> None:
    """One welcome, one receipt each month, and every renewal knows which story began it."""
    partner.advance(days=31)

    gifts = partner.gifts()
    assert [gift.money.minor for gift in gifts] == [25_00, 25_00]
    assert {gift.about.source for gift in gifts} == {"guatemala"}
    assert len({gift.gift_id for gift in gifts}) == 2
    assert (len(partner.mails("Receipt")), len(partner.mails("Welcome"))) == (2, 1)


def test_a_changed_amount_is_taken_from_the_next_month_on(partner: World) -> None:
    """Nothing is charged or given back now."""
    changed = manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(amount=40_00)).stands
    partner.advance(days=31)

    assert changed.amount.minor == 40_00
    assert [gift.money.minor for gift in partner.gifts()] == [40_00, 25_00]
    assert len(partner.mails("$40.00 a month")) == 1


def test_a_changed_day_charges_each_month_once(partner: World) -> None:
    """From the 10th to the 3rd: 10 March, 3 April, 3 May."""
    manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(day=3))
    partner.advance(days=60)

    assert [gift.given_on.isoformat() for gift in partner.gifts()] == ["2026-05-03", "2026-04-03", "2026-03-10"]


def test_paused_until_september_the_next_gift_is_september_s(partner: World) -> None:
    """Nothing is owed for the months of the pause."""
    paused = manage.pause(partner.donor_id(), partner.partnership().partnership_id, manage.Pause(date(2026, 9, 1))).stands
    assert (paused.state, paused.next_charge_at and paused.next_charge_at.date()) == ("paused", date(2026, 9, 10))

    partner.advance(days=200)

    assert [gift.given_on.isoformat() for gift in partner.gifts()] == ["2026-09-10", "2026-03-10"]
    assert partner.partnership().state == "active"


def test_a_pause_can_be_ended(partner: World) -> None:
    """The next charge is the next one due."""
    donor, partnership = partner.donor_id(), partner.partnership().partnership_id
    manage.pause(donor, partnership, manage.Pause(date(2026, 9, 1)))

    resumed = manage.resume(donor, partnership).stands

    assert (resumed.state, resumed.next_charge_at and resumed.next_charge_at.date()) == ("active", date(2026, 4, 10))


def test_cancelled_twice_is_cancelled_once(partner: World) -> None:
    """No more charges, one mail, no error."""
    donor, partnership = partner.donor_id(), partner.partnership().partnership_id
    states = [manage.cancel(donor, partnership, manage.Cancel("cost")).stands.state for _ in range(2)]
    partner.advance(days=90)

    assert states == ["ended", "ended"]
    assert len(partner.gifts()) == 1
    assert len(partner.mails("has ended")) == 1
    with pytest.raises(Conflict):
        manage.change(donor, partnership, manage.Change(amount=40_00))


@pytest.mark.parametrize("take_effect", [False, True])
def test_when_stripe_does_not_answer_nothing_is_called_done(partner: World, take_effect: bool) -> None:
    """Unknown is unknown; what really happened shows as soon as Stripe can be asked."""
    donor, partnership = partner.donor_id(), partner.partnership().partnership_id
    partner.standin.fail(method="DELETE", path="/v1/subscriptions", status=500, take_effect=take_effect, times=2)

    with pytest.raises(ProcessorUnsure):
        manage.cancel(donor, partnership, manage.Cancel())
    assert partner.mails("has ended") == []
    partner.deliver()

    assert partner.partnership().state == ("ended" if take_effect else "active")


def test_another_donor_s_partnership_is_not_found(partner: World) -> None:
    """Whoever knows its id."""
    partner.give(10_00, email="bob@example.org")
    bob, partnership = partner.donor_id("bob@example.org"), partner.partnership().partnership_id

    for attempt in (
        lambda: manage.change(bob, partnership, manage.Change(amount=40_00)),
        lambda: manage.pause(bob, partnership, manage.Pause(date(2026, 9, 1))),
        lambda: manage.resume(bob, partnership),
        lambda: manage.cancel(bob, partnership, manage.Cancel()),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize("wanted", [manage.Change(), manage.Change(amount=1), manage.Change(amount=99_000_000)])
def test_what_cannot_be_is_refused(partner: World, wanted: manage.Change) -> None:
    """The same limits as for a first gift."""
    with pytest.raises(InvalidInput):
        manage.change(partner.donor_id(), partner.partnership().partnership_id, wanted)


def test_a_failed_renewal_is_told_once_and_heals(partner: World) -> None:
    """One mail says what to do; a new card makes it active, receipted once."""
    customer = partner.partnership().customer_id
    partner.standin.request("POST", f"/v1/customers/{customer}", {})
    card = partner.standin.change_card(customer, "4000000000000341")
    assert card
    partner.advance(days=34)
    assert partner.partnership().state == "payment_problem"
    assert len(partner.mails("could not be taken")) == 1

    partner.standin.change_card(customer, "4242424242424242")
    partner.advance(days=5)

    assert partner.partnership().state == "active"
    assert len(partner.gifts()) == 2


def test_when_all_tries_fail_it_has_lapsed_and_the_donor_is_told(partner: World) -> None:
    """Nothing is owed."""
    partner.standin.change_card(partner.partnership().customer_id, "4000000000000341")
    partner.advance(days=60)

    assert partner.partnership().state == "ended"
    assert (len(partner.mails("has stopped")), len(partner.mails("has ended"))) == (1, 0)


def test_the_card_is_changed_on_stripe_s_own_page(partner: World) -> None:
    """No card number ever comes to us."""
    assert manage.card_page((partner.donor_id(),)).startswith("http://127.0.0.1")
