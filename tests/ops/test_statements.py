"""The year's run: everybody once, whatever breaks off, and in plain figures how far it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib import aws, items, keys, settings
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors, ledger
from chalicelib.mail import errands
from chalicelib.statements import register
from chalicelib.statements.yearly import StatementDue, send
from tests.giving_world import ANN, World
from tests.ops.conftest import Ended
from tests.statements.papers import payment

Run = Callable[..., Ended]
READY = "is ready"
BOB, CY = "bob@example.org", "cy@example.org"


@pytest.fixture
def january(giving: World) -> World:
    """Three donors of 2026, one of whose gift went back, in the January after."""
    for email in (ANN, BOB, CY):
        giving.give(50_00, email=email)
    giving.standin.refund(giving.gifts(CY)[0].charge_id)
    giving.deliver()
    giving.advance(days=310)
    giving.deliver()
    return giving


def statements(run: Run, *more: str) -> Ended:
    return run("statements", "--entity", "us", "--year", "2026", *more)


def waiting() -> list[str]:
    """The errands that wait in the mail queue, left there."""
    found: list[str] = []
    while True:
        asked = aws.sqs().receive_message(QueueUrl=settings.current().mail_queue, MaxNumberOfMessages=10)
        if not asked.get("Messages"):
            return found
        for each in asked["Messages"]:
            found.append(each["Body"])
            aws.sqs().delete_message(QueueUrl=settings.current().mail_queue, ReceiptHandle=each["ReceiptHandle"])


def told(giving: World) -> list[str]:
    return sorted(mail.to for mail in giving.mails(READY))


def test_every_donor_with_something_to_count_gets_one_statement_and_one_mail(january: World, run: Run) -> None:
    """Who got everything back is skipped; a run over a finished year has nothing left."""
    first = statements(run)
    january.work()
    again = statements(run)

    assert (first.well, again.well) == (False, True)
    assert "2 queued now" in first.said and "0 queued now" in again.said
    assert "3 donors; 2 have a statement" in again.said
    assert told(january) == [ANN, BOB]
    assert register.newest(january.donor_id(CY), "us", 2026) is None


def test_who_no_mail_can_reach_is_not_left_for_ever(january: World, run: Run) -> None:
    """Stripe took an address outside ASCII: the statement is issued and waits, and the run comes to its end."""
    donor_id = january.donor_id(BOB)
    items.update(items.giving(), keys.donor(donor_id), "SET email = :odd", {":odd": "bö@example.org"})
    statements(run)
    january.work()
    again = statements(run)

    assert again.well
    assert "issued, no address to mail" in again.said
    assert told(january) == [ANN]


def test_a_run_that_broke_off_goes_on_with_those_who_were_not_told(january: World, run: Run) -> None:
    """The second start asks only for whom no mail has gone to."""
    statements(run)
    one, *_ = sorted(waiting())
    errands.run(one)

    assert "1 queued now" in statements(run).said
    january.work()
    assert told(january) == [ANN, BOB]


def test_two_runs_at_once_mail_nobody_twice(january: World, run: Run) -> None:
    """Every message twice, worked on side by side: whoever finds the mail held comes again, as the queue does."""
    statements(run)
    statements(run)
    messages = waiting()
    assert len(messages) == 4
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(_as_the_queue_does, messages))

    assert told(january) == [ANN, BOB]
    for email in (ANN, BOB):
        newest = register.newest(january.donor_id(email), "us", 2026)
        assert newest and newest.number == 1


def _as_the_queue_does(message: str) -> None:
    from chalicelib.errors import MailHeld

    for _ in range(20):
        try:
            return errands.run(message)
        except MailHeld:
            continue
    return None


@pytest.mark.parametrize(("client", "operation"), [(aws.s3, "PutObject"), (aws.dynamodb, "PutItem"), (aws.ses, "SendEmail")])
def test_a_crash_between_paper_number_and_mail_is_made_good(january: World, client: Callable[[], Any], operation: str) -> None:
    """The message comes again: one number, one mail."""
    from tests.statements.test_superseding import dying

    job = StatementDue(january.donor_id(), "us", 2026)
    with dying(client(), operation), pytest.raises(RuntimeError, match="died"):
        send(job)
    january.advance(minutes=10)
    send(job)

    newest = register.newest(january.donor_id(), "us", 2026)
    assert newest and newest.number == 1
    assert told(january) == [ANN]


def test_looking_queues_nothing(january: World, run: Run) -> None:
    """How far it is can be asked at any time, by anybody."""
    looked = statements(run, "--look")

    assert "0 queued now" in looked.said and not looked.well
    assert waiting() == []


def test_before_the_year_has_ended_there_nothing_goes_out(giving: World, run: Run) -> None:
    """New Year comes five hours later in New York than in UTC."""
    giving.give(50_00)
    giving.standin.advance(int(datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC).timestamp()))
    with pytest.raises(Conflict, match="2026-12-31 in America/New_York"):
        statements(run)

    giving.advance(seconds=1)
    assert "1 queued now" in statements(run).said


def test_an_entity_that_is_not_there_is_said(giving: World, run: Run) -> None:
    """A slip in its name must not pass for a year without donors."""
    with pytest.raises(NotFound, match="nowhere"):
        run("statements", "--entity", "nowhere", "--year", "2025")


def test_what_is_refused_is_counted_by_its_reason_and_not_queued(giving: World, run: Run) -> None:
    """Canada wants name and address; staff see how many donors have yet to give them."""
    giving.advance(days=310)
    donor_id = donors.found_or_made(donors.Donor("", CY, "Cy Roy"))
    ledger.record(donor_id, [payment(9, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1), 1000, "cad", entity="ca")])

    ended = run("statements", "--entity", "ca", "--year", "2026")

    assert "refused: contact_incomplete" in ended.said and "0 queued now" in ended.said and not ended.well
    send(StatementDue(donor_id, "ca", 2026))
    assert told(giving) == []


def test_neither_another_years_nor_another_entitys_donor_is_asked_for(giving: World, run: Run) -> None:
    """The gift's own date and entity decide, not when Stripe or we heard of it."""
    giving.advance(days=310)
    old, british = (donors.found_or_made(donors.Donor("", email, "Ann Lee")) for email in (ANN, BOB))
    ledger.record(old, [payment(1, datetime(2026, 1, 1, 4, tzinfo=UTC), date(2025, 12, 31))])
    ledger.record(british, [payment(2, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1), 1000, "gbp", entity="uk")])

    assert "0 donors" in statements(run).said


