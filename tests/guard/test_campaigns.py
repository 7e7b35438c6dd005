"""
Campaigns of card testing against the guard, with ordinary donors giving all the while.

`pytest -s` prints the figures that stand in docs/card-testing.md.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.errors import GivingError
from chalicelib.guard import card_testing
from tests.guard import days as ways
from tests.guard.days import ATTEMPTS, BEGINS, DONORS, HOURS, Days, with_donors

Addresses = Callable[[int], str]
# What was asked for; and those at an office or a school from which more than eight give within an hour.
FEW, HARDLY_ANY = DONORS / 100, DONORS / 500


@pytest.mark.parametrize("hours", [24, 3, 1])
def test_ordinary_donors_meet_no_challenge(days: Days, hours: float) -> None:
    """None, on a quiet day and in the last hour of the year."""
    ways.donors_come(days, hours)
    days.run()

    assert days.ended["donor", "challenged"] == 0
    assert days.ended["donor", "reached Stripe"] == DONORS


def test_a_campaign_from_one_address(days: Days) -> None:
    """Its address is stopped, and donors notice nothing of it."""
    ways.program_comes(days, ways.one_address, ways.stolen)

    reached, challenged, refused = with_donors(days, "one address")
    assert reached <= 20 * (HOURS + 1)
    assert (challenged, refused) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("addresses", "share", "solves"),
    [
        (ways.of_a_hoster, 1 / 50, 0), (ways.of_a_hoster, 1 / 50, 0.25),
        (ways.everywhere, 1 / 8, 0), (ways.everywhere, 1 / 8, 0.25), (ways.where_donors_live, 1 / 8, 0),
    ],
)  # fmt: skip
def test_a_campaign_from_two_thousand_addresses(days: Days, addresses: Addresses, share: float, solves: float) -> None:
    """
    No limit by address can see it; the failures do, and then an address or a small network has few tries.

    At most one donor in a hundred is challenged. Its price is one try for
    each address, where these have nothing else in common.
    """
    ways.program_comes(days, addresses, ways.stolen, solves=solves)

    reached, challenged, refused = with_donors(days, f"2,000 addresses {addresses.__name__}, solving {solves:.0%}")
    assert reached <= ATTEMPTS * (share + solves)
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


@pytest.mark.slow
def test_a_campaign_from_two_thousand_addresses_where_every_donor_is_new_and_pays(days: Days) -> None:
    """Their payments hide the failures longest, and nobody is known from before: a tenth more passes, donors notice as little."""
    ways.program_comes(days, ways.of_a_hoster, ways.stolen)

    reached, challenged, refused = with_donors(
        days, "2,000 addresses of_a_hoster, new donors who all pay", known=False, leave=0
    )
    assert reached <= ATTEMPTS / 45
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


@pytest.mark.slow
@pytest.mark.parametrize(
    ("addresses", "share"), [(ways.one_address, 1 / 50), (ways.of_a_hoster, 1 / 50), (ways.everywhere, 1 / 8)]
)
def test_a_campaign_with_one_card(days: Days, addresses: Addresses, share: float) -> None:
    """Guessing its other numbers: every address that it comes through is marked, and many addresses are a campaign."""
    ways.program_comes(days, addresses, ways.the_same)

    reached, challenged, refused = with_donors(days, f"one card, {addresses.__name__}")
    assert reached <= ATTEMPTS * share
    assert challenged <= FEW
    assert refused <= HARDLY_ANY


@pytest.mark.parametrize("accounts", [1, 20])
def test_a_campaign_by_the_portal_s_way(days: Days, accounts: int) -> None:
    """Signed in, from ever other addresses: the account is what is counted."""
    reached = 0
    for number in range(ATTEMPTS):
        days.now = BEGINS + number * HOURS * 3_600 // ATTEMPTS
        account = f"donor {number % accounts}"
        try:
            card_testing.allow_payment_page(donor=account, session=f"{account} {number}", ip=ways.of_a_hoster(number))
            reached += 1
        except GivingError:
            continue

    print(f"\n{'the portal: ' + str(accounts) + ' accounts':52} {reached:6} of {ATTEMPTS:,} reach Stripe", end="")
    assert reached <= 6 * accounts * (HOURS + 1)
