"""Giving under another address, joined to the donor's by proof: linked, seen as one, and taken apart again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from chalicelib import items, keys
from chalicelib.errors import NotFound
from chalicelib.gift_aid import store as gift_aid
from chalicelib.giving import donors
from chalicelib.giving.donors import Donor
from chalicelib.mail import errands, outbox
from chalicelib.partners import store
from chalicelib.portal import erasure, export, joining, parting, sessions
from chalicelib.statements import register, yearly
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import recorded, theirs
from tests.portal.test_email_change import change, until_the_power_goes, waiting
from tests.portal.two_addresses import (
    ASKED,
    BOB,
    DECLARED,
    JOINED,
    OLD,
    amounts,
    ask,
    code,
    erased,
    gave_twice,
    join,
    proof,
    told_in,
    undo,
)
from tests.processor.power import PowerCut, cut
from tests.statements.meanwhile import as_it_is_kept
from tests.test_cost import counted


@pytest.fixture
def ann(giving: World, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Ann gave once as Ann and once from work; she is signed in as Ann. The guard counts elsewhere."""
    return gave_twice(giving, site, monkeypatch)


@pytest.fixture
def partner(giving: World, ann: Site) -> Site:
    """From work she gives monthly, too."""
    giving.give(25_00, "usd", "monthly", email=OLD)
    return ann


def test_proven_giving_is_seen_with_ones_own(giving: World, partner: Site) -> None:
    """Gifts, sums, receipts and monthly gifts of both; nothing was moved, and the other address is told."""
    before = {email: [gift.gift_id for gift in giving.gifts(email)] for email in (ANN, OLD)}
    answer = join(giving, partner)

    assert (answer.status, answer.json["addresses"]) == (200, [OLD])
    listed = partner.get("/portal/gifts").json
    assert amounts(partner) == [25_00, 30_00, 50_00]
    assert listed["totals"] == [{"currency": "usd", "kept": 105_00}]
    assert {email: [gift.gift_id for gift in giving.gifts(email)] for email in (ANN, OLD)} == before
    assert partner.get(f"/portal/gifts/{before[OLD][0]}/receipt").status == 303
    assert len(partner.get("/portal/partnerships").json["partnerships"]) == 1
    assert "$25" in partner.get("/portal", "text/html").text
    assert len(partner.get("/portal/gifts.csv", "text/csv").text.splitlines()) == 1 + 3
    told = giving.mails(JOINED)
    assert [mail.to for mail in told] == [OLD]
    assert ANN not in told[0].text + told[0].html
    assert OLD in partner.get("/portal/other-address", "text/html").text


def test_the_answer_is_the_same_for_every_address(giving: World, ann: Site) -> None:
    """Known, unknown, one's own: only the mailbox tells, and what was asked for before ends alike."""
    answers = [ask(giving, ann, email) for email in (OLD, "nobody@example.org", ANN)]

    assert len({(answer.status, answer.text) for answer in answers}) == 1
    assert [mail.to for mail in giving.mails(ASKED)] == [OLD]
    assert ann.post("/portal/other-address/confirm", proof(giving)).status == 400
    assert donors.records(giving.donor_id()) == (giving.donor_id(),)


def test_the_code_proves_it_without_javascript(giving: World, ann: Site) -> None:
    """Two plain forms, each answered by 303, and a page that says what is joined."""
    assert ann.form("/portal/other-address", {"other_email": OLD}).headers["location"] == "/portal/other-address/confirm"
    giving.work()
    answer = ann.form("/portal/other-address/confirm", {"code": code(giving)})

    assert (answer.status, answer.headers["location"]) == (303, "/portal/other-address")
    assert OLD in ann.get("/portal/other-address", "text/html").text
    assert "not prove" in ann.form("/portal/other-address/confirm", {"code": "12345678"}).text
    assert "email address" in ann.form("/portal/other-address", {"other_email": "no"}).text


