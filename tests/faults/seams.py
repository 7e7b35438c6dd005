"""
Where our code meets the world, and each call can be stopped, lost or broken.

AWS is met in botocore's own `before-send` event, below its retries, so that
it is boto3 itself that tries again; Stripe in the SDK's HTTP client. Of ours
nothing is replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import botocore
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.retries import standard
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import MockRawResponse
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler

from chalicelib import aws
from local.cloud import REGION
from local.standin.in_process import InProcess
from local.standin.standin import Standin
from tests.faults.faults import WRITES, Fault
from tests.faults.scheduler import Call, Died, Scheduler

T = TypeVar("T")
Answer = tuple[int, dict[str, str], str]
# Of an item: its table, and the two parts of its key there.
Key = tuple[str, str, str]
# What AWS says of each fault: status and error code.
SAYS = {
    ("dynamodb", "throttled"): (400, "ProvisionedThroughputExceededException"),
    ("dynamodb", "conflict"): (400, "TransactionConflictException"),
    ("sesv2", "throttled"): (429, "TooManyRequestsException"),
}
CHANGE_ID = re.compile(r"-[0-9a-f]{16}$")


class Gate:
    """Every call of our code goes through here: it parks, and then happens or is befallen by something."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def through(self, call: Call, act: Callable[[], T], spoil: Callable[[Fault, Callable[[], T]], T]) -> T:
        """Do `act` once let go on. A fault that is not a death is rendered by `spoil`, which may do it too."""
        fault = self._scheduler.park(call)
        if fault is None:
            return act()
        if fault.deadly:
            act()
            raise Died
        return spoil(fault, act)


class Wire(InProcess):
    """The stripe SDK's HTTP client. The faults are the stand-in's own mishaps."""

    def __init__(self, standin: Standin, gate: Gate) -> None:
        super().__init__(standin)
        self._gate = gate

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        call = Call("stripe", f"{method.upper()} {urlsplit(url).path}")

        def act() -> Any:
            return super(Wire, self).request(method, url, headers, post_data)

        return self._gate.through(call, act, self._spoiled)

    def _spoiled(self, fault: Fault, act: Callable[[], T]) -> T:
        status = {"throttled": 429, "409": 409, "500": 500, "poisoned": 500}.get(fault.name)
        how = {"status": status} if status else {"timeout": True}
        self._standin.fail(**how, take_effect=fault.after)
        return act()


class Aws:
    """
    Answers for AWS: moto for the tables, `services` for what is simpler to play than to mock.

    `wrote` is told the keys of every write, also of one that was refused.
    """

    def __init__(
        self, gate: Gate, services: dict[str, Callable[[dict[str, Any]], dict[str, Any]]],
        wrote: Callable[[list[Key]], object],
    ) -> None:  # fmt: skip
        self._gate, self._services, self._wrote = gate, services, wrote
        self._dynamodb = DynamoDB()

    def connect(self) -> None:
        """Stand behind every client that our code has: new ones, so that their retries have a full quota."""
        aws.forget_clients()
        for client in (aws.dynamodb(), aws.counters(), aws.sqs(), aws.ses()):
            client.meta.events.register_first("before-send", self._send)
            client.meta.events.register("choose-signer", _unsigned)
            _retry_without_waiting(client)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        body = json.loads(request.body or b"{}")
        call = Call(service, f"{operation} {_about(operation, body)}".strip())

        def act() -> Answer:
            self._wrote(_written(operation, body))
            return self._answer(operation, body)

        status, headers, text = self._gate.through(call, act, lambda fault, act: _spoiled(call, body, fault, act))
        return AWSResponse(request.url, status, headers, MockRawResponse(text))

    def _answer(self, operation: str, body: dict[str, Any]) -> Answer:
        play = self._services.get(operation)
        return (200, {}, json.dumps(play(body))) if play else self._dynamodb.answer(operation, body)


class DynamoDB(DynamoHandler):
    """moto's DynamoDB without moto's reading and writing of HTTP, which takes four fifths of its time."""

    current_account, region = DEFAULT_ACCOUNT_ID, REGION  # type: ignore[assignment]

    def answer(self, operation: str, body: dict[str, Any]) -> Answer:
        """Do one call whole."""
        self.body = body
        try:
            done = getattr(self, xform_name(operation))()
        except JsonRESTError as refused:
            return int(refused.code or 400), {}, str(refused.description)
        return 200, {}, json.dumps(done.result)


def _written(operation: str, body: dict[str, Any]) -> list[Key]:
    """The keys of what a call writes."""
    if operation not in WRITES:
        return []
    writes = [next(iter(each.values())) for each in body.get("TransactItems", [])] or [body]
    keys = [(write["TableName"], write.get("Key") or write["Item"]) for write in writes]
    return [(table, key["pk"]["S"], key["sk"]["S"]) for table, key in keys]


def _spoiled(call: Call, body: dict[str, Any], fault: Fault, act: Callable[[], Answer]) -> Answer:
    if fault.after:
        act()
    if fault.name == "unreached":
        raise ConnectTimeoutError(endpoint_url=call.service)
    if fault.name == "answer lost":
        raise ReadTimeoutError(endpoint_url=call.service)
    if fault.name == "conflict" and "TransactItems" in body:
        reasons = [{"Code": "TransactionConflict"}, *({"Code": "None"} for _ in body["TransactItems"][1:])]
        return _refused(400, "TransactionCanceledException", CancellationReasons=reasons)
    status, code = SAYS.get((call.service, fault.name), (500, "InternalServerError"))
    return _refused(status, code)


def _refused(status: int, code: str, **more: Any) -> Answer:
    return status, {"x-amzn-errortype": code}, json.dumps({"__type": code, "message": "simulated", **more})


def _retry_without_waiting(client: Any) -> None:
    """boto3 decides as ever whether to try again; it does so at once."""
    name = client.meta.service_model.service_id.hyphenize()
    handler = standard.register_retry_handler(client, client.meta.config.retries["total_max_attempts"])
    client.meta.events.unregister(f"needs-retry.{name}", unique_id=f"retry-config-{name}")

    def at_once(**about: Any) -> float | None:
        delay = handler.needs_retry(**about)
        return 0 if delay else delay

    client.meta.events.register(f"needs-retry.{name}", at_once)


def _unsigned(**_: Any) -> Any:
    """Nobody checks the signatures, and making them is half the cost of a call."""
    return botocore.UNSIGNED


def _about(operation: str, body: dict[str, Any]) -> str:
    """What a call is about, in words that are the same each time a seed is run: no donor's random id."""
    if operation == "TransactWriteItems":
        return " + ".join(_named(write["Put"]["Item"]) for write in body["TransactItems"] if "Put" in write)
    key = body.get("Key") or body.get("Item")
    if key:
        return _named(key)
    if operation == "Query":
        values = body["ExpressionAttributeValues"]
        return str((values.get(":prefix") or values.get(":first") or {"S": "all"})["S"])
    return ""


def _named(item: dict[str, Any]) -> str:
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    return CHANGE_ID.sub("", f"DONOR {sk}" if pk.startswith("DONOR#") else pk)
