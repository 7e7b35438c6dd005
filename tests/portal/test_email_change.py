"""Another address to sign in with: proven there, told here, undone from here."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib import aws, items, keys, settings
from chalicelib.errors import ProcessorUnsure
from chalicelib.giving import donors
from chalicelib.mail import errands
from chalicelib.portal import address_proof, email_change, sessions
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal.calls import everything
from tests.processor.power import PowerCut, cut

NEW, THIRD, BOB = "ann@new.example", "ann@third.example", "bob@example.org"


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Ann gives once and monthly, and is signed in."""
    giving.give(50_00)
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def ask(giving: World, site: Site, email: str = NEW) -> Answered:
    answer = site.post("/portal/email", {"new_email": email})
    giving.work()
    return answer


def proof(giving: World, nth: int = -1, subject: str = "Is this your address") -> dict[str, str]:
    return {"token": mailed.token(giving.mails(subject)[nth].text)}


def code(giving: World) -> str:
    return mailed.code(giving.mails("Is this your address")[-1].text)


def change(giving: World, site: Site, email: str = NEW) -> Answered:
    assert ask(giving, site, email).status == 202
    answer = site.post("/portal/email/confirm", proof(giving))
    giving.work()
    return answer


def undo_token(giving: World, nth: int = -1) -> str:
    return mailed.token(giving.mails("was changed")[nth].text)


def undo_code(giving: World, nth: int = -1) -> str:
    return re.findall(r"(?:\d{4} ){4}\d{4}", giving.mails("was changed")[nth].text)[0]


def stripe_addresses(giving: World) -> set[str]:
    return giving.standin.read(lambda world: {each["email"] for each in world.all("customer")})


def test_a_proven_address_becomes_the_donor_s(giving: World, ann: Site) -> None:
    """Signed in with, and the same gifts behind it; the old one is told, without the new one spelt out."""
    before = [gift.gift_id for gift in giving.gifts()]
    answer = change(giving, ann)

    assert (answer.status, answer.json["email"]) == (200, NEW)
    assert [gift.gift_id for gift in giving.gifts(NEW)] == before
    told = giving.mails("was changed")
    assert [mail.to for mail in told] == [ANN]
    assert NEW not in told[0].text + told[0].html
    other = Site()
    other.sign_in(giving, NEW)
    assert other.get("/portal/contact").json["email"] == NEW


def test_nothing_changes_before_it_is_proven(giving: World, ann: Site) -> None:
    """Not by asking, and not by a scanner that reads the link."""
    ask(giving, ann)
    for method in ("HEAD", "GET", "GET", "GET"):
        ann.request(method, "/portal/email/confirm", headers={"Accept": "text/html"})
    giving.work()

    assert donors.profile(giving.donor_id()).email == ANN
    assert donors.id_by_email(NEW) is None
    assert giving.mails("was changed") == []


def test_the_code_proves_it_without_javascript(giving: World, ann: Site) -> None:
    """Two plain forms, each answered by 303."""
    assert ann.form("/portal/email", {"new_email": NEW}).headers["location"] == "/portal/email/confirm"
    giving.work()
    answer = ann.form("/portal/email/confirm", {"code": code(giving)})

    assert (answer.status, answer.headers["location"]) == (303, "/portal/contact")
    assert "Your address is changed" in ann.get(answer.headers["location"], "text/html").text


def test_only_the_donor_who_asked_can_prove_it(giving: World, ann: Site) -> None:
    """Bob presses the button in a mail that Ann had sent to him: his mailbox does not become hers."""
    giving.give(10_00, email=BOB)
    ask(giving, ann, "bob.two@example.org")
    bob = Site()
    assert bob.post("/portal/email/confirm", proof(giving)).status == 401
    bob.sign_in(giving, BOB)
    assert bob.post("/portal/email/confirm", proof(giving)).status == 400

    assert donors.id_by_email("bob.two@example.org") is None
    assert {donors.profile(giving.donor_id(each)).email for each in (ANN, BOB)} == {ANN, BOB}


