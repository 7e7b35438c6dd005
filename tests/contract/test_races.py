"""
Many at once, in threads, let go together: of each decision there is one.

DynamoDB Local takes its calls side by side; moto stands behind one lock, and
keeps that lock honest here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import items, keys
from chalicelib.clock import epoch_seconds
from chalicelib.errors import MailHeld, NotSignedIn
from chalicelib.giving import donors, ledger
from chalicelib.giving.donors import Donor
from chalicelib.guard.counters import InDynamoDB
from chalicelib.http import Caller
from chalicelib.mail import outbox
from chalicelib.partners import store
from chalicelib.portal import sessions, sign_in
from tests.contract import made
from tests.contract.conftest import Asked
from tests.giving_world import ANN

MANY = 8
AtOnce = Callable[..., list[Any]]
KEY = {"pk": "GIFT#1", "sk": "POINTER"}
CODE = {"link": "http://127.0.0.1:8000/x", "code": "1234 5678"}


def won(act: Callable[[], Any], *refusals: type[Exception]) -> bool:
    """Whether `act` went through rather than being refused."""
    try:
        act()
    except refusals:
        return False
    return True


def test_of_many_who_put_where_nothing_stood_one_wins(at_once: AtOnce) -> None:
    """And it is the winner's item that stands, whole."""
    put = lambda who: won(lambda: items.put(items.giving(), {**KEY, "who": who}, items.ABSENT), items.ConditionFailed)

    wins = at_once(MANY, put)

    assert sum(wins) == 1
    assert items.get(items.giving(), KEY) == {**KEY, "who": wins.index(True)}


def test_the_losers_are_told_what_the_winner_wrote(at_once: AtOnce) -> None:
    """Not an older item, and not none."""

    def put(who: int) -> Any:
        try:
            items.put(items.giving(), {**KEY, "who": who}, items.ABSENT)
        except items.ConditionFailed as lost:
            return lost.item
        return items.get(items.giving(), KEY)

    assert at_once(MANY, put) == [items.get(items.giving(), KEY)] * MANY


def test_of_eight_presses_of_one_link_one_signs_in(asked: Asked, at_once: AtOnce) -> None:
    """A conditional delete decides; the other seven are refused like anybody."""
    presses = at_once(MANY, lambda _: won(lambda: sign_in.by_token(asked.token, asked.asking), NotSignedIn))

    assert sum(presses) == 1
    assert items.get(items.passing(), asked.key) is None


def test_no_more_codes_can_be_tried_at_once_than_one_after_the_other(asked: Asked, at_once: AtOnce) -> None:
    """Each try is counted before its code is compared."""
    wrong = "00000000" if asked.code != "0000 0000" else "11111111"

    assert at_once(MANY, lambda _: won(lambda: sign_in.by_code(ANN, wrong), NotSignedIn)) == [False] * MANY
    found = items.get(items.passing(), asked.key)
    assert found
    assert found["tries"] == sign_in.CODE_TRIES


def test_one_payment_told_by_many_workers_is_new_to_one_of_them(at_once: AtOnce) -> None:
    """Nobody is refused and nothing is written twice: the transaction decides, and the others agree."""
    told = at_once(MANY, lambda _: len(ledger.record("d1", [made.payment(1)])))

    assert sorted(told) == [0] * (MANY - 1) + [1]
    assert [gift.kept.minor for gift in ledger.page("d1")[0]] == [50_00]


def test_a_gift_s_facts_from_many_workers_are_one_set(at_once: AtOnce) -> None:
    """Payment, refunds, each told by several, in whatever order they arrive."""
    paid = made.payment(1)
    facts = [paid, *(made.refund(paid, f"re_{each}", 1_00) for each in range(3))]

    told = at_once(MANY, lambda who: len(ledger.record("d1", facts[who % 4 :] + facts[: who % 4])))

    assert sum(told) == len(facts)
    assert [gift.kept.minor for gift in ledger.page("d1")[0]] == [47_00]


def test_many_gifts_of_one_donor_at_once_are_all_written(at_once: AtOnce) -> None:
    """Transactions that share a donor but no item do not keep each other out for good."""
    told = at_once(MANY, lambda who: len(ledger.record("d1", [made.payment(who, at=made.FIRST)])))

    assert told == [1] * MANY
    assert len(ledger.page("d1")[0]) == MANY


def test_two_charges_for_one_gift_id_are_both_kept(at_once: AtOnce) -> None:
    """Somebody paid twice. Both payments are true, and one of the gifts gets an id of its own."""
    same = "one-gift-id-of-22-characters"

    told = at_once(2, lambda who: len(ledger.record("d1", [made.payment(who, gift_id=same)])))

    gifts = ledger.page("d1")[0]
    assert (told, len({gift.gift_id for gift in gifts}), [gift.gift_id for gift in gifts].count(same)) == ([1, 1], 2, 1)


