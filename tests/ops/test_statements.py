"""The year's run: everybody once, whatever breaks off, and in plain figures how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib import aws, charity, items, keys, settings
from chalicelib.errors import Conflict, NotFound
from chalicelib.giving import donors, ledger
from chalicelib.giving.donors import Donor
from chalicelib.mail import errands
from chalicelib.portal import contact
from chalicelib.portal.contact import AddressInput, ContactChange
from chalicelib.statements import register
from chalicelib.statements.yearly import StatementDue, send
from local.mailbox import Mail
from tests.giving_world import ANN, VISA, World
from tests.ops.conftest import Ended
from tests.statements.papers import payment

Run = Callable[..., Ended]
Facts = Callable[[str, str], None]
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


@pytest.fixture
def facts(giving: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Facts:
    """Put other words into charity.toml: `facts(old, new)`."""

    def change(old: str, new: str) -> None:
        changed = tmp_path / "charity.toml"
        changed.write_text(charity.FACTS_FILE.read_text().replace(old, new, 1))
        monkeypatch.setattr(charity, "FACTS_FILE", changed)
        charity.current.cache_clear()

    return change


def statements(run: Run, *more: str) -> Ended:
    return run("statements", "--entity", "us", "--year", "2026", *more)


def counted(ended: Ended, name: str) -> int:
    """How many donors the table counts under a name."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in ended.said.splitlines()]
    return int(next((row[1] for row in rows if row[0] == name), 0))


def plain(mail: Mail) -> str:
    return mail.text.replace("\r\n", "\n")


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


@pytest.mark.parametrize(("client", "operation"), [(aws.s3, "PutObject"), (aws.dynamodb, "PutItem")])
def test_a_crash_between_paper_and_number_is_made_good(january: World, client: Callable[[], Any], operation: str) -> None:
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


@pytest.mark.parametrize(("moment", "first"), [("before", []), ("after", [ANN])])
def test_a_mail_that_may_have_gone_comes_twice_only_if_staff_want_it(
    january: World, run: Run, moment: str, first: list[str]
) -> None:
    """The worker died as SES was asked: at most one mail, the table says so, and --unknown sends a second copy as such."""
    job = StatementDue(january.donor_id(), "us", 2026)
    with broken(f"{moment}-call.sesv2.SendEmail"), pytest.raises(RuntimeError, match="died"):
        send(job)
    january.advance(minutes=10)
    send(job)
    assert told(january) == first

    statements(run)
    january.work()
    stuck = statements(run)
    assert counted(stuck, "unknown whether the mail went") == 1 and "0 queued now" in stuck.said and not stuck.well
    assert told(january) == sorted([*first, BOB])

    assert "1 queued now" in statements(run, "--unknown").said
    january.work()
    assert "0 queued now" in statements(run, "--unknown").said
    *_, last = january.mails(READY)
    assert (last.to, "(second copy)" in last.subject) == (ANN, True)
    assert told(january) == sorted([*first, ANN, BOB])
    assert statements(run).well


@contextmanager
def broken(event: str) -> Iterator[None]:
    """Whoever comes to this moment of a call to SES dies in it."""

    def die(**_: Any) -> None:
        raise RuntimeError("died")

    aws.ses().meta.events.register(event, die)
    yield
    aws.ses().meta.events.unregister(event, die)


def test_a_message_that_comes_again_after_the_donor_moved_issues_nothing(january: World) -> None:
    """Queues deliver at least once; what was issued and told of keeps the old address."""
    job = StatementDue(january.donor_id(), "us", 2026)
    send(job)
    contact.change(job.donor_id, ContactChange(address=HOME))
    send(job)

    newest = register.newest(job.donor_id, "us", 2026)
    assert newest and newest.number == 1


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


def test_what_is_refused_is_counted_by_its_reason_and_not_queued(giving: World, run: Run, facts: Facts) -> None:
    """What the charity has to mend first keeps everybody's statement back, and no mail goes out about it."""
    canadian(giving)
    facts('signatory = "Treasurer (example)"', 'signatory = " "')

    ended = run("statements", "--entity", "ca", "--year", "2026")

    assert "refused: charity.toml lacks" in ended.said and "0 queued now" in ended.said and not ended.well
    assert giving.mails() == []


