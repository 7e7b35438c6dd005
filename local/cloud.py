"""AWS on loopback: moto behind one lock, with the stack that `.chalice/resources.json` describes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.ses.models import ses_backends
from moto.sqs.models import sqs_backends
from werkzeug.serving import make_server

from chalicelib import charity
from local import quick_moto

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

RESOURCES_FILE = Path(__file__).parents[1] / ".chalice" / "resources.json"
REGION = "us-east-1"
STACK = "giving"
# The part of the stack that calls meet. Alarms, roles and the gateway need the real thing.
CREATED_TYPES = frozenset({"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket"})
# A developer's own AWS settings must neither reach the local run nor break it.
# An endpoint of one service goes before the one that we set for all.
FOREIGN_VARIABLES = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    *(f"AWS_ENDPOINT_URL_{service}" for service in ("DYNAMODB", "SQS", "S3", "SESV2", "SSM", "CLOUDFORMATION")),
)  # fmt: skip


class Backlog(NamedTuple):
    """The bodies that a worker could take now, and how many there are with those at work or put off."""

    visible: list[str]
    unfinished: int


class DeadMessage(NamedTuple):
    """A dead letter by the id under which its cause is kept."""

    message_id: str
    body: str


class Cloud:
    """
    One AWS for this process, reached by real boto3 through AWS_ENDPOINT_URL.

    moto keeps its state in module globals, so a process has one Cloud, and it
    forgets everything on `stop()`. Every call runs alone: moto is not atomic
    under threads, and two conditional puts at once could otherwise both win.
    """

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Lock()
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._names: dict[str, str] = {}
        self._clients: dict[str, Any] = {}

    def start(self) -> None:
        """Listen, and create the stack. Port 0 takes any free one. Raises OSError if the port is taken."""
        quick_moto.spare()
        one_at_a_time = _OneAtATime(DomainDispatcherApplication(create_backend_app), self._lock)
        self._server = make_server("127.0.0.1", self._port, one_at_a_time, threaded=True, request_handler=_Quiet)
        run = {"poll_interval": 0.05}
        threading.Thread(target=self._server.serve_forever, kwargs=run, name="cloud", daemon=True).start()
        self.reset()

    def stop(self) -> None:
        """Stop listening and forget everything. A Cloud that is not running is left as it is."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self._clients.clear()
            self._forget()

    def reset(self) -> None:
        """Forget everything and create the stack anew: the same settings, nothing in it. A few milliseconds."""
        self._forget()
        self._names = self._create_stack()
        _, sender = parseaddr(charity.current().mail.sender)
        self._client("sesv2").create_email_identity(EmailIdentity=sender)

    @property
    def url(self) -> str:
        assert self._server is not None, "start() first"
        return f"http://127.0.0.1:{self._server.server_port}"

    def alone(self) -> threading.Lock:
        """What every call holds while it is worked on: `with cloud.alone(): …`."""
        return self._lock

    def environment(self) -> dict[str, str]:
        """Every variable of settings.py that comes from AWS, and those by which boto3 finds this Cloud."""
        return _environment(self.url, self._names)

    def raw_mails(self) -> list[str]:
        """The MIME text of every mail sent, oldest first."""
        with self._lock:
            sent = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
            return [mail.raw_data for mail in sent if hasattr(mail, "raw_data")]

    def backlog(self, queue_url: str) -> Backlog:
        """What a queue holds. Reading takes nothing away and costs microseconds."""
        with self._lock:
            queue = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[queue_url.rpartition("/")[2]]
            return Backlog([message.body for message in queue.messages], len(queue._messages))

    def dead_letters(self) -> dict[str, list[str]]:
        """The bodies in each dead-letter queue, by its name in resources.json."""
        return {name: [letter.body for letter in found] for name, found in self.dead_messages().items()}

    def dead_messages(self) -> dict[str, list[DeadMessage]]:
        """What lies in each dead-letter queue; looking takes nothing away."""
        boxes = {name: url.rpartition("/")[2] for name, url in self._names.items() if name.endswith("DeadLetters")}
        with self._lock:
            queues = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues
            return {
                name: [DeadMessage(message.id, message.body) for message in queues[box].messages]
                for name, box in boxes.items()
            }

    def _create_stack(self) -> dict[str, str]:
        stack = self._client("cloudformation")
        # moto takes every template for YAML first, which is slow. YAML allows no tabs, so it tries JSON at once.
        template = json.dumps({"Resources": _created_resources()}, indent="\t")
        stack.create_stack(StackName=STACK, TemplateBody=template)
        names = _names(stack)
        self._lock_buckets(names)
        return names

    def _lock_buckets(self, names: dict[str, str]) -> None:
        """Versions and locks where the description asks for them: moto's CloudFormation leaves both out."""
        locked = [name for name, each in _created_resources().items() if each["Properties"].get("ObjectLockEnabled")]
        for bucket in [names[name] for name in locked]:
            s3 = self._client("s3")
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})

    def _forget(self) -> None:
        """All but AWS's own key for encryption at rest: nothing is under it, and a new one takes 50 ms to find."""
        with self._lock:
            kept = kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys
            moto_api_backend.reset()
            kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys = kept

    def _client(self, service: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = _client(service, self.url)
        return self._clients[service]


def environment_at(url: str) -> dict[str, str]:
    """The environment of a Cloud that runs in another process. Raises botocore's errors if none answers there."""
    return _environment(url, _names(_client("cloudformation", url)))


def _environment(url: str, names: dict[str, str]) -> dict[str, str]:
    nowhere = os.devnull
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        **{variable: names[name] for variable, name in _variables().items() if name in names},
    }


def _client(service: Any, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - moto asks for any word
    )


def _names(stack: Any) -> dict[str, str]:
    """What CloudFormation called each resource of the stack."""
    made = stack.describe_stack_resources(StackName=STACK)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in made}


class _OneAtATime:
    """WSGI that answers one request at a time, whole: a body streamed later would be read outside the lock."""

    def __init__(self, app: Any, lock: threading.Lock) -> None:
        self._app, self._lock = app, lock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


class _Quiet(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two writes; waiting between them costs 40 ms

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: each of our own calls makes a dozen of these."""


def description() -> dict[str, Any]:
    """What `.chalice/resources.json` says, the one description of tables, queues and the bucket."""
    return dict(json.loads(RESOURCES_FILE.read_text(encoding="utf-8")))


def _created_resources() -> dict[str, Any]:
    every = description()["Resources"]
    return {name: resource for name, resource in every.items() if resource.get("Type") in CREATED_TYPES}


def _variables() -> dict[str, str]:
    """Which resource each variable names. Secrets are not of the stack: they lie in the Parameter Store."""
    given = description()["Globals"]["Function"]["Environment"]["Variables"]
    return {variable: value["Ref"] for variable, value in given.items() if "Ref" in value}
