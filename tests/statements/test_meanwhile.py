"""
What comes while a statement is drawn up, just before each call to the tables in turn.

    read ... gifts ... looked at again ... PDF kept ... entered ... mailed
        ^         ^                   ^            ^           ^
        a fact, or an erasure: settled or done whole, with all that it queues
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from chalicelib import aws, items, settings
from chalicelib.giving import donors, ledger
from chalicelib.giving.gift import Fact
from chalicelib.mail import errands
from chalicelib.portal.erasure import EraseAsked, erase
from chalicelib.statements import register, statement, superseding, yearly
from chalicelib.statements.superseding import StatementOutdated
from chalicelib.statements.yearly import StatementDue
from tests.gift_aid.declaring import in_between
from tests.giving_world import World
from tests.portal.test_email_change import waiting
from tests.statements.papers import dispute, payment, refund

SUMMER, AUTUMN = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (6, 10))
READY, REPLACED, FORGOTTEN = "is ready", "has been replaced", "You are forgotten"
# More calls than one errand makes, and fewer than would hide one that goes round in circles.
MOST_CALLS = 30
# The first that an issue makes of these looks once more, the second enters the number.
ENTERS = "TransactWriteItems"


@pytest.fixture
def january(giving: World) -> World:
    """The statements of 2026 are going out."""
    giving.advance(days=316)
    yearly.begin("us", 2026)
    return giving


def donor(number: int) -> tuple[str, Fact]:
    """Somebody new who gave fifty dollars in June, and that payment."""
    donor_id = donors.found_or_made(donors.Donor("", email(number), "Ann Lee"))
    paid = payment(2 * number, SUMMER, SUMMER.date())
    ledger.record(donor_id, [paid])
    return donor_id, paid


def email(number: int) -> str:
    return f"d{number}@example.org"


def settle(donor_id: str, fact: Fact) -> None:
    """What the money queue does with a fact, and then the other queue."""
    ledger.record(donor_id, [fact])
    place = ledger.place_of(fact.charge_id)
    assert place
    superseding.look(place)
    work()


def work() -> None:
    for letter in waiting():
        errands.run(letter)


def before_each_call(
    do: Callable[[str], object], other: Callable[[str, Fact], object],
    prepare: Callable[[str, Fact], object] = lambda *_: None,
) -> Iterator[tuple[int, str, list[str]]]:  # fmt: skip
    """Donor after donor, `do` with `other` just before one more of its calls: which, whose, and the calls before it."""
    for number in range(1, MOST_CALLS):
        donor_id, paid = donor(number)
        prepare(donor_id, paid)
        act = partial(other, donor_id, paid)
        with in_between(number, act) as made:
            do(donor_id)
        if len(made) < number:
            return
        yield number, donor_id, made[:-1]
    raise AssertionError("it never ends")


def send(donor_id: str) -> None:
    yearly.send(StatementDue(donor_id, "us", 2026))


def put_right(donor_id: str) -> None:
    superseding.supersede(StatementOutdated(donor_id, "us", 2026, 1))


def issued_and_outdated(donor_id: str, paid: Fact) -> None:
    register.issue(donor_id, "us", 2026)
    ledger.record(donor_id, [refund(paid, 500)])


def mailed(giving: World, number: int) -> list[str]:
    """Which of the mails that this is about a donor had, in order."""
    subjects = [mail.subject for mail in giving.mails() if mail.to == email(number)]
    return [known for subject in subjects for known in (READY, REPLACED, FORGOTTEN) if known in subject]


def papers(donor_id: str) -> int:
    bucket = settings.current().documents_bucket
    return aws.s3().list_objects_v2(Bucket=bucket, Prefix=f"statements/{donor_id}/", MaxKeys=10)["KeyCount"]


FACTS: dict[str, tuple[Callable[[Fact], Fact], set[int | None]]] = {
    "all goes back": (lambda paid: refund(paid, 5000), {None, 2}),
    "disputed": (dispute, {None, 2}),
    "another is found": (lambda paid: payment(int(paid.charge_id[3:]) + 1, AUTUMN, AUTUMN.date(), 700), {1, 2}),
}
TOLD = {None: [[]], 1: [[READY]], 2: [[READY, REPLACED], [REPLACED, READY]]}


def said_and_kept(donor_id: str) -> tuple[int, int]:
    """What the newest statement adds up to, and what the ledger does."""
    last = register.newest(donor_id, "us", 2026)
    kept = [gift.kept.minor for gift in ledger.gifts(donor_id) if statement.counts(gift)]
    return sum(last.totals.values()) if last else 0, sum(kept)


@pytest.mark.parametrize("what", FACTS)
def test_what_was_issued_last_is_what_the_ledger_says(january: World, what: str) -> None:
    """Whenever the fact comes while the first one is issued: it is in it, or in the next, of which the donor is told."""
    fact, numbers = FACTS[what]
    seen = set()
    for number, donor_id, _ in before_each_call(send, lambda who, paid: settle(who, fact(paid))):
        said, kept = said_and_kept(donor_id)
        last = register.newest(donor_id, "us", 2026)
        assert said == kept, number
        assert mailed(january, number) in TOLD[last and last.number], number
        seen.add(last and last.number)

    assert seen == numbers


@pytest.mark.slow
def test_what_comes_before_a_replacement_is_entered_is_in_it(january: World) -> None:
    """One number and one mail tell of both; only what comes later is one more of each."""
    for number, donor_id, made in before_each_call(
        put_right, lambda who, paid: settle(who, refund(paid, 2000)), issued_and_outdated
    ):
        said, kept = said_and_kept(donor_id)
        assert said == kept, number
        entered = made.count(ENTERS) == 2
        assert mailed(january, number) == [REPLACED] * (1 + entered), number


ERASED_MEANWHILE = [
    pytest.param(send, lambda *_: None, 0, READY, id="issued"),
    pytest.param(put_right, issued_and_outdated, 1, REPLACED, id="replaced", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("do", "prepare", "before", "mail"), ERASED_MEANWHILE)
def test_nothing_is_issued_to_a_donor_who_is_erased_meanwhile(
    january: World, do: Callable[[str], None], prepare: Callable[[str, Fact], None], before: int, mail: str
) -> None:
    """
    No number after the tombstone, and no mail of one.

    Who is erased just as the PDF is kept leaves one that nobody names, locked
    as long as all others; and just as a number is entered, has its mail too.
    """
    met = set()
    for number, donor_id, made in before_each_call(do, lambda who, _: erase(EraseAsked(who)), prepare):
        looked, entered = made.count(ENTERS) > 0, made.count(ENTERS) > 1
        last = register.newest(donor_id, "us", 2026)
        assert (last.number if last else 0, papers(donor_id)) == (before + entered, before + looked), number
        assert sorted(mailed(january, number)) == sorted([FORGOTTEN, *[mail] * entered]), number
        met.add((looked, entered))

    assert met == {(False, False), (True, False), (True, True)}


@contextmanager
def storm(donor_id: str, paid: Fact) -> Iterator[list[Fact]]:
    """Each time that the tables are asked whether all is as it was read, one more cent has just gone back."""
    came: list[Fact] = []

    def come(params: Any, **_: Any) -> None:
        if '"ConditionCheck"' in str(params):
            came.append(refund(paid, 1 + len(came)))
            ledger.record(donor_id, came[-1:])

    events = aws.dynamodb().meta.events
    events.register("before-call.dynamodb.TransactWriteItems", come)
    try:
        yield came
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", come)


def test_in_a_storm_of_facts_it_is_given_up_and_left_to_the_queue(january: World) -> None:
    """No endless drawing up, and no PDF for years that is true of nothing. When it is over the message comes again."""
    donor_id, paid = donor(1)
    with storm(donor_id, paid) as came, pytest.raises(OverflowError, match="what a statement tells of keeps changing"):
        send(donor_id)
    assert len(came) == items.READ_TRIES
    assert (papers(donor_id), register.newest(donor_id, "us", 2026), mailed(january, 1)) == (0, None, [])

    send(donor_id)

    last = register.newest(donor_id, "us", 2026)
    assert last and (last.number, last.totals) == (1, {"usd": 5000 - sum(fact.money.minor for fact in came)})
    assert mailed(january, 1) == [READY]
