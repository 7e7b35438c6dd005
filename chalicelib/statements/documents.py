"""Documents kept in S3: each put there once under its name, and fetched by a link that soon ends."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from chalicelib import aws, log, settings
from chalicelib.errors import DocumentAltered

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

PDF, ZIP = "application/pdf", "application/zip"
# Long enough to follow a redirect on a slow line, too short for a link left in a history to be of use.
LINK_SECONDS = 300
# S3 answers 409 when two conditional puts of one name meet; the one that comes again then finds the other's.
TRIES = 3
# To a role that may not list the bucket S3 calls a missing object forbidden.
MISSING = {"404", "403", "NoSuchKey"}


def keep(key: str, document: bytes, filename: str, kind: str = PDF) -> None:
    """Put the document under `key`, unless one is there: what was kept once is never overwritten."""
    for attempt in range(TRIES):
        try:
            aws.s3().put_object(
                Bucket=settings.current().documents_bucket, Key=key, Body=document, ContentType=kind,
                ContentDisposition=_disposition(filename, kind), IfNoneMatch="*",
            )  # fmt: skip
        except aws.s3().exceptions.ClientError as refused:
            if _code(refused) == "PreconditionFailed":
                return
            if _code(refused) != "ConditionalRequestConflict" or attempt == TRIES - 1:
                raise
        else:
            return


def is_kept(key: str) -> bool:
    """Whether a document is there under `key`."""
    try:
        aws.s3().head_object(Bucket=settings.current().documents_bucket, Key=key)
    except aws.s3().exceptions.ClientError as refused:
        if _code(refused) in MISSING:
            return False
        raise
    return True


def verify(key: str, sha256: str) -> None:
    """Hold the document against the hash it was entered with. Raises DocumentAltered, and alarms, if it is another."""
    found = aws.s3().get_object(Bucket=settings.current().documents_bucket, Key=key)
    if hashlib.sha256(found["Body"].read()).hexdigest() != sha256:
        log.alarm("statement_altered", document=key.rpartition("/")[2])
        raise DocumentAltered("This statement cannot be shown just now. We have been told and will look into it.")


def link(key: str, filename: str, kind: str = PDF) -> str:
    """Where a browser may fetch the document during the next five minutes, without a session."""
    return aws.s3().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings.current().documents_bucket,
            "Key": key,
            "ResponseContentType": kind,
            "ResponseContentDisposition": _disposition(filename, kind),
            "ResponseCacheControl": "private, no-store",
        },
        ExpiresIn=LINK_SECONDS,
    )


def _disposition(filename: str, kind: str) -> str:
    """A PDF is shown, everything else is saved."""
    safe = "".join(char if char.isascii() and (char.isalnum() or char in ".-_") else "-" for char in filename)
    return f'{"inline" if kind == PDF else "attachment"}; filename="{safe}"'


def _code(refused: ClientError) -> str:
    return refused.response["Error"]["Code"]
