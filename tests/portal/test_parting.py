"""What was joined and is taken apart, whoever asks, wherever the power goes out, whatever else happens just then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import pytest

from chalicelib import aws, items, keys, tokens
from chalicelib.errors import Conflict, ProcessorUnsure
from chalicelib.gift_aid import store as gift_aid
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.http import Caller
from chalicelib.mail import errands, outbox
from chalicelib.portal import address_proof, erasure, joining, parting, sessions
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal import test_email_change
from tests.portal.test_email_change import change, undo_token, until_the_power_goes, waiting
from tests.portal.two_addresses import (
    BOB,
    DECLARED,
    JOINED,
    OLD,
    amounts,
    ask,
    erased,
    gave_twice,
    join,
    proof,
    told_in,
    undo,
)
from tests.processor.power import PowerCut, cut

EVIL, ADDED = "evil@example.net", "More giving"


@pytest.fixture
def ann(giving: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Ann gave once as Ann and once from work; she is signed in as Ann. The guard counts elsewhere."""
    return gave_twice(giving, site, monkeypatch)


@pytest.fixture
def work(giving: World, ann: Site) -> Site:
    """A browser in which the record of her work's address is signed in to by itself."""
    signed_in = Site()
    signed_in.sign_in(giving, OLD)
    return signed_in


@contextmanager
def just_before(operation: str, happens: Callable[[], object], whose: str = "") -> Iterator[None]:
    """Something else is done by somebody just before the next such call to the tables, of this record if one is named."""
    name, events = f"before-parameter-build.dynamodb.{operation}", aws.dynamodb().meta.events

    def meet(params: Any, **_: Any) -> None:
        if whose in str(params):
            events.unregister(name, unique_id="meeting")
            happens()

    events.register(name, meet, unique_id="meeting")
    try:
        yield
    finally:
        events.unregister(name, unique_id="meeting")


@contextmanager
def dying_once_queued() -> Iterator[None]:
    """The page dies just after it has queued what it was about to do."""
    events = aws.sqs().meta.events

    def die(**_: Any) -> None:
        raise PowerCut

    events.register("after-call.sqs.SendMessage", die, unique_id="dying")
    try:
        with suppress(PowerCut):
            yield
    finally:
        events.unregister("after-call.sqs.SendMessage", unique_id="dying")


def undone_by(token: str) -> Answered:
    return Site().post("/portal/email/undo", {"token": token})


def join_token(giving: World, nth: int = -1) -> str:
    return mailed.token(giving.mails(JOINED)[nth].text)


def link(giving: World, site: Site, email: str) -> str:
    """The link of a sign-in that this browser asks for, and nobody has used yet."""
    site.post("/portal/sign-in", {"email": email})
    giving.work()
    return mailed.token(giving.mails("Sign in")[-1].text)


def joined_to(email: str) -> str:
    record = donors.profile(donors.id_by_email(email) or "")
    assert record
    return record.joined_to


def test_a_link_signs_in_only_while_the_donor_is_reached_where_it_was_mailed(giving: World, ann: Site) -> None:
    """Also one asked for with a joined address: neither the old mailbox nor, after an undo, the thief's opens anything."""
    join(giving, ann)
    early, thief = Site(), Site()
    waits = link(giving, early, OLD)
    change(giving, ann, EVIL)
    assert early.post("/portal/session", {"token": waits}).status == 401

    back = undo_token(giving)
    kept = link(giving, thief, OLD)
    assert giving.mails("Sign in")[-1].to == EVIL
    assert Site().post("/portal/email/undo", {"token": back}).status == 200
    giving.work()
    assert donors.records(giving.donor_id(OLD)) == (giving.donor_id(ANN), giving.donor_id(OLD)), "joined before the change"
    assert thief.post("/portal/session", {"token": kept}).status == 401


def test_a_link_that_opens_nothing_any_more_holds_nobody_up(giving: World, ann: Site) -> None:
    """A thief's own browser waits with the owner's address; after the undo the owner's new one is mailed at once."""
    change(giving, ann, EVIL)
    back = undo_token(giving)
    link(giving, ann, ANN)
    assert giving.mails("Sign in")[-1].to == EVIL
    Site().post("/portal/email/undo", {"token": back})
    giving.work()

    owner = Site()
    token = link(giving, owner, ANN)
    assert giving.mails("Sign in")[-1].to == ANN
    assert owner.post("/portal/session", {"token": token}).status == 201


