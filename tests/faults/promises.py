"""What must hold after every step, and what must hold at rest: our books against Stripe's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, tzinfo
from itertools import pairwise
from typing import Any

from chalicelib import charity, items
from chalicelib.errors import NotFound
from chalicelib.giving import checkout, ledger
from chalicelib.giving.gift import SIGN, Fact, Gift, fold_all
from chalicelib.partners.partnership import Partnership
from chalicelib.statements import donor_facts, register, statement
from tests.faults import forward, tables
from tests.faults.faults import DAY
from tests.faults.months import Months
from tests.faults.queues import MOST_TRIES
from tests.faults.seams import Key
from tests.faults.world import Sent, World

FACTS = "facts are Stripe's, to the cent and the id"
TOTALS = "each currency's total is Stripe's balance"
NEVER_BACK = "a fact never changes and never goes"
FORWARD = "gifts, pages, partnerships and mails only go forward"
ONE_GIFT = "no gift and no fact stands twice"
NEVER_NONE = "every paid gift has its receipt"
NEVER_TWO = "no second mail that does not say so"
NO_DOUBLE = "one gift_id is charged once"
ONE_PAGE = "one gift_id has one page to pay on"
PARTNERS = "partnerships stand as their subscriptions"
TOLD = "how a monthly gift goes on or ended was told"
MONTHS = "a month is taken once, or given up as decided"
STOPPED = "what a donor has stopped takes nothing more"
PURE = "history and statements are pure functions of facts"
TRUTHFUL = "the thank-you page says paid when it is"
POISON = "poison stops nobody and lies in the dead letters"
REDRIVEN = "at rest no letter is dead and nothing waits"
DECLARED = "what was declared with a gift stands once, if it is paid"
HEALED = "a schedule's run heals all that it looks back on"
ENDS = "the simulation ends"
EVERY = (FACTS, TOTALS, NEVER_BACK, FORWARD, ONE_GIFT, NEVER_NONE, NEVER_TWO, NO_DOUBLE, ONE_PAGE, PARTNERS, TOLD, MONTHS,
         STOPPED, PURE, TRUTHFUL, POISON, REDRIVEN, DECLARED, HEALED, ENDS)  # fmt: skip
# What our code asks of Stripe, and not what it keeps.
OF_STRIPES_BOOKS = frozenset((MONTHS, STOPPED))
# How far back each schedule looks, by what the documents promise and not by what the code says.
LOOKS_BACK = {"reconcile_hourly": 3 * DAY, "reconcile_daily": 35 * DAY}
# How long a declaration made with a gift waits for the payment to be booked, likewise.
WAITS = 60 * DAY
# What Stripe's balance transactions are in the words of the ledger.
MOVEMENTS = {"charge": "payment", "refund": "refund", "refund_failure": "refund_failed",
             "dispute": "dispute", "dispute_reversal": "dispute_won"}  # fmt: skip
# A bank debit is booked when it is submitted, and what comes back is booked once more. Only one that arrived is a gift.
CAME_BACK = "charge_failure"

# What a donor has heard in the end of a monthly gift in each state. Of a failed month the state alone does not say it:
# what was given up is owed no more, and is no news.
LASTING_NEWS = {"active": "partner_welcome", "paused": "partner_welcome", "ended": "partnership_ended"}

# Whose statements are drawn up: its tax years are calendar years.
ENTITY = "us"

Told = tuple[str, str, str, int, str]


class Promises:
    """Counts how often each promise was put to the test, and says where one was broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trials: Counter[str] = Counter()
        self.violations: list[tuple[str, str]] = []
        self.changes = 0
        self._held = {(name, each["pk"], each["sk"]): each for name, each in tables.everywhere()}
        self._facts = {key: each for key, each in self._held.items() if forward.is_fact(each)}
        self._made = (0, 0, 0)
        self._finished: dict[str, int] = {}
        world.written.clear()
        world.on_mail = self._mailed

    def broken(self, promise: str, why: str) -> None:
        why = why if len(why) < 500 else f"{why[:500]} ..."
        self.violations.append((promise, why))
        self.world.say(f"BROKEN: {promise}: {why}")

    def holds(self, promise: str, ok: bool, why: str, *, of: object = True) -> None:
        """Note whether a promise holds. Where nothing is there that it is `of`, it was not put to the test."""
        self.trials[promise] += bool(of)
        if not ok:
            self.broken(promise, why)

    # After every step

    def after_step(self) -> None:
        """What no moment may break. Only looked at when something was written or paid."""
        if self.world.written:
            self._nothing_goes_back()
        self._charged_once()

    def _nothing_goes_back(self) -> None:
        """Each item that was written, beside what it was."""
        written = sorted(set(self.world.written))
        self.world.written.clear()
        for key in written:
            was, now = self._held.get(key), tables.item(*key)
            if was and forward.goes_forward(was):
                why, is_fact = forward.gone_back(was, now), forward.is_fact(was)
                self.holds(NEVER_BACK if is_fact else FORWARD, not why, f"{key[2]}: {why}", of=is_fact or now != was)
            if now != was:
                self.changes += _but_version(now) != _but_version(was)
                self._keep(key, now)

    def _keep(self, key: Key, now: dict[str, Any] | None) -> None:
        """Remember what stands under a key. A fact that is new must be the only one of its name, and of its gift."""
        if now is None:
            del self._held[key]
            return
        self._held[key] = now
        if key[1].startswith("CHARGE#") and not now.get("unfinished"):
            self._finished.setdefault(now["gift_id"], self.world.now())
        if not forward.is_fact(now):
            return
        self._facts[key] = now
        names = Counter((each["kind"], each["stripe_id"]) for each in self._facts.values())
        gifts = Counter(each["payment"]["about"]["gift_id"] for each in self._facts.values() if each["kind"] == "payment")
        twice = [name for name, times in [*names.items(), *gifts.items()] if times > 1]
        self.holds(ONE_GIFT, not twice, f"{twice}")

    def _charged_once(self) -> None:
        """No gift_id has two charges that count, two subscriptions, or two pages of which both can be paid."""
        stripe = self.world.standin.world
        made = len(stripe.things["charge"]), len(stripe.things["checkout.session"]), len(self.world.shown)
        if made == self._made:
            return
        self._made = made
        charges = [each for each in stripe.all("charge") if each["status"] != "failed"]
        intents = [stripe.find("payment_intent", each["payment_intent"]) for each in charges]
        open_pages = [each for each in stripe.all("checkout.session", status="open") if each["id"] in self.world.shown]
        for promise, things in (
            (NO_DOUBLE, intents), (NO_DOUBLE, stripe.all("subscription")), (ONE_PAGE, open_pages),
        ):  # fmt: skip
            gifts = Counter(each["metadata"].get("gift_id") for each in things)
            del gifts[None]
            self.holds(promise, max(gifts.values(), default=0) <= 1, f"{gifts.most_common(1)}", of=gifts)

    def _mailed(self, sent: Sent) -> None:
        times = sum(each[:2] == sent[:2] for each in self.world.sent)
        self.holds(NEVER_TWO, sent.flagged or times == 1, f"{sent.mail} {times} about {sent.about}")

    # At rest

    def at_rest(self) -> None:
        """Everything there is to compare, once nothing moves any more."""
        self.holds(ENDS, True, "")
        self.money_is_right()
        self._receipts_are_sent()
        self._declarations_stand()
        self._partnerships_are_right()
        self._months_are_taken_once()
        self._history_is_pure()
        self._pages_tell_the_truth()
        queues = self.world.money, self.world.mail
        left = [each.causes for queue in queues for each in (*queue.waiting, *queue.dead)]
        self.holds(REDRIVEN, not left, f"{left}", of=sum(queue.sent for queue in queues))

    def money_is_right(self, but: str = "") -> None:
        """Facts and totals, leaving out the charge that is named by `but`."""
        missing, too_many = self._differences(but)
        promise, others = POISON if but else FACTS, [told for told, charge in self._true_facts() if charge != but]
        why = f"missing {sorted(missing)}, too many {sorted(too_many)}"
        self.holds(promise, not missing | too_many, why, of=others)
        if not but:
            self._totals_agree()

    def is_right(self) -> bool:
        """Whether the books are Stripe's now, but for what is poisoned."""
        return not any(self._differences(self.world.weather.poisoned))

    def _differences(self, but: str) -> tuple[set[Told], set[Told]]:
        """What the books lack, and what they have and Stripe has not."""
        charges = {"", but} if but else set()
        ours = {told for told, charge in _our_facts() if charge not in charges}
        truth = {told for told, charge in self._true_facts() if charge not in charges}
        return truth - ours, ours - truth

    def to_heal(self, schedule: str) -> list[tuple[Told, str]]:
        """What has moved by now within the time that a schedule looks back on, and of which charge."""
        first = self.world.now() - LOOKS_BACK[schedule]
        return [(told, charge) for at, told, charge in self._movements() if at > first]

    def healed(self, schedule: str, to_heal: list[tuple[Told, str]]) -> None:
        """All of it stands in the books, once a run went well; but for what is poisoned."""
        moved = {told for told, charge in to_heal if charge != self.world.weather.poisoned}
        left = moved - {told for told, _ in _our_facts()}
        self.holds(HEALED, not left, f"{schedule} left out {sorted(left)}", of=moved)

    def poison_is_put_aside(self, shown: str) -> None:
        """A message that always fails ends among the dead letters, and `shown` is what staff are told of it there."""
        poisoned = self.world.weather.poisoned
        if not poisoned:
            return
        lines, dead = shown.splitlines(), [each for each in self.world.money.dead if poisoned in each.body]
        for letter in dead:
            about, why = next(
                (pair for pair in pairwise(lines) if f"(message {letter.id})" in pair[1]), ("not shown", "not shown")
            )
            told = f"{MOST_TRIES} tries" in about and why.strip().startswith(letter.causes[-1])
            self.holds(POISON, told, f"{letter.causes} is told as: {about} {why}")
        still = [each for each in self.world.money.waiting if poisoned in each.body]
        self.holds(POISON, not still, "still tried", of=dead)

    def _true_facts(self) -> list[tuple[Told, str]]:
        """What Stripe's balance transactions tell, and that disputes were lost, which moves nothing."""
        found = [(told, charge) for _, told, charge in self._movements()]
        found.extend(
            (("dispute_lost", lost["id"], "", lost["amount"], lost["currency"]), lost["charge"])
            for lost in self.world.standin.world.all("dispute", status="lost")
        )
        return found

    def _movements(self) -> Iterator[tuple[int, Told, str]]:
        """When something moved, as which fact, and of which charge."""
        stripe = self.world.standin.world
        for moved in self._moved_for_good():
            kind, source = MOVEMENTS[moved["reporting_category"]], moved["source"]
            charge = source if kind == "payment" else (stripe.get("refund", source) or stripe.get("dispute", source) or {})["charge"]
            yield moved["created"], (kind, source, moved["id"], abs(moved["amount"]), moved["currency"]), charge

    def _moved_for_good(self) -> list[Any]:
        """The movements of Stripe's balance but those of debits that are on their way or came back."""
        stripe = self.world.standin.world
        unpaid = {charge["id"] for charge in stripe.all("charge") if not charge["paid"]}
        every = stripe.all("balance_transaction")
        assert all(moved["source"] in unpaid for moved in every if moved["reporting_category"] == CAME_BACK)
        return [moved for moved in every if moved["source"] not in unpaid]

    def _totals_agree(self) -> None:
        ours: Counter[str] = Counter()
        for (kind, _, _, minor, currency), _ in _our_facts():
            ours[currency] += SIGN[kind] * minor  # type: ignore[index]
        books: Counter[str] = Counter()
        for moved in self._moved_for_good():
            books[moved["currency"]] += moved["amount"]
        self.holds(TOTALS, ours == books, f"ours {dict(ours)}, Stripe's {dict(books)}", of=books)

    def _receipts_are_sent(self) -> None:
        paid = {each["payment"]["about"]["gift_id"] for each in tables.held("FACT#") if each["kind"] == "payment"}
        receipts = {sent.about for sent in self.world.sent if sent.mail == "receipt"}
        for gift_id in sorted(paid):
            self.holds(NEVER_NONE, gift_id in receipts, f"gift {gift_id}")

    def _declarations_stand(self) -> None:
        """
        One for each paid gift with which something was declared, as it was, under its payer; none of these still waits.

        Only where the payment could not be booked for too long it may be gone by then.
        """
        payments = [each for each in tables.held("FACT#") if each["kind"] == "payment"]
        paid = [(each["pk"], each["payment"]["about"]["gift_id"]) for each in payments]
        declared = self.world.declared
        due = sorted((donor, gift_id, declared[gift_id][1]) for donor, gift_id in paid if gift_id in declared)
        late = {gift_id for gift_id, at in self._finished.items() if gift_id in declared and at >= declared[gift_id][0] + WAITS}
        stand = sorted((each["pk"], each["gift_id"], _scope(each)) for each in tables.held("GIFTAID#"))
        ok = stand == [each for each in due if each in stand or each[1] not in late]
        self.holds(DECLARED, ok, f"due {due}, late {late}, there {stand}", of=due)
        wait = {each["gift_id"] for each in tables.every() if each["pk"].startswith("GIFTAID#")} - late
        self.holds(DECLARED, not wait & {gift_id for _, gift_id, _ in due}, f"still waiting {wait}", of=due)

    def _partnerships_are_right(self) -> None:
        ours = {each["partnership_id"]: items.as_struct(each, Partnership) for each in tables.held("PARTNER#")}
        for subscription in self.world.standin.world.all("subscription"):
            if subscription["status"] in {"incomplete", "incomplete_expired"}:
                continue
            stands, item = ours.get(subscription["id"]), subscription["items"]["data"][0]
            known = stands and (stands.state, stands.amount.minor, stands.amount.currency)
            truth = (_state(subscription), item["price"]["unit_amount"], item["price"]["currency"])
            self.holds(PARTNERS, known == truth, f"{subscription['id']}: ours {known}, Stripe's {truth}")
            mail = LASTING_NEWS.get(truth[0])
            told = {sent.mail for sent in self.world.sent if sent.about == subscription["id"]}
            self.holds(TOLD, mail is None or mail in told, f"{subscription['id']}: {truth[0]}, and told {sorted(told)}")

    def _months_are_taken_once(self) -> None:
        """By what Stripe's own events tell of every month of every monthly gift."""
        months = Months(self.world.standin.world, _zone_of, self.world.stopped)
        self.holds(MONTHS, not months.wrong, f"{months.wrong}", of=months.of)
        self.holds(STOPPED, not months.taken, f"{months.taken}", of=months.still)

    def _history_is_pure(self) -> None:
        by_donor: dict[str, list[Fact]] = defaultdict(list)
        for item in tables.held("FACT#"):
            by_donor[item["pk"].partition("#")[2]].append(items.as_struct(item, Fact))
        for donor_id, facts in by_donor.items():
            twice = [*facts, *facts]
            self.world.rng.shuffle(twice)
            gifts = fold_all(twice)
            self.holds(PURE, gifts == _every_page(donor_id), f"donor with {len(facts)} facts")
            self._statements_are_pure(donor_id, gifts)

    def _statements_are_pure(self, donor_id: str, gifts: list[Gift]) -> None:
        """What the register would put into each year's statement is what the facts alone say."""
        for year in sorted({gift.given_on.year for gift in gifts if gift.entity == ENTITY}):
            told = [gift for gift in gifts if (gift.entity, gift.given_on.year) == (ENTITY, year)]
            ours, pure = (_statement(each, year) for each in (register._gifts((donor_id,), ENTITY, year), told))
            self.holds(PURE, ours == pure, f"statement of {year}")

    def _pages_tell_the_truth(self) -> None:
        for item in tables.held("FACT#"):
            if item["kind"] == "payment" and item["payment"]["about"].get("frequency", "once") == "once":
                state = _shown(item["payment"]["about"]["gift_id"])
                self.holds(TRUTHFUL, state in {"paid", "refunded"}, f"{item['stripe_id']} is {state}")


