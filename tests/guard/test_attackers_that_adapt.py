"""
Card testers who know the rules: what each way of getting round them comes to.

A new cookie each time and a form that was left to wait are no ways round:
nothing rests on either. `pytest -s` prints the figures that stand in
docs/card-testing.md.
"""

from __future__ import annotations

import pytest

from tests.guard import days as ways
from tests.guard.days import ATTEMPTS, BEGINS, DONORS, Days, Visit, with_donors
from tests.guard.test_campaigns import FEW, HARDLY_ANY

BOUGHT = 200

pytestmark = pytest.mark.slow


def test_a_new_address_each_time_out_of_one_block(days: Days) -> None:
    """A rented /48 has 65,536 addresses of those that are counted, and is one neighbourhood."""
    ways.program_comes(days, ways.of_one_block, ways.stolen)

    reached, challenged, refused = with_donors(days, "20,000 addresses of one /48")
    assert reached <= ATTEMPTS / 50
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


def test_a_new_address_each_time_from_everywhere(days: Days) -> None:
    """
    Here nothing tells a tester from a donor who was never here.

    So it ends as it must: when the strangers' sum is spent everybody is
    challenged, and of donors, who can solve it, hardly any is kept out.
    """
    ways.program_comes(days, ways.never_the_same, ways.stolen)

    reached, challenged, refused = with_donors(days, "20,000 addresses everywhere")
    assert reached <= ATTEMPTS / 6
    assert challenged > DONORS / 2, "better than we say: then say so, here and in docs/card-testing.md"
    assert refused <= DONORS / 100


def test_out_of_the_very_networks_that_donors_phones_are_in(days: Days) -> None:
    """
    There fifty testers stand against eight donors, and a neighbourhood is challenged whole.

    That is every donor on a phone, one in three here; the others notice nothing.
    """
    ways.program_comes(days, ways.where_donors_phones_are, ways.stolen)

    reached, challenged, refused = with_donors(days, "2,000 addresses where_donors_phones_are")
    assert reached <= ATTEMPTS / 8
    assert challenged <= DONORS * 0.4
    assert refused <= HARDLY_ANY


def test_at_a_charity_that_has_just_begun(days: Days) -> None:
    """Nobody has paid from anywhere, so at offices and schools the second donor is challenged until the first has paid."""
    ways.program_comes(days, ways.everywhere, ways.stolen)

    reached, challenged, refused = with_donors(days, "2,000 addresses everywhere, no week before", known=False)
    assert reached <= ATTEMPTS / 8
    assert challenged <= DONORS / 20
    assert refused <= DONORS / 100


def test_each_address_until_it_is_used_up(days: Days) -> None:
    """Eight tries in a row tell no more than one: the second is challenged, whatever has become of the first."""
    ways.program_comes(days, ways.everywhere_ten_in_a_row, ways.stolen)

    reached, challenged, refused = with_donors(days, "2,000 addresses everywhere, ten tries in a row")
    assert reached <= ATTEMPTS / 8
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


def test_a_paid_gift_first(days: Days) -> None:
    """
    A good card buys an address two tries for each gift that it pays, and the gift is the charity's.

    Beyond that it is as if nothing had been paid.
    """
    for number in range(BOUGHT):
        visit = Visit("buyer", ways.Asker(ways.of_a_hoster(number * 10)), ((f"bought {number}", True),), 20, solves=False)
        days.at(BEGINS - 3_600 + number, lambda visit=visit: days.visit(visit))
    ways.program_comes(days, ways.of_a_hoster, ways.stolen)

    reached, challenged, refused = with_donors(days, f"2,000 addresses of_a_hoster, {BOUGHT} paid a gift before")
    assert reached <= ATTEMPTS / 50 + ways.PAID_BUYS * BOUGHT
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


@pytest.mark.parametrize(("hours", "share"), [(0.12, 1 / 50), (3, 1 / 6)])
def test_payment_pages_are_hoarded(days: Days, hours: float, share: float) -> None:
    """Begun in seven minutes, as fast as the gateway lets them in, or in three hours; cards are entered a day later."""
    addresses = ways.of_a_hoster if hours < 1 else ways.everywhere
    ways.program_comes(days, addresses, ways.stolen, hours=hours, seconds=20 * 3_600)

    reached, challenged, refused = with_donors(days, f"2,000 addresses {addresses.__name__}, hoarded within {hours} h")
    assert reached <= ATTEMPTS * share
    assert challenged <= FEW
    assert refused <= HARDLY_ANY