def test_only_the_donor_who_asked_can_prove_it(giving: World, ann: Site) -> None:
    """Whoever reads the mail and presses the button gives nothing away: not signed out, not as themselves."""
    ask(giving, ann)
    assert Site().post("/portal/other-address/confirm", proof(giving)).status == 401
    other = Site()
    other.sign_in(giving, OLD)
    assert other.post("/portal/other-address/confirm", proof(giving)).status == 400
    assert ann.post("/portal/email/confirm", proof(giving)).status == 400, "nor does it change an address"

    assert donors.profile(giving.donor_id(OLD)).joined_to == ""  # type: ignore[union-attr]


def test_it_asks_for_a_sign_in_of_the_last_ten_minutes(giving: World, ann: Site) -> None:
    """A browser left open is not enough."""
    giving.advance(minutes=11)

    assert ask(giving, ann).json["error"]["code"] == "sign_in_again"
    assert "Sign in again" in ann.get("/portal/other-address", "text/html").text
    assert giving.mails(ASKED) == []


def test_a_past_address_of_somebody_proves_nothing(giving: World, ann: Site) -> None:
    """It may be another person's by now. The giving is found under the address that it is signed in with."""
    bob = Site()
    giving.give(10_00, email=BOB)
    bob.sign_in(giving, BOB)
    change(giving, bob, "bob@new.example")
    ask(giving, ann, BOB)

    assert giving.mails(ASKED) == []
    ask(giving, ann, "bob@new.example")
    assert [mail.to for mail in giving.mails(ASKED)] == ["bob@new.example"]


def test_what_is_alike_is_not_joined(giving: World, ann: Site) -> None:
    """The same name, the same card, the same postal address: only proof joins."""
    for email in (ANN, OLD):
        items.update(items.giving(), keys.donor(giving.donor_id(email)), "SET phone = :p", {":p": "5550100"})
    giving.give(5_00, email=OLD)

    assert [donors.records(giving.donor_id(email)) for email in (ANN, OLD)] == [(giving.donor_id(ANN),), (giving.donor_id(OLD),)]
    assert amounts(ann) == [50_00]


def test_every_other_session_ends_and_the_old_address_leads_to_one(giving: World, ann: Site) -> None:
    """Of both records. Who asks to sign in with the old address is mailed where the donor is reached now."""
    work, second = Site(), Site()
    work.sign_in(giving, OLD)
    second.sign_in(giving, ANN)
    waits = Site()
    waits.post("/portal/sign-in", {"email": OLD})
    giving.work()
    token = mailed.token(giving.mails("Sign in")[-1].text)
    join(giving, ann)

    assert [each.get("/portal/contact").status for each in (work, second, ann)] == [401, 401, 200]
    assert waits.post("/portal/session", {"token": token}).status == 401
    again = Site()
    again.sign_in(giving, OLD)
    assert giving.mails("Sign in")[-1].to == ANN
    assert again.get("/portal/contact").json["email"] == ANN
    assert amounts(again) == [30_00, 50_00]


def test_what_comes_later_is_the_person_s(giving: World, partner: Site) -> None:
    """A gift under the old address, from habit, and the next month: seen with the rest, and mailed to where they are now."""
    join(giving, partner)
    giving.give(7_00, email=OLD)
    giving.advance(days=32)
    giving.deliver()
    partner.sign_in(giving, ANN)

    assert amounts(partner) == [7_00, 25_00, 25_00, 30_00, 50_00]
    assert [mail.to for mail in giving.mails("Receipt for")][-2:] == [ANN, ANN]


def test_the_monthly_gift_of_either_record_is_steered(giving: World, partner: Site) -> None:
    """Changed, paused, resumed, its card, ended; confirmed to the address of now."""
    join(giving, partner)
    name = partner.get("/portal/partnerships").json["partnerships"][0]["partnership_id"]

    assert partner.post(f"/portal/partnerships/{name}", {"amount": 40_00}, "PATCH").json["amount"] == 40_00
    giving.work()
    assert partner.post("/portal/payment-method", {}).status == 201
    monthly = giving.partnership(OLD).customer_id
    addresses = giving.standin.read(lambda world: {each["id"]: each["email"] for each in world.all("customer")})
    assert addresses[monthly] == ANN, "Stripe's own mails, too"
    assert partner.post(f"/portal/partnerships/{name}/cancel", {}).json["state"] == "ended"
    giving.deliver()
    assert [mail.to for mail in giving.mails("Your monthly gift")][-2:] == [ANN, ANN]
    assert partner.post("/portal/partnerships/sub_none/cancel", {}).status == 404