def test_it_asks_for_a_sign_in_of_the_last_ten_minutes(giving: World, ann: Site) -> None:
    """A browser left open is not enough; the page says so and offers to sign in again."""
    giving.advance(minutes=11)
    answer = ann.post("/portal/email", {"new_email": NEW})

    assert (answer.status, answer.json["error"]["code"]) == (401, "sign_in_again")
    assert "Sign in again" in ann.get("/portal/email", "text/html").text
    assert ann.form("/portal/email", {"new_email": NEW}).headers["location"] == "/portal/sign-in?again=yes"
    giving.work()
    assert giving.mails("Is this your address") == []


def test_every_other_session_ends(giving: World, ann: Site) -> None:
    """Somebody else's too, if that was the reason to change; the browser at hand stays."""
    other = Site()
    other.sign_in(giving, ANN)
    change(giving, ann)

    assert other.get("/portal/contact").status == 401
    assert ann.get("/portal/contact").status == 200


def test_a_link_that_waits_in_the_old_mailbox_signs_in_no_more(giving: World, ann: Site) -> None:
    """It was sent before the change and is not used yet."""
    other = Site()
    other.post("/portal/sign-in", {"email": ANN})
    giving.work()
    token = mailed.token(giving.mails("Sign in")[-1].text)
    change(giving, ann)

    assert other.post("/portal/session", {"token": token}).status == 401


def test_five_wrong_codes_end_it(giving: World, ann: Site) -> None:
    """The right one comes too late."""
    ask(giving, ann)
    right = code(giving)
    wrong = "00000000" if right.replace(" ", "") != "00000000" else "11111111"
    tried = [ann.post("/portal/email/confirm", {"code": each}).status for each in [wrong] * 5 + [right]]

    assert tried == [400] * 6
    assert donors.profile(giving.donor_id()).email == ANN


def test_after_an_hour_and_after_a_newer_request_it_is_too_late(giving: World, ann: Site) -> None:
    """Only the newest mail counts, and only for an hour, whether or not the table has forgotten it."""
    ask(giving, ann)
    ask(giving, ann, THIRD)
    assert ann.post("/portal/email/confirm", proof(giving, 0)).status == 400
    giving.advance(minutes=25)
    ann.get("/portal/contact")
    giving.advance(minutes=25)
    ann.get("/portal/contact")
    giving.advance(minutes=11)

    assert ann.post("/portal/email/confirm", proof(giving)).status == 400
    assert donors.profile(giving.donor_id()).email == ANN


def test_an_address_with_giving_of_its_own_is_refused_once_proven(giving: World, ann: Site) -> None:
    """Money is not moved between donors by a mail; and before the proof nobody learns whose address it is."""
    giving.give(10_00, email=BOB)
    asked = {(answer := ask(giving, ann, email)).status: answer.text for email in (NEW, BOB)}
    assert list(asked) == [202]
    answer = ann.post("/portal/email/confirm", proof(giving))

    assert (answer.status, answer.json["error"]["code"]) == (409, "email_has_giving")
    assert waiting() == [], "nothing that would change it later, after she was told no"
    assert donors.profile(giving.donor_id()).email == ANN
    assert [gift.money.minor for gift in giving.gifts(BOB)] == [10_00]
    assert giving.mails("was changed") == []


def test_an_address_that_is_taken_between_proof_and_change_is_refused(giving: World, ann: Site) -> None:
    """The pointer's own condition decides, and the worker does not try for ever."""
    ask(giving, ann)
    donor_id = giving.donor_id()
    address_proof.proven(donor_id, "change", token=proof(giving)["token"], code="")
    giving.give(10_00, email=NEW)
    change_id = items.get(items.passing(), keys.passing("NEWEMAIL", donor_id))["change_id"]
    email_change.finish(email_change.EmailProven(donor_id, change_id, ""))

    assert giving.donor_id(NEW) != donor_id
    assert donors.profile(donor_id).email == ANN


def test_capitals_alone_are_no_other_donor(giving: World, ann: Site) -> None:
    """`Ann@Example.org` is the same address, written as she likes; undoing it loses nobody."""
    assert change(giving, ann, "Ann@Example.org").json["email"] == "Ann@example.org"
    ann.post("/portal/email/undo", {"token": undo_token(giving)})
    giving.work()

    assert donors.profile(giving.donor_id(ANN)).email == ANN


