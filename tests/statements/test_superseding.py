"""What happens to a gift after its year's statement was issued, from Stripe's event to the donor's mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from chalicelib import aws, charity, items, keys, settings
from chalicelib.giving import donors, ledger
from chalicelib.mail import errands
from chalicelib.processor import settle
from chalicelib.statements import refused, register, superseding, yearly
from chalicelib.statements.superseding import StatementOutdated
from tests.giving_world import ANN, World
from tests.statements.papers import payment, refund

REPLACED, READY = "has been replaced", "is ready"


@pytest.fixture
def issued(giving: World) -> register.Issued:
    """A gift of March 2026, and in January 2027 the statement of its year."""
    giving.give(50_00)
    giving.advance(days=310)
    return register.issue(giving.donor_id(), "us", 2026)


def numbers(giving: World) -> list[int]:
    found = items.query_all(items.giving(), keys.donor(giving.donor_id())["pk"], prefix=keys.statement("us", 2026))
    return [items.as_struct(each, register.Issued).number for each in found]


def charge(giving: World) -> str:
    return next(gift for gift in giving.gifts() if gift.given_on.year == 2026).charge_id


@contextmanager
def dying(client: Any, operation: str) -> Iterator[None]:
    """Whoever calls this of AWS dies before it is done."""

    def die(**_: Any) -> None:
        raise RuntimeError("died")

    client.meta.events.register(f"before-call.*.{operation}", die)
    yield
    client.meta.events.unregister(f"before-call.*.{operation}", die)


def test_a_refund_after_issue_replaces_by_itself_and_tells_the_donor(giving: World, issued: register.Issued) -> None:
    """One new number that names the old, the old kept as it is, one mail; the amount is nobody's who reads over a shoulder."""
    giving.standin.refund(charge(giving), amount=20_00)
    giving.deliver()

    now = register.newest(giving.donor_id(), "us", 2026)
    [mail] = giving.mails(REPLACED)
    assert now and (now.number, now.replaces, now.totals) == (2, issued.serial, {"usd": 30_00})
    assert numbers(giving) == [1, 2]
    assert now.serial in mail.text and issued.serial in mail.text and "/portal/statements" in mail.text
    assert "30.00" not in mail.text and "20.00" not in mail.text
    assert aws.s3().head_object(Bucket=settings.current().documents_bucket, Key=issued.s3_key)


def test_told_again_it_is_neither_issued_nor_mailed_again(giving: World, issued: register.Issued) -> None:
    """Stripe delivers at least once, and reconcile comes by as well."""
    giving.standin.refund(charge(giving), amount=20_00)
    giving.deliver()
    for _ in range(3):
        settle.charge(charge(giving))
        giving.work()

    assert numbers(giving) == [1, 2]
    assert len(giving.mails(REPLACED)) == 1


def test_a_new_name_alone_replaces_nothing(giving: World, issued: register.Issued) -> None:
    """Stripe tells of an old charge for many reasons; the donor is not told that a gift changed when none did."""
    named = {":name": "Ann Lee-Roy"}
    items.update(items.giving(), keys.donor(giving.donor_id()), "SET receipt_name = :name", named, items.PRESENT)
    settle.charge(charge(giving))
    giving.work()

    assert register.newest(giving.donor_id(), "us", 2026) == issued
    assert giving.mails(REPLACED) == []


@pytest.mark.parametrize(("won", "total"), [(True, {"usd": 50_00}), (False, {})])
def test_a_disputed_gift_waits_and_the_end_of_the_dispute_issues_anew(
    giving: World, issued: register.Issued, won: bool, total: dict[str, int]
) -> None:
    """While the bank has the money it is not counted; what comes of it is one more number, whoever wins."""
    dispute = giving.standin.dispute(charge(giving))
    giving.deliver()
    waiting = register.newest(giving.donor_id(), "us", 2026)
    assert waiting and (waiting.number, waiting.totals) == (2, {})

    giving.standin.close_dispute(dispute["id"], won=won)
    giving.deliver()

    ended = register.newest(giving.donor_id(), "us", 2026)
    assert ended and (ended.number, ended.replaces, ended.totals) == (3, waiting.serial, total)
    assert len(giving.mails(REPLACED)) == 2


