"""What DynamoDB does now and then and neither stand-in can be made to do: said in its words, to real boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse

from chalicelib import aws


def cancelled(*codes: str) -> dict[str, Any]:
    """A transaction that came to nothing, a reason for each write. Source: API_TransactWriteItems.html."""
    reasons = [{"Code": code} for code in codes]
    return {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons}


# A single write that meets a transaction. Source: API_PutItem.html, errors.
ALONE = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "Transaction is ongoing"}


class Said:
    """How often it was asked, and how often it still says no."""

    def __init__(self, times: int) -> None:
        self.left, self.asked = times, 0


@contextmanager
def saying(operation: str, body: dict[str, Any], times: int) -> Iterator[Said]:
    """For the next `times` calls of an operation DynamoDB answers 400 with this, and does nothing."""
    said = Said(times)

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        said.asked += 1
        if said.left <= 0:
            return None
        said.left -= 1
        # botocore asks every listener: with its address gone, none of the others does what was asked.
        request.url = "about:blank"
        return AWSResponse(request.url, 400, {}, MockRawResponse(json.dumps(body)))

    with _before_send(operation, answer):
        yield said


@contextmanager
def answer_lost(operation: str, times: int = 1) -> Iterator[Said]:
    """The next calls take effect and their answers never come; boto3 tries again by itself."""
    said = Said(times)
    send = aws.dynamodb()._endpoint.http_session.send

    def lose(request: AWSPreparedRequest, **_: Any) -> None:
        said.asked += 1
        if said.left > 0:
            said.left -= 1
            send(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    with _before_send(operation, lose):
        yield said


@contextmanager
def _before_send(operation: str, act: Any) -> Iterator[None]:
    events, name = aws.dynamodb().meta.events, f"before-send.dynamodb.{operation}"
    events.register(name, act, unique_id="mishap")
    try:
        yield
    finally:
        events.unregister(name, unique_id="mishap")


@contextmanager
def overheard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The calls made meanwhile, as they are sent: operation and parameters."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def listen(request: AWSPreparedRequest, event_name: str, **_: Any) -> None:
        calls.append((event_name.rpartition(".")[2], json.loads(request.body)))

    for client in (aws.dynamodb(), aws.counters()):
        client.meta.events.register("before-send.dynamodb", listen, unique_id="overheard")
    try:
        yield calls
    finally:
        for client in (aws.dynamodb(), aws.counters()):
            client.meta.events.unregister("before-send.dynamodb", unique_id="overheard")
