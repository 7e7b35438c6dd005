"""A dead letter lies there with its cause, and without anybody's name."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib import aws, items, letters, settings
from chalicelib.errors import FactsDisagree, ProcessorUnsure
from tests.giving_world import World

BODY = '{"type": "charge.succeeded", "object_id": "ch_1"}'


def _event(body: str = BODY, tries: int = 5) -> dict:
    record = {"messageId": "m-1", "receiptHandle": "", "body": body, "attributes": {"ApproximateReceiveCount": str(tries)}}
    return {"Records": [record]}


def _handle(event: dict) -> None:
    """As Lambda calls it."""
    from app import record_stripe_event

    record_stripe_event(event, SimpleNamespace())


def test_a_failed_try_notes_its_cause_under_the_messages_id(giving: World) -> None:
    """SQS keeps the id when it lays a message aside, and says nothing of why."""
    giving.standin.fail(path="/v1/charges/", status=500, times=9)

    with pytest.raises(ProcessorUnsure):
        _handle(_event())

    known = letters.cause("m-1")
    assert known
    assert known.cause.startswith("ProcessorUnsure (payment_processor_unavailable) from APIError at chalicelib/processor/stripe_api.py:")
    assert (known.tries, known.at) == (5, "2026-03-10T12:00:00Z")


def test_the_last_try_that_failed_is_the_one_that_is_kept(giving: World) -> None:
    """An earlier cause may have been a hiccup."""
    giving.standin.fail(path="/v1/charges/", status=500, times=2)
    with pytest.raises(ProcessorUnsure):
        _handle(_event(tries=1))
    with pytest.raises(msgspec.DecodeError):
        _handle(_event("{", tries=2))

    known = letters.cause("m-1")
    assert known
    assert (known.tries, known.cause.partition(" at ")[0]) == (2, "DecodeError")


def test_a_message_that_is_handled_leaves_no_cause(giving: World) -> None:
    """One read less for everybody, and nothing to look at."""
    giving.give(50_00)
    charge = giving.charge_of(giving.gifts()[0].gift_id)

    _handle(_event(BODY.replace("ch_1", charge)))

    assert letters.cause("m-1") is None


def test_without_the_table_the_first_fault_is_the_one_that_lambda_sees(giving: World) -> None:
    """What cannot note its cause must still fail for its own reason, or the message would be thought done."""
    giving.standin.fail(path="/v1/charges/", status=500, times=9)
    aws.dynamodb().delete_table(TableName=settings.current().passing_table)

    with pytest.raises(ProcessorUnsure):
        _handle(_event())


def test_a_fault_in_a_library_is_placed_where_we_called_it(giving: World) -> None:
    """On Lambda the libraries lie beside our code, and their lines tell nobody anything."""
    with pytest.raises(ClientError) as raised:
        items.get("NoSuchTable", {"pk": "1", "sk": "2"})

    kind, _, place = letters.cause_of(raised.value).partition(" at ")
    assert kind == "ResourceNotFoundException (ResourceNotFoundException)"
    assert place.startswith("chalicelib/items.py:")


def test_a_cause_names_kind_code_and_place_and_never_what_was_said() -> None:
    """What an exception says may be an address."""

    refused = ClientError({"Error": {"Code": "ThrottlingException", "Message": "ann@example.org"}}, "SendEmail")
    assert letters.cause_of(refused) == "ClientError (ThrottlingException)"
    assert letters.cause_of(FactsDisagree("Ann Lee")) == "FactsDisagree (facts_disagree)"
    assert letters.cause_of(ValueError("ann@example.org")) == "ValueError"


@pytest.mark.parametrize(("tries", "rings"), [(1, False), (2, False), (3, True), (5, True)])
def test_a_message_that_failed_twice_rings_and_one_hiccup_does_not(
    giving: World, capsys: pytest.CaptureFixture[str], tries: int, rings: bool
) -> None:
    """At the next try, whatever becomes of it: a function that was ended had no chance to say that it failed."""
    giving.give(50_00)
    capsys.readouterr()
    _handle(_event(BODY.replace("ch_1", giving.charge_of(giving.gifts()[0].gift_id)), tries=tries))

    assert ("message_keeps_failing" in capsys.readouterr().out) is rings