def test_an_undo_that_meets_a_join_takes_it_apart_too(giving: World, ann: Site, work: Site) -> None:
    """The page did not know of it: the owner has an answer, and the thief's sessions and declarations end."""
    change(giving, work, EVIL)
    back = undo_token(giving)
    ask(giving, ann, EVIL)
    proven = proof(giving)
    with just_before("TransactWriteItems", lambda: ann.post("/portal/other-address/confirm", proven)):
        assert undone_by(back).status == 200
    giving.work()

    assert joined_to(OLD) == ""
    assert ann.get("/portal/gifts").status == 401


def test_an_undo_of_which_only_the_errand_is_left_ends_a_join_since(giving: World, ann: Site, work: Site) -> None:
    """The page died after queueing; the thief joined, declared and downloaded; then the worker comes."""
    change(giving, work, EVIL)
    back = undo_token(giving)
    with dying_once_queued():
        undone_by(back)
    letters = waiting()
    assert join(giving, ann, EVIL).status == 200
    assert ann.post("/portal/gift-aid", DECLARED).json["declared"]
    assert ann.get("/portal/statements/2026").status == 303
    for letter in letters:
        errands.run(letter)
    giving.work()

    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    assert joined_to(OLD) == ""
    assert ann.get("/portal/gifts").status == 401
    assert gift_aid.standing((other,)) == []
    assert told_in((main, other)) == [(main, 1, 50_00)]


def pair(number: int) -> tuple[str, str, str]:
    """Two records of which one is joined to the other, signed in to and declared for; ids, and the change to undo."""
    records = made(f"a{number}@example.org"), made(f"b{number}@example.org")
    change_id = link_proven(*records, number)
    sessions.begin(records[0], Caller("", "", {}), joined=records[1:])
    gift_aid.declare(records, msgspec.convert(DECLARED, gift_aid.DeclarationRequest), "")
    return (*records, change_id)


def made(email: str) -> str:
    return donors.found_or_made(Donor("", email))


def link_proven(main: str, other: str, number: int) -> str:
    """Join a record to another, its address being proven. Raises what joining does; the id of the change."""
    record, change_id = donors.profile(other), f"{number:032x}"
    assert record
    proven = {"change_id": change_id, "email": record.email, "proven": True}
    items.put(items.passing(), address_proof.key(main) | proven)
    joining.make(main, change_id)
    return change_id


def do_all(letters: list[str]) -> None:
    """These errands, and those that they ask for."""
    while letters:
        for letter in letters:
            errands.run(letter)
        letters = waiting()


def parted(main: str, other: str) -> bool:
    """Whether nothing of the one is left in the other: no link, no session, no declaration."""
    standing = donors.records(main) + donors.records(other)
    return (standing, sessions.of_donor(main), gift_aid.standing((other,))) == ((main, other), {}, [])


def test_wherever_the_power_goes_out_an_undo_is_whole(giving: World) -> None:
    """Page and worker die after every write in turn; then the queue comes again, and nothing joined is left."""
    number, survived = 0, False
    while not survived:
        number += 1
        main, other, change_id = pair(number)
        token = {"token": tokens.sign("undo_email", change_id)}
        survived, letters = until_the_power_goes(Site(), number, "/portal/email/undo", token)
        giving.time.travel_to(giving.time.now() + outbox.LEASE)
        do_all(letters + waiting())

        assert parted(main, other), number
        assert f"b{number}@example.org" in {mail.to for mail in giving.mails("stands by itself")}, number
    assert number > 8


def test_wherever_the_power_goes_out_who_is_forgotten_alone_is_out_of_the_other_s(giving: World) -> None:
    """The erasure dies after every write in turn and comes again: no session and no declaration of the other's is left."""
    number, survived = 0, False
    while not survived:
        number += 1
        main, other, _ = pair(number)
        with cut(number) as made, suppress(PowerCut):
            erasure.erase(erasure.EraseAsked(other))
        survived = len(made) < number
        giving.time.travel_to(giving.time.now() + outbox.LEASE)
        erasure.erase(erasure.EraseAsked(other))
        do_all(waiting())

        assert erased(other), number
        assert parted(main, other), number
        assert not donors.is_erased(main)
    assert number > 15


def test_who_is_joined_anew_while_being_forgotten_is_out_of_the_other_s_too(giving: World, ann: Site) -> None:
    """Else the main record would go on showing the gifts of somebody who is forgotten."""
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)

    def join_anew() -> None:
        items.update(items.giving(), keys.donor(main), "SET joined = :all", {":all": [other]})
        items.update(items.giving(), keys.donor(other), "SET joined_to = :main", {":main": main})

    with just_before("Query", join_anew):
        erasure.erase(erasure.EraseAsked(other))

    assert erased(other)
    assert parted(main, other)


