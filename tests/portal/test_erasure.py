"""To be forgotten: the person goes, the sums stay, and nothing that comes later reaches them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib import aws, items, keys
from chalicelib.errors import Conflict, NotSignedIn
from chalicelib.gift_aid import store as gift_aid
from chalicelib.gift_aid.asked import DeclarationRequest
from chalicelib.giving import donors
from chalicelib.giving.checkout import Tribute
from chalicelib.http import Caller
from chalicelib.mail import errands, outbox
from chalicelib.partners import store
from chalicelib.portal import contact, erasure, sessions
from chalicelib.processor import reconcile
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.portal.test_email_change import change, waiting
from tests.processor.power import PowerCut, cut

NAME, STREET, PHONE, ROSA, NEW = "Ann Lee", "1 Main Street", "+1 555 0100", "Rosa Diaz", "ann@new.example"


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Ann has given in Rosa's memory and monthly, signed up for stories, filled in her contact info, and is signed in."""
    whole_life(giving, site)
    return site


def whole_life(giving: World, site: Site, email: str = ANN) -> None:
    giving.give(50_00, email=email, tribute=Tribute("in_memory", ROSA, f"for {ROSA}"))
    giving.give(25_00, "usd", "monthly", email=email)
    site.post("/sign-ups", {"email": email, "interests": ["stories"], "name": NAME, "source": "story"})
    giving.work()
    site.sign_in(giving, email)
    address = {"line1": STREET, "city": "Springfield", "country": "US"}
    site.post("/portal/contact", {"address": address, "phone": PHONE, "name": NAME}, "PATCH")


def erase(giving: World, site: Site) -> Answered:
    answer = site.post("/portal/erase", {"confirm": "erase"})
    giving.work()
    giving.deliver()
    return answer


def everything() -> str:
    """All that the three tables hold, as text."""
    tables = (items.giving(), items.signups(), items.passing())
    return str([aws.dynamodb().scan(TableName=table, Limit=1000)["Items"] for table in tables])


def sums() -> dict[str, int]:
    """What the facts of the whole ledger add up to."""
    found = aws.dynamodb().scan(TableName=items.giving(), Limit=1000)["Items"]
    facts = [items.unmarshal(item) for item in found if item["sk"]["S"].startswith("FACT#")]
    return {fact["sk"] + fact["pk"]: fact["money"]["minor"] for fact in facts}


def test_nothing_of_the_person_is_left(giving: World, ann: Site) -> None:
    """Name, addresses of both kinds, telephone, whom a gift honoured, and the hash of the address: nowhere."""
    donor_id, hashed = giving.donor_id(), keys.email_hash(ANN)
    assert all(word in everything() for word in (NAME, STREET, PHONE, ROSA, ANN, hashed))
    answer = erase(giving, ann)
    kept = everything()

    assert (answer.status, answer.json) == (202, {"erasing": True})
    assert [word for word in (NAME, STREET, PHONE, ROSA, ANN) if word in kept] == []
    assert kept.count(hashed) == 2, "the sign-up's suppression, and for 60 days whose payment a late one is"
    tombstone = donors.profile(donor_id)
    assert (tombstone.name, tombstone.email, tombstone.email_hashes) == ("", "", ())
    assert str(tombstone.kept_until) == "2033-12-31"


def test_monthly_gifts_end_and_sums_do_not_change(giving: World, ann: Site) -> None:
    """The same facts before and after, and our books are Stripe's."""
    donor_id, before = giving.donor_id(), sums()
    erase(giving, ann)

    assert sums() == before
    assert len(before) == 2
    assert [each.state for each in store.of_donor(donor_id)] == ["ended"]
    assert giving.standin.read(lambda world: [each["status"] for each in world.all("subscription")]) == ["canceled"]
    assert reconcile.last(days=3, both_ways=True).agrees


def test_the_last_mail_says_so_and_what_is_kept(giving: World, ann: Site) -> None:
    """After it nobody is mailed: it comes when all is done."""
    erase(giving, ann)

    last = giving.mails()[-1]
    assert (last.subject.startswith("You are forgotten"), last.to) == (True, ANN)
    assert "31 December 2033" in last.text
    assert len(giving.mails("You are forgotten")) == 1


def test_every_call_of_the_portal_is_refused_from_then_on(giving: World, ann: Site) -> None:
    """401 in every browser, and no mail opens the door again."""
    other = Site()
    other.sign_in(giving, ANN)
    cookies = dict(ann.cookies)
    erase(giving, ann)
    ann.cookies = cookies
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/portal/gifts", None), ("GET", "/portal/statements", None), ("GET", "/portal/statements/2026", None),
        ("GET", "/portal/contact", None), ("GET", "/portal/partnerships", None), ("GET", "/portal/email", None),
        ("PATCH", "/portal/contact", {"name": "x"}), ("POST", "/portal/email", {"new_email": NEW}),
        ("POST", "/portal/email/confirm", {"code": "12345678"}), ("POST", "/portal/payment-method", {}),
        ("POST", "/portal/erase", {"confirm": "erase"}), ("GET", "/portal/your-data", None),
    ]  # fmt: skip
    met = [
        (site.get(path) if method == "GET" else site.post(path, body, method)).status
        for site in (ann, other) for method, path, body in calls
    ]  # fmt: skip
    before = len(giving.mails())
    Site().post("/portal/sign-in", {"email": ANN})
    giving.work()

    assert set(met) == {401}
    assert len(giving.mails()) == before


