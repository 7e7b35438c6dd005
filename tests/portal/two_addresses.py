"""What Ann does who gave under two addresses, for the tests of joining them and of taking them apart."""

from __future__ import annotations

import pytest

from chalicelib import settings
from chalicelib.giving import donors
from chalicelib.statements import shelf
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal import test_email_change

OLD, BOB = "ann@work.example", "bob@example.org"
ASKED, JOINED = "Is this giving yours", "was joined"
DECLARED = {"first_name": "Ann", "last_name": "Lee", "house": "1", "postcode": "SW1A 1AA", "scope": "future", "taxpayer": "yes"}


def gave_twice(giving: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """She gave once as Ann and once from work, and is signed in as Ann. The guard counts elsewhere."""
    monkeypatch.setenv("GUARD", "wide")
    settings.current.cache_clear()
    giving.give(50_00)
    giving.give(30_00, email=OLD)
    site.sign_in(giving, ANN)
    return site


def ask(giving: World, site: Site, email: str = OLD) -> Answered:
    answer = site.post("/portal/other-address", {"other_email": email})
    giving.work()
    return answer


def proof(giving: World) -> dict[str, str]:
    return test_email_change.proof(giving, subject=ASKED)


def code(giving: World) -> str:
    return mailed.code(giving.mails(ASKED)[-1].text)


def join(giving: World, site: Site, email: str = OLD) -> Answered:
    assert ask(giving, site, email).status == 202
    answer = site.post("/portal/other-address/confirm", proof(giving))
    giving.work()
    return answer


def undo(giving: World) -> Answered:
    token = mailed.token(giving.mails(JOINED)[-1].text)
    answer = Site().post("/portal/email/undo", {"token": token})
    giving.work()
    return answer


def amounts(site: Site) -> list[int]:
    return sorted(each["amount"] for each in site.get("/portal/gifts").json["gifts"])


def told_in(records: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """The newest statement of each series: whose, how many gifts, how much."""
    found = [(record, issued) for record in records for issued in shelf.issued(record).values()]
    return [(record, issued[0].gifts, issued[0].totals["usd"]) for record, issued in found]


def erased(record: str) -> bool:
    """Whether a tombstone is all that stands, and leads nowhere."""
    left = donors.profile(record)
    assert left
    return bool(left.erased_at) and (left.email, left.farewell, left.joined, left.joined_to) == ("", "", (), "")