def test_who_is_forgotten_alone_is_told_of_in_no_statement_of_the_other_s(giving: World, ann: Site) -> None:
    """The main one's is replaced, in a closed year too."""
    giving.advance(days=310)
    ann.sign_in(giving, ANN)
    join(giving, ann)
    assert ann.get("/portal/statements/2026").status == 303
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    assert told_in((main,))[0][1] == 2
    erasure.erase(erasure.EraseAsked(other))
    giving.work()

    assert told_in((main,)) == [(main, 1, 50_00)]


def test_an_errand_that_comes_late_leaves_a_newer_join_alone(giving: World) -> None:
    """It was asked for about the join before."""
    main, other, change_id = pair(1)
    record = donors.profile(other)
    assert record
    parting.part(record)
    do_all(waiting())
    giving.time.travel_to(giving.time.now() + outbox.LEASE)
    link_proven(main, other, 2)
    gift_aid.declare((main, other), msgspec.convert(DECLARED, gift_aid.DeclarationRequest), "")

    parting.finish(parting.GivingParted(other, main, change_id))
    assert donors.records(other) == (main, other)
    assert gift_aid.standing((other,))


def test_nothing_is_joined_to_a_record_that_is_joined_itself(giving: World) -> None:
    """Whoever that would be: no sign-in, no statement and no erasure looks further than one link."""
    main, other, _ = pair(1)
    third = made("c@example.org")

    with pytest.raises(Conflict):
        link_proven(other, third, 2)
    assert (donors.records(third), donors.records(main)) == ((third,), (main, other))


def test_what_a_record_asked_for_before_it_was_joined_is_over(giving: World, ann: Site, work: Site) -> None:
    """Proven, and the page died: no chain is made of it later, and no address changed."""
    giving.give(10_00, email=BOB)
    ask(giving, work, BOB)
    with dying_once_queued():
        work.post("/portal/other-address/confirm", proof(giving))
    letters = waiting()
    assert join(giving, ann).status == 200
    for letter in letters:
        errands.run(letter)
    giving.work()
    assert (joined_to(BOB), joined_to(OLD)) == ("", giving.donor_id(ANN))
    assert join(giving, ann, BOB).json["addresses"] == [OLD, BOB]


def test_an_address_that_was_proven_before_the_join_is_not_taken_after_it(giving: World, ann: Site, work: Site) -> None:
    """The address of a joined record stays as it is, and its undo with it."""
    work.post("/portal/email", {"new_email": "c@example.org"})
    giving.work()
    with dying_once_queued():
        work.post("/portal/email/confirm", test_email_change.proof(giving))
    letters = waiting()
    assert join(giving, ann).status == 200
    for letter in letters:
        errands.run(letter)
    giving.work()

    assert donors.id_by_email("c@example.org") is None
    assert undo(giving).status == 200
    assert joined_to(OLD) == ""


def test_the_donor_s_own_address_is_told_and_can_take_it_out(giving: World, ann: Site) -> None:
    """Somebody at an unlocked browser joined their own: whoever reads Ann's mail signs in and presses a button."""
    giving.give(6_00, email=BOB)
    join(giving, ann)
    join(giving, ann, BOB)
    told = giving.mails(ADDED)
    assert [(mail.to, each in mail.text, each in mail.html) for mail, each in zip(told, (OLD, BOB), strict=True)] == [(ANN, True, True)] * 2

    assert ann.get("/portal/other-address", "text/html").text.count("Take it out again") == 2
    answer = ann.form("/portal/other-address/take-out", {"other_email": BOB})
    giving.work()
    assert (answer.status, answer.headers["location"]) == (303, "/portal")
    assert ann.get("/portal/gifts").status == 401
    ann.sign_in(giving, ANN)
    assert amounts(ann) == [30_00, 50_00]
    assert ann.post("/portal/other-address/take-out", {"other_email": BOB}).status == 404
    giving.advance(minutes=11)
    assert ann.post("/portal/other-address/take-out", {"other_email": OLD}).json["error"]["code"] == "sign_in_again"
    assert joined_to(OLD) == giving.donor_id(ANN)


def test_undoing_a_change_takes_out_what_was_joined_since(giving: World, ann: Site) -> None:
    """By whoever had the address then. What was joined before it stays."""
    giving.give(6_00, email=BOB)
    join(giving, ann)
    change(giving, ann, EVIL)
    back = undo_token(giving)
    assert join(giving, ann, BOB).status == 200
    assert undone_by(back).status == 200
    giving.work()

    assert (joined_to(BOB), joined_to(OLD)) == ("", giving.donor_id(ANN))
    bob = Site()
    bob.sign_in(giving, BOB)
    assert (giving.mails("Sign in")[-1].to, amounts(bob)) == (BOB, [6_00])