def test_later_gifts_are_the_donor_s_under_either_address(giving: World, ann: Site) -> None:
    """By Stripe's customer, by the new address, and by the old one out of habit: one history, no second donor."""
    change(giving, ann)
    giving.advance(days=31)
    giving.give(11_00, email=ANN)
    giving.give(12_00, email=NEW)

    assert giving.donor_id(ANN) == giving.donor_id(NEW)
    assert sorted(gift.money.minor for gift in giving.gifts(NEW)) == [11_00, 12_00, 25_00, 25_00, 50_00]
    assert {mail.to for mail in giving.mails("Receipt")[-3:]} == {NEW}


def test_signing_in_with_the_old_address_leads_to_the_new_mailbox_only(giving: World, ann: Site) -> None:
    """Whoever has the old mailbox now gets nothing."""
    change(giving, ann)
    Site().post("/portal/sign-in", {"email": ANN})
    giving.work()

    assert giving.mails("Sign in")[-1].to == NEW


def test_stripe_s_customer_follows(giving: World, ann: Site) -> None:
    """Its own mails, such as a failed renewal's, go where the donor is."""
    change(giving, ann)

    assert stripe_addresses(giving) == {NEW}


def test_stripe_s_outage_loses_nothing(giving: World, ann: Site) -> None:
    """The donor's change stands, the old address is told once, and the queue tells Stripe later."""
    ask(giving, ann)
    giving.standin.fail(status=503, path="/v1/customers", times=2)  # a call and the SDK's own second try
    assert ann.post("/portal/email/confirm", proof(giving)).status == 200
    (body,) = waiting()
    with pytest.raises(ProcessorUnsure):
        errands.run(body)
    assert stripe_addresses(giving) == {ANN}
    errands.run(body)

    assert stripe_addresses(giving) == {NEW}
    assert len(giving.mails("was changed")) == 1


def waiting() -> list[str]:
    """What waits in the mail queue, taken from it."""
    found = aws.sqs().receive_message(QueueUrl=settings.current().mail_queue, MaxNumberOfMessages=10)
    return [str(each["Body"]) for each in found.get("Messages", [])]


def test_the_old_address_can_undo_it_for_a_week(giving: World, ann: Site) -> None:
    """Reading the page does nothing, the button all: address, sessions, Stripe. Once. Without JavaScript, by the code."""
    change(giving, ann)
    token, anybody = undo_token(giving), Site()
    giving.advance(days=6.9)
    thief = Site()
    thief.sign_in(giving, NEW)
    assert "Bring my address back" in anybody.get("/portal/email/undo", "text/html").text
    assert donors.profile(giving.donor_id()).email == NEW
    answer = anybody.form("/portal/email/undo", {"code": undo_code(giving)})
    giving.work()

    assert (answer.status, answer.headers["location"]) == (303, "/portal/email/undone")
    assert donors.profile(giving.donor_id(ANN)).email == ANN
    assert donors.id_by_email(NEW) is None
    assert (thief.get("/portal/contact").status, stripe_addresses(giving)) == (401, {ANN})
    assert [mail.to for mail in giving.mails("the old one again")] == [ANN]
    assert anybody.post("/portal/email/undo", {"token": token}).status == 409


def test_after_a_week_it_stays(giving: World, ann: Site) -> None:
    """Also while the table still has it."""
    change(giving, ann)
    token, typed = undo_token(giving), undo_code(giving)
    giving.advance(days=7, seconds=1)

    assert Site().post("/portal/email/undo", {"token": token}).status in {400, 409}
    assert Site().post("/portal/email/undo", {"code": typed}).status == 400
    assert donors.profile(giving.donor_id(NEW)).email == NEW


def test_who_had_the_address_longer_undoes_every_later_change(giving: World, ann: Site) -> None:
    """A thief changes it twice: the first link brings Ann's back, and the thief's own link is worth nothing."""
    change(giving, ann, NEW)
    change(giving, ann, THIRD)
    firsts, thiefs, thiefs_code = undo_token(giving, 0), undo_token(giving, 1), undo_code(giving, 1)
    assert Site().post("/portal/email/undo", {"token": firsts}).status == 200
    giving.work()

    assert Site().post("/portal/email/undo", {"token": thiefs}).status == 409
    assert Site().post("/portal/email/undo", {"code": thiefs_code}).status == 409
    assert donors.profile(giving.donor_id(ANN)).email == ANN
    assert (donors.id_by_email(NEW), donors.id_by_email(THIRD)) == (None, None)


