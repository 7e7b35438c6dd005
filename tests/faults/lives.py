"""Lives of gifts in which nothing goes wrong by itself: what the exhaustive explorations disturb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from chalicelib.giving import checkout, donors
from chalicelib.mail import outbox
from chalicelib.partners import manage, store
from chalicelib.partners.skip import Skip, skip
from chalicelib.portal import sign_in
from chalicelib.processor import standing, worn_pages
from chalicelib.signups.store import SignUpAsked
from tests.faults import workload
from tests.faults.crashes import Begin, message, webhook
from tests.faults.faults import DAY, calm
from tests.faults.queues import Message, Queue
from tests.faults.world import World

ANN = "ann@example.org"
Work = Callable[[World, str, Begin], None]
Life = Callable[["Quiet"], Iterator[None]]


def undisturbed(world: World, name: str, begin: Begin) -> None:
    """Do a piece of work as on any other day."""
    process = begin()
    while process and not process.ended:
        world.step(process)
    assert process is None or process.done, f"{name}: {process.failure!r}"


class Quiet:
    """A world in which everything comes once and in order. `work` does each piece of our own work, or disturbs it."""

    def __init__(self, work: Work = undisturbed) -> None:
        self.world, self._work = World(1, weather=calm()), work
        self.deaf = False

    def live(self, life: Life) -> World:
        """Live through a life; after each thing that happens all that follows from it is brought to its end."""
        for _ in life(self):
            self.deliver()
        return self.world

    # What happens

    def give(self, frequency: Any = "once", card: str = workload.VISA, **more: Any) -> None:
        """A gift from the button to the payment page, and paid there."""
        page = self.start(frequency, **more)
        self.world.standin.pay(page, card, ANN, "Ann Lee")

    def start(self, frequency: Any = "once", currency: str = "usd", **more: Any) -> str:
        """A gift from the button to the payment page."""
        gift_id = f"{len(self.world.standin.world.all('checkout.session')) + 1:032x}"
        if "gift_aid" in more:
            self.world.declared[gift_id] = (self.world.now(), more["gift_aid"].scope)
        wanted = msgspec.json.encode(checkout.GiftRequest(gift_id, 60_00, currency, frequency, **more))
        self.do("POST /gifts", lambda: self.world.post("/gifts", wanted, {"Content-Type": "application/json"}))
        (page,) = self.world.standin.world.all("checkout.session", status="open")
        self.world.shown.add(page["id"])
        return str(page["id"])

    def refund(self, part: int) -> None:
        self.world.standin.refund(charge=self._charge(), amount=part)

    def dispute(self) -> None:
        self.world.standin.dispute(self._charge())

    def decide(self, *, won: bool) -> None:
        """The bank decides the newest dispute."""
        self.world.standin.close_dispute(self.world.standin.world.all("dispute")[-1]["id"], won=won)

    def later(self, days: float) -> None:
        self.world.advance(self.world.now() + int(days * DAY))

    def new_card(self, card: str) -> None:
        (subscription,) = self.world.standin.world.all("subscription")
        self.world.standin.change_card(subscription["customer"], card)

    def in_portal(self, name: str, change: Callable[[str, str], object]) -> None:
        """A change of the donor's monthly gift, by the donor."""
        donor_id = donors.id_by_email(ANN)
        assert donor_id
        (which,) = store.of_donor(donor_id)
        self.do(f"the donor {name}", lambda: change(donor_id, which.partnership_id))

    def do(self, name: str, work: Callable[[], object]) -> None:
        """A piece of our own work that somebody waits for, and begins once more when no answer came."""
        self._work(self.world, name, lambda: self.world.run(name, work))

    # Bringing it to its end

    def deliver(self) -> None:
        """Everything that Stripe sent, unless nobody hears it, and everything that waits in a queue, in order."""
        while True:
            hooks = [] if self.deaf else self.world.webhooks.ready(self.world.now())
            waiting = self._waiting()
            if hooks:
                self._work(self.world, f"POST /webhooks/stripe {hooks[0].number}", webhook(self.world, hooks[0].number))
            elif waiting:
                queue, found = waiting[0]
                self._work(self.world, f"{queue.name}: {found.body[:60]}", message(self.world, queue, found.number))
            else:
                return

    def _waiting(self) -> list[tuple[Queue, Message]]:
        world = self.world
        return [(queue, each) for queue in (world.money, world.mail) for each in queue.ready(world.now())]

    def _charge(self) -> str:
        return str(self.world.standin.world.all("charge", status="succeeded")[-1]["id"])


def refunded_in_parts(quiet: Quiet) -> Iterator[None]:
    """Given once, returned in two parts."""
    quiet.give()
    yield
    for part in (20_00, 40_00):
        quiet.refund(part)
        yield


def refund_that_fails(quiet: Quiet) -> Iterator[None]:
    """The money that was returned comes back weeks later."""
    quiet.give(card=workload.LATE_REFUND_FAILS)
    yield
    quiet.refund(25_00)
    yield
    quiet.later(35)
    yield


def dispute_won(quiet: Quiet) -> Iterator[None]:
    """Disputed as fraudulent at once, and reinstated."""
    quiet.give(card=workload.DISPUTED)
    yield
    quiet.decide(won=True)
    yield


def dispute_lost(quiet: Quiet) -> Iterator[None]:
    """Disputed after a part was returned, and lost."""
    quiet.give()
    yield
    quiet.refund(10_00)
    yield
    quiet.dispute()
    yield
    quiet.decide(won=False)
    yield


def debit_that_arrives(quiet: Quiet) -> Iterator[None]:
    """A bank debit takes its days."""
    quiet.give(card=workload.BANK)
    yield
    quiet.later(5)
    yield


