"""
Whether a gift may begin: the guard against people who try out stolen cards.

Everything is decided before anything is written for the gift and before
Stripe is asked. One read brings what is known; a refusal writes at most one
count; a gift that may begin costs at most five more calls. While a campaign
is on, a try without an answer to a challenge costs three counts and three
reads more at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from chalicelib.clock import epoch_seconds
from chalicelib.errors import ChallengeAsked, GiftTaken
from chalicelib.guard import breaker, challenge, counters, form_token, rate_limit, strangers, suspects
from chalicelib.guard.askers import Asker, Who, hashed
from chalicelib.guard.counters import Down, Tally
from chalicelib.guard.rate_limit import Window

# A form's token is older than that by then, and the payment page is closed.
BEGUN_REMEMBERED = timedelta(days=2)


Named = Mapping[Who, str]


class Attempt(msgspec.Struct, frozen=True):
    """A gift that somebody wants to begin. `contents` is a hash of everything in it."""

    gift_id: str
    contents: str
    asker: Asker
    form_token: str = ""
    challenge: str = ""


def allow_gift(attempt: Attempt) -> None:
    """
    Let a gift begin, or raise TooMany, ChallengeAsked, InvalidInput (`form_token_invalid`) or GiftTaken.

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
        rate_limit.count(rate_limit.windows(doing, Asker(ip=ip, donor=donor, session=session).named()))
    except Down:
        rate_limit.last_resort("payment_page")


class _Proof:
    """That a person is there, asked for at most once: an answer to a challenge is good only once."""

    def __init__(self, attempt: Attempt) -> None:
        self._answer, self._ip, self.result = attempt.challenge, attempt.asker.ip, ""

    def ask(self) -> None:
        """Raise ChallengeAsked if there is a challenge to put and no answer to it yet. Costs nothing."""
        if challenge.can_be_put() and not self._answer:
            raise ChallengeAsked("Please show us that you are a person, and send the gift once more.")

    def passed(self) -> bool:
        """Whether the answer is right; False if that cannot be found out. Raises ChallengeAsked if it is wrong."""
        if not challenge.can_be_put():
            return False
        self.result = self.result or challenge.verify(self._answer, self._ip)
        if self.result == "failed":
            raise ChallengeAsked("That check did not succeed. Please do it once more.")
        return self.result == "passed"


def _weigh(attempt: Attempt, proof: _Proof) -> None:
    begun, named = f"gift#{attempt.gift_id}", attempt.asker.named()
    every = [*rate_limit.windows("gift", named), *rate_limit.windows("gift_under_attack", named)]
    known = counters.store().read([begun, *breaker.names(), *suspects.names(named), *(each.name for each in every)])
    if begun in known:
        _again(attempt, known[begun])
        return
    strict = form_token.asked()
    campaign = breaker.campaign_or_surge(known) if strict else 0
    windows = rate_limit.windows("gift_under_attack" if campaign else "gift", named)
    rate_limit.refuse_full(windows, known)
    _check_token(attempt)
    suspect = strict and suspects.is_one(known, named)
    admitted_in = campaign if not suspect and _admitted(attempt, campaign, named) else 0
    if suspect or (campaign and not admitted_in):
        _require_proof(proof, windows, named)
    else:
        rate_limit.count(windows)
    _begin(attempt, begun, named, admitted_in)


def _admitted(attempt: Attempt, campaign: int, named: Named) -> bool:
    """Whether a stranger is let in unasked. One who has solved the challenge already uses up nothing of it."""
    return bool(campaign) and not attempt.challenge and strangers.admit(campaign, named)


def _require_proof(proof: _Proof, windows: list[Window], named: Named) -> None:
    """
    Have a person shown, and count.

    Asking counts nothing, for nothing comes of it. An answer is a call to
    somebody else's server, so the address is counted first.
    """
    proof.ask()
    rate_limit.count(windows[:1])
    if not proof.passed():
        # No challenge can be put, or its maker does not answer: little gets through, which is not nothing.
        rate_limit.count([*rate_limit.windows("unproven", named), rate_limit.for_everybody("unproven")])
    rate_limit.count(windows[1:])


def _again(attempt: Attempt, begun: Tally) -> None:
    """The same gift once more; another one under its id is refused before Stripe is asked."""
    if begun.known["contents"] != attempt.contents:
        raise GiftTaken
    rate_limit.count([rate_limit.window("gift_again", "gift", hashed("gift", attempt.gift_id))])


def _begin(attempt: Attempt, begun: str, named: Named, campaign: int) -> None:
    """
    Record that the gift begins, by whom (in hashes) and with which contents: the one use of its form's token.

    With the campaign in which a stranger was admitted, or 0. Read back by
    `outcomes` when it is known how the payment went.
    """
    until = epoch_seconds() + int(BEGUN_REMEMBERED.total_seconds())
    known: dict[str, str | int] = {"contents": attempt.contents, **{str(who): name for who, name in named.items()}}
    known |= {"campaign": campaign} if campaign else {}
    stands = counters.store().keep_first(begun, known, until)
    if stands.known["contents"] != attempt.contents:
        _again(attempt, stands)
    breaker.begun()


def _check_token(attempt: Attempt) -> None:
    if form_token.asked():
        form_token.check(attempt.form_token, attempt.gift_id)


def _without_counters(attempt: Attempt, proof: _Proof) -> None:
    """The table cannot be reached: neither an outage nor an open door."""
    if not form_token.asked():
        return
    form_token.check(attempt.form_token, attempt.gift_id)
    proof.ask()
    if not proof.passed():
        rate_limit.last_resort("gift")