def test_an_erased_donor_and_one_without_address_get_no_mail(january: World, run: Run) -> None:
    """The one gets nothing at all; the other's statement is issued, and does not stay left for ever."""
    from chalicelib.portal.erasure import EraseAsked, erase

    erased, nameless = january.donor_id(ANN), january.donor_id(BOB)
    erase(EraseAsked(erased))
    items.update(items.giving(), keys.donor(nameless), "REMOVE email", {}, items.PRESENT)
    statements(run)
    january.work()

    assert statements(run).well
    assert told(january) == []
    assert register.newest(erased, "us", 2026) is None
    assert register.newest(nameless, "us", 2026)


def test_a_refund_after_the_run_is_told_by_the_mail_of_the_replacement_only(january: World, run: Run) -> None:
    """Begun once more, the run does not tell the donor again that the statement is ready."""
    statements(run)
    january.work()
    january.standin.refund(january.gifts(ANN)[0].charge_id, amount=10_00)
    january.deliver()
    statements(run)
    january.work()

    newest = register.newest(january.donor_id(ANN), "us", 2026)
    assert newest and newest.number == 2 and newest.totals == {"usd": 40_00}
    assert told(january) == [ANN, BOB]
    assert [mail.to for mail in january.mails("has been replaced")] == [ANN]

