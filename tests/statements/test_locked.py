"""What has been issued stays as it was: S3 itself refuses to delete or replace it until the records' years are over."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import aws, clock, settings
from chalicelib.giving import donors
from chalicelib.portal import erasure, export
from chalicelib.statements import documents, receipts, register
from tests.giving_world import World


@pytest.fixture
def paper(giving: World) -> str:
    """The key of Ann's statement of 2026."""
    giving.give(50_00)
    return register.issue(giving.donor_id(), "us", 2026).s3_key


def bucket() -> str:
    return settings.current().documents_bucket


def versions(prefix: str = "") -> list[dict[str, Any]]:
    found: Any = aws.s3().list_object_versions(Bucket=bucket(), Prefix=prefix, MaxKeys=100)
    return list(found["Versions"])


def body(version: dict[str, Any]) -> bytes:
    found = aws.s3().get_object(Bucket=bucket(), Key=version["Key"], VersionId=version["VersionId"])
    return found["Body"].read()


def lock(version: dict[str, Any]) -> tuple[str, datetime] | None:
    """How and until when a version is locked."""
    found = aws.s3().head_object(Bucket=bucket(), Key=version["Key"], VersionId=version["VersionId"])
    return (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) if "ObjectLockMode" in found else None


def deleted(version: dict[str, Any]) -> bool:
    """Whether S3 lets a version be deleted by who is not allowed to bypass a lock."""
    try:
        aws.s3().delete_object(Bucket=bucket(), Key=version["Key"], VersionId=version["VersionId"])
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "AccessDenied"
        return False
    return True


def test_an_issued_statement_cannot_be_deleted(paper: str) -> None:
    """Locked to the end of the year in which its entity's `records_years` run out, counted from the tax year's end."""
    [issued] = versions(paper)
    whole = body(issued)

    assert lock(issued) == ("GOVERNANCE", datetime(2034, 1, 1, tzinfo=UTC))
    assert not deleted(issued)
    assert body(issued) == whole


def test_an_issued_statement_cannot_be_replaced(paper: str) -> None:
    """Ours does nothing the second time; a put past our code makes a version beside it, and what was issued stays."""
    whole = body(versions(paper)[0])
    documents.keep(paper, b"another", "x.pdf", locked_until=date(2033, 12, 31))
    assert len(versions(paper)) == 1

    aws.s3().put_object(Bucket=bucket(), Key=paper, Body=b"another")
    first = next(each for each in versions(paper) if not each["IsLatest"])

    assert body(first) == whole
    assert not deleted(first)


def test_a_mark_of_deletion_hides_it_and_takes_nothing_away(paper: str) -> None:
    """S3 always takes a deletion that names no version; taking the mark away brings the document back."""
    mark = aws.s3().delete_object(Bucket=bucket(), Key=paper)["VersionId"]
    assert not documents.is_kept(paper)

    aws.s3().delete_object(Bucket=bucket(), Key=paper, VersionId=mark)

    assert documents.is_kept(paper)


def test_a_single_receipt_is_locked_too(giving: World) -> None:
    """In some countries it is the one tax document there is."""
    giving.give(50_00)
    receipts.link_for((giving.donor_id(),), giving.gifts()[0].gift_id)
    [kept] = versions("receipts/")

    assert lock(kept) == ("GOVERNANCE", datetime(2034, 1, 1, tzinfo=UTC))
    assert not deleted(kept)


def test_a_donor_s_copy_of_their_data_is_not_locked(giving: World) -> None:
    """It must be gone after a day: a lock would keep everything that is held of a person for years."""
    giving.give(50_00)
    export.link_for(giving.donor_id())
    [copy] = versions("exports/")

    assert lock(copy) is None
    assert deleted(copy)


def test_an_erasure_takes_the_copies_away_and_nothing_else(giving: World) -> None:
    """Every version and mark of them, at once; another donor's copy and what was issued stay. Twice is harmless."""
    giving.give(50_00, email="bob@example.org")
    giving.give(50_00)
    ann, bob = giving.donor_id(), giving.donor_id("bob@example.org")
    register.issue(ann, "us", 2026)
    for donor_id in (ann, ann, bob):
        export.link_for(donor_id)
    first = versions(f"exports/{ann}/")[0]["Key"]
    aws.s3().put_object(Bucket=bucket(), Key=first, Body=b"a version above it")
    aws.s3().delete_object(Bucket=bucket(), Key=first)
    others = {each["Key"] for each in versions() if not each["Key"].startswith(f"exports/{ann}/")}
    assert len(versions(f"exports/{ann}/")) == 3
    for _ in range(2):
        erasure.erase(erasure.EraseAsked(ann))

    assert {each["Key"].split("/")[0] for each in versions()} == {"statements", "exports"}
    assert {each["Key"] for each in versions()} == others
    assert "DeleteMarkers" not in aws.s3().list_object_versions(Bucket=bucket(), MaxKeys=100)


def test_more_than_one_try_may_take_away_is_left_to_the_next(giving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what S3 keeps is told, not passed over."""
    monkeypatch.setattr(documents, "VERSIONS", 1)
    for number in range(documents.LISTS + 1):
        documents.keep(f"exports/x/{number}.zip", b"zip", "x.zip", documents.ZIP)
    with pytest.raises(OverflowError, match="more than"):
        documents.delete_all("exports/x/")
    documents.delete_all("exports/x/")
    assert aws.s3().list_object_versions(Bucket=bucket(), Prefix="exports/").get("Versions") is None

    documents.keep("statements/x.pdf", b"locked", "x.pdf", locked_until=date(2033, 12, 31))
    with pytest.raises(OverflowError, match="S3 keeps 1"):
        documents.delete_all("statements/")


@pytest.mark.parametrize(("currency", "entity", "tax_year"), [("usd", "us", 2026), ("gbp", "uk", 2025), ("gbp", "uk", 2026)])
def test_who_is_erased_is_told_of_every_lock(giving: World, currency: str, entity: str, tax_year: int) -> None:
    """No document of theirs is locked for longer than the day that the last mail names."""
    giving.advance(days=40 if (entity, tax_year) == ("uk", 2026) else 0)
    giving.give(50_00, currency)
    donor_id = giving.donor_id()
    receipts.link_for((donor_id,), giving.gifts()[0].gift_id)
    register.issue(donor_id, entity, tax_year)
    erasure.erase(erasure.EraseAsked(donor_id))
    tombstone = donors.profile(donor_id)
    assert tombstone
    assert tombstone.kept_until
    locks = [lock(each) for each in versions()]

    assert [until.date() for _, until in filter(None, locks)] == [date(tombstone.kept_until.year + 1, 1, 1)] * 2
    assert f"{tombstone.kept_until:%-d %B %Y}" in " ".join(giving.mails("forgotten")[0].text.split())


def test_what_is_drawn_up_when_its_years_are_over_is_kept_unlocked(giving: World) -> None:
    """S3 refuses a lock that has ended before it begins; that must not cost the donor the document."""
    assert clock.now().year == 2026
    documents.keep("statements/x.pdf", b"late", "x.pdf", locked_until=date(2025, 12, 31))
    documents.keep("statements/y.pdf", b"in time", "y.pdf", locked_until=date(2026, 12, 31))

    assert [bool(lock(each)) for each in versions()] == [False, True]
