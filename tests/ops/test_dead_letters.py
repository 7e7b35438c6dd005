"""Dead letters are seen with their cause, and sent back without harm."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chalicelib import aws, charity, keys, settings
from chalicelib.clock import now
from chalicelib.partners.manage import Change, change
from chalicelib.portal.sign_in import SignInAsked
from chalicelib.signups import signup, store
from chalicelib.signups.signup import Consent
from chalicelib.signups.store import SignUpAsked
from ops import dead_letters
from tests.giving_world import ANN, World
from tests.ops.conftest import Ended
from tests.processor.power import PowerCut, cut

Run = Callable[..., Ended]
LetDie = Callable[[str, str], None]


def _ses_refuses(giving: World, *, refuses: bool) -> None:
    """Take the sender's address from SES, or give it back."""
    sender = charity.current().mail.sender.split("<")[1].strip(">")
    if refuses:
        aws.ses().delete_email_identity(EmailIdentity=sender)
    else:
        aws.ses().create_email_identity(EmailIdentity=sender)


def _body(job: msgspec.Struct) -> str:
    return msgspec.json.encode(job).decode()


def test_a_poisoned_event_is_seen_with_its_cause_and_healed_by_redrive(giving: World, run: Run, let_die: LetDie) -> None:
    """What it is about, why it failed and how often; mended and sent back, the gift is recorded and receipted once."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    charge = giving.standin.read(lambda world: world.all("charge"))[0]["id"]
    poison = giving.standin.fail(path=f"/v1/charges/{charge}", status=500, times=99)
    let_die("money", f'{{"type": "charge.succeeded", "object_id": "{charge}", "event_id": "evt_1"}}')

    listed = run("letters", "money")

    assert not listed.well
    assert f"charge.succeeded {charge}, first sent 20" in listed.said
    assert "UTC, 5 tries" in listed.said
    assert "ProcessorUnsure (payment_processor_unavailable) from APIError at chalicelib/processor/stripe_api.py" in listed.said
    assert listed.said == run("letters", "money").said, "looking takes nothing away"

    poison.times = 0
    sent = run("redrive", "money")
    giving.work()

    assert (sent.well, "1 sent back, 0 left." in sent.said, charge in sent.said) == (True, True, True)
    assert [gift.gift_id for gift in giving.gifts()] == [gift_id]
    assert len(giving.mails("Receipt")) == 1
    assert run("letters", "money") == Ended(True, "Dead letters (money): none\n")


def test_what_is_still_poisoned_dies_again_and_stops_nobody(giving: World, run: Run, let_die: LetDie) -> None:
    """Redrive promises five more tries, not success; a gift that comes meanwhile is recorded."""
    body = '{"type": "charge.succeeded"}'
    let_die("money", body)

    assert run("redrive", "money").well
    queue = settings.current().money_queue
    [again] = aws.sqs().receive_message(QueueUrl=queue)["Messages"]
    aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    let_die("money", again["Body"])
    giving.give(50_00)

    assert len(giving.gifts()) == 1
    listed = run("letters", "money").said
    assert "unreadable" in listed
    assert "ValidationError at chalicelib/processor/webhook.py" in listed


def test_no_more_are_sent_back_than_was_asked_for(giving: World, run: Run, let_die: LetDie) -> None:
    """One first, to see whether the cause is mended."""
    for number in range(3):
        let_die("money", f'{{"type": "charge.succeeded", "object_id": {number}}}')

    sent = run("redrive", "money", "--most", "1")

    assert (sent.well, "1 sent back, 2 left." in sent.said) == (False, True)


def test_a_redrive_that_breaks_off_loses_nothing(giving: World, run: Run, let_die: LetDie) -> None:
    """Sent first, taken away afterwards: in between it lies in both places, and twice is harmless."""
    gift_id = giving.give(50_00)
    box = dead_letters._box("money")
    body = f'{{"type": "charge.succeeded", "object_id": "{giving.charge_of(gift_id)}"}}'
    aws.sqs().send_message(QueueUrl=box, MessageBody=body)

    with cut(1), pytest.raises(PowerCut):
        run("redrive", "money")

    [letter] = aws.sqs().receive_message(QueueUrl=settings.current().money_queue, VisibilityTimeout=0)["Messages"]
    assert letter["Body"] == body
    assert dead_letters._left(box) == 1
    giving.work()
    assert len(giving.mails("Receipt")) == 1


def test_a_mail_letter_shows_no_address(giving: World, run: Run, let_die: LetDie) -> None:
    """It holds one, and a terminal is read by more people than donors agreed to."""
    giving.give(50_00)
    _ses_refuses(giving, refuses=True)
    let_die("mail", _body(SignInAsked(ANN, "hash", "request-1", int(now().timestamp()))))
    let_die("mail", _body(SignUpAsked(ANN, ("stories",), now(), name="Ann Lee")))

    said = run("letters", "mail").said

    assert "SignInAsked" in said
    assert "SignUpAsked" in said
    assert "NotSent (mail_not_sent) from MessageRejected" in said
    assert "example.org" not in said
    assert "Ann" not in said


def test_a_mail_sent_back_goes_out_once_however_often_it_is_sent_back(giving: World, run: Run, let_die: LetDie) -> None:
    """The donor's change is confirmed, late, and one time."""
    giving.give(25_00, frequency="monthly")
    change(giving.donor_id(), giving.partnership().partnership_id, Change(amount=40_00))
    queue = settings.current().mail_queue
    [asked] = aws.sqs().receive_message(QueueUrl=queue)["Messages"]
    aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=asked["ReceiptHandle"])
    _ses_refuses(giving, refuses=True)
    let_die("mail", asked["Body"])
    let_die("mail", asked["Body"])
    assert giving.partnership().partnership_id in run("letters", "mail").said
    _ses_refuses(giving, refuses=False)
    giving.advance(days=3)

    assert "2 sent back, 0 left." in run("redrive", "mail").said
    giving.work()

    assert len(giving.mails("Your monthly gift")) == 1