def test_the_undo_takes_them_apart(giving: World, ann: Site) -> None:
    """Each has what it had; every session is over, and nothing of it is left to find."""
    join(giving, ann)
    assert undo(giving).status == 200

    assert ann.get("/portal/gifts").status == 401
    assert [donors.records(giving.donor_id(email)) for email in (ANN, OLD)] == [(giving.donor_id(ANN),), (giving.donor_id(OLD),)]
    ann.sign_in(giving, ANN)
    work = Site()
    work.sign_in(giving, OLD)
    assert giving.mails("Sign in")[-1].to == OLD
    assert (amounts(ann), amounts(work)) == ([50_00], [30_00])
    assert giving.mails("stands by itself again")[-1].to == OLD
    assert join(giving, ann).status == 200, "and may be joined again"


def test_giving_to_which_other_giving_is_joined_stays_as_it_is(giving: World, ann: Site) -> None:
    """One step, never a chain. From there it can be done the other way round."""
    join(giving, ann)
    giving.give(10_00, email=BOB)
    bob = Site()
    bob.sign_in(giving, BOB)
    answer = join(giving, bob, ANN)

    assert (answer.status, answer.json["error"]["code"]) == (409, "joined_already")
    ann.sign_in(giving, ANN)
    assert join(giving, ann, BOB).json["addresses"] == [OLD, BOB]
    assert ask(giving, ann, OLD).status == 202
    assert len(giving.mails(ASKED)) == 3, "what is theirs already is not asked about again"


def test_one_person_has_at_most_ten_records(giving: World, ann: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is read for every page."""
    monkeypatch.setattr(joining, "MOST_RECORDS", 2)
    join(giving, ann)

    assert ask(giving, ann, BOB).json["error"]["code"] == "too_many_joined"


def test_a_joined_person_reaches_both_and_nobody_else_s(giving: World, ann: Site) -> None:
    """What is read of the joined record is what is asked for; a third donor's is not there."""
    third = giving.give(10_00, email=BOB)
    bob = theirs(giving.donor_id(BOB))
    mine = giving.gifts(OLD)[0].gift_id
    assert ann.get(f"/portal/gifts/{mine}/receipt").status == 404, "before it is proven"
    join(giving, ann)

    with recorded() as asked:
        assert ann.get(f"/portal/gifts/{mine}/receipt").status == 303
        assert ann.get(f"/portal/gifts/{third}/receipt").status == 404
        assert ann.get(f"/portal/statements/2026?series={register.series('us', bob.donor_id)}").status == 404
        ann.get("/portal/gifts")
    assert bob.touched_by(asked) == []
    assert keys.donor(giving.donor_id(OLD))["pk"] in theirs(giving.donor_id(OLD)).touched_by(asked)


def test_without_one_of_its_own_the_joined_record_is_told_of_in_the_main_one_s(giving: World, ann: Site) -> None:
    """One statement of the year over both, under the main record; none under the other."""
    assert ann.get("/portal/statements/2026").status == 303
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)

    [year] = ann.get("/portal/statements").json["statements"]
    assert (year["gifts"], year["currency_totals"], year["series"]) == (2, [{"amount": 80_00, "currency": "usd"}], "")
    assert ann.get("/portal/statements/2026").status == 303
    assert told_in((main, other)) == [(main, 2, 80_00)]
    assert ann.get(f"/portal/statements/2026?entity=us&series={register.series('us', other)}").status == 404


