"""Only what Stripe signed just now comes in, and only as a hint."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chalicelib import aws, settings
from chalicelib.errors import InvalidInput, MisconfiguredError
from chalicelib.processor import webhook
from local.cloud import Cloud
from tests.giving_world import World

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "whsec_local_0123456789"
EVENT = {
    "id": "evt_1", "object": "event", "type": "charge.succeeded", "livemode": False,
    "data": {"object": {"id": "ch_1", "object": "charge"}},
}  # fmt: skip


def signed(body: bytes, at: int, secret: str = SECRET) -> str:
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def queued() -> list[dict[str, Any]]:
    answer = aws.sqs().receive_message(QueueUrl=settings.current().money_queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture(autouse=True)
def noon(aws_local: Cloud, clock_at: Callable[[datetime], None]) -> None:
    clock_at(NOW)


def body(**change: Any) -> bytes:
    return json.dumps({**EVENT, **change}).encode()


def test_a_genuine_event_is_queued_as_ids_only() -> None:
    """What waits in a queue names things and says nothing about people."""
    sent = body(data={"object": {"id": "re_1", "object": "refund", "charge": "ch_9", "email": "ann@example.org"}})

    assert webhook.receive(sent, signed(sent, int(NOW.timestamp()))) == "queued"
    assert queued() == [{"type": "charge.succeeded", "object_id": "re_1", "event_id": "evt_1", "charge_id": "ch_9"}]


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, 1), ({"type": "customer.updated"}, 0), ({"type": "checkout.session.completed"}, 0),
        ({"type": "charge.failed"}, 0), ({"livemode": True}, 0), ({"account": "acct_other"}, 0),
    ],
)  # fmt: skip
def test_a_payment_is_counted_as_a_sign_of_life_and_nothing_else_is(
    change: dict[str, Any], counted: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alarm of silence stands on this count: a donor's new address must not cover that no payment comes."""
    sent = body(**change)

    webhook.receive(sent, signed(sent, int(NOW.timestamp())))

    assert capsys.readouterr().out.count('"payment_event":[1.0]') == counted


def test_a_letter_that_is_sent_back_is_no_sign_of_life(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A redrive puts it on the queue again, and no event has come."""
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    giving.deliver()
    (charge,) = giving.standin.read(lambda world: world.all("charge"))
    assert capsys.readouterr().out.count('"payment_event":[1.0]') == 1

    letter = webhook.Hint("charge.succeeded", charge["id"], "evt_1")
    aws.sqs().send_message(QueueUrl=settings.current().money_queue, MessageBody=json.dumps(msgspec.to_builtins(letter)))
    giving.work()

    assert capsys.readouterr().out.count('"payment_event"') == 0


@pytest.mark.parametrize("seconds", [-301, 301, 10_000_000, -10_000_000])
def test_a_signature_from_another_time_is_refused(seconds: int) -> None:
    """The past may be a replay; the future, which Stripe's own check lets pass, a forgery kept for later."""
    with pytest.raises(InvalidInput):
        webhook.receive(body(), signed(body(), int(NOW.timestamp()) + seconds))

    assert queued() == []


@pytest.mark.parametrize(
    "signature",
    ["", "t=1", "v1=abc", "t=x,v1=abc", "t=1,v1=é", "t=١,v1=abc", "nonsense", "t=1773144000,v1=" + "0" * 64, "," * 1000, "t=1,t=2"],
)
def test_a_forged_signature_is_refused(signature: str) -> None:
    """Whatever stands in the header, it is 400 and never an exception."""
    with pytest.raises(InvalidInput) as refused:
        webhook.receive(body(), signature)

    assert refused.value.code == "signature_invalid"
    assert queued() == []


@pytest.mark.parametrize(
    "sent",
    [b"\xff\xfe", b"[]", b"[" * 100_000, b"null", b"{}", b'{"object":"event"}', b'{"object":"event","data":[]}', b"", b'{"object":"event","type":"x","id":"e","data":{"object":7}}', b"x" * 300_000],
    ids=lambda sent: repr(sent[:20]),
)
def test_a_signed_body_that_is_no_event_is_refused(sent: bytes) -> None:
    """A signature proves the sender, not the sense."""
    with pytest.raises(InvalidInput):
        webhook.receive(sent, signed(sent, int(NOW.timestamp())))

    assert queued() == []


@pytest.mark.parametrize("change", [{"livemode": True}, {"account": "acct_other"}])
def test_events_of_another_mode_or_account_are_counted_and_left(change: dict[str, Any]) -> None:
    """A test event at a live endpoint, or a connected account's, is answered 200 and writes nothing."""
    sent = body(**change)

    assert webhook.receive(sent, signed(sent, int(NOW.timestamp()))) == "not_ours"
    assert queued() == []


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", "sk_test_0123456789abcdef"])
def test_without_a_webhook_secret_nothing_starts(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty secret anybody could sign."""
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", secret)
    settings.current.cache_clear()

    with pytest.raises(MisconfiguredError, match="STRIPE_WEBHOOK_SECRET"):
        settings.current()
