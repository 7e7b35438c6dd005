"""What Stripe's events are taken to say of the months of a monthly gift: each thing that must not be is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, timedelta
from typing import Any

import pytest

from chalicelib.partners import manage
from tests.faults import broken, lives, workload
from tests.faults.faults import DAY, HOUR
from tests.faults.lives import Life, Quiet
from tests.faults.months import Months
from tests.faults.world import surroundings


def months_of(life: Life, gone: Callable[[], AbstractContextManager[None]] = nullcontext) -> Months:
    """The months of a life in which each renewal is a draft for an hour, as Stripe tells of them."""
    with gone(), surroundings():
        quiet = Quiet()
        quiet.world.standin.world.draft_seconds = HOUR
        world = quiet.live(life)
        stopped = [(name, world.now()) for name in world.standin.world.things["subscription"]]
        return Months(world.standin.world, lambda currency: UTC, world.stopped or stopped)


def renewed(quiet: Quiet) -> Iterator[None]:
    """Given monthly, and half an hour into the first renewal's draft."""
    quiet.give("monthly")
    yield
    quiet.later(28 + 1 / 48)
    yield


def given_up(quiet: Quiet) -> Iterator[None]:
    """Somebody gives the draft up, and the monthly gift goes on."""
    yield from renewed(quiet)
    (draft,) = quiet.world.standin.world.all("invoice", status="draft")
    for what, with_it in (("finalize", {"auto_advance": "false"}), ("void", {})):
        ask(quiet, f"/v1/invoices/{draft['id']}/{what}", with_it)
    yield


def forgotten(quiet: Quiet) -> Iterator[None]:
    """The draft is made an invoice that nobody collects."""
    yield from renewed(quiet)
    (draft,) = quiet.world.standin.world.all("invoice", status="draft")
    ask(quiet, f"/v1/invoices/{draft['id']}/finalize", {"auto_advance": "false"})
    yield


def brought_forward(quiet: Quiet) -> Iterator[None]:
    """Moved from the 28th to the 5th, taken then, and once more in the same month."""
    quiet.give("monthly")
    yield
    move(quiet, 5 * DAY)
    quiet.later(6)
    yield
    move(quiet, 2 * DAY)
    yield


def put_off(quiet: Quiet) -> Iterator[None]:
    """A month is left out that could have been taken on the very day."""
    quiet.give("monthly")
    yield
    move(quiet, 50 * DAY)
    yield


def made_up_for(quiet: Quiet) -> Iterator[None]:
    """A card fails for longer than a month, and then what it owes is taken."""
    quiet.world.standin.world.retry_after_days = (3,) * 20
    quiet.give("monthly", card=workload.FAILS_AT_RENEWAL)
    yield
    quiet.later(65)
    yield
    quiet.new_card(workload.VISA)
    yield
    quiet.later(4)
    yield


def paused_meanwhile(quiet: Quiet) -> Iterator[None]:
    """Paused while the renewal is a draft, as the portal tells the donor; and an hour goes by."""
    yield from renewed(quiet)
    until = (quiet.world.time.now() + timedelta(days=70)).date()
    quiet.in_portal("pauses", lambda donor, id: manage.pause(donor, id, manage.Pause(until)))
    (subscription,) = quiet.world.standin.world.all("subscription")
    quiet.world.stopped.append((subscription["id"], quiet.world.now()))
    yield
    quiet.later(1 / 12)
    yield


def ask(quiet: Quiet, path: str, params: dict[str, Any]) -> None:
    assert quiet.world.standin.request("POST", path, params).status == 200


def move(quiet: Quiet, seconds: int) -> None:
    """Have the next gift taken so many seconds from now."""
    (subscription,) = quiet.world.standin.world.all("subscription")
    moved = {"trial_end": str(quiet.world.now() + seconds), "proration_behavior": "none"}
    ask(quiet, f"/v1/subscriptions/{subscription['id']}", moved)


@pytest.mark.parametrize(
    "life", [lives.a_partner_s_year, lives.a_card_that_fails, lives.lapsed, made_up_for, paused_meanwhile]
)
def test_nothing_is_wrong_with_a_month_that_went_as_was_decided(life: Life) -> None:
    """Moved, paused, skipped, failed and mended, failed for good: none is missed, none taken twice, none after its end."""
    months = months_of(life)

    assert len(months.of) > 1
    assert (months.wrong, months.taken) == ([], [])


@pytest.mark.parametrize(
    ("life", "gone", "said"),
    [
        (given_up, nullcontext, "was given up while"),
        (forgotten, nullcontext, "is open, and was taken 0 times"),
        (brought_forward, nullcontext, "was due 05 Mar"),
        (put_off, nullcontext, "was due 28 Feb"),
        (made_up_for, broken.nothing_given_up, "was made up for on"),
    ],
)
def test_a_month_left_out_doubled_or_made_up_for_is_named(
    life: Life, gone: Callable[[], AbstractContextManager[None]], said: str
) -> None:
    """Each by what Stripe tells of it, whatever our own books say."""
    assert said in " ".join(months_of(life, gone).wrong)


def test_what_is_taken_after_the_donor_was_told_that_it_is_paused_is_named() -> None:
    """A draft that is not given up with the pause is taken an hour later."""
    assert months_of(paused_meanwhile, broken.nothing_given_up).taken