HOME = AddressInput("1 Main Street", "", "Ottawa", "ON", "K1A 0B1", "CA")


def test_a_donor_of_too_many_gifts_does_not_end_the_run_for_all(
    january: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More facts in a year than are read at once: counted among the refused, and everybody else is served."""
    at = datetime(2026, 6, 1, tzinfo=UTC)
    ledger.record(january.donor_id(BOB), [payment(number, at, at.date()) for number in range(3)])
    monkeypatch.setitem(ledger._facts.__kwdefaults__, "most", 2)

    ended = statements(run)
    january.work()

    assert "refused: too_many_gifts" in ended.said and not ended.well
    assert [mail.to for mail in january.mails(READY)] == [ANN]


def canadian(giving: World, **more: Any) -> str:
    """In January, a donor of ten Canadian dollars in the June before, who gave no address."""
    giving.advance(days=310)
    donor_id = donors.found_or_made(donors.Donor("", CY, "Cy Roy", **more))
    ledger.record(donor_id, [payment(9, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1), 1000, "cad", entity="ca")])
    return donor_id


def test_who_has_not_given_what_the_country_wants_is_asked_for_it_once(giving: World, run: Run) -> None:
    """One mail says what is missing and where to fill it in; once it is there, the statement comes by itself."""
    donor_id = canadian(giving, address=donors.Address(city="Ottawa", country="CA"))
    for _ in range(2):
        run("statements", "--entity", "ca", "--year", "2026")
        giving.work()
    asked = run("statements", "--entity", "ca", "--year", "2026")

    [mail] = giving.mails()
    assert mail.to == CY and "- street and number\n- postal code\n\n" in plain(mail) and "/portal/contact" in mail.text
    assert counted(asked, "asked for name or address") == 1 and "0 queued now" in asked.said and not asked.well
    assert register.newest(donor_id, "ca", 2026) is None

    contact.change(donor_id, ContactChange(phone="1"))
    assert waiting() == []
    for _ in range(2):
        contact.change(donor_id, ContactChange(address=HOME))
        giving.work()
    contact.change(donor_id, ContactChange(address=AddressInput("2 Side Street", "", "Ottawa", "ON", "K1A 0B1", "CA")))
    assert waiting() == []

    newest = register.newest(donor_id, "ca", 2026)
    assert newest and newest.number == 1
    assert told(giving) == [CY] and len(giving.mails()) == 2
    assert run("statements", "--entity", "ca", "--year", "2026").well


def test_what_was_filled_in_without_our_hearing_of_it_is_seen_by_the_next_run(giving: World, run: Run) -> None:
    """A worker that died between the save and the queue, or staff who were told on the telephone."""
    donor_id = canadian(giving)
    run("statements", "--entity", "ca", "--year", "2026")
    giving.work()
    home = {":home": {name: getattr(HOME, name) for name in HOME.__struct_fields__}}
    items.update(items.giving(), keys.donor(donor_id), "SET address = :home", home, items.PRESENT)

    assert "1 queued now" in run("statements", "--entity", "ca", "--year", "2026").said
    giving.work()
    assert told(giving) == [CY]


def test_an_address_typed_at_the_next_gift_wakes_the_statement_too(giving: World, run: Run) -> None:
    """Nobody is asked for what they have just told us on the payment page."""
    canadian(giving)
    run("statements", "--entity", "ca", "--year", "2026")
    giving.work()
    page = giving.session_of(giving.start(20_00, "cad"))
    at = {"line1": "1 Main Street", "city": "Ottawa", "postal_code": "K1A 0B1", "country": "CA"}
    giving.standin.pay(page, VISA, CY, "Cy Roy", at)
    giving.deliver()

    assert told(giving) == [CY]


def test_an_address_that_is_saved_while_it_is_asked_for_is_not_overlooked(giving: World, run: Run) -> None:
    """The donor saves before the mail is marked, so that the save finds nothing that waits; the worker looks again."""
    donor_id = canadian(giving)
    run("statements", "--entity", "ca", "--year", "2026")
    events = aws.dynamodb().meta.events

    def save(params: Any, **_: Any) -> None:
        if "MAIL#statement_wanting" in str(params.get("body", params)):
            events.unregister("before-call.dynamodb.PutItem", save)
            contact.change(donor_id, ContactChange(address=HOME))

    events.register("before-call.dynamodb.PutItem", save)
    giving.work()

    assert told(giving) == [CY]


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



NEW_NUMBER = ('tax_number = "00-0000000"', 'tax_number = "99-9999999"')


def test_a_correction_of_our_own_facts_replaces_what_was_issued(january: World, run: Run, facts: Facts) -> None:
    """On request: every donor gets a new number once, and one mail that says that no gift changed."""
    statements(run)
    january.work()
    old = register.newest(january.donor_id(), "us", 2026)
    facts(*NEW_NUMBER)
    assert "0 queued now" in statements(run).said
    assert counted(statements(run, "--corrected", "--look"), "to be replaced") == 2 and waiting() == []

    assert "2 queued now" in statements(run, "--corrected").said
    statements(run, "--corrected")  # before the queue has come to anything
    january.work()
    again = statements(run, "--corrected")

    now = register.newest(january.donor_id(), "us", 2026)
    assert old and now and (now.number, now.replaces, now.totals) == (2, old.serial, old.totals)
    assert counted(again, "as issued") == 2 and "0 queued now" in again.said and again.well
    mails = january.mails("has been replaced")
    assert sorted(mail.to for mail in mails) == [ANN, BOB]
    assert "Your gifts and\ntheir amounts are the same." in plain(mails[0]) and "refunded" not in mails[0].text
    assert aws.s3().head_object(Bucket=settings.current().documents_bucket, Key=old.s3_key)


def test_a_correction_leaves_alone_whose_own_details_changed(january: World, run: Run, facts: Facts) -> None:
    """What was issued keeps the donor's old name, address and language; where it is replaced anyway, the new ones stand."""
    statements(run)
    january.work()
    contact.change(january.donor_id(), ContactChange(receipt_name="Ann Roy", address=HOME, language="es"))
    same = statements(run, "--corrected")
    assert counted(same, "as issued") == 2 and "0 queued now" in same.said and same.well

    facts(*NEW_NUMBER)
    assert "2 queued now" in statements(run, "--corrected").said
    january.work()
    now = register.newest(january.donor_id(), "us", 2026)
    assert now and (now.number, now.language) == (2, "es")


def test_a_correction_that_broke_off_goes_on(january: World, run: Run, facts: Facts) -> None:
    """The worker died between number and mail: its message comes again, and the rest is queued by the next run."""
    from tests.statements.test_superseding import dying

    statements(run)
    january.work()
    facts(*NEW_NUMBER)
    statements(run, "--corrected")
    one, *_ = sorted(waiting())
    with dying(aws.ses(), "SendEmail"), pytest.raises(RuntimeError, match="died"):
        errands.run(one)
    january.advance(minutes=10)
    errands.run(one)

    assert "1 queued now" in statements(run, "--corrected").said
    january.work()
    assert sorted(mail.to for mail in january.mails("has been replaced")) == [ANN, BOB]


def test_nothing_is_corrected_before_it_has_gone_out(january: World, run: Run) -> None:
    """A statement to date that somebody fetched in autumn is the run's to replace, not a correction's."""
    register.issue(january.donor_id(), "us", 2026)
    with pytest.raises(Conflict, match="not gone out yet"):
        statements(run, "--corrected")
    statements(run, "--look")
    with pytest.raises(Conflict, match="not gone out yet"):
        statements(run, "--corrected")


def test_a_person_with_joined_records_is_served_once(january: World, run: Run) -> None:
    """By their main record, in which the other's gifts are told of; also where only the other gave that year."""
    new = donors.found_or_made(Donor("", "ann@new.example", name="Ann Lee"))
    for record in (january.donor_id(ANN), january.donor_id(BOB)):
        items.update(items.giving(), keys.donor(record), "SET joined_to = :main", {":main": new})
    both = [january.donor_id(ANN), january.donor_id(BOB)]
    items.update(items.giving(), keys.donor(new), "SET joined = :all", {":all": both})
    statements(run)
    january.work()

    issued = register.newest(new, "us", 2026)
    assert issued
    assert (issued.gifts, issued.totals) == (2, {"usd": 100_00})
    assert [register.newest(each, "us", 2026) for each in both] == [None, None]
    assert [mail.to for mail in january.mails(READY)] == ["ann@new.example"]
    assert "mailed" in statements(run, "--look").said