def test_a_link_that_was_mailed_before_opens_nothing(giving: World, ann: Site) -> None:
    """Neither one to sign in, nor one that would bring an old address back."""
    change(giving, ann, NEW)
    undo = mailed.token(giving.mails("was changed")[0].text)
    typed = re.findall(r"(?:\d{4} ){4}\d{4}", giving.mails("was changed")[0].text)[0]
    other = Site()
    other.post("/portal/sign-in", {"email": NEW})
    giving.work()
    token = mailed.token(giving.mails("Sign in")[-1].text)
    erase(giving, ann)

    assert other.post("/portal/session", {"token": token}).status == 401
    assert other.post("/portal/email/undo", {"token": undo}).status == 409
    assert other.post("/portal/email/undo", {"code": typed}).status == 400
    assert (donors.id_by_email(ANN), donors.id_by_email(NEW)) == (None, None)


def test_a_sign_in_under_way_opens_no_session(giving: World, ann: Site) -> None:
    """Its proof was taken just before the erasure, and the session would come just after."""
    donor_id = giving.donor_id()
    erase(giving, ann)
    with pytest.raises(NotSignedIn):
        sessions.begin(donor_id, Caller("", "", {}))

    assert sessions.of_donor(donor_id) == {}


def test_it_asks_for_the_word_and_a_fresh_sign_in(giving: World, ann: Site) -> None:
    """Nothing is erased by a slip, nor at a browser that was left open."""
    assert ann.post("/portal/erase", {"confirm": "yes"}).json["error"]["field"] == "confirm"
    assert ann.form("/portal/erase", {}).status == 400
    giving.advance(minutes=11)
    assert ann.post("/portal/erase", {"confirm": "erase"}).json["error"]["code"] == "sign_in_again"
    giving.work()

    assert donors.profile(giving.donor_id()).name == NAME
    assert giving.partnership().state == "active"


def test_without_javascript_it_is_a_form(giving: World, ann: Site) -> None:
    """POST and 303 to a page that anybody may see."""
    answer = ann.form("/portal/erase", {"confirm": " Erase "})

    assert (answer.status, answer.headers["location"]) == (303, "/portal/erased")
    assert "We are forgetting you" in ann.get("/portal/erased", "text/html").text


def test_if_stripe_does_not_answer_nothing_is_erased(giving: World, ann: Site) -> None:
    """Clear words, everything as it was, and the next try does it."""
    before = everything().count(ANN)
    giving.standin.fail(status=503, path="/v1/subscriptions", times=2)
    answer = ann.post("/portal/erase", {"confirm": "erase"})
    giving.work()

    assert (answer.status, answer.json["error"]["code"]) == (503, "payment_processor_unavailable")
    assert "nothing was erased" in answer.json["error"]["message"]
    assert everything().count(ANN) == before
    assert erase(giving, ann).status == 202
    assert donors.id_by_email(ANN) is None


def test_a_monthly_gift_of_which_no_event_told_ends_too(giving: World, ann: Site) -> None:
    """Stripe is asked, not our own books."""
    donor_id = giving.donor_id()
    subscription = giving.partnership().partnership_id
    items.delete(items.giving(), keys.donor(donor_id, f"{keys.PARTNERSHIPS}{subscription}"))
    items.delete(items.giving(), keys.pointer("SUBSCRIPTION", subscription))
    customer = giving.standin.read(lambda world: world.find("subscription", subscription)["customer"])
    key = keys.donor(donor_id)
    items.update(items.giving(), key, "SET customer_id = :one", {":one": customer})
    erase(giving, ann)

    assert giving.standin.read(lambda world: [each["status"] for each in world.all("subscription")]) == ["canceled"]


