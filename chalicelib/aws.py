"""
Lazily built, cached boto3 clients. Nothing else makes one.

Every client has timeouts and an end to its retries. A client costs a cold
start some 90 ms, so each is built only when first asked for.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sqs import SQSClient


@functools.cache
def _client(service: str, attempts: int = 3, seconds: float = 5) -> Any:
    import boto3  # noqa: PLC0415 - 230 ms that a page without data never needs
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(
        connect_timeout=min(2, seconds),
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "auto"},
        signature_version="s3v4" if service == "s3" else None,
    )
    return boto3.client(cast("Any", service), config=limits)


def dynamodb() -> DynamoDBClient:
    """DynamoDB, retried by boto3: a condition that fails on a retry is read back by the caller."""
    return cast("DynamoDBClient", _client("dynamodb"))


def counters() -> DynamoDBClient:
    """DynamoDB for the guard's counters: twice a second at most, for without them it asks for a challenge instead."""
    return cast("DynamoDBClient", _client("dynamodb", 2, 1))


def sqs() -> SQSClient:
    """SQS, retried: a message sent twice is harmless, its worker does nothing the second time."""
    return cast("SQSClient", _client("sqs"))


def s3() -> S3Client:
    """S3 for issued documents."""
    return cast("S3Client", _client("s3"))


def ses() -> SESV2Client:
    """SES with one attempt a call: it has no idempotency token, and a hidden retry would be a second mail."""
    return cast("SESV2Client", _client("sesv2", 1))


def read_secret(name: str) -> str:
    """The decrypted value of a Parameter Store parameter."""
    answer = _client("ssm").get_parameter(Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def forget_clients() -> None:
    """Build the clients anew at the next call, when region, credentials or endpoint have changed."""
    _client.cache_clear()