def test_a_statement_of_its_own_stays_and_no_gift_is_told_of_twice(giving: World, ann: Site) -> None:
    """The record goes on with it: a refund replaces that one, and the main one's never tells of its gifts."""
    work = Site()
    work.sign_in(giving, OLD)
    for each in (ann, work):
        assert each.get("/portal/statements/2026").status == 303
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)

    listed = ann.get("/portal/statements").json["statements"]
    assert [(each["gifts"], each["series"]) for each in listed] == [(1, ""), (1, register.series("us", other))]
    for each in listed:
        assert ann.get(f"/portal/statements/2026?entity=us&series={each['series']}").status == 303
    assert told_in((main, other)) == [(main, 1, 50_00), (other, 1, 30_00)]
    giving.give(5_00, email=OLD)
    assert ann.get(f"/portal/statements/2026?entity=us&series={listed[1]['series']}").status == 303
    assert told_in((main, other)) == [(main, 1, 50_00), (other, 2, 35_00)]
    page = ann.get("/portal/statements", "text/html").text
    assert page.count("had this statement of its own") == 1
    assert f"series={listed[1]['series']}&amp;number=1" in page


def test_a_record_that_is_joined_just_then_is_not_issued_its_first(giving: World, ann: Site) -> None:
    """Read before, entered after: its gifts are in the main one's by then."""
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)

    def joined_and_issued() -> None:
        join(giving, ann)
        assert ann.get("/portal/statements/2026").status == 303

    with as_it_is_kept(joined_and_issued), pytest.raises(NotFound):
        register.issue(other, "us", 2026)
    assert told_in((main, other)) == [(main, 2, 80_00)]


def test_the_year_s_run_serves_a_person_once(giving: World, ann: Site) -> None:
    """Whichever record it is asked for of: every statement issued, one mail."""
    work = Site()
    work.sign_in(giving, OLD)
    work.get("/portal/statements/2026")
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    giving.advance(days=310)
    for record in (other, main, other):
        yearly.send(yearly.StatementDue(record, "us", 2026))

    assert [mail.to for mail in giving.mails("is ready")] == [ANN]
    assert [whose for whose, *_ in told_in((main, other))] == [main, other]
    of_2026 = [gift for gift in giving.gifts(ANN) + giving.gifts(OLD) if gift.given_on.year == 2026]
    assert sum(gifts for _, gifts, _ in told_in((main, other))) == len(of_2026)


@pytest.mark.parametrize("days", [0, 310])
def test_taken_apart_each_is_put_right(giving: World, ann: Site, days: int) -> None:
    """The main one's statement told of both: in the year as after it, it is replaced, and the other can have its own."""
    giving.advance(days=days)
    ann.sign_in(giving, ANN)
    join(giving, ann)
    assert ann.get("/portal/statements/2026").status == 303
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    before = told_in((main, other))
    undo(giving)

    assert before[0][1] > 1
    assert told_in((main, other)) == [(main, 1, 50_00)]
    assert [mail.to for mail in giving.mails("statement")] == [ANN]
    assert register.issue(other, "us", 2026).gifts == before[0][1] - 1


def test_erasure_forgets_every_record(giving: World, partner: Site) -> None:
    """Monthly gifts ended, tombstones in the place of both, each address told, neither leading anywhere."""
    join(giving, partner)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    assert partner.post("/portal/erase", {"confirm": "erase"}).status == 202
    assert [each.state for each in store.of_donor(other)] == ["ended"]
    giving.work()

    assert erased(main)
    assert erased(other)
    assert (donors.id_by_email(ANN), donors.id_by_email(OLD)) == (None, None)
    assert {mail.to for mail in giving.mails("You are forgotten")} == {ANN, OLD}