def _shown(gift_id: str) -> str:
    """The state of a gift on its thank-you page."""
    try:
        return checkout.progress_of(gift_id).state
    except NotFound as fault:
        return fault.code


def _zone_of(currency: str) -> tzinfo:
    return charity.current().entity_for(currency)[1].zone


def _scope(declaration: dict[str, Any]) -> str:
    return "this_gift" if declaration.get("only_this") else "past_and_future" if declaration["past"] else "future"


def _but_version(item: dict[str, Any] | None) -> dict[str, Any]:
    """A partnership that is looked at is kept anew, also where nothing about it has changed but that it is finished."""
    return {**(item or {}), "version": 0, "unfinished": 0}


def _our_facts() -> list[tuple[Told, str]]:
    return [
        ((each["kind"], each["stripe_id"], each.get("balance_transaction", ""), each["money"]["minor"],
          each["money"]["currency"]), each["charge_id"])
        for each in tables.held("FACT#")
    ]  # fmt: skip


def _every_page(donor_id: str) -> list[Gift]:
    gifts, cursor = ledger.page(donor_id, limit=3)
    while cursor:
        more, cursor = ledger.page(donor_id, limit=3, cursor=cursor)
        gifts += more
    return gifts


def _statement(gifts: list[Gift], year: int) -> str:
    mark = statement.Mark("1", date(year + 1, 1, 15))
    return statement.fingerprint(
        statement.draw_up(donor_facts.source(ENTITY), statement.Recipient("Ann Lee"), gifts, year, mark)
    )


def _state(subscription: dict[str, Any]) -> str:
    if subscription["status"] == "canceled":
        return "ended"
    if subscription["status"] in {"past_due", "unpaid"}:
        return "payment_problem"
    return "paused" if subscription["pause_collection"] else "active"
