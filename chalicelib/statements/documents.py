"""
Documents kept in S3: each put there once under its name, and fetched by a link that soon ends.

    issued ---- locked: no call of ours deletes or replaces it ---- the records' years are over: staff may delete it
    a donor's copy of their data, never locked ---- one day, or their erasure: it is deleted
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib import aws, clock, log, settings
from chalicelib.errors import DocumentAltered

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

PDF, ZIP = "application/pdf", "application/zip"
# Long enough to follow a redirect on a slow line, too short for a link left in a history to be of use.
LINK_SECONDS = 300
# What S3 lists, and deletes, in one call, and how many calls delete one donor's copies. They may ask for ten an hour,
# and none is older than two days.
VERSIONS, LISTS = 1000, 5
# S3 answers 409 when two conditional puts of one name meet; the one that comes again then finds the other's.
TRIES = 3
# To a role that may not list the bucket S3 calls a missing object forbidden.
MISSING = {"404", "403", "NoSuchKey"}
# Only who may bypass a lock can lift one, and none of our functions may: docs/decisions/0034.
LOCK = "GOVERNANCE"


def keep(key: str, document: bytes, filename: str, kind: str = PDF, locked_until: date | None = None) -> None:
    """
    Put the document under `key`, unless one is there: what was kept once is never overwritten.

    Until the end of the day `locked_until` S3 refuses to delete or replace it.
    """
    for attempt in range(TRIES):
        try:
            aws.s3().put_object(
                Bucket=settings.current().documents_bucket, Key=key, Body=document, ContentType=kind,
                ContentDisposition=_disposition(filename, kind), IfNoneMatch="*",
                **_lock(locked_until),
            )  # fmt: skip
        except aws.s3().exceptions.ClientError as refused:
            if _code(refused) == "PreconditionFailed":
                return
            if _code(refused) != "ConditionalRequestConflict" or attempt == TRIES - 1:
                raise
        else:
            return


def delete_all(prefix: str) -> None:
    """
    Delete every version of everything under `prefix`, marks of deletion too. Twice is harmless.

    Raises OverflowError when there is more than one try may take away, or when S3 keeps something.
    """
    bucket, s3 = settings.current().documents_bucket, aws.s3()
    for _ in range(LISTS):
        found = s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=VERSIONS)
        versions = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        if not versions:
            return
        named: Any = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        kept = s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True}).get("Errors", [])
        if kept:
            raise OverflowError(f"S3 keeps {len(kept)} versions: {kept[0].get('Code')}")
    raise OverflowError(f"more than {VERSIONS * LISTS} versions under one prefix")


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


def _lock(until: date | None) -> dict[str, Any]:
    """
    How S3 is told. Only puts with a checksum may lock.

    For a document that is drawn up when its years are over there is no lock:
    no tax office asks for it any more, and S3 refuses a moment that is past.
    """
    end = datetime.combine(until + timedelta(days=1), time(), UTC) if until else clock.now()
    if end <= clock.now():
        return {}
    return {"ObjectLockMode": LOCK, "ObjectLockRetainUntilDate": end, "ChecksumAlgorithm": "SHA256"}


def _disposition(filename: str, kind: str) -> str:
    """A PDF is shown, everything else is saved."""
    safe = "".join(char if char.isascii() and (char.isalnum() or char in ".-_") else "-" for char in filename)
    return f'{"inline" if kind == PDF else "attachment"}; filename="{safe}"'


def _code(refused: ClientError) -> str:
    return refused.response["Error"]["Code"]
