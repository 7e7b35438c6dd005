"""A month of gifts at Stripe of which our books know nothing yet, played to them as often as a test likes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from chalicelib import items
from chalicelib.clock import epoch_seconds
from chalicelib.errors import GivingError
from chalicelib.processor import reconcile, settle, stripe_api, webhook
from chalicelib.processor.webhook import Hint
from local.standin.in_process import InProcess
from local.standin.standin import Standin
from tests.drift import books, lives
from tests.drift.mutations import possible
from tests.giving_world import World

Thing = dict[str, Any]
TOLD = (
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "charge.dispute.closed", "refund.failed",
    "invoice.paid", "customer.subscription.deleted",
)  # fmt: skip
Spoil = Callable[[Thing], object]


class Spoiling(InProcess):
    """The SDK's way to Stripe, on which each answer to a question is spoiled. `seen` are those of the last run."""

    def __init__(self, standin: Standin) -> None:
        super().__init__(standin)
        self.spoil: Spoil = lambda answer: None
        self.seen: list[Thing] = []

    def request(self, *asked: Any, **more: Any) -> Any:
        text, status, headers = super().request(*asked, **more)
        answer = json.loads(text)
        self.seen.append(copy.deepcopy(answer))
        self.spoil(answer)
        return json.dumps(answer), status, headers


class Stage:
    """
    Gifts by card and by debit, refunded, disputed, monthly and ended, with no event delivered.

    `play` lets every event be worked on, and reconcile look, while answers are
    spoiled; `play` again without spoiling is what the days after bring.
    """

    def __init__(self, giving: World) -> None:
        self._giving, self._born = giving, epoch_seconds()
        giving.standin.set_webhooks("drop")
        self._happen()
        self._beginning = books.table(items.giving())
        self._wire = Spoiling(giving.standin)
        stripe_api.set_transport(self._wire)
        self.hints = list(self._hints())
        self.play()
        self.answers, self.truth = self._wire.seen, self.left()
        self.possible = possible(self.answers)

    def anew(self) -> None:
        """Back to when our books knew of nothing but gifts begun."""
        for name in (items.giving(), items.passing()):
            for item in books.table(name):
                items.delete(name, {"pk": item["pk"], "sk": item["sk"]})
        for item in self._beginning:
            items.put(items.giving(), item)

    def play(self, spoil: Spoil = lambda answer: None) -> list[GivingError]:
        """Work on every event and reconcile; the refusals that leave a message to be tried again."""
        self._wire.spoil, self._wire.seen, refused = spoil, [], []
        for hint in self.hints:
            try:
                settle.handle(hint)
            except GivingError as error:
                refused.append(error)
        try:
            self.report = reconcile.between(self._born, epoch_seconds())
        except GivingError as error:
            refused.append(error)
        return refused

    def left(self) -> list[Thing]:
        return books.ledger()

    def _happen(self) -> None:
        giving = self._giving
        self._pay(1)
        self._pay(2, lives.REFUND_FAILS, lives.BEN)
        self._pay(3, lives.DISPUTED, "cid@example.org")
        self._pay(4, lives.BANK, "dee@example.org")
        self._pay(5, frequency="monthly", email="eve@example.org")
        first, doomed = [each["id"] for each in giving.standin.read(lambda world: world.all("charge"))[:2]]
        giving.standin.refund(charge=first, amount=10_00)
        giving.standin.refund(charge=doomed)
        (dispute,) = giving.standin.read(lambda world: world.all("dispute"))
        giving.advance(days=32)
        giving.standin.close_dispute(dispute["id"], won=False)
        (monthly,) = giving.standin.read(lambda world: world.all("subscription"))
        giving.standin.request("DELETE", f"/v1/subscriptions/{monthly['id']}")

    def _pay(self, number: int, card: str = "4242424242424242", email: str = "ann@example.org", **more: Any) -> None:
        self._giving.start(50_00, gift_id=f"{number:032x}", **more)
        self._giving.pay(f"{number:032x}", card, email)

    def _hints(self) -> Iterator[Hint]:
        """One of each type that tells most; what none of them names, reconcile has to find."""
        told = {event["type"]: webhook._hint(event) for event in self._giving.standin.events()}
        return (told[kind] for kind in TOLD)