def test_a_payment_that_was_lost_until_after_the_issue_is_put_right(giving: World) -> None:
    """A gift of the old year that reconcile finds in January belongs on the statement that went out without it."""
    giving.give(50_00)
    giving.standin.set_webhooks("drop")
    lost = giving.pay(giving.start(7_00))
    assert lost
    giving.advance(days=310)
    donor_id = giving.donor_id()
    register.issue(donor_id, "us", 2026)
    for found in giving.standin.state()["charges"]:
        settle.charge(found["id"])
    giving.work()

    now = register.newest(donor_id, "us", 2026)
    assert now and (now.number, now.totals) == (2, {"usd": 57_00})
    assert len(giving.mails(REPLACED)) == 1


def test_a_monthly_gifts_later_payments_leave_last_year_alone(giving: World) -> None:
    """January's payment is the new year's business, whatever was issued of the old one."""
    giving.give(25_00, "usd", "monthly")
    giving.advance(days=300)
    giving.deliver()
    first = register.issue(giving.donor_id(), "us", 2026)
    giving.advance(days=70)
    giving.deliver()

    assert any(gift.given_on.year == 2027 for gift in giving.gifts())
    assert register.newest(giving.donor_id(), "us", 2026) == first
    assert giving.mails(REPLACED) == []


def test_what_was_issued_of_a_running_year_waits_for_the_donor(giving: World) -> None:
    """It says "to date", so it is not untrue: the next download brings another."""
    giving.give(50_00)
    register.issue(giving.donor_id(), "us", 2026)
    giving.standin.refund(charge(giving), amount=20_00)
    giving.deliver()

    assert numbers(giving) == [1]


def test_a_statement_that_waited_for_a_dispute_comes_when_that_is_won(giving: World) -> None:
    """In January there was nothing to count. The year's run has been, so nobody else would see to it: issued, told once."""
    giving.give(50_00)
    giving.advance(days=296)
    dispute = giving.standin.dispute(charge(giving))
    giving.advance(days=20)
    giving.deliver()
    yearly.begin("us", 2026)
    for _ in range(2):
        settle.charge(charge(giving))
        giving.work()
    assert numbers(giving) == []

    giving.advance(days=40)
    giving.standin.close_dispute(dispute["id"], won=True)
    giving.deliver()
    settle.charge(charge(giving))
    giving.work()

    newest = register.newest(giving.donor_id(), "us", 2026)
    assert newest and (newest.number, newest.totals) == (1, {"usd": 50_00})
    assert [mail.to for mail in giving.mails(READY)] == [ANN]
    assert giving.mails(REPLACED) == []