def test_a_later_payment_is_booked_to_the_tombstone_with_an_alarm(
    giving: World, ann: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Money that still comes is true money: in the books, beside no name, and a person looks. Nobody is mailed."""
    donor_id = giving.donor_id()
    customer = giving.standin.read(lambda world: world.find("subscription", giving.partnership().partnership_id)["customer"])
    erase(giving, ann)
    mails, before = len(giving.mails()), sums()
    gift_id = giving.start(30_00)
    giving.pay(gift_id, email="someone@example.org")
    charge = giving.standin.read(lambda world: world.all("charge")[-1])
    giving.standin.read(lambda world: world.all("charge")[-1].update(customer=customer))
    capsys.readouterr()
    giving.deliver()

    assert ledger_of(donor_id) == sorted([*before.values(), 30_00])
    assert donors.id_by_email("someone@example.org") is None
    said = capsys.readouterr().out
    assert said.count('"payment_after_erasure":[1.0]') == 1
    assert [each.charge for each in caplog.records if each.message == "payment_after_erasure"] == [charge["id"]]
    assert len(giving.mails()) == mails
    assert reconcile.last(days=3, both_ways=True).agrees


def ledger_of(donor_id: str) -> list[int]:
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.FACTS)
    return sorted(item["money"]["minor"] for item in found)


def test_a_later_refund_and_dispute_find_their_gift(giving: World, ann: Site) -> None:
    """Stripe's names lead to the tombstone for good, and no mail follows."""
    donor_id, charge = giving.donor_id(), giving.charge_of(giving.gifts()[-1].gift_id)
    erase(giving, ann)
    mails = len(giving.mails())
    giving.standin.refund(charge=charge, amount=10_00)
    giving.deliver()

    assert 10_00 in ledger_of(donor_id)
    assert len(giving.mails()) == mails
    assert reconcile.last(days=3, both_ways=True).agrees


def test_whoever_gives_again_begins_anew(giving: World, ann: Site) -> None:
    """A new donor with a receipt, and nothing of the old one to be seen."""
    old = giving.donor_id()
    erase(giving, ann)
    giving.advance(seconds=1)
    giving.give(15_00)

    assert giving.donor_id() != old
    assert [gift.money.minor for gift in giving.gifts()] == [15_00]
    assert giving.mails("Receipt")[-1].to == ANN


def test_whoever_signs_up_again_is_asked_again(giving: World, ann: Site) -> None:
    """The suppression stops what was queued before, not a new wish of their own."""
    erase(giving, ann)
    before = len(giving.mails("confirm your sign-up"))
    giving.advance(hours=2)
    Site().post("/sign-ups", {"email": ANN, "interests": ["events"]})
    giving.work()

    assert [mail.to for mail in giving.mails("confirm your sign-up")[before:]] == [ANN]


def test_where_the_law_wants_a_name_beside_the_gift_it_stays(giving: World, site: Site) -> None:
    """Canada's copies of official receipts carry name and address; a country that does not ask gets none."""
    giving.give(40_00, "cad")
    site.sign_in(giving, ANN)
    site.post("/portal/contact", {"address": {"line1": STREET, "country": "CA"}, "phone": PHONE, "name": NAME}, "PATCH")
    donor_id = giving.donor_id()
    erase(giving, site)
    tombstone = donors.profile(donor_id)

    assert (tombstone.named_on_receipts, tombstone.address.line1, tombstone.phone, tombstone.email) == (NAME, STREET, "", "")
    assert "Your name and postal address beside those books" in giving.mails("You are forgotten")[0].text


@pytest.mark.slow
def test_wherever_the_power_goes_out_the_queue_ends_it(giving: World, ann: Site) -> None:
    """Page and worker die after every write in turn; asked again or not, the person is gone and the sums are the same."""
    number, survived = 0, False
    while not survived:
        number += 1
        email = f"donor{number}@example.org"
        donor_site = Site()
        donor_site.come_from(f"203.0.113.{number}")
        whole_life(giving, donor_site, email)
        donor_id, before, hashed = giving.donor_id(email), sums(), keys.email_hash(email)
        survived, letters = until_the_power_goes(donor_site, number)
        donor_site.post("/portal/erase", {"confirm": "erase"})
        letters += waiting()
        giving.time.travel_to(giving.time.now() + outbox.LEASE)
        for letter in letters:
            errands.run(letter)
        giving.deliver()

        assert donors.profile(donor_id).erased_at, number
        assert donors.profile(donor_id).farewell == "", number
        assert email not in everything(), number
        assert everything().count(hashed) == 2, number
        assert {name: before[name] for name in before} == {name: sums()[name] for name in before}
        assert [each.state for each in store.of_donor(donor_id)] == ["ended"]
        assert [mail.to for mail in giving.mails("You are forgotten") if "X-Possible-Duplicate" not in mail.headers].count(email) <= 1
        assert [mail for mail in giving.mails("You are forgotten") if mail.to == email], number
    assert number > 15


def until_the_power_goes(site: Site, number: int) -> tuple[bool, list[str]]:
    """Whether page and worker came to their end before write `number`, and the letters that are not done."""
    letters: list[str] = []
    with cut(number) as made:
        try:
            site.post("/portal/erase", {"confirm": "erase"})
            letters += waiting()
            for letter in letters:
                errands.run(letter)
        except PowerCut:
            return False, letters
    return len(made) < number, letters


def test_a_declaration_under_way_is_not_kept_any_more(giving: World, ann: Site) -> None:
    """Name, home and where it came from would stand under the tombstone for good."""
    donor_id = giving.donor_id()
    erase(giving, ann)
    with pytest.raises(Conflict):
        gift_aid.declare((donor_id,), DeclarationRequest("Ann", NAME, "1 Rose St", "SW1A 1AA", "future", "yes"), "10.0.0.1")

    assert NAME not in everything()


def test_a_change_under_way_writes_no_name_back(giving: World, ann: Site) -> None:
    """Its request came before the erasure and its write after."""
    donor_id = giving.donor_id()
    erase(giving, ann)
    with pytest.raises(NotSignedIn):
        contact.change(donor_id, contact.ContactChange(name=NAME))

    assert NAME not in everything()
    assert erasure.erase(erasure.EraseAsked("nobody")) is None
