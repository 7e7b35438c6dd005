"""
Ends: the time to live that nobody believes, leases, idle sessions, counters and their sets.

DynamoDB deletes what has run out some day, within two days as a rule. Until
then it is read like anything else, and after that it is gone: both must come
to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib import aws, items, keys, settings
from chalicelib.clock import epoch_seconds
from chalicelib.errors import MailHeld, NotSignedIn
from chalicelib.guard.counters import READS, InDynamoDB
from chalicelib.http import Caller
from chalicelib.mail import outbox
from chalicelib.portal import sessions, sign_in
from local.cloud import description
from tests.contract import mishaps
from tests.contract.conftest import Asked
from tests.giving_world import ANN

CODE = {"link": "http://127.0.0.1:8000/x", "code": "1234 5678"}
MINUTE = 60
Later = Callable[..., None]


@pytest.fixture
def later(noon: datetime, clock_at: Callable[[datetime], None]) -> Later:
    """`later(minutes=31)` after noon."""
    return lambda **by: clock_at(noon + timedelta(**by))


@pytest.fixture(params=["still there", "deleted"])
def ran_out(request: pytest.FixtureRequest, noon: datetime) -> Callable[[keys.Key], None]:
    """What DynamoDB has or has not done yet with an item whose time to live has come."""

    def run_out(key: keys.Key) -> None:
        if request.param == "deleted":
            items.delete(items.passing(), key)

    return run_out


def test_what_is_short_lived_names_its_end_as_the_table_does() -> None:
    """Otherwise DynamoDB deletes nothing, and sessions pile up for good."""
    assert description()["Resources"]["Passing"]["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at", "Enabled": True,
    }  # fmt: skip
    for kept in ("Giving", "Signups"):
        assert "TimeToLiveSpecification" not in description()["Resources"][kept]["Properties"]


def test_a_table_takes_its_keys_from_the_description(noon: datetime) -> None:
    """Both stand-ins read the one description that production is made from."""
    for name, table in (("Giving", items.giving()), ("Signups", items.signups()), ("Passing", items.passing())):
        properties = description()["Resources"][name]["Properties"]
        made = aws.dynamodb().describe_table(TableName=table)["Table"]
        assert made["KeySchema"] == properties["KeySchema"]
        assert made["BillingModeSummary"]["BillingMode"] == properties["BillingMode"]
        assert made.get("DeletionProtectionEnabled", False) == properties.get("DeletionProtectionEnabled", False)


def test_an_end_that_has_come_counts_as_absence(later: Later, ran_out: Any) -> None:
    """A gift's contents may be settled anew when the old word has run out, deleted or not."""
    first = InDynamoDB().keep_first("gift#1", {"contents": "a"}, epoch_seconds() + MINUTE)
    later(seconds=MINUTE)
    ran_out(keys.passing("COUNT", "gift#1"))

    assert InDynamoDB().read(["gift#1"]) == {}
    again = InDynamoDB().keep_first("gift#1", {"contents": "b"}, epoch_seconds() + MINUTE)
    assert (first.known, again.known) == ({"contents": "a"}, {"contents": "b"})


def test_an_end_that_has_not_come_stands(later: Later) -> None:
    """To the second."""
    InDynamoDB().keep_first("gift#1", {"contents": "a"}, epoch_seconds() + MINUTE)
    later(seconds=MINUTE - 1)

    assert InDynamoDB().keep_first("gift#1", {"contents": "b"}, epoch_seconds() + MINUTE).known == {"contents": "a"}


def test_an_idle_session_is_over_whether_or_not_it_is_still_there(later: Later, ran_out: Any) -> None:
    """And a request that comes then does not wake it."""
    items.put(items.giving(), keys.donor("d1") | {"donor_id": "d1"})
    line = sessions.begin("d1", Caller("127.0.0.1", "", {}))
    token = line.split(";")[0].split("=", 1)[1]
    caller = Caller("127.0.0.1", "", {sessions.COOKIE: token})
    later(minutes=29)
    assert sessions.donor(caller) == "d1"

    later(minutes=29 + 30)
    ran_out(sessions._key(token))

    with pytest.raises(NotSignedIn):
        sessions.donor(caller)
    with pytest.raises(NotSignedIn):
        sessions.donor(caller)


def test_a_link_that_has_run_out_signs_nobody_in(asked: Asked, later: Later, ran_out: Any) -> None:
    """The end is part of the condition of the delete, and of the count of tries."""
    later(minutes=10)
    ran_out(asked.key)

    for enter in (lambda: sign_in.by_token(asked.token, asked.asking), lambda: sign_in.by_code(ANN, asked.code)):
        with pytest.raises(NotSignedIn):
            enter()


