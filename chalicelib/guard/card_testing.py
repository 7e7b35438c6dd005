"""
Whether a gift may begin: the guard against people who try out stolen cards.

Everything is decided before anything is written for the gift and before
Stripe is asked. One read brings what is known; a refusal writes at most one
count; a gift that may begin costs at most five more calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib import settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import ChallengeAsked, Conflict
from chalicelib.guard import breaker, challenge, counters, form_token, rate_limit
from chalicelib.guard.askers import Asker, Who, hashed
from chalicelib.guard.counters import Down, Tally

# A donor mistypes twice, a family's two cards fail on one evening: none of that is challenged.
FAILURES: dict[Who, int] = {"ip": 8, "browser": 6, "email": 6}
# A card that failed this often in a day is being guessed at; one that gave this often is being used up.
CARD_FAILURES, CARD_GIFTS = 5, 20
MOST_CHARGES = 100
FAILURES_WINDOW, CARD_WINDOW = rate_limit.HOUR, rate_limit.DAY
# A form's token is older than that by then, and the payment page is closed.
BEGUN_REMEMBERED = timedelta(days=2)
# What reconcile finds later tells of yesterday's campaign, not of today's.
NEWS_SECONDS = int(timedelta(hours=1).total_seconds())


class Attempt(msgspec.Struct, frozen=True):
    """A gift that somebody wants to begin. `contents` is a hash of everything in it."""

    gift_id: str
    contents: str
    asker: Asker
    form_token: str = ""
    challenge: str = ""


def allow_gift(attempt: Attempt) -> None:
    """
    Let a gift begin, or raise TooMany, ChallengeAsked, InvalidInput (`form_token_invalid`) or Conflict.

    The same gift with the same contents passes again, whatever has become of
    its token: a retry is not a new attempt.
    """
    proof = _Proof(attempt)
    try:
        _weigh(attempt, proof)
    except Down:
        _without_counters(attempt, proof)


def allow_payment_page(*, donor: str, session: str, ip: str) -> None:
    """
    Let a signed-in donor go to the page where a card is changed, or raise TooMany.

    No challenge here: who is signed in has shown a mailbox. While a campaign
    is on there is little of it.
    """
    try:
        attacked = breaker.is_open(counters.store().read([breaker.BREAKER]))
        doing: rate_limit.Doing = "payment_page_under_attack" if attacked else "payment_page"
        rate_limit.count(rate_limit.windows(doing, Asker(ip=ip, donor=donor, session=session)))
    except Down:
        rate_limit.last_resort("payment_page")


def learn(charge: Mapping[str, Any], gift_id: str, *, monthly: bool) -> None:
    """
    Take in how a card payment went: whose it was, with which card.

    Renewals and old news are left aside. Told twice, it counts once. Never
    raises for want of counters, because money is recorded beside it.
    """
    if is_news(charge):
        try:
            _take_in(charge, gift_id, monthly=monthly)
        except Down:
            return  # counted where it happened


def is_news(charge: Mapping[str, Any]) -> bool:
    """Whether a charge has something to tell: a card's, decided, and of this hour."""
    made_at = charge.get("created")
    return isinstance(made_at, int) and bool(_card(charge)) and epoch_seconds() - made_at < NEWS_SECONDS


class _Proof:
    """That a person is there, asked for at most once: an answer to a challenge is good only once."""

    def __init__(self, attempt: Attempt) -> None:
        self._answer, self._ip, self.result = attempt.challenge, attempt.asker.ip, ""

    def ask(self) -> bool:
        """Whether a challenge was passed; False if none can be put. Raises ChallengeAsked."""
        if not challenge.can_be_put():
            return False
        if not self._answer:
            raise ChallengeAsked("Please show us that you are a person, and send the gift once more.")
        self.result = self.result or challenge.verify(self._answer, self._ip)
        if self.result == "failed":
            raise ChallengeAsked("That check did not succeed. Please do it once more.")
        return self.result == "passed"


def _weigh(attempt: Attempt, proof: _Proof) -> None:
    begun, named = f"gift#{attempt.gift_id}", attempt.asker.named()
    every = rate_limit.windows("gift", attempt.asker) + rate_limit.windows("gift_under_attack", attempt.asker)
    failures = map(_failures, named, named.values())
    known = counters.store().read([begun, *breaker.names(), *failures, *(window.name for window in every)])
    if begun in known:
        _again(attempt, known[begun])
        return
    attacked = breaker.is_open(known) and form_token.asked()
    windows = rate_limit.windows("gift_under_attack" if attacked else "gift", attempt.asker)
    rate_limit.refuse_full(windows, known)
    rate_limit.count(windows[:1])
    _check_token(attempt)
    if attacked or _is_suspect(known, named):
        _require_proof(attempt, proof)
    rate_limit.count(windows[1:])
    _begin(attempt, begun, named)


