"""What donors and staff do: small stories, each a generator that yields what it waits for."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Generator, Iterator
from datetime import date, timedelta
from typing import Any

from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.giving import checkout, donors
from chalicelib.partners import manage, store
from chalicelib.partners.asked import Done
from chalicelib.partners.skip import Skip
from chalicelib.partners.skip import skip as skip_one
from local.standin.problems import Problem
from tests.faults.faults import DAY, HOUR
from tests.faults.scheduler import Process
from tests.faults.world import World

# Seconds to wait, or a process to see the end of.
Wait = int | Process
Steps = Generator[Wait, None, Any]

VISA, LATE_REFUND_FAILS, DISPUTED, WARNED = "4242424242424242", "4000000000005126", "4000000000000259", "4000000000005423"
FAILS_AT_RENEWAL, ASKS_AT_RENEWAL, DECLINED = "4000000000000341", "4000002500003155", "4000000000000002"
BANK, BANK_CLOSED, BANK_EMPTY = "000123456789", "000111111116", "000222222227"
ONCE = (VISA, VISA, LATE_REFUND_FAILS, DISPUTED, WARNED, BANK, BANK, BANK_CLOSED, BANK_EMPTY)
MONTHLY = (VISA, VISA, FAILS_AT_RENEWAL, ASKS_AT_RENEWAL, BANK, DISPUTED)
CURRENCIES = ("usd", "usd", "gbp", "jpy", "kwd")
GIFT_AID = DeclarationWithGift("Ann", "Lee", "12", "SW1A 1AA", "this_gift", "yes")
LASTING = DeclarationWithGift("Ann", "Lee", "12", "SW1A 1AA", "future", "yes")
A_MONTH = 31 * DAY
# How long before a renewal something comes: days, just before it, or after it while Stripe has its invoice as a draft.
ABOUT_A_RENEWAL = (1, 30, DAY, 12 * DAY, -1, -HOUR // 2, -HOUR + 5)


class Story:
    """One story and what it waits for."""

    def __init__(self, steps: Steps, due: int) -> None:
        self.steps, self.due = steps, due
        self.process: Process | None = None

    def ready(self, now: int) -> bool:
        return self.process.ended if self.process else self.due <= now


class Workload:
    """The stories of one seed, picked by it."""

    def __init__(self, world: World) -> None:
        self.world, rng = world, world.rng
        self._donors = [f"donor{number}@example.org" for number in range(1, rng.randint(1, 2) + 1)]
        gifts, monthly = rng.randint(1, 3), rng.choice((0, 0, 0, 1, 1))
        kinds: list[Callable[[], Steps]] = [self._once] * (gifts - monthly) + [self._monthly] * monthly
        self.stories = [Story(kind(), world.now() + rng.choice((0, 0, HOUR, 3 * DAY))) for kind in kinds]
        if rng.random() < 0.3:
            self.stories.append(Story(self._poison(), world.now() + rng.choice((1, 5 * DAY))))

    @property
    def over(self) -> bool:
        return not self.stories

    def ready(self, now: int) -> list[Story]:
        return [each for each in self.stories if each.ready(now)]

    def moments(self) -> Iterator[int]:
        """When the stories that wait for a moment go on."""
        return (each.due for each in self.stories if each.process is None)

    def go_on(self, story: Story) -> None:
        """Let a story do its next thing."""
        try:
            wait = next(story.steps)
        except StopIteration:
            self.stories.remove(story)
            return
        story.process = wait if isinstance(wait, Process) else None
        story.due = self.world.now() + (wait if isinstance(wait, int) else 0)

    # The stories

    def _once(self) -> Steps:
        rng = self.world.rng
        card = rng.choice(ONCE)
        yield from give(self.world, "once", card, rng.choice(self._donors))
        if card.startswith("000"):
            yield 4 * DAY + HOUR
        yield from self._trouble(rng.choice((0, 1, 2)))

    def _monthly(self) -> Steps:
        rng, card, email = self.world.rng, self.world.rng.choice(MONTHLY), self.world.rng.choice(self._donors)
        yield from give(self.world, "monthly", card, email)
        for _ in range(rng.choice((1, 2, 2, 3, 3, 5, 14))):
            if rng.random() < 0.7:
                yield from in_portal(self.world, email, rng.choice(CHANGES))
            if rng.random() < 0.2:
                yield from self._trouble(1)
            if rng.random() < 0.2:
                self._new_card()
            yield from self._until_about_a_renewal()

    def _until_about_a_renewal(self) -> Steps:
        """Before the next renewal or while it is being taken, so that what comes next may race it; or a month."""
        due = [each["items"]["data"][0]["current_period_end"] for each in self._running_subscriptions()]
        wait = min(due, default=0) - self.world.now() - self.world.rng.choice(ABOUT_A_RENEWAL)
        yield wait if wait > 0 and self.world.rng.random() < 0.5 else A_MONTH

    def _trouble(self, times: int) -> Steps:
        """Refunds in part, whole or twice, and disputes won and lost, of any charge there is."""
        rng = self.world.rng
        for _ in range(times):
            charges = self.world.standin.world.all("charge", status="succeeded")
            if not charges:
                return
            charge = rng.choice(charges)
            self.world.weather.may_fall_silent(self.world.now())
            with contextlib.suppress(Problem):
                rng.choice((self._refund, self._refund, self._dispute))(charge)
            yield rng.choice((1, HOUR, 2 * DAY, 40 * DAY))
            for dispute in self.world.standin.world.all("dispute"):
                with contextlib.suppress(Problem):
                    self._say("bank decides a dispute")
                    self.world.standin.close_dispute(dispute["id"], won=rng.random() < 0.5)
            yield rng.choice((1, HOUR))

    def _refund(self, charge: dict[str, Any]) -> None:
        part = max(1, charge["amount"] // self.world.rng.choice((1, 2, 3)))
        self._say(f"staff refunds {part} of {charge['id']}")
        self.world.standin.refund(charge=charge["id"], amount=part)

    def _dispute(self, charge: dict[str, Any]) -> None:
        self._say(f"bank disputes {charge['id']}")
        self.world.standin.dispute(charge["id"])

    def _new_card(self) -> None:
        for subscription in self._running_subscriptions():
            with contextlib.suppress(Problem):
                self._say("donor changes the card")
                self.world.standin.change_card(subscription["customer"], VISA)

    def _running_subscriptions(self) -> list[dict[str, Any]]:
        return [each for each in self.world.standin.world.all("subscription") if each["status"] != "canceled"]

    def _poison(self) -> Steps:
        """Stripe cannot show one charge: whatever is about it fails until the rest.

        By then a refund of it, of which nobody was told, may lie further back than the daily run looks.
        """
        rng = self.world.rng
        for _ in range(40):
            charges = self.world.standin.world.all("charge", status="succeeded")
            if charges:
                charge = rng.choice(charges)
                self.world.weather.poisoned = str(charge["id"])
                self._say(f"{charge['id']} is poisoned")
                yield rng.choice((1, HOUR))
                self.world.weather.falls_silent(self.world.now())
                with contextlib.suppress(Problem):
                    self._refund(charge)
                yield rng.choice((1, 50 * DAY, 50 * DAY))
                return
            yield 10

    def _say(self, what: str) -> None:
        self.world.say(what)


def give(world: World, frequency: Any, card: str, email: str) -> Steps:
    """Post the gift, often more than once, and pay on every page that was shown, as a confused donor would."""
    rng, wanted = world.rng, wish(world.rng, frequency)
    if isinstance(wanted.gift_aid, DeclarationWithGift):
        world.declared[wanted.gift_id] = (world.now(), wanted.gift_aid.scope)
    pages: list[str] = []
    for _ in range(6):
        pages += yield from post(world, wanted, rng.choice(POSTS))
        if pages:
            break
        yield rng.choice((2, 60, DAY))
    yield rng.choice((5, 60, HOUR))
    if rng.random() < 0.2:
        press(world, pages, DECLINED, email)
    press(world, pages, card, email)
    if rng.random() < 0.4:
        yield rng.choice((0, 1, HOUR, 82_000, 83_700, 90_000))
        pages += yield from post(world, wanted, 1)
        press(world, pages, card, email)


def post(world: World, wanted: checkout.GiftRequest, times: int) -> Steps:
    """Post one gift so many times at once; the payment pages that were answered."""
    name = f"post {wanted.gift_id[:4]}"
    posts = [world.run(name, lambda: checkout.start(wanted)) for _ in range(times)]
    yield from posts
    answers = [each.answer.checkout_url for each in posts if isinstance(each.answer, checkout.GiftStarted)]
    pages = [url.rpartition("/")[2] for url in answers if "/c/pay/" in url]
    world.shown.update(pages)
    return pages


# How many posts of one gift at once.
POSTS = (1, 1, 1, 2, 10)


def wish(rng: random.Random, frequency: Any) -> checkout.GiftRequest:
    """A gift that some donor wants to make."""
    currency = rng.choice(CURRENCIES)
    gift_id = f"{rng.getrandbits(128):032x}"
    amount, covers = rng.randint(25, 300) * 100, rng.random() < 0.3
    declares = rng.choice((GIFT_AID, LASTING, False)) if currency == "gbp" else False
    return checkout.checked(
        checkout.GiftRequest(gift_id, amount, currency, frequency, cover_fees=covers, gift_aid=declares)
    )


def press(world: World, pages: list[str], card: str, email: str) -> None:
    """Press the button of each payment page that is still open."""
    for page in dict.fromkeys(pages):
        with contextlib.suppress(Problem):
            paid = world.standin.pay(page, card, email, "Ann Lee")
            world.say(f"donor presses the button with {card[-4:]}: {paid['status']}")


def in_portal(world: World, email: str, change: Callable[[random.Random, str, Any], object]) -> Steps:
    """One change in the portal, tried again when it did not come through."""
    donor_id = donors.id_by_email(email)
    going_on = [each for each in store.of_donor(donor_id) if each.state != "ended"] if donor_id else []
    if not donor_id or not going_on:
        return
    which = world.rng.choice(going_on)
    for _ in range(3):
        told = random.Random(world.rng.random())
        asked = world.run(f"portal {change.__name__}", lambda told=told: change(told, donor_id, which))
        yield asked
        if asked.done:
            if change in STOPS and isinstance(asked.answer, Done) and asked.answer.stands.state in {"paused", "ended"}:
                world.stopped.append((which.partnership_id, world.now()))
            return
        yield world.rng.choice((1, 60))


def amount(rng: random.Random, donor_id: str, which: Any) -> object:
    return manage.change(donor_id, which.partnership_id, manage.Change(amount=rng.randint(25, 200) * 100))


def day(rng: random.Random, donor_id: str, which: Any) -> object:
    return manage.change(donor_id, which.partnership_id, manage.Change(day=rng.choice((1, 15, 28))))


def pause(rng: random.Random, donor_id: str, which: Any) -> object:
    until = which.started_at.date() + timedelta(days=rng.randint(5, 200))
    return manage.pause(donor_id, which.partnership_id, manage.Pause(max(until, date(2026, 2, 1))))


def skip(rng: random.Random, donor_id: str, which: Any) -> object:
    """Of the gift that the page shows as the next, as one is shown."""
    due = which.date_of(which.skips or which.next_charge_at)
    return skip_one(donor_id, which.partnership_id, Skip(due)) if due else None


def resume(rng: random.Random, donor_id: str, which: Any) -> object:
    return manage.resume(donor_id, which.partnership_id)


def cancel(rng: random.Random, donor_id: str, which: Any) -> object:
    return manage.cancel(donor_id, which.partnership_id, manage.Cancel("cost"))


CHANGES = (amount, day, day, pause, skip, resume, cancel)
# After these nothing that is unpaid is taken.
STOPS = (pause, skip, cancel)