def test_wherever_the_power_goes_out_no_half_of_a_person_is_left(giving: World) -> None:
    """The erasure dies after every write in turn, and comes again: both records are forgotten then, and told."""
    number, survived, told = 0, False, set[str]()
    while not survived:
        number += 1
        emails = (f"a{number}@example.org", f"b{number}@example.org")
        main, other = (donors.found_or_made(Donor("", email)) for email in emails)
        items.update(items.giving(), keys.donor(main), "SET joined = :all", {":all": [other]})
        items.update(items.giving(), keys.donor(other), "SET joined_to = :main", {":main": main})
        with cut(number) as made, suppress(PowerCut):
            erasure.erase(erasure.EraseAsked(main))
        survived = len(made) < number
        giving.time.travel_to(giving.time.now() + outbox.LEASE)
        erasure.erase(erasure.EraseAsked(main))
        told.update(emails)
        assert erased(main), number
        assert erased(other), number
    assert number > 15
    assert told == {mail.to for mail in giving.mails("You are forgotten")}


def test_who_asked_to_be_forgotten_is_forgotten_alone(giving: World, ann: Site) -> None:
    """The address was joined between asking and forgetting: the other's own giving stays."""
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    erasure.erase(erasure.EraseAsked(other))

    assert donors.is_erased(other)
    assert sessions.of_donor(main) == {}, "which reached the other one, too"
    assert (donors.is_erased(main), donors.records(main)) == (False, (main,))


def test_the_copy_of_ones_data_has_every_record(giving: World, partner: Site) -> None:
    """Whatever is held, wherever it stands."""
    join(giving, partner)
    main = donors.profile(giving.donor_id())
    assert main
    kinds = export._kinds(main, export.MOST)
    assert {row["email"] for row in kinds["profile"]} == {ANN, OLD}
    assert len(kinds["payments_refunds_disputes"]) == 3
    assert len(kinds["monthly_gifts"]) == 1
    assert partner.get("/portal/export").status == 303


def test_gift_aid_is_declared_and_cancelled_for_every_record(giving: World, ann: Site) -> None:
    """It is shown once, and stands beside the gifts of each, where a claim looks for it."""
    join(giving, ann)
    main, other = giving.donor_id(ANN), giving.donor_id(OLD)
    shown = ann.post("/portal/gift-aid", DECLARED).json["declarations"]
    assert len(shown) == 1
    assert [len(gift_aid.standing((each,))) for each in (main, other)] == [1, 1]

    assert ann.post(f"/portal/gift-aid/{shown[0]['declaration_id']}/cancel").json["declarations"] == []
    assert ann.post("/portal/gift-aid", {**DECLARED, "house": "2"}).json["declared"]
    assert not ann.post("/portal/gift-aid/cancel").json["declared"]
    assert [gift_aid.standing((each,)) for each in (main, other)] == [[], []]


def test_wherever_the_power_goes_out_it_is_joined_and_told_or_neither(giving: World, ann: Site) -> None:
    """Page and worker die after every write in turn; then the button is pressed again, and the queue comes again."""
    main, number, survived = giving.donor_id(), 0, False
    while not survived:
        number += 1
        other = f"ann{number}@work.example"
        record = donors.found_or_made(Donor("", other))
        ann.sign_in(giving, ANN)
        ask(giving, ann, other)
        survived, letters = until_the_power_goes(ann, number, "/portal/other-address/confirm", proof(giving))
        ann.post("/portal/other-address/confirm", proof(giving))
        letters += waiting()
        giving.time.travel_to(giving.time.now() + outbox.LEASE)
        for letter in letters:
            errands.run(letter)

        assert donors.records(record) == (main, record)
        told = [mail for mail in giving.mails(JOINED) if mail.to == other]
        assert told
        assert len([mail for mail in told if "X-Possible-Duplicate" not in mail.headers]) <= 1
        assert [each.records for each in sessions.of_donor(main).values()] == [(main, record)]
        parting.part(donors.profile(record))  # type: ignore[arg-type]
    assert number > 8


def test_one_record_costs_what_it_did(giving: World, ann: Site) -> None:
    """The records stand in the session: without others there is no call more than before there were any."""
    met: list[Any] = []
    for _ in range(2):
        ann.get("/portal/gifts")
        with counted() as calls:
            ann.get("/portal/gifts")
        met.append(calls)
        if len(met) == 1:
            join(giving, ann)
    assert met == [["GetItem", "Query", "Query"], ["GetItem", "Query", "Query", "Query", "Query"]]
