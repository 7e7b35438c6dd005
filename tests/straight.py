"""boto3's requests handed to moto without a socket between: below its retries and signatures, under the same lock."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import BotocoreStubber

from local.cloud import REGION, Cloud

# moto tells services apart by their hosts.
HOSTS = {
    "cloudformation": "cloudformation", "dynamodb": "dynamodb", "s3": "s3", "sesv2": "email", "sqs": "sqs", "ssm": "ssm",
}  # fmt: skip


def connect(cloud: Cloud) -> None:
    """
    Spare this process's calls to `cloud` their HTTP, two thirds of what they take. Other processes still use it.

    Only clients that are built after this are spared. What a test does at
    botocore's `before-send` itself goes first.
    """
    moto = BotocoreStubber()
    moto.enabled = True

    def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        service = event_name.split(".")[1]
        if service not in HOSTS or not request.url.startswith(cloud.url):
            return None
        parts = urlsplit(request.url)._replace(scheme="https", netloc=f"{HOSTS[service]}.{REGION}.amazonaws.com")
        straight = AWSPreparedRequest(request.method, urlunsplit(parts), request.headers, request.body, request.stream_output)
        with cloud.alone():
            return moto(event_name, straight)

    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION.events.register_last("before-send", send)
