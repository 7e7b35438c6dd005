"""Each mail once; never none; a possible second one says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import aws
from chalicelib.errors import MailHeld
from chalicelib.mail import outbox
from tests.giving_world import World

CODE = {"link": "http://127.0.0.1:8000/x", "code": "1234 5678"}


def send(donor_id: str = "") -> None:
    outbox.send_once("sign_in", "request-1", "ann@example.org", CODE, donor_id=donor_id)


@pytest.mark.parametrize("donor_id", ["", "d1"])
def test_the_same_mail_is_sent_once(giving: World, donor_id: str) -> None:
    """However often it is asked for."""
    for _ in range(3):
        send(donor_id)

    assert len(giving.mails()) == 1


def test_a_mail_about_money_is_remembered_for_good(giving: World) -> None:
    """Reconcile by hand, a year later, mails nobody again."""
    send("d1")
    giving.advance(days=400)
    send("d1")

    assert len(giving.mails()) == 1


def test_a_lost_answer_means_a_second_mail_that_says_so(giving: World) -> None:
    """SES took the mail and the connection broke: nobody knows, so the next one is marked."""
    lost = {"times": 1}

    def lose(**_: object) -> None:
        if lost["times"]:
            lost["times"] -= 1
            raise ConnectionClosedError(endpoint_url="https://email.invalid")

    events = aws.ses().meta.events
    events.register("after-call.sesv2.SendEmail", lose, unique_id="lose")
    with pytest.raises(ConnectionClosedError):
        send()
    events.unregister("after-call.sesv2.SendEmail", unique_id="lose")

    with pytest.raises(MailHeld):
        send()
    giving.time.travel_to(giving.time.now() + timedelta(seconds=91))
    send()

    first, second = giving.mails()
    assert ("X-Possible-Duplicate" in first.headers, second.headers["X-Possible-Duplicate"]) == (False, "yes")
    assert "You may" in second.text or "may" in second.html


def test_a_mail_that_must_not_come_twice_is_left_unknown(giving: World) -> None:
    """Until somebody wants it sent all the same, and then it says so."""
    never_twice = lambda: outbox.send_once("sign_in", "request-1", "ann@example.org", CODE, donor_id="d1", never_twice=True)
    outcome = lambda: outbox.outcome("sign_in", "request-1", donor_id="d1")
    assert outcome() == "not sent"
    assert outbox._claim(*outbox._place("sign_in", "request-1", "d1"))  # and died
    assert outcome() == "not sent"
    with pytest.raises(MailHeld):
        never_twice()

    giving.advance(seconds=91)
    for _ in range(2):
        assert outcome() == "unknown"
        never_twice()
    assert giving.mails() == []
    send("d1")

    [mail] = giving.mails()
    assert (outcome(), mail.headers["X-Possible-Duplicate"]) == ("sent", "yes")


def test_a_refused_mail_that_must_not_come_twice_is_tried_again(giving: World) -> None:
    """SES said no, so it certainly did not go: this is not the unknown that is left alone."""
    never_twice = lambda: outbox.send_once("sign_in", "request-1", "ann@example.org", CODE, donor_id="d1", never_twice=True)
    identity = "giving@opengate.example"
    aws.ses().delete_email_identity(EmailIdentity=identity)
    with pytest.raises(Exception, match="not accepted|not verified"):
        never_twice()
    aws.ses().create_email_identity(EmailIdentity=identity)
    never_twice()

    assert len(giving.cloud.raw_mails()) == 1


def test_a_refusal_leaves_the_next_try_a_first_one(giving: World) -> None:
    """SES said no: nothing was sent, and we know it."""
    from local.mailbox import parse

    identity = "giving@opengate.example"
    aws.ses().delete_email_identity(EmailIdentity=identity)
    with pytest.raises(Exception, match="not accepted|not verified"):
        send()
    aws.ses().create_email_identity(EmailIdentity=identity)
    send()

    assert [("X-Possible-Duplicate" in parse(raw).headers) for raw in giving.cloud.raw_mails()] == [False]
