"""The stand-in as one object: Stripe's API, its clock, its deliveries, and the calls that only tests make."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local.standin import checkout_pay, disputes, mishaps, payments, portal, refunds
from local.standin.api import Api, Request
from local.standin.books import books
from local.standin.expand import expanded
from local.standin.hosted_invoice import pay_invoice
from local.standin.idempotency import Answer
from local.standin.mishaps import Mishap
from local.standin.payment_methods import Payer
from local.standin.problems import Problem
from local.standin.refusals import Refused
from local.standin.webhooks import Delivery, Outbox, Post
from local.standin.world import API_VERSION, Thing, World

OWN_URL = "http://127.0.0.1:12111"


class Standin:
    """
    Stripe's state machine under one lock: no sockets, no threads, no wall clock of its own.

    `clock` has `now()` and `travel_to(moment)`. Equal seeds and equal calls
    give equal ids. `post` sends one webhook and answers the site's status;
    without it nothing is delivered. `on_step` runs after each thing that
    `advance` does, with no lock held.
    """

    def __init__(self, clock: Any, webhook_secret: str, seed: int = 0, account: str = "acct_local", *,
                 url: str = OWN_URL, post: Post | None = None, on_step: Callable[[], None] = lambda: None) -> None:
        self.clock, self.post, self.on_step = clock, post, on_step
        self.world = World(clock, seed, account, url)
        self.outbox = Outbox(self.world, webhook_secret)
        self.world.listeners.append(self.outbox.take)
        self.something_to_do = threading.Event()
        self._api = Api(self.world)
        self._lock = threading.RLock()
        self._delivering = threading.Lock()
        self._advancing = threading.Lock()

    # Stripe's API

    def request(self, method: str, path: str, params: dict[str, Any] | None = None,
                headers: dict[str, str] | None = None) -> Answer:
        """One API call, by a caller let in already. Raises AnswerLost when a mishap takes the answer away."""
        lower = {name.lower(): each for name, each in (headers or {}).items()}
        with self._doing() as world:
            asked = Request(method, path, params or {}, lower, world.new_id("req", 14))
            answer = self._api.answer(asked)
        return replace(answer, headers={"Request-Id": asked.id, "Stripe-Version": API_VERSION} | answer.headers)

    # What the hosted pages do

    def pay(self, session: str, card: Any, email: str | None = None, name: str | None = None,
            address: dict[str, Any] | None = None, confirm_3ds: bool | None = True,
            phone: str | None = None) -> dict[str, Any]:
        """Press the button of a Checkout page. `confirm_3ds` None stops before the donor is asked."""
        with self._doing():
            return checkout_pay.submit(self.world, session, card, Payer(email, name, phone, address or {}),
                                       confirm_3ds)

    def pay_invoice(self, invoice: str, card: Any = None, confirm_3ds: bool | None = True) -> dict[str, Any]:
        """Pay on the hosted invoice page, with a new card or by confirming the old one."""
        with self._doing():
            return pay_invoice(self.world, invoice, card, confirm_3ds)

    def change_card(self, customer: str, card: Any) -> Thing:
        """Enter a new card in the billing portal. Raises Problem."""
        with self._doing():
            return portal.change_card(self.world, customer, card)

    def read(self, look: Callable[[World], Any]) -> Any:
        """Look at the books under the lock."""
        with self._doing():
            return look(self.world)

    # What only tests ask for

    def settle(self, session: str | None = None, charge: str | None = None, refund: str | None = None) -> None:
        """Let a delayed payment arrive or fail, or a doomed refund fail, now. Raises Problem."""
        with self._doing() as world:
            if refund:
                _known(world, "refund", refund)
                refunds.fail(world, refund)
                return
            id = charge or _charge_of(world, _known(world, "checkout.session", session or ""))
            payments.settle(world, _known(world, "charge", id)["id"])

    def dispute(self, charge: str, reason: str = "fraudulent") -> Thing:
        with self._doing() as world:
            return _said(lambda: disputes.open_on(world, _known(world, "charge", charge), reason))

    def close_dispute(self, dispute: str, won: bool) -> Thing:
        with self._doing() as world:
            return _said(lambda: disputes.close_as(world, _known(world, "dispute", dispute), won))

    def refund(self, charge: str | None = None, payment_intent: str | None = None,
               amount: int | None = None) -> Thing:
        """What staff would do in Stripe's dashboard. Raises Problem."""
        given = {"charge": charge, "payment_intent": payment_intent, "amount": amount}
        with self._doing() as world:
            return _said(lambda: refunds.create(world, {k: v for k, v in given.items() if v is not None}))

    def fail(self, **asked: Any) -> Mishap:
        """Let the next matching requests go wrong; see `mishaps.Mishap`."""
        with self._lock:
            mishap = mishaps.wanted(asked)
            self._api.mishaps.append(mishap)
            return mishap

    def events(self) -> list[Thing]:
        """Every event, oldest first."""
        with self._doing() as world:
            return expanded(world, {"object": "list", "data": world.all("event")}, [])["data"]

    def state(self) -> dict[str, Any]:
        """The processor's books; see `books`."""
        with self._doing() as world:
            return books(world) | {"webhooks": {
                "mode": self.outbox.mode, "waiting": len(self.outbox.waiting), "held": len(self.outbox.held),
                "delivered": self.outbox.delivered, "dropped": self.outbox.dropped}}

    # Time

    def tick(self) -> None:
        """Do what is due by now, and deliver what is due. Unlike every other call it wakes nobody: it is who wakes."""
        with self._lock:
            self.world.run_due()
        self.deliver_due()

    def next_due(self) -> int | None:
        """When something will happen by itself next: unix seconds, or None."""
        with self._lock:
            after = self.world.now()
            dues = [self.world.next_due(), self.outbox.next_due(after)]
            return min((due for due in dues if due is not None), default=None)

    def advance(self, to: int) -> dict[str, int]:
        """Move the clock from one due thing to the next until `to` (unix seconds). Raises Problem for the past."""
        if to < self.world.now():
            raise Problem(400, "in_the_past", "Time only moves forward.")
        with self._advancing:
            self._step(self.world.now())
            while (due := self.next_due()) is not None and due <= to:
                self._step(due)
            self._step(to)
        return {"now": to}

    def _step(self, moment: int) -> None:
        if moment > self.world.now():
            self.clock.travel_to(datetime.fromtimestamp(moment, UTC))
        self.tick()
        self.on_step()

    # Deliveries

    def set_webhooks(self, mode: str) -> None:
        """normal, hold (until a flush) or drop (for ever). Raises Problem."""
        if mode not in ("normal", "hold", "drop"):
            raise Problem(400, "no_such_mode", "The mode is normal, hold or drop.")
        with self._lock:
            self.outbox.mode = mode
        self.something_to_do.set()

    def deliver_due(self) -> int:
        """Deliver every webhook that is due, in order; answers how many were tried. One caller at a time."""
        tried = 0
        with self._delivering:
            while self.post and (delivery := self._next_delivery()):
                self._deliver(delivery)
                tried += 1
        return tried

    def flush(self, order: str = "sent", times: int = 1, seed: int = 0) -> dict[str, int]:
        """Deliver what was held. Raises Problem."""
        if order not in ("sent", "reversed", "shuffled") or not 1 <= times <= 100:
            raise Problem(400, "no_such_order", "The order is sent, reversed or shuffled; times is 1 to 100.")
        with self._delivering:
            with self._lock:
                held = self.outbox.pop_held(order, times, seed)
            accepted = sum(self._deliver(each) for each in held)
        return {"events": len(held) // times, "deliveries": len(held), "accepted": accepted,
                "failed": len(held) - accepted}

    def _next_delivery(self) -> Delivery | None:
        with self._lock:
            return self.outbox.pop_due()

    def _deliver(self, delivery: Delivery) -> bool:
        with self._lock:
            body, headers = self.outbox.signed(delivery)
        try:
            accepted = self.post is not None and 200 <= self.post(body, headers) < 300
        except OSError:
            accepted = False
        with self._lock:
            self.outbox.record(delivery, accepted)
        return accepted

    def _doing(self) -> "_Doing":
        return _Doing(self)


class _Doing:
    """The lock, with everything due done first; afterwards the deliverer is woken."""

    def __init__(self, standin: Standin) -> None:
        self._standin = standin

    def __enter__(self) -> World:
        self._standin._lock.acquire()
        try:
            self._standin.world.run_due()
        except BaseException:
            self._standin._lock.release()
            raise
        return self._standin.world

    def __exit__(self, *_: object) -> None:
        self._standin._lock.release()
        self._standin.something_to_do.set()


def _known(world: World, kind: str, id: str) -> Thing:
    found = world.get(kind, id)
    if found is None:
        raise Problem(404, f"no_such_{kind.replace('.', '_')}", f"No such {kind}: {id}")
    return found


def _charge_of(world: World, session: Thing) -> str:
    intent = world.get("payment_intent", world.notes[session["id"]].get("intent"))
    return (intent or {}).get("latest_charge") or ""


def _said(act: Callable[[], Thing]) -> Thing:
    """Stripe's refusal as a test call's problem."""
    try:
        return act()
    except Refused as refused:
        raise Problem(refused.status, refused.error.get("code", "refused"), refused.error["message"]) from None