@pytest.mark.parametrize("token", ["", "x", "x" * 900, "WyJhIiwxXQ.abc"])
def test_an_undo_link_cannot_be_made_up(giving: World, ann: Site, token: str) -> None:
    """It is signed, and for nothing else."""
    change(giving, ann)

    assert Site().post("/portal/email/undo", {"token": token}).status == 400
    assert donors.profile(giving.donor_id(NEW)).email == NEW


@pytest.mark.parametrize("typed", ["", "1", "12345678", "1234 5678 9012 3456 7890", "٠" * 20])
def test_an_undo_code_cannot_be_made_up(giving: World, ann: Site, typed: str) -> None:
    """It has 20 digits, and a wrong one is told at its field without JavaScript."""
    change(giving, ann)
    page = Site().form("/portal/email/undo", {"code": typed})

    assert page.status == 400
    assert 'aria-invalid="true"' in page.text
    assert donors.profile(giving.donor_id(NEW)).email == NEW


def test_nobody_can_spoil_the_code_for_its_owner(giving: World, ann: Site) -> None:
    """Who took the account over guesses, from everywhere and all day long: the right code works as before."""
    change(giving, ann)
    right = undo_code(giving)
    for number in range(60):
        thief = Site()
        thief.come_from(f"203.0.113.{number}")
        assert thief.post("/portal/email/undo", {"code": f"{number:020d}"}).status == 400
    answer = Site().post("/portal/email/undo", {"code": right.replace(" ", "-")})

    assert answer.status == 200
    assert donors.profile(giving.donor_id(ANN)).email == ANN


def test_no_part_of_the_undo_is_ever_in_an_address_that_a_server_sees(giving: World, ann: Site) -> None:
    """Good for a week, it would stand in access logs and be read by whatever opens links in mails."""
    change(giving, ann)
    mail = giving.mails("was changed")[-1]
    asked = [link.partition("#")[0] for link in re.findall(r'http[^\s"<>]*/portal/email/undo[^\s"<>]*', mail.text + mail.html)]

    assert set(asked) == {"http://127.0.0.1:8000/portal/email/undo"}
    assert f"#token={undo_token(giving)}" in mail.html
    assert undo_code(giving) in mail.html


def test_what_reads_the_old_mailbox_before_its_owner_undoes_nothing(giving: World, ann: Site) -> None:
    """A scanner opens the link, by every method that changes nothing, with the token in the query too, and posts an empty form."""
    change(giving, ann)
    token, scanner = undo_token(giving), Site()
    for method, query in (("HEAD", ""), ("GET", ""), ("GET", f"?token={token}"), ("GET", f"?code={undo_code(giving)}".replace(" ", "%20"))):
        scanner.request(method, f"/portal/email/undo{query}", headers={"Accept": "text/html"})
    assert scanner.form("/portal/email/undo", {}).status == 400
    giving.work()

    assert donors.profile(giving.donor_id(NEW)).email == NEW
    assert Site().post("/portal/email/undo", {"token": token}).status == 200


def move_often(giving: World, times: int) -> None:
    """Whoever is in Ann's account changes its address again and again within the week."""
    for number in range(times):
        now = Site()
        now.sign_in(giving, NEW if number == 0 else f"thief{number}@new.example")
        assert change(giving, now, f"thief{number + 1}@new.example").status == 200
        giving.advance(hours=3)


def test_no_number_of_changes_takes_the_first_undo_away(giving: World, ann: Site) -> None:
    """Beyond ten open ones the next change is refused, before a mail and after the proof, and the first link still works."""
    change(giving, ann)
    move_often(giving, email_change.CHANGES_A_WEEK - 2)
    thief = Site()
    thief.sign_in(giving, f"thief{email_change.CHANGES_A_WEEK - 2}@new.example")
    ask(giving, thief, "kept@new.example")
    waits = proof(giving)
    items.update(items.giving(), keys.donor(giving.donor_id(ANN)), "SET email_changes = list_append(email_changes, :one)", {":one": [another_undo(giving)]})
    refused = [thief.post("/portal/email", {"new_email": "more@new.example"}), thief.post("/portal/email/confirm", waits)]
    giving.work()

    assert [(answer.status, answer.json["error"]["code"]) for answer in refused] == [(409, "email_changed_too_often")] * 2
    assert donors.id_by_email("kept@new.example") is None
    assert Site().post("/portal/email/undo", {"token": undo_token(giving, 0)}).status == 200
    giving.work()
    assert donors.profile(giving.donor_id(ANN)).email == ANN
    assert donors.id_by_email("thief3@new.example") is None
    giving.advance(days=1)
    Site().sign_in(giving, ANN)


