"""What is offered before a monthly gift is ended: less, a pause, a month left out; and nothing that would be no help."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chalicelib.charity import current
from chalicelib.money import Money
from chalicelib.partners.instead import Break, Instead, breaks, of_ending, smaller
from chalicelib.partners.partnership import Partnership

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DUE = datetime(2026, 12, 10, 12, tzinfo=UTC)


def stands(state: str = "active", **more: object) -> Partnership:
    return Partnership(
        "sub_1", "d1", "cus_1", Money(75_00, "usd"), 10, state, NOW, "America/New_York",  # type: ignore[arg-type]
        **{"next_charge_at": DUE, **more},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "offered"),
    [
        (Money(75_00, "usd"), [40_00, 25_00, 5_00]),
        (Money(25_00, "usd"), [12_00, 5_00]),
        (Money(9_00, "usd"), [5_00]),
        (Money(5_01, "usd"), [5_00]),
        (Money(5_00, "usd"), []),
        (Money(1, "usd"), []),
    ],
)
def test_less_is_less_and_no_less_than_can_be_given(amount: Money, offered: list[int]) -> None:
    """The suggested amounts below; where there is none, the half in whole units; and the least of all."""
    assert smaller(amount, (25_00, 40_00, 75_00, 150_00), 5_00) == offered


@pytest.mark.parametrize("currency", ["usd", "gbp", "jpy", "kwd"])
def test_every_amount_that_is_offered_can_be_given(currency: str) -> None:
    """In currencies with no and with three decimals too: a button that is refused would be a trick."""
    facts = current()
    known = facts.currencies[currency]
    for minor in range(known.minimum, known.suggested_monthly[-1] * 2, max(1, known.minimum // 3)):
        for offered in smaller(Money(minor, currency), known.suggested_monthly, known.minimum):
            facts.check_amount(Money(offered, currency))
            assert offered < minor


def test_an_active_gift_has_all_three() -> None:
    """A pause for one month would be the skip in other words, so it is offered once."""
    assert of_ending(stands(), NOW, (25_00,), 5_00) == Instead([25_00, 5_00], [Break(3, date(2027, 3, 10))], date(2026, 12, 10))


@pytest.mark.parametrize(
    ("due", "until"),
    [
        ("2026-12-10T12:00", ["2027-01-10", "2027-03-10"]),
        ("2026-12-31T12:00", ["2027-01-31", "2027-03-31"]),
        ("2027-01-31T12:00", ["2027-02-28", "2027-04-30"]),
        ("2026-12-11T03:00", ["2027-01-10", "2027-03-10"]),  # the evening of the 10th in New York
    ],
)
def test_a_pause_ends_on_the_day_of_the_gift_after_it(due: str, until: list[str]) -> None:
    """By the donor's calendar. Counted from today, one month could end before the next gift, and leave nothing out."""
    at = datetime.fromisoformat(f"{due}+00:00")

    assert [str(each.until) for each in breaks(stands(next_charge_at=at), NOW)] == until


def test_the_month_that_could_not_be_taken_is_one_of_those_left_out() -> None:
    """A pause gives it up: one month is that one, and the next gift comes on its day."""
    offered = of_ending(stands("payment_problem"), NOW, (25_00,), 5_00)

    assert (offered.breaks, offered.skip_on) == ([Break(1, date(2026, 12, 10)), Break(3, date(2027, 2, 10))], None)


@pytest.mark.parametrize(("due", "months"), [("2027-01-10", [1, 3]), ("2027-09-10", [1]), ("2027-11-20", [])])
def test_a_pause_is_made_longer_and_never_shorter(due: str, months: list[int]) -> None:
    """Counted from the gift after the pause that is on, for a year at most: what is longer would be refused."""
    offered = of_ending(stands("paused", paused_until=DUE, next_charge_at=datetime.fromisoformat(f"{due}T12:00+00:00")), NOW, (25_00,), 5_00)

    assert [each.months for each in offered.breaks] == months
    assert offered.skip_on is None
    assert all(each.until > DUE.date() for each in offered.breaks)


@pytest.mark.parametrize(
    ("each", "less"),
    [
        (stands("paused", next_charge_at=None), True), (stands("unclear", next_charge_at=None), True),
        (stands("active", next_charge_at=None), True), (stands("ended", next_charge_at=None), False),
    ],
    ids=["paused by staff without an end", "unclear", "ending", "ended"],
)  # fmt: skip
def test_without_a_next_gift_there_is_nothing_to_leave_out(each: Partnership, less: bool) -> None:
    """Each button that is shown works."""
    offered = of_ending(each, NOW, (25_00,), 5_00)

    assert (offered.breaks, offered.skip_on, bool(offered.amounts)) == ([], None, less)