def _again(attempt: Attempt, begun: Tally) -> None:
    """The same gift once more; another one under its id is refused before Stripe is asked."""
    if begun.known["contents"] != attempt.contents:
        raise Conflict(
            "This gift was started with other details. Please load the page again.",
            code="gift_id_taken", field="gift_id",
        )  # fmt: skip
    rate_limit.count([rate_limit.window("gift_again", "gift", hashed("gift", attempt.gift_id))])


def _begin(attempt: Attempt, begun: str, named: Mapping[Who, str]) -> None:
    """
    Record that the gift begins, by whom (in hashes) and with which contents: the one use of its form's token.

    Read back by `learn` when its payment has failed.
    """
    until = epoch_seconds() + int(BEGUN_REMEMBERED.total_seconds())
    known: dict[str, str | int] = {"contents": attempt.contents, **{str(who): name for who, name in named.items()}}
    stands = counters.store().keep_first(begun, known, until)
    if stands.known["contents"] != attempt.contents:
        _again(attempt, stands)
    breaker.begun()


def _check_token(attempt: Attempt) -> None:
    if form_token.asked():
        form_token.check(attempt.form_token, attempt.gift_id)


def _is_suspect(known: Mapping[str, Tally], named: Mapping[Who, str]) -> bool:
    if settings.current().guard == "wide":
        return False
    return breaker.is_surge(known) or any(
        _failed_often(who, known[_failures(who, name)]) for who, name in named.items() if _failures(who, name) in known
    )


def _failed_often(who: Who, tally: Tally) -> bool:
    """Whether this address, mailbox or browser failed often, or was met with a card that is being tested."""
    return tally.times > 0 or len(tally.members) >= FAILURES.get(who, MOST_CHARGES)


def _require_proof(attempt: Attempt, proof: _Proof) -> None:
    if not proof.ask():
        # No challenge can be put, or its maker does not answer: little gets through, which is not nothing.
        rate_limit.count([*rate_limit.windows("unproven", attempt.asker), rate_limit.for_everybody("unproven")])


def _without_counters(attempt: Attempt, proof: _Proof) -> None:
    """The table cannot be reached: neither an outage nor an open door."""
    if not form_token.asked():
        return
    form_token.check(attempt.form_token, attempt.gift_id)
    if not proof.ask():
        rate_limit.last_resort("gift")


def _card(charge: Mapping[str, Any]) -> str:
    """The card's fingerprint, hashed; an empty text for what is no card or not yet decided."""
    details = charge.get("payment_method_details")
    card = details.get("card") if isinstance(details, dict) else None
    fingerprint = card.get("fingerprint") if isinstance(card, dict) else None
    decided = charge.get("status") in {"succeeded", "failed"}
    return hashed("card", str(fingerprint)) if decided and fingerprint else ""


def _take_in(charge: Mapping[str, Any], gift_id: str, *, monthly: bool) -> None:
    card, begun = _card(charge), f"gift#{gift_id}"
    page = counters.store().read([begun]).get(begun) if gift_id else None
    if monthly and page is None:
        return  # a renewal: nobody is at a form
    named: dict[Who, str] = {who: str(page.known[who]) for who in FAILURES if page and who in page.known}
    at, failed = int(charge["created"]), charge["status"] == "failed"
    worn_out, is_new = _use_card(card, str(charge["id"]), failed=failed)
    if failed:
        _blame(named, str(charge["id"]))
        breaker.failed(at, named.get("ip", card))
    elif is_new:
        breaker.paid(at)
    if worn_out:
        _mark(named)


def _use_card(card: str, charge_id: str, *, failed: bool) -> tuple[bool, bool]:
    """Whether this card was now used more often than a donor's is, and whether the charge is new to us."""
    starts, ends = rate_limit.ends_of(CARD_WINDOW)
    kind, most = ("failed", CARD_FAILURES) if failed else ("paid", CARD_GIFTS)
    tally, is_new = counters.store().join(f"card#{kind}#{card}#{starts}", charge_id, ends + NEWS_SECONDS, MOST_CHARGES)
    return len(tally.members) > most, is_new


def _blame(named: Mapping[Who, str], charge_id: str) -> None:
    for who, name in named.items():
        counters.store().join(_failures(who, name), charge_id, _failures_end(), MOST_CHARGES)


def _mark(named: Mapping[Who, str]) -> None:
    """From here on, and until the hour is over, all that this card came through is challenged."""
    for who, name in named.items():
        counters.store().add(_failures(who, name), _failures_end())


def _failures(who: Who, name: str) -> str:
    return f"failures#{who}#{name}#{rate_limit.ends_of(FAILURES_WINDOW)[0]}"


def _failures_end() -> int:
    return rate_limit.ends_of(FAILURES_WINDOW)[1] + NEWS_SECONDS