def another_undo(giving: World) -> str:
    """One more open change, as a request that was proven at the same time would have left it."""
    undo = email_change.find_undo(donors.profile(giving.donor_id(ANN)).email_changes[-1])
    assert undo
    items.put(items.passing(), items.as_item(keys.passing("UNDO", "f" * 32), undo))
    return "f" * 32


def test_after_the_week_there_is_room_again(giving: World, ann: Site) -> None:
    """What cannot be undone any more is not kept, and bars nobody."""
    change(giving, ann)
    move_often(giving, email_change.CHANGES_A_WEEK - 1)
    last = f"thief{email_change.CHANGES_A_WEEK - 1}@new.example"
    giving.advance(days=7)
    later = Site()
    later.sign_in(giving, last)

    assert change(giving, later, THIRD).status == 200
    assert len(donors.profile(giving.donor_id(ANN)).email_changes) == 1
    assert sum(item["pk"].startswith(("UNDO#", "CODE#")) for item in everything(items.passing())) == 2


@pytest.mark.parametrize("path", ["/portal/email", "/portal/email/confirm", "/portal/email/undo"])
def test_another_site_s_page_changes_nothing(giving: World, ann: Site, path: str) -> None:
    """Own pages only."""
    body: dict[str, Any] = {"new_email": NEW, "code": "12345678", "token": "x"}

    assert ann.post(path, {name: body[name] for name in (["token"] if "undo" in path else ["code"] if "confirm" in path else ["new_email"])}, origin="https://evil.example").status == 403


def test_what_is_kept_of_a_proof_opens_nothing(giving: World, ann: Site) -> None:
    """A reader of the table alone can neither prove nor undo."""
    ask(giving, ann)
    kept = str(aws.dynamodb().scan(TableName=items.passing(), Limit=100)["Items"])
    assert proof(giving)["token"] not in kept
    assert code(giving).replace(" ", "") not in kept
    ann.post("/portal/email/confirm", proof(giving))
    giving.work()

    kept = str(aws.dynamodb().scan(TableName=items.passing(), Limit=100)["Items"])
    assert undo_token(giving) not in kept
    assert undo_code(giving).replace(" ", "") not in kept.replace(" ", "")


def test_wherever_the_power_goes_out_it_is_changed_and_told_or_neither(giving: World, ann: Site) -> None:
    """Page and worker die after every write in turn; then the button is pressed again, and the queue comes again."""
    donor_id, number, survived, now = giving.donor_id(), 0, False, ANN
    while not survived:
        number += 1
        new = f"ann{number}@new.example"
        giving.advance(hours=25)
        ann = Site()
        ann.sign_in(giving, now)
        ask(giving, ann, new)
        survived, letters = until_the_power_goes(ann, number, "/portal/email/confirm", proof(giving))
        ann.post("/portal/email/confirm", proof(giving))
        letters += waiting()
        giving.advance(seconds=91)
        for letter in letters:
            errands.run(letter)

        told = [mail for mail in giving.mails("was changed") if mail.to == now]
        assert donors.profile(donor_id).email == new
        assert told
        assert len([mail for mail in told if "X-Possible-Duplicate" not in mail.headers]) <= 1
        assert stripe_addresses(giving) == {new}
        assert len(sessions.of_donor(donor_id)) == 1
        now = new
    assert number > 8


def until_the_power_goes(ann: Site, number: int, path: str, proven_by: dict[str, str]) -> tuple[bool, list[str]]:
    """Whether page and worker came to their end before write `number`, and the letters that are not done."""
    letters: list[str] = []
    with cut(number) as made:
        try:
            ann.post(path, proven_by)
            letters += waiting()
            for letter in letters:
                errands.run(letter)
        except PowerCut:
            return False, letters
    return len(made) < number, letters


def test_the_minutes_of_a_sign_in_are_counted_from_its_beginning(giving: World, ann: Site) -> None:
    """Being busy in the portal does not keep the door open."""
    for _ in range(3):
        giving.advance(minutes=4)
        ann.get("/portal/contact")

    assert ann.post("/portal/email", {"new_email": NEW}).status == 401
