"""What is kept anew of a monthly gift stands unfinished until all that it calls for was done: whoever stumbles is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import aws, charity
from chalicelib.mail import outbox
from chalicelib.partners import store
from chalicelib.processor import settle, standing
from tests.giving_world import VISA, World

FAILS = "4000000000000341"
Fault = Callable[[], AbstractContextManager[None]]


@contextmanager
def ses_refuses() -> Iterator[None]:
    sender = charity.current().mail.sender.split("<")[1].strip(">")
    aws.ses().delete_email_identity(EmailIdentity=sender)
    try:
        yield
    finally:
        aws.ses().create_email_identity(EmailIdentity=sender)


@contextmanager
def ses_hangs_up() -> Iterator[None]:
    """Before it took the mail, which nobody can know."""

    def hang_up(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="https://email.invalid")

    aws.ses().meta.events.register("before-call.sesv2.SendEmail", hang_up)
    try:
        yield
    finally:
        aws.ses().meta.events.unregister("before-call.sesv2.SendEmail", hang_up)


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 each month since 10 March, and from then on no event comes through."""
    giving.give(25_00, "usd", "monthly")
    giving.standin.set_webhooks("drop")
    return giving


def end(giving: World) -> None:
    """By staff, at Stripe."""
    giving.standin.request("DELETE", f"/v1/subscriptions/{giving.partnership().partnership_id}", {})


def lapse(giving: World) -> None:
    giving.standin.change_card(giving.partnership().customer_id, FAILS)
    standing.look()
    giving.advance(days=60)


def invoices(giving: World) -> list[str]:
    return giving.standin.read(lambda world: [each["status"] for each in world.all("invoice")])


def looked_again(giving: World) -> tuple[int, list[str]]:
    """How many a look settles a day later, and which it could not."""
    giving.advance(days=1)
    report = standing.look()
    return report.healed, report.unhealed


@pytest.mark.parametrize(("befalls", "flagged"), [(ses_refuses, False), (ses_hangs_up, True)])
@pytest.mark.parametrize(("ends", "subject"), [(end, "has ended"), (lapse, "has stopped")])
def test_an_end_that_the_first_look_could_not_tell_is_told_by_the_next(
    partner: World, befalls: Fault, flagged: bool, ends: Callable[[World], None], subject: str
) -> None:
    """`customer.subscription.deleted` was lost, and the day's one try at its mail fails. The donor hears, and once."""
    ends(partner)
    with befalls():
        assert standing.look().unhealed == [partner.partnership().partnership_id]
    assert (partner.partnership().state, partner.mails(subject)) == ("ended", [])

    assert [looked_again(partner), looked_again(partner)] == [(1, []), (0, [])]

    [mail] = partner.mails(subject)
    assert ("X-Possible-Duplicate" in mail.headers) == flagged


def test_a_welcome_that_could_not_be_mailed_is_mailed_by_the_next_look(giving: World) -> None:
    """Of a monthly gift of which nothing but the look told."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(25_00, "usd", "monthly"))
    with ses_refuses():
        assert len(standing.look().unhealed) == 1
    assert (giving.partnership().state, giving.mails("Welcome")) == ("active", [])

    assert [looked_again(giving), looked_again(giving)] == [(1, []), (0, [])]
    assert len(giving.mails("Welcome")) == 1


def test_a_month_that_could_not_be_given_up_is_given_up_by_the_next_look(partner: World) -> None:
    """Nothing is to be taken after the end, though Stripe did not answer when the end was seen."""
    lapse(partner)
    partner.standin.fail(path="/v1/invoices", status=500, times=2)
    assert len(standing.look().unhealed) == 1
    assert (partner.partnership().state, invoices(partner)) == ("ended", ["paid", "open"])

    assert looked_again(partner) == (1, [])
    assert invoices(partner) == ["paid", "void"]
    assert len(partner.mails("has stopped")) == 1


def test_what_is_true_no_more_when_it_could_be_told_is_not_told(partner: World) -> None:
    """A failed month whose mail was refused, mended before the next look."""
    partner.standin.change_card(partner.partnership().customer_id, FAILS)
    standing.look()
    partner.advance(days=32)
    with ses_refuses():
        assert len(standing.look().unhealed) == 1
    assert partner.partnership().state == "payment_problem"
    partner.standin.change_card(partner.partnership().customer_id, VISA)
    partner.standin.pay_invoice(partner.standin.read(lambda world: world.all("invoice")[-1]["id"]))

    assert looked_again(partner) == (1, [])
    assert (partner.partnership().state, partner.mails("could not be taken")) == ("active", [])


def test_who_only_reads_it_meanwhile_leaves_it_unfinished(partner: World) -> None:
    """The portal keeps what it reads as well, and tells nobody of what it did not ask for."""
    end(partner)
    with ses_refuses():
        standing.look()
    settle.read_partnership(partner.partnership().partnership_id)

    assert looked_again(partner) == (1, [])
    assert len(partner.mails("has ended")) == 1


def test_what_only_a_page_has_read_is_told_by_the_look(partner: World) -> None:
    """Whoever reads a new state first need not be who tells of it."""
    end(partner)
    settle.read_partnership(partner.partnership().partnership_id)
    assert (partner.partnership().state, partner.mails("has ended")) == ("ended", [])

    assert [looked_again(partner), looked_again(partner)] == [(1, []), (0, [])]
    assert len(partner.mails("has ended")) == 1


def test_only_the_version_that_was_carried_out_is_finished(partner: World) -> None:
    """What another worker has kept since is that one's to finish."""
    name = partner.partnership().partnership_id
    begun = msgspec.structs.replace(store.seen(name), unfinished=True)
    assert store.replace(msgspec.structs.replace(partner.partnership(), day=11), begun.version)
    now = store.seen(name)

    store.finish(begun)
    assert (store.seen(name).unfinished, store.seen(name).version) == (True, now.version)
    store.finish(now)
    assert (store.seen(name).unfinished, store.seen(name).version) == (False, now.version)


def test_a_mail_that_another_worker_is_sending_is_no_failure(partner: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The look met the worker; if that one dies over it, the next look tells, and says that it may be the second time."""
    stands = partner.partnership()
    end(partner)
    assert outbox._claim(*outbox._place("partnership_ended", stands.partnership_id, stands.donor_id))

    report = standing.look()

    assert (report.healed, report.unhealed) == (0, [])
    assert "reconcile_failed" not in capsys.readouterr().out
    assert looked_again(partner) == (1, [])
    assert ["X-Possible-Duplicate" in mail.headers for mail in partner.mails("has ended")] == [True]