def test_tax_does_not_wait_for_stripe(giving: World, ann: Site) -> None:
    """While Stripe is down declarations end and statements are replaced all the same."""
    join(giving, ann)
    ann.post("/portal/gift-aid", DECLARED)
    assert ann.get("/portal/statements/2026").status == 303
    assert undone_by(join_token(giving)).status == 200
    giving.standin.fail(status=503, path="/v1/customers", times=20)
    for letter in waiting():
        with suppress(ProcessorUnsure):
            errands.run(letter)
    for letter in waiting():
        errands.run(letter)

    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    assert gift_aid.standing((other,)) == []
    assert told_in((main, other)) == [(main, 1, 50_00)]


def test_nor_does_the_statement_after_a_join(giving: World, ann: Site) -> None:
    """The closed year's is replaced, and both are told, while Stripe is down."""
    giving.advance(days=310)
    ann.sign_in(giving, ANN)
    assert ann.get("/portal/statements/2026").status == 303
    ask(giving, ann)
    assert ann.post("/portal/other-address/confirm", proof(giving)).status == 200
    giving.standin.fail(status=503, path="/v1/customers", times=20)
    for letter in waiting():
        with pytest.raises(ProcessorUnsure):
            errands.run(letter)
    for letter in waiting():
        errands.run(letter)

    assert [mail.to for mail in giving.mails(JOINED) + giving.mails(ADDED)] == [OLD, ANN]
    assert told_in((giving.donor_id(ANN),))[0][1] == 2


def test_stripe_is_told_each_record_s_own_address(giving: World, ann: Site) -> None:
    """The undo comes and tells Stripe while the join's worker is at it: what stands last is what is so."""
    giving.give(25_00, "usd", "monthly", email=OLD)
    other, monthly = giving.donor_id(OLD), giving.partnership(OLD).customer_id
    ask(giving, ann)
    assert ann.post("/portal/other-address/confirm", proof(giving)).status == 200

    def undone() -> None:
        assert undone_by(join_token(giving)).status == 200
        for letter in waiting():
            errands.run(letter)

    [letter] = waiting()
    with just_before("Query", undone, f"DONOR#{other}"):
        errands.run(letter)

    addresses = giving.standin.read(lambda world: {each["id"]: each["email"] for each in world.all("customer")})
    assert joined_to(OLD) == ""
    assert addresses[monthly] == OLD


def test_of_a_join_that_was_undone_before_nobody_is_told(giving: World, ann: Site, work: Site) -> None:
    """By an earlier link, before the worker came: there is nothing left to undo or to look at."""
    change(giving, work, "b2@example.net")
    back = undo_token(giving)
    ask(giving, ann, "b2@example.net")
    assert ann.post("/portal/other-address/confirm", proof(giving)).status == 200
    letters = waiting()
    assert undone_by(back).status == 200
    for letter in letters:
        errands.run(letter)
    giving.work()

    assert giving.mails(JOINED) + giving.mails(ADDED) == []
    assert joined_to(OLD) == ""


def test_two_undos_at_once_both_go_through(giving: World, ann: Site) -> None:
    """Two records are taken out of one at the same moment."""
    giving.give(9_00, email=BOB)
    join(giving, ann)
    join(giving, ann, BOB)
    first, second = (join_token(giving, nth) for nth in (0, 1))
    answers: list[Answered] = []
    with just_before("TransactWriteItems", lambda: answers.append(undone_by(second))):
        answers.append(undone_by(first))
    giving.work()

    assert [each.status for each in answers] == [200, 200]
    assert donors.records(giving.donor_id(ANN)) == (giving.donor_id(ANN),)
    assert (joined_to(OLD), joined_to(BOB)) == ("", "")


def test_two_joins_the_one_way_and_the_other_are_one(giving: World, ann: Site, work: Site) -> None:
    """Ann's two browsers prove at once, each the other's address: one is joined, the other has an answer."""
    ask(giving, work, ANN)
    from_work = proof(giving)
    ask(giving, ann, OLD)
    from_home = proof(giving)
    answers: list[Answered] = []
    with just_before("TransactWriteItems", lambda: answers.append(work.post("/portal/other-address/confirm", from_work))):
        answers.append(ann.post("/portal/other-address/confirm", from_home))
    giving.work()

    assert [each.status for each in answers] == [200, 409]
    assert answers[1].json["error"]["code"] == "joining_over"
    assert (joined_to(ANN), joined_to(OLD)) == (giving.donor_id(OLD), "")