def test_a_sign_in_that_nobody_waits_for_is_not_sent(giving: World, run: Run, let_die: LetDie) -> None:
    """A link out of the blue, days later, would frighten; within the hour it still goes out."""
    giving.give(50_00)
    _ses_refuses(giving, refuses=True)
    let_die("mail", _body(SignInAsked(ANN, "hash", "request-1", int(now().timestamp()))))
    giving.advance(minutes=50)
    let_die("mail", _body(SignInAsked(ANN, "hash", "request-2", int(now().timestamp()))))
    _ses_refuses(giving, refuses=False)
    giving.advance(minutes=11)

    run("redrive", "mail")
    giving.work()

    assert len(giving.mails("Sign in")) == 1


def test_a_sign_up_sent_back_does_not_overrule_its_owner(giving: World, run: Run, let_die: LetDie) -> None:
    """Asked for, then left: the late letter neither brings the wish back nor mails anybody; its evidence keeps its own hour."""
    name, asked_at = keys.email_hash(ANN), now()
    _ses_refuses(giving, refuses=True)
    let_die("mail", _body(SignUpAsked(ANN, ("stories",), asked_at)))
    assert [(each.action, each.at) for each in store.find(name).consents] == [("asked", asked_at)], "five tries are one word"
    giving.advance(days=1)
    left = Consent(now(), "unsubscribed", (), signup.CONSENT_WORDING, signup.CONSENT_VERSION)
    store.change_known(name, lambda known: signup.unsubscribe(known, left))
    _ses_refuses(giving, refuses=False)

    run("redrive", "mail")
    giving.work()

    assert (store.find(name).status, giving.mails()) == ("unsubscribed", [])


def test_a_sign_up_sent_back_is_asked_to_confirm(giving: World, run: Run, let_die: LetDie) -> None:
    """Whoever asked, and heard nothing for a day, still wants to hear."""
    _ses_refuses(giving, refuses=True)
    let_die("mail", _body(SignUpAsked(ANN, ("stories",), now())))
    _ses_refuses(giving, refuses=False)
    giving.advance(days=1)

    run("redrive", "mail")
    giving.work()

    assert len(giving.mails("confirm")) == 1