def test_a_link_signs_in_until_its_last_second(asked: Asked, later: Later) -> None:
    """So that what the test above refuses is refused for its end alone."""
    later(minutes=10, seconds=-1)

    assert sign_in.by_token(asked.token, asked.asking).donor_id


@pytest.mark.parametrize("donor_id", ["", "d1"])
def test_a_lease_is_held_then_inherited_then_closed(later: Later, donor_id: str, mailbox: Any) -> None:
    """In either table: by its own moment, not by the time to live."""
    send = lambda: outbox.send_once("sign_in", "request-1", "ann@example.org", CODE, donor_id=donor_id)
    table, key = outbox._place("sign_in", "request-1", donor_id)
    assert outbox._claim(table, key)
    with pytest.raises(MailHeld):
        send()

    later(seconds=91)
    send()
    later(days=1)
    send()

    assert [mail.headers.get("X-Possible-Duplicate") for mail in mailbox()] == ["yes"]
    assert outbox.was_sent("sign_in", "request-1", donor_id=donor_id)


def test_a_refused_second_try_leaves_its_mark(later: Later) -> None:
    """The first try may have sent a mail; that the second was refused does not undo it."""
    table, key = outbox._place("sign_in", "request-1", "")
    outbox._claim(table, key)
    later(seconds=91)
    second = outbox._claim(table, key)
    assert second
    outbox._release(table, key, second)
    later(seconds=92)

    third = outbox._claim(table, key)
    assert third
    assert (second["tries"], third["tries"]) == (2, 2)


def test_whose_lease_has_passed_to_another_releases_nothing(later: Later) -> None:
    """A slow worker comes back after its lease was inherited: the heir's stands."""
    table, key = outbox._place("sign_in", "request-1", "")
    slow = outbox._claim(table, key)
    later(seconds=91)
    heir = outbox._claim(table, key)
    assert slow
    assert heir

    outbox._release(table, key, slow)

    assert items.get(table, key) == heir


def test_a_set_knows_its_members_and_its_size(noon: datetime) -> None:
    """Whole names, not parts of names; a member brought twice is one, and a full set takes no more."""
    store, until = InDynamoDB(), epoch_seconds() + MINUTE

    joined = [store.join("card#1", member, until, 2) for member in ("ch_12", "ch_1", "ch_12", "ch_3")]

    assert [is_new for _, is_new in joined] == [True, True, False, False]
    assert [set(tally.members) for tally, _ in joined] == [{"ch_12"}, {"ch_12", "ch_1"}, {"ch_12", "ch_1"}, {"ch_12", "ch_1"}]


def test_a_name_may_hold_a_count_and_a_set(noon: datetime) -> None:
    """Payments are counted and failing sources are named under one bucket."""
    store, until = InDynamoDB(), epoch_seconds() + MINUTE
    store.add("outcomes#1", until)
    store.join("outcomes#1", "ip-1", until, 300)
    store.add("outcomes#1", until + 5)

    found = store.read(["outcomes#1"])["outcomes#1"]

    assert (found.times, set(found.members), found.expires_at) == (2, {"ip-1"}, until + 5)


def test_as_many_names_as_may_be_are_read_in_one_call(noon: datetime) -> None:
    """Those that stand, whatever their order; the others are left out."""
    names = [f"n{number}" for number in range(READS)]
    for name in names[::10]:
        InDynamoDB().add(name, epoch_seconds() + MINUTE)

    assert {name: tally.times for name, tally in InDynamoDB().read(names).items()} == dict.fromkeys(names[::10], 1)


def test_no_read_of_ours_may_be_an_old_one(noon: datetime) -> None:
    """Every read is consistent and every query has a limit: seen on the wire, whatever the helper's docstring says."""
    with mishaps.overheard() as calls:
        items.get(items.giving(), {"pk": "a", "sk": "b"})
        list(items.query_all(items.giving(), "a", prefix="FACT#"))
        InDynamoDB().read(["a"])

    assert [name for name, _ in calls] == ["GetItem", "Query", "BatchGetItem"]
    asked = [calls[0][1], calls[1][1], calls[2][1]["RequestItems"][settings.current().passing_table]]
    assert [each["ConsistentRead"] for each in asked] == [True, True, True]
    assert calls[1][1]["Limit"] > 0