@pytest.mark.parametrize("begun", [True, False])
def test_a_donor_whose_only_payment_is_found_after_the_run_gets_the_statement(giving: World, begun: bool) -> None:
    """Before the run nothing is issued that it will issue anyway, with one mail and not two."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(7_00))
    giving.advance(days=310)
    if begun:
        yearly.begin("us", 2026)
    for found in giving.standin.state()["charges"]:
        settle.charge(found["id"])
    giving.work()

    assert numbers(giving) == ([1] if begun else [])
    assert len(giving.mails(READY)) == begun


def test_nothing_issued_nothing_replaced(giving: World) -> None:
    """A refund alone draws up no paper that nobody has asked for."""
    giving.give(50_00)
    giving.advance(days=310)
    giving.standin.refund(charge(giving), amount=20_00)
    giving.deliver()

    assert numbers(giving) == []
    assert giving.mails(REPLACED) == []


@pytest.mark.parametrize(
    ("client", "operation", "by"),
    [(aws.sqs, "SendMessage", "settle"), (aws.s3, "PutObject", "errand"), (aws.dynamodb, "PutItem", "errand"),
     (aws.ses, "SendEmail", "errand")],
)  # fmt: skip
def test_a_crash_anywhere_is_made_good_when_the_message_comes_again(
    giving: World, issued: register.Issued, client: Callable[[], Any], operation: str, by: str
) -> None:
    """After the fact before the errand, before the PDF, before its number, before the mail: one number, one mail."""
    giving.standin.set_webhooks("hold")
    giving.standin.refund(charge(giving), amount=20_00)
    job = StatementOutdated(giving.donor_id(), "us", 2026, 1)
    if by == "errand":
        _recorded(giving)
    with dying(client(), operation), pytest.raises(RuntimeError, match="died"):
        _work(giving, by, job)
    giving.advance(minutes=10)  # the lease of a mail that may have gone out has ended

    _work(giving, by, job)

    assert numbers(giving) == [1, 2]
    assert len(giving.mails(REPLACED)) == 1


def _work(giving: World, by: str, job: StatementOutdated) -> None:
    if by == "errand":
        superseding.supersede(job)
    else:
        settle.charge(charge(giving))
        giving.work()


def _recorded(giving: World) -> None:
    found = next(fact for fact in settle_facts(giving) if fact.kind == "refund")
    ledger.record(giving.donor_id(), [found])


def settle_facts(giving: World) -> list[Any]:
    place = ledger.place_of(charge(giving))
    assert place
    paid = ledger.facts_at(place)[0]
    return [paid, refund(paid, 20_00)]


def test_a_donor_who_downloaded_first_is_still_told(giving: World, issued: register.Issued) -> None:
    """The errand may come second: what counts is which number was the newest when it was asked for."""
    giving.standin.set_webhooks("hold")
    _recorded(giving)
    register.issue(giving.donor_id(), "us", 2026)

    superseding.supersede(StatementOutdated(giving.donor_id(), "us", 2026, 1))

    assert numbers(giving) == [1, 2]
    assert len(giving.mails(REPLACED)) == 1


def test_an_erased_donor_gets_nothing(giving: World, issued: register.Issued) -> None:
    """What was issued is kept as the law wants it; no paper and no mail go out to somebody who is forgotten."""
    from chalicelib.portal.erasure import EraseAsked, erase

    donor_id, of = giving.donor_id(), charge(giving)
    erase(EraseAsked(donor_id))
    before = len(giving.mails())
    giving.standin.refund(of, amount=20_00)
    giving.deliver()

    newest = register.newest(donor_id, "us", 2026)
    assert newest == issued
    assert len(giving.mails()) == before


CAD = payment(9, datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1), 1000, "cad", entity="ca")


def test_canadas_receipt_waits_for_an_address_and_staff_hear_of_it(
    giving: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The official receipt cannot do without one: an alarm, no dead letter, and the download later does what was left."""
    giving.advance(days=310)
    home = donors.Address("1 Main Street", "", "Ottawa", "ON", "K1A 0B1", "CA")
    donor_id = donors.found_or_made(donors.Donor("", "cy@example.org", "Cy Roy", address=home))
    ledger.record(donor_id, [CAD])
    first = register.issue(donor_id, "ca", 2026)
    items.update(items.giving(), keys.donor(donor_id), "REMOVE address", {}, items.PRESENT)
    ledger.record(donor_id, [refund(CAD, 400)])
    job = StatementOutdated(donor_id, "ca", 2026, first.number)

    superseding.supersede(job)

    [said] = [each for each in caplog.records if each.getMessage() == "statement_not_replaced"]
    assert said.__dict__["why"] == "contact_incomplete"
    assert register.newest(donor_id, "ca", 2026) == first
    assert giving.mails(REPLACED) == []


def test_what_the_charity_lacks_leaves_the_errand_undone(
    giving: World, issued: register.Issued, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies among the dead letters until charity.toml is whole again; then redriving it is enough."""
    whole, lacking = charity.FACTS_FILE, tmp_path / "charity.toml"
    lacking.write_text(whole.read_text().replace('tax_number = "00-0000000"', 'tax_number = " "', 1))
    monkeypatch.setattr(charity, "FACTS_FILE", lacking)
    charity.current.cache_clear()
    giving.standin.set_webhooks("hold")
    _recorded(giving)
    message = msgspec.json.encode(StatementOutdated(giving.donor_id(), "us", 2026, 1)).decode()
    with pytest.raises(refused.NotIssued):
        errands.run(message)

    monkeypatch.setattr(charity, "FACTS_FILE", whole)
    charity.current.cache_clear()
    errands.run(message)

    assert numbers(giving) == [1, 2]
    assert len(giving.mails(REPLACED)) == 1
