"""The desk shows programs and people the same mail, books and time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
import requests
from chalice.app import SQSEvent

from chalicelib import aws, letters
from chalicelib.errors import MailHeld
from local.desk import Desk
from local.time_machine import TimeMachine

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def desk(aws_local):
    running = Desk(aws_local, TimeMachine(), 0, "http://127.0.0.1:8000", "")
    running.start()
    yield running
    running.stop()


def _send(subject: str, html: str = "<html><head></head><body><p>Thank you</p></body></html>") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "giving@opengate.example", "ann@example.org", subject
    mail["Date"] = "Tue, 24 Nov 2026 12:00:00 +0000"
    mail.set_content("Thank you")
    mail.add_alternative(html, subtype="html")
    aws.ses().send_email(
        FromEmailAddress="giving@opengate.example",
        Destination={"ToAddresses": ["ann@example.org"]},
        Content={"Raw": {"Data": bytes(mail)}},
    )


def test_programs_read_mail_newest_last(desk):
    """
    `GET /mail` is how a journey learns what a donor was told.
    """
    _send("First")
    _send("Second")

    [first, second] = requests.get(f"{desk.url}/mail", timeout=5).json()

    assert ("First", "Second") == (first["subject"], second["subject"])
    assert {"to", "subject", "text", "html", "headers", "sent_at"} == set(first)
    assert "2026-11-24T12:00:00+00:00" == datetime.fromisoformat(first["sent_at"]).astimezone(UTC).isoformat()


def test_people_read_the_same_list_as_a_page(desk):
    """
    `Accept` decides: one address, for browsers a page.
    """
    _send("Thank <you>")

    page = requests.get(f"{desk.url}/mail", headers=PAGE, timeout=5)

    assert "text/html" in page.headers["Content-Type"]
    assert "Thank &lt;you&gt;" in page.text


def test_a_mail_can_do_nothing_to_the_desk(desk):
    """
    A mail is what somebody wrote: it is shown in a frame that runs no script.
    """
    _send("Hello", html='<html><head></head><body><script>alert(1)</script>"</body></html>')

    page = requests.get(f"{desk.url}/mail/1", headers=PAGE, timeout=5).text

    assert "<script>alert" not in page
    assert 'sandbox="' in page
    assert "allow-scripts" not in page


def test_the_overview_counts_ledger_and_dead_letters(desk):
    """
    A developer sees at a glance whether something got stuck.
    """
    seen = requests.get(desk.url, timeout=5).json()

    assert {"MoneyDeadLetters": [], "MailDeadLetters": []} == seen["dead_letters"]
    assert {} == seen["ledger"]
    assert 200 == requests.get(desk.url, headers=PAGE, timeout=5).status_code


def test_a_dead_letter_is_shown_with_its_cause(desk, aws_local):
    """
    Whoever develops sees why, without looking for it in the terminal, and how to send it back.
    """
    box = aws.sqs().list_queues(QueueNamePrefix="giving-MailDeadLetters")["QueueUrls"][0]
    body = '{"type": "PartnershipChanged", "donor_id": "1", "partnership_id": "sub_1", "what": "40", "change_id": "2"}'
    sent = aws.sqs().send_message(QueueUrl=box, MessageBody=body)
    with pytest.raises(MailHeld):
        letters.keep_cause(_event(sent["MessageId"]), _fails)

    [shown] = requests.get(desk.url, timeout=5).json()["causes"]
    page = requests.get(desk.url, headers=PAGE, timeout=5).text

    assert ("PartnershipChanged sub_1", True) == (shown["about"], shown["cause"].startswith("MailHeld (mail_held) at tests/"))
    assert shown["about"] in page
    assert "MailHeld (mail_held)" in page
    assert "python -m ops --local redrive" in page


def _event(message_id: str) -> SQSEvent:
    return SQSEvent({"Records": [{"messageId": message_id, "body": "", "receiptHandle": ""}]}, None)


def _fails(event: SQSEvent) -> None:
    raise MailHeld("not now")


def test_a_mail_that_was_not_sent_is_404(desk):
    """
    Numbers count from one, as people do.
    """
    assert 404 == requests.get(f"{desk.url}/mail/1", timeout=5).status_code


def test_a_date_that_is_none_is_said(desk):
    """
    Time travel has no way back, so a slip must not move it.
    """
    answer = requests.post(f"{desk.url}/time", data={"to": "tomorrow"}, headers=PAGE, timeout=5)

    assert "Give a date to travel to." in answer.text
