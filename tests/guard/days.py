"""
Days at the giving form: ordinary donors, and programs with stolen cards among them.

What decides is production's own code; only the counters are in memory, held
against DynamoDB's by `test_counters`.
"""

from __future__ import annotations

import contextlib
import heapq
import io
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec

from chalicelib import clock
from chalicelib.errors import ChallengeAsked, TooMany
from chalicelib.guard import card_testing, form_token, outcomes, strangers
from chalicelib.guard.askers import Asker
from chalicelib.guard.card_testing import Attempt
from chalicelib.processor import worn_pages

ATTEMPTS, ADDRESSES, DONORS = 20_000, 2_000, 1_000
# 20,000 in three hours is four times the fastest that was reported of a charity with a captcha.
HOURS = 3
BEGINS = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp())
# From the press of our button to the first card: a program takes seconds, a person minutes.
PROGRAM_SECONDS, PERSON_SECONDS = 20, 150
# Then a program enters the next card as soon as Stripe's page has shown what became of the last. Our worker learns of
# that later: Stripe has to tell, and a queue lies between. Whatever it is told of, it sees all that failed by then.
NEXT_CARD_SECONDS, TOLD_SECONDS = 2, 7
CARDS_A_PAGE = max(worn_pages.CARDS, 1 + TOLD_SECONDS // NEXT_CARD_SECONDS)
WEEK_HOURS = 7 * 24
# One stolen card in twenty is good; three donors in ten leave the payment page without paying.
GOOD, LEAVES = 0.05, 0.3
OFFICES, CARRIERS = 25, 40
PAID_BUYS = strangers.TRIES_PER_PAID


class Visit(msgspec.Struct, frozen=True):
    """
    Somebody who begins a gift, and how each card fares that they enter on Stripe's page until one is good.

    `seconds` are those to the first card, `between` those from one to the next.
    """

    who: str
    asker: Asker
    cards: Iterable[tuple[str, bool]]
    seconds: int
    solves: bool
    between: int = NEXT_CARD_SECONDS


class Page:
    """A payment page at Stripe: as many cards are tried on it as it is open for."""

    def __init__(self, gift_id: str, visit: Visit) -> None:
        self.gift_id, self.visit, self.cards = gift_id, visit, iter(visit.cards)
        self.charges: list[dict[str, Any]] = []
        self.is_open = True


class Days:
    """Visits and the outcomes of their payments, in order of time. `ended` counts what they came to."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.now = dice, BEGINS
        self.ended: Counter[tuple[str, str]] = Counter()
        self._order, self._due = count(), list[Any]()
        clock.set_clock(lambda: datetime.fromtimestamp(self.now, UTC))

    def at(self, moment: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._due, (int(moment), next(self._order), do))

    def run(self) -> None:
        """Everything in its order; what operators would read of it is not shown."""
        with contextlib.redirect_stdout(io.StringIO()):
            while self._due:
                self.now, _, do = heapq.heappop(self._due)
                do()

    def visit(self, visit: Visit) -> None:
        """Begin a gift, pass the challenge if they can, and pay."""
        gift_id = f"{self.dice.getrandbits(128):032x}"
        token = form_token.issue(gift_id, shown_at=self.now - 10)
        attempt = Attempt(gift_id, "contents", visit.asker, token)
        came_to = self._try(attempt)
        if came_to == "challenged":
            self.ended[visit.who, "challenged"] += 1
            came_to = self._try(msgspec.structs.replace(attempt, challenge="person")) if visit.solves else came_to
        if came_to == "begun":
            self.ended[visit.who, "reached Stripe"] += 1
            self._next_card(Page(gift_id, visit), visit.seconds)
        elif came_to == "refused":
            self.ended[visit.who, "refused"] += 1

    def _try(self, attempt: Attempt) -> str:
        try:
            card_testing.allow_gift(attempt)
        except ChallengeAsked:
            return "challenged"
        except TooMany:
            return "refused"
        return "begun"

    def _next_card(self, page: Page, seconds: int) -> None:
        entered = next(page.cards, None)
        if entered:
            self.at(self.now + seconds, lambda: self._enter(page, *entered))

    def _enter(self, page: Page, card: str, good: bool) -> None:
        if not page.is_open:
            return
        self.ended[page.visit.who, "cards"] += 1
        charge = {
            "id": f"ch_{next(self._order)}", "created": self.now, "status": "succeeded" if good else "failed",
            "payment_method_details": {"card": {"fingerprint": card}},
        }  # fmt: skip
        page.charges.append(charge)
        page.is_open = not good
        self.at(self.now + TOLD_SECONDS, lambda: self._told(page, charge))
        self._next_card(page, page.visit.between)

    def _told(self, page: Page, charge: dict[str, Any]) -> None:
        """What the worker does with a charge, `settle` without Stripe around it."""
        outcomes.learn(charge, page.gift_id, monthly=False)
        if worn_pages.is_one_too_many(page.charges):
            page.is_open = False


def donors_come(
    days: Days, hours: float, donors: int = DONORS, *, since: float = BEGINS, who: str = "donor", leave: float = LEAVES
) -> None:
    """Ordinary donors, each with one gift: one in ten mistypes or is declined once or twice, three in ten never pay."""
    for number in range(donors):
        ip, leaves = address_of_a_donor(days.dice), days.dice.random() < leave
        slips = days.dice.choices((0, 1, 2), (90, 7, 3))[0]
        cards = ((f"{who} {number}", False),) * slips + ((f"{who} {number}", True),)
        asker = Asker(ip, f"{who}{number}@example.org")
        visit = Visit(who, asker, () if leaves else cards, PERSON_SECONDS, solves=True, between=PERSON_SECONDS)
        days.at(since + days.dice.uniform(0, hours * 3_600), lambda visit=visit: days.visit(visit))


def a_week_of_donors(days: Days) -> None:
    """As many as come in the busy hours came in the week before, of whom the guard knows who paid from where."""
    donors_come(days, WEEK_HOURS, since=BEGINS - WEEK_HOURS * 3_600, who="earlier donor")


def address_of_a_donor(dice: random.Random) -> str:
    """One in six shares an office's or a school's, one in three has a phone in a carrier's network, the rest a home's."""
    drawn = dice.random()
    if drawn < 1 / 6:
        return f"198.51.{dice.randrange(OFFICES)}.7"
    if drawn < 1 / 2:
        return f"2001:db8:{dice.randrange(CARRIERS):x}:{dice.getrandbits(16):x}::1"
    return f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def program_comes(
    days: Days, ip: Callable[[int], str], card: Callable[[int], str], *, solves: float = 0, hours: float = HOURS,
    seconds: int = PROGRAM_SECONDS,
) -> None:  # fmt: skip
    """A program with stolen cards; it keeps no cookie, begins a page again and again, and tries on it all it is let."""
    for number in range(ATTEMPTS):
        visit = Visit("program", Asker(ip(number)), _cards(days, card(number)), seconds, days.dice.random() < solves)
        days.at(BEGINS + number * hours * 3_600 / ATTEMPTS, lambda visit=visit: days.visit(visit))


def _cards(days: Days, card: str) -> Iterator[tuple[str, bool]]:
    """Cards without end, the first of this name; of one card its other numbers are guessed."""
    for number in count():
        yield (card if card == the_same(0) or not number else f"{card} and {number}", days.dice.random() < GOOD)


def with_donors(days: Days, what: str, *, known: bool = True, leave: float = LEAVES) -> tuple[int, int, int]:
    """
    A week of donors before, if they are to be known, donors meanwhile, and all of it happens.

    Prints the figures, and gives how many payment pages were let through, and
    how many donors were challenged and refused. That no page took more cards
    than it does is seen to here.
    """
    if known:
        a_week_of_donors(days)
    donors_come(days, HOURS, leave=leave)
    days.run()
    reached, cards = days.ended["program", "reached Stripe"], days.ended["program", "cards"]
    challenged, refused = days.ended["donor", "challenged"], days.ended["donor", "refused"]
    assert days.ended["donor", "reached Stripe"] + refused == DONORS
    assert reached < cards <= reached * CARDS_A_PAGE
    figures = f"{reached:6,} pages, {cards:6,} cards; of {DONORS:,} donors {challenged:3} challenged, {refused} refused"
    print(f"\n{what:54} {figures}", end="")
    return reached, challenged, refused


def stolen(number: int) -> str:
    return f"card {number}"


def the_same(_: int) -> str:
    return "one card"


def one_address(_: int) -> str:
    return "203.0.113.7"


def of_a_hoster(number: int) -> str:
    """Two thousand addresses in eight networks."""
    return f"203.{number % ADDRESSES // 250}.113.{number % ADDRESSES % 250}"


def everywhere(number: int) -> str:
    """Two thousand addresses, each in a network of its own: rented from people's homes."""
    return f"100.{number % ADDRESSES // 250}.{number % ADDRESSES % 250}.7"


def everywhere_ten_in_a_row(number: int) -> str:
    """The same, but each is used until it is used up: there is a new one all the time."""
    return everywhere(number // (ATTEMPTS // ADDRESSES))


def where_donors_live(number: int) -> str:
    """Two thousand addresses: one in three a phone's, in the carriers' networks that donors are in, the rest homes'."""
    address = number % ADDRESSES
    phone = f"2001:db8:{address % CARRIERS:x}:f{address:x}::9"
    return phone if address % 3 == 0 else f"10.{address // 8}.{address % 256}.254"


def where_donors_phones_are(number: int) -> str:
    """Two thousand phones, all of them in the carriers' networks that donors are in."""
    return f"2001:db8:{number % CARRIERS:x}:f{number % ADDRESSES:x}::9"


def of_one_block(number: int) -> str:
    """A new /64 each time, all of one /48: what a hoster gives away with a server."""
    return f"2001:db8:ffff:{number:x}::1"


def never_the_same(number: int) -> str:
    """Twenty thousand addresses, each in a network of its own."""
    return f"{100 + number // 62_500}.{number // 250 % 250}.{number % 250}.7"
