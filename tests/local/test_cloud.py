"""AWS on loopback keeps the promises that production's AWS makes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
import requests

from chalicelib import aws, settings
from local.cloud import Cloud

CONTENDERS = 20


def test_of_many_conditional_puts_at_once_one_wins(aws_local: Cloud) -> None:
    """
    A gift is written once because a condition on a put has one winner.
    """

    def claim(contender: int) -> bool:
        try:
            aws.dynamodb().put_item(
                TableName=settings.current().passing_table,
                Item={"pk": {"S": "LEASE"}, "sk": {"S": "NOW"}, "by": {"N": str(contender)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except aws.dynamodb().exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(CONTENDERS) as pool:
        assert 1 == sum(pool.map(claim, range(CONTENDERS)))


def test_a_developer_s_own_endpoints_lead_nowhere(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """
    A shell that points one service elsewhere must not send a donor's data there.
    """
    for service in ("DYNAMODB", "SQS", "S3", "SESV2", "SSM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    aws.forget_clients()
    cloud: Cloud = request.getfixturevalue("aws_local")

    reached = {client.meta.endpoint_url for client in (aws.dynamodb(), aws.sqs(), aws.s3(), aws.ses())}

    assert reached == {cloud.url}


def test_a_presigned_link_opens_without_credentials(aws_local: Cloud) -> None:
    """
    A statement is fetched by the donor's browser, which has a link and nothing else.
    """
    where = {"Bucket": settings.current().documents_bucket, "Key": "statements/2026.pdf"}
    aws.s3().put_object(**where, Body=b"%PDF-1.7", ContentType="application/pdf")

    fetched = requests.get(aws.s3().generate_presigned_url("get_object", Params=where, ExpiresIn=300), timeout=5)

    assert (200, b"%PDF-1.7", "application/pdf") == (
        fetched.status_code,
        fetched.content,
        fetched.headers["Content-Type"],
    )


def test_a_mail_is_kept_as_it_was_sent(aws_local: Cloud, mailbox) -> None:
    """
    The desk shows what a donor would get: both bodies, whatever the alphabet, and every header.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "giving@opengate.example", "Zoë <zoe@example.org>", "Thank you, Zoë"
    mail["Date"] = "Tue, 24 Nov 2026 12:00:00 +0000"
    mail.set_content("Your £5 arrived.\n")
    mail.add_alternative("<p>Your £5 arrived.</p>", subtype="html")

    aws.ses().send_email(
        FromEmailAddress="Open Gate Justice <giving@opengate.example>",
        Destination={"ToAddresses": ["zoe@example.org"]},
        Content={"Raw": {"Data": bytes(mail)}},
    )

    [kept] = mailbox()
    assert ("Thank you, Zoë", "Your £5 arrived.\n") == (kept.subject, kept.text)
    assert "<p>Your £5 arrived.</p>" == kept.html.strip()
    assert "2026-11-24T12:00:00+00:00" == kept.sent_at


def test_a_stranger_cannot_send_as_us(aws_local: Cloud) -> None:
    """
    Only the sender of charity.toml is verified, so a mail from another address fails here as it would live.
    """
    with pytest.raises(aws.ses().exceptions.MessageRejected):
        aws.ses().send_email(
            FromEmailAddress="somebody@elsewhere.example",
            Destination={"ToAddresses": ["zoe@example.org"]},
            Content={"Raw": {"Data": b"From: somebody@elsewhere.example\r\nTo: zoe@example.org\r\n\r\nhello"}},
        )


def test_a_reset_leaves_nothing_behind(aws_local: Cloud) -> None:
    """
    One test never sees another's gifts.
    """
    table = settings.current().giving_table
    aws.dynamodb().put_item(TableName=table, Item={"pk": {"S": "DONOR#1"}, "sk": {"S": "PROFILE"}})

    aws_local.reset()

    tables = aws.dynamodb().list_tables()["TableNames"]
    assert all(aws.dynamodb().scan(TableName=name)["Count"] == 0 for name in tables)


def test_a_queue_takes_and_gives_by_the_url_of_the_settings(aws_local: Cloud) -> None:
    """
    MONEY_QUEUE is the URL that CloudFormation gives, and boto3 reaches it where AWS_ENDPOINT_URL says.
    """
    queue = settings.current().money_queue

    aws.sqs().send_message(QueueUrl=queue, MessageBody="evt_1")

    assert "evt_1" == aws.sqs().receive_message(QueueUrl=queue)["Messages"][0]["Body"]