def debit_that_fails(quiet: Quiet) -> Iterator[None]:
    """A bank debit from a closed account; then another page, with a card."""
    quiet.give(card=workload.BANK_CLOSED)
    yield
    quiet.later(5)
    yield


def suspected(quiet: Quiet) -> Iterator[None]:
    """The bank warns of fraud before anybody disputes."""
    quiet.give(card=workload.WARNED)
    yield


def page_that_expires(quiet: Quiet) -> Iterator[None]:
    """Nobody pays."""
    quiet.start()
    yield
    quiet.later(1.5)
    yield


def page_worn_out(quiet: Quiet) -> Iterator[None]:
    """Three cards fail on its page, which is closed; once, and monthly, and then the donor begins anew."""
    for frequency in ("once", "monthly"):
        page = quiet.start(frequency)
        for _ in range(worn_pages.CARDS):
            quiet.world.standin.pay(page, workload.DECLINED, ANN, "Ann Lee")
        yield
    quiet.give()
    yield


def a_partner_s_year(quiet: Quiet) -> Iterator[None]:
    """Monthly, with every change that the portal offers."""
    quiet.give("monthly")
    yield
    quiet.in_portal("changes the amount", lambda donor, id: manage.change(donor, id, manage.Change(amount=25_00)))
    yield
    quiet.later(31)
    yield
    quiet.in_portal("changes the day", lambda donor, id: manage.change(donor, id, manage.Change(day=15)))
    yield
    until = (quiet.world.time.now() + timedelta(days=70)).date()
    quiet.in_portal("pauses", lambda donor, id: manage.pause(donor, id, manage.Pause(until)))
    yield
    quiet.later(40)
    yield
    quiet.in_portal("resumes", manage.resume)
    yield
    quiet.in_portal("skips the next", skip_next)
    yield
    quiet.later(31)
    yield
    quiet.in_portal("cancels", lambda donor, id: manage.cancel(donor, id, manage.Cancel("cost")))
    yield


def skip_next(donor_id: str, partnership_id: str) -> object:
    """The gift that the page shows as the next."""
    (which,) = store.of_donor(donor_id)
    due = which.date_of(which.skips or which.next_charge_at)
    assert due
    return skip(donor_id, partnership_id, Skip(due))


def a_card_that_fails(quiet: Quiet) -> Iterator[None]:
    """A renewal fails and a new card mends it."""
    quiet.give("monthly", card=workload.FAILS_AT_RENEWAL)
    yield
    quiet.later(32)
    yield
    quiet.new_card(workload.VISA)
    quiet.later(4)
    yield


def lapsed(quiet: Quiet) -> Iterator[None]:
    """A renewal that asks for a confirmation which never comes."""
    quiet.give("monthly", card=workload.ASKS_AT_RENEWAL)
    yield
    for days in (32, 30):
        quiet.later(days)
        yield


def lapsed_unheard(quiet: Quiet) -> Iterator[None]:
    """A monthly gift that lapses while nobody hears: only the daily look finds it, gives its month up and tells of it."""
    quiet.give("monthly", card=workload.FAILS_AT_RENEWAL)
    yield
    quiet.deaf = True
    quiet.later(62)
    quiet.do("the daily look", standing.look)
    yield


def nobody_hears(quiet: Quiet) -> Iterator[None]:
    """Four days without a webhook; reconcile finds a gift, its refund and a month of a monthly gift."""
    quiet.deaf = True
    quiet.give()
    quiet.refund(15_00)
    quiet.give("monthly")
    yield
    quiet.later(4)
    quiet.do("reconcile", partial(quiet.world.scheduled, "reconcile_daily"))
    yield


def refund_unheard(quiet: Quiet) -> Iterator[None]:
    """The gift was told of, its refund was not; only reconcile finds it."""
    quiet.give()
    yield
    quiet.deaf = True
    quiet.refund(15_00)
    yield
    quiet.do("reconcile", partial(quiet.world.scheduled, "reconcile_daily"))
    yield


def mailbox(quiet: Quiet) -> Iterator[None]:
    """A donor asks to sign in, and somebody else signs up."""
    quiet.give()
    yield
    sign_in.ask(ANN)
    yield
    outbox.ask(SignUpAsked("bob@example.org", ("stories",), quiet.world.time.now()))
    yield


def declared_with_gifts(quiet: Quiet) -> Iterator[None]:
    """Gift Aid with a gift, with a debit that takes its days, with a monthly gift, and with a page that nobody pays."""
    quiet.give(currency="gbp", gift_aid=workload.GIFT_AID)
    yield
    quiet.give(card=workload.BANK, currency="gbp", gift_aid=workload.GIFT_AID)
    yield
    quiet.later(5)
    yield
    quiet.give("monthly", currency="gbp", gift_aid=workload.LASTING)
    yield
    quiet.start(currency="gbp", gift_aid=workload.GIFT_AID)
    quiet.later(31)
    yield


EVERY: tuple[Life, ...] = (
    refunded_in_parts, refund_that_fails, dispute_won, dispute_lost, debit_that_arrives, debit_that_fails, suspected,
    page_that_expires, page_worn_out, a_partner_s_year, a_card_that_fails, lapsed, lapsed_unheard, nobody_hears, refund_unheard,
    mailbox, declared_with_gifts,
)
# Lives in which our own code does nothing but listen, so that their events can come in any order.
TOLD: tuple[Life, ...] = (
    refunded_in_parts, refund_that_fails, dispute_won, dispute_lost, debit_that_arrives, debit_that_fails, suspected,
    page_that_expires, a_card_that_fails, lapsed,
)  # fmt: skip
