"""
What became of each month of a monthly gift, read from Stripe's own events in the order in which they happened.

    due ----------- draft, up to an hour ----------- asked for ----- paid, or failed and asked for again
     `--- paused or ended by now: given up                `--- failed, and the next month has come: given up

Nothing of ours is looked at: a month that our own code gives up, moves or
lets be taken twice shows in Stripe's books, whatever ours say.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from local.standin.world import World
from tests.faults.faults import HOUR

Thing = dict[str, Any]


@dataclass
class Month:
    """One month's gift that was asked for; `may_lapse` once its monthly gift was paused, or had ended, meanwhile."""

    invoice: str
    subscription: str
    due: int
    may_lapse: bool
    failed: bool = False
    times_taken: int = 0


class Months:
    """
    Every month's gift, and what of it is wrong.

    `zone_of` says where the gifts of a currency are dated. `stopped` are the
    monthly gifts that donors were told are paused or have ended, and when.
    `wrong` is of a month that was left out, asked for twice or made up for,
    `taken` of what was taken of such a monthly gift after that.
    """

    def __init__(
        self, stripe: World, zone_of: Callable[[str], tzinfo], stopped: Iterable[tuple[str, int]]
    ) -> None:  # fmt: skip
        self.of: dict[str, Month] = {}
        self.wrong: list[str] = []
        self.taken: list[str] = []
        self._stripe, self._zone_of = stripe, zone_of
        self._invoices = {each["payment"]["payment_intent"]: each["invoice"] for each in stripe.all("invoice_payment")}
        self._stands: dict[str, Thing] = {}
        self.still: dict[str, int] = {}
        self._newest: dict[str, Month] = {}
        self._told: dict[str, list[int]] = defaultdict(list)
        for subscription, at in stopped:
            self._told[subscription].append(at)
        for event in stripe.all("event"):
            self._read(event["type"], event["data"]["object"], event["created"])
        for month in self.of.values():
            self._see_what_it_came_to(month)

    def _read(self, kind: str, thing: Thing, at: int) -> None:
        match kind:
            case "customer.subscription.created":
                self._stands[thing["id"]] = thing
            case "customer.subscription.updated" | "customer.subscription.deleted":
                self._changed(thing, at)
            case "invoice.created" if thing["amount_due"]:
                self._asked_for(thing, at)
            case "invoice.payment_failed" if thing["id"] in self.of:
                self.of[thing["id"]].failed = True
            case "invoice.voided" if thing["id"] in self.of:
                self._given_up(self.of[thing["id"]])
            case "charge.pending" | "charge.succeeded" if thing["payment_intent"] in self._invoices:
                self._taken(self.of[self._invoices[thing["payment_intent"]]], thing, at)

    def _changed(self, subscription: Thing, at: int) -> None:
        """Its next month follows on the one before, and while it is paused what is unpaid may be given up."""
        name, was = subscription["id"], self._stands[subscription["id"]]
        self._stands[name] = subscription
        if not _follows(was, subscription, at, self._zone_of(subscription["currency"])):
            self.wrong.append(f"{name} was due {_day(_due(was))} and is {_day(_due(subscription))}, said on {_day(at)}")
        if not _takes_nothing(subscription):
            self.still.pop(name, None)
            return
        self.still.setdefault(name, at)
        for month in self.of.values():
            month.may_lapse |= month.subscription == name

    def _asked_for(self, invoice: Thing, at: int) -> None:
        name = invoice["parent"]["subscription_details"]["subscription"]
        self.of[invoice["id"]] = self._newest[name] = Month(invoice["id"], name, at, name in self.still)

    def _given_up(self, month: Month) -> None:
        made_room = month.failed and month is not self._newest[month.subscription]
        if not (month.may_lapse or made_room):
            self.wrong.append(f"the gift of {_day(month.due)} was given up while {month.subscription} went on")

    def _taken(self, month: Month, charge: Thing, at: int) -> None:
        """It begins to be taken, or, where that takes days, has been."""
        month.times_taken += charge["status"] == "succeeded"
        if charge["created"] < at:
            return
        if month is not self._newest[month.subscription]:
            self.wrong.append(f"the gift of {_day(month.due)} was made up for on {_day(at)}")
        since = self.still.get(month.subscription)
        if since is not None and any(since <= told < at for told in self._told[month.subscription]):
            self.taken.append(f"{charge['id']} on {_day(at)}, for {_day(month.due)}, of {month.subscription}")

    def _see_what_it_came_to(self, month: Month) -> None:
        """In the end it was taken once, was given up, failed, or is still being taken."""
        invoice = self._stripe.find("invoice", month.invoice)
        status, on_its_way = invoice["status"], self._is_on_its_way(invoice)
        fits = {
            "draft": month.may_lapse or self._stripe.now() <= month.due + HOUR,
            "open": month.may_lapse or month.failed or on_its_way,
            "void": True,
            "paid": month.times_taken == 1,
        }  # fmt: skip
        if not fits.get(status) or month.times_taken > (status == "paid"):
            self.wrong.append(f"the gift of {_day(month.due)} is {status}, and was taken {month.times_taken} times")
        if status in {"draft", "open"} and month.subscription in self.still and not on_its_way:
            self.taken.append(f"the gift of {_day(month.due)} can still be paid, of {month.subscription}")

    def _is_on_its_way(self, invoice: Thing) -> bool:
        intents = [intent for intent, paid in self._invoices.items() if paid == invoice["id"]]
        return any(self._stripe.find("payment_intent", each)["status"] == "processing" for each in intents)


def _follows(was: Thing, now: Thing, at: int, zone: tzinfo) -> bool:
    """
    Whether the next month's gift may come when it now does.

    At a renewal a month after the one that begins, as Stripe counts in UTC. Else
    its donor has moved it: within the month, as the donor sees it, in which it was
    due, or to the next if that day is past by then.
    """
    due, moved = _due(was), _due(now)
    if moved == due:
        return True
    if now["items"]["data"][0]["current_period_start"] == due:
        return _months(due, moved, UTC) == 1
    month = _at(due, zone)
    day = min(_at(moved, zone).day, monthrange(month.year, month.month)[1])
    that_day = _at(moved, zone).replace(year=month.year, month=month.month, day=day)
    return _months(due, moved, zone) == (that_day.timestamp() <= at)


def _months(first: int, then: int, zone: tzinfo) -> int:
    """How many calendar months lie between two moments."""
    one, other = _at(first, zone), _at(then, zone)
    return (other.year - one.year) * 12 + other.month - one.month


def _takes_nothing(subscription: Thing) -> bool:
    return subscription["status"] == "canceled" or (subscription["pause_collection"] or {}).get("behavior") == "void"


def _due(subscription: Thing) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def _at(moment: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment, zone)


def _day(moment: int) -> str:
    return f"{_at(moment, UTC):%d %b %Y %H:%M:%S}"