def test_one_new_donor_met_by_many_workers_is_made_once(at_once: AtOnce) -> None:
    """By address and customer together; a second donor would split a tax statement."""
    payer = Donor("", "ann@example.org", "Ann", customer_id="cus_1")

    assert len(set(at_once(MANY, lambda _: donors.found_or_made(payer)))) == 1


def test_one_address_with_two_customers_is_one_donor(at_once: AtOnce) -> None:
    """Two tabs, two payments: the address decides, and both customers lead to the donor."""
    payers = [Donor("", "ann@example.org", "Ann", customer_id=f"cus_{who}") for who in range(4)]

    found = at_once(4, lambda who: donors.found_or_made(payers[who]))

    assert len({*found, *(donors.found_or_made(payer) for payer in payers)}) == 1


def test_of_many_who_saw_one_version_one_replaces_it(at_once: AtOnce) -> None:
    """Nobody's older answer from Stripe can cover a newer one."""
    store.replace(made.partnership(), 0)

    kept = at_once(MANY, lambda who: store.replace(made.partnership(minor=30_00 + who), 1))

    found = store.one("d1", "sub_1")
    assert found
    assert (sum(kept), found.amount.minor, store.seen("sub_1").version) == (1, 30_00 + kept.index(True), 2)


def test_one_mail_that_many_workers_are_told_to_send_goes_out_once(noon: object, at_once: AtOnce, mailbox: Any) -> None:
    """The lease decides; the others come back later and find it sent."""
    send = lambda _: won(lambda: outbox.send_once("sign_in", "request-1", "ann@example.org", CODE), MailHeld)

    at_once(MANY, send)

    assert len(mailbox()) == 1
    assert won(lambda: send(0), MailHeld)
    assert len(mailbox()) == 1


def test_a_run_out_lease_has_one_heir(noon: object, at_once: AtOnce, mailbox: Any, clock_at: Any) -> None:
    """A worker died while it sent. One other takes over and marks its mail as a possible second one."""
    key = keys.passing("MAIL", "sign_in#request-1")
    items.put(items.passing(), key | {"sent_at": "", "lease_until": "2026-03-10T11:00:00Z", "tries": 1, "expires_at": 2**31})

    at_once(MANY, lambda _: won(lambda: outbox.send_once("sign_in", "request-1", "ann@example.org", CODE), MailHeld))

    [mail] = mailbox()
    assert mail.headers["X-Possible-Duplicate"] == "yes"


def test_every_count_counts(noon: object, at_once: AtOnce) -> None:
    """Eight at once are eight, and each was told another number: a limit has one who is the first over it."""
    counted = at_once(MANY, lambda _: [InDynamoDB().add("x", epoch_seconds() + 60).times for _ in range(5)])

    assert sorted(times for one in counted for times in one) == list(range(1, 5 * MANY + 1))


@pytest.mark.parametrize("most", [3, 20])
def test_no_more_join_than_may(noon: object, at_once: AtOnce, most: int) -> None:
    """A set with a limit stays within it, whoever comes at once; each member is new to one of those who bring it."""
    until = epoch_seconds() + 60

    joined = at_once(MANY, lambda who: InDynamoDB().join("x", f"m{who // 2}", until, most)[1])

    members = InDynamoDB().read(["x"])["x"].members
    assert sum(joined) == len(members) == min(most, MANY // 2)


def test_of_many_who_keep_first_all_are_told_the_same(noon: object, at_once: AtOnce) -> None:
    """A gift's contents are settled once."""
    until = epoch_seconds() + 60

    told = at_once(MANY, lambda who: InDynamoDB().keep_first("gift#1", {"contents": f"c{who}"}, until).known["contents"])

    assert len(set(told)) == 1


def test_a_session_ended_while_it_is_used_stays_ended(noon: Any, at_once: AtOnce, clock_at: Any) -> None:
    """Signing out in one tab while another one loads: the touch of the other must not bring it back."""
    items.put(items.giving(), keys.donor("d1") | {"donor_id": "d1"})
    line = sessions.begin("d1", Caller("127.0.0.1", "", {}))
    caller = Caller("127.0.0.1", "", {sessions.COOKIE: line.split(";")[0].split("=", 1)[1]})
    clock_at(noon.replace(minute=10))

    at_once(MANY, lambda who: sessions.end(caller) if who == 3 else won(lambda: sessions.donor(caller), NotSignedIn))

    with pytest.raises(NotSignedIn):
        sessions.donor(caller)
