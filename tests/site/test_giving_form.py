"""The giving form: what a link may fill in, what it starts with, what the fee comes to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib import charity
from chalicelib.money import Money, step
from chalicelib.site import giving_form


def test_a_fresh_form_starts_with_what_binds_least() -> None:
    """
    Monthly stands first but is never chosen for anybody, nor is a larger amount.
    """
    form = giving_form.fresh({})

    assert (form.frequency, form.once.chosen, form.monthly.chosen) == ("once", "5000", "2500")
    assert not form.cover_fees


def test_every_form_is_a_new_gift() -> None:
    """
    The id makes a retry the same gift, so two visits must never share one.
    """
    assert giving_form.fresh({}).gift_id != giving_form.fresh({}).gift_id


@pytest.mark.parametrize(
    ("amount", "chosen", "typed"),
    [("10000", "10000", "100"), ("1234", "other", "12.34"), ("abc", "5000", ""), ("٣", "5000", "")],
)
def test_an_amount_in_a_link_is_minor_units(amount: str, chosen: str, typed: str) -> None:
    """
    As everywhere. One of the suggestions is ticked, another is written into the free field.
    """
    form = giving_form.fresh({"amount": amount})

    assert (form.once.chosen, form.other_amount) == (chosen, typed)


def test_a_link_cannot_make_up_currencies_funds_or_frequencies() -> None:
    """
    What does not exist is left at its default rather than refused.
    """
    form = giving_form.fresh({"currency": "xxx", "fund": "moon", "frequency": "hourly"})

    assert (form.currency, form.fund, form.frequency) == ("usd", "where_needed_most", "once")


def test_the_source_is_the_story_and_the_campaign() -> None:
    """
    Only letters, digits and hyphens travel on to Stripe's metadata.
    """
    assert giving_form.fresh({"utm_campaign": "spring 26<b>"}, source="guatemala").source == "guatemala.spring-26-b"


@pytest.mark.parametrize("code", ["usd", "gbp", "jpy", "kwd"])
def test_the_fee_example_leaves_the_whole_gift(code: str) -> None:
    """
    After the processor has taken its part of the larger sum, at least the gift is left, and no step less would do.
    """
    terms = charity.current().currencies[code]
    gift = Money(terms.suggested_once[0], code)

    def left(paid: int) -> Decimal:
        return paid * (1 - Decimal(terms.fee_percent) / 100) - terms.fee_fixed

    paid = charity.current().with_fee(gift).minor
    assert left(paid) >= gift.minor > left(paid - step(code))
