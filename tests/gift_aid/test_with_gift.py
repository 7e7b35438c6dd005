"""Gift Aid declared on the giving form: what waits, whom it is booked to, when it counts, and what is forgotten."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from chalicelib import items
from chalicelib.gift_aid import pending, store
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.processor import reconcile, settle
from tests.gift_aid.declaring import (
    ALL,
    BANK,
    BO,
    DECLINED,
    DISPUTED,
    LATER,
    PARTS,
    THIS,
    declared,
    give,
    looked_at,
    waiting,
)
from tests.giving_world import ANN, World
from tests.guard.test_form_token import wish
from tests.ops.conftest import Ended, run  # noqa: F401 - a fixture
from tests.over_http import Site
from tests.portal.calls import everything
from tests.portal.test_export import copy
from tests.processor.power import PowerCut, cut


@pytest.fixture
def claim(giving: World, run: Callable[..., Ended], tmp_path: Path) -> Callable[[], list[list[str]]]:  # noqa: F811
    """The rows of a claim over all the days there are."""

    def rows() -> list[list[str]]:
        assert run("gift-aid", "--from", "2020-01-01", "--to", "2030-01-01", "--out", str(tmp_path / "claim.csv")).well
        for row in _read(tmp_path / "claim.csv.trail.csv"):
            assert row[-1] == f"with gift {row[2].removeprefix('gift-')}"
        return _read(tmp_path / "claim.csv")

    return rows


def _read(file: Path) -> list[list[str]]:
    """The rows below the head."""
    with file.open(newline="") as opened:
        return list(csv.reader(opened))[1:]


def test_it_is_the_declaration_of_whoever_pays(giving: World) -> None:
    """
    Stripe says who has paid, and nobody else has declared.
    """
    gift_id = give(giving, LATER, email=BO)

    (told,) = declared(giving, BO)
    assert (told.gift_id, told.scope, told.house, told.postcode) == (gift_id, "future", "Rose Cottage", "SW1A 1AA")
    assert waiting() == []


def test_the_trail_holds_the_words_the_moment_and_the_place(giving: World, site: Site) -> None:
    """
    HMRC may ask years later: what was read, when it was sent, from where, with which gift. Sent twice, the first counts.
    """
    site.come_from("192.0.2.7")
    sent, made_at = wish(currency="gbp", gift_aid=msgspec.to_builtins(THIS)), giving.time.now()
    for _ in range(2):
        assert site.post("/gifts", sent).status == 201
        giving.time.travel_to(giving.time.now() + timedelta(hours=1))
    giving.pay(sent["gift_id"])
    giving.deliver()

    (told,) = declared(giving)
    assert (told.made_at, told.ip, told.gift_id, told.entity) == (made_at, "192.0.2.7", sent["gift_id"], "uk")
    assert told.wording.startswith("I want to Gift Aid this donation to Open Gate Justice UK (example).")
    assert "it is my responsibility to pay any difference" in told.wording


@pytest.mark.parametrize("card", [DECLINED, ""], ids=["declined", "never tried"])
def test_what_is_not_paid_declares_nothing_and_is_left_to_be_forgotten(giving: World, card: str) -> None:
    """
    The home address of a form that came to nothing has its end from the beginning, and belongs to no donor.
    """
    gift_id, began = giving.start(50_00, "gbp", gift_aid=LATER, email=ANN), giving.time.now()
    if card:
        giving.pay(gift_id, card)
    giving.advance(days=2)

    held = [each for each in everything(items.passing()) if each["pk"].startswith("GIFTAID")]
    assert {each["expires_at"] for each in held} == {int((began + pending.KEPT).timestamp())}
    assert len(held) == 2
    assert not [each for each in everything(items.giving()) if "Rose Cottage" in str(each)]


def test_what_has_expired_is_gone_though_it_is_still_there(giving: World) -> None:
    """
    DynamoDB deletes days late. The donor is told that there is no declaration, and where to make one.
    """
    gift_id = giving.start(50_00, "gbp", gift_aid=LATER)
    giving.pay(gift_id)
    giving.time.travel_to(giving.time.now() + pending.KEPT)
    giving.deliver()

    assert (declared(giving), len(waiting())) == ([], 1)
    assert "we hold no declaration from you that covers this gift" in giving.mails("Receipt")[0].text


def test_a_payment_of_which_no_event_told_brings_it_along(giving: World) -> None:
    """
    Reconcile finds the payment five weeks later, and its declaration with it.
    """
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00, "gbp", gift_aid=THIS)
    giving.pay(gift_id)
    giving.advance(days=33)
    reconcile.last(days=35)
    giving.work()

    assert [each.gift_id for each in declared(giving)] == [gift_id]


def test_an_event_told_again_brings_nothing_back(giving: World) -> None:
    """
    What the donor has cancelled meanwhile stays cancelled, and is there once; also if the form was sent once more.
    """
    gift_id = give(giving, LATER)
    store.cancel(giving.donor_id())
    pending.keep(gift_id, LATER, "", "")
    settle.charge(giving.charge_of(gift_id))
    pending.take(giving.donor_id(), gift_id)

    (told,) = declared(giving)
    assert told.cancelled_at
    assert waiting() == []


def test_wherever_the_power_goes_out_there_is_one_declaration(giving: World) -> None:
    """
    The work on a payment dies after each of its writes and is begun again: one declaration, and the receipt tells of it.
    """
    number, survived = 0, False
    while not survived:
        number += 1
        email = f"donor{number}@example.org"
        gift_id = giving.start(50_00, "gbp", gift_aid=THIS)
        giving.pay(gift_id, email=email)
        charge = giving.standin.read(lambda world: world.all("charge"))[-1]["id"]
        survived = _survives(lambda: settle.charge(charge), number)  # noqa: B023 - done within the round
        giving.time.travel_to(giving.time.now() + timedelta(minutes=3))
        settle.charge(charge)

        assert [each.gift_id for each in declared(giving, email)] == [gift_id]
        assert waiting() == []
        assert all("made this Gift Aid declaration" in mail.text for mail in giving.mails("Receipt") if email in mail.to)
    assert number > 8


def _survives(work: Callable[[], object], number: int) -> bool:
    """Whether the work came to its end before write `number`."""
    with cut(number) as made:
        try:
            work()
        except PowerCut:
            return False
    return len(made) < number


# Which gifts

def test_for_this_gift_alone(giving: World, claim: Callable[[], list[list[str]]]) -> None:
    """
    Neither the gift before nor the one after; of a double-barrelled name HMRC wants the space.
    """
    giving.give(30_00, "gbp")
    give(giving, THIS)
    giving.advance(days=1)
    giving.give(40_00, "gbp")

    assert claim() == [["", "Ann", "Lee Moor", "Rose Cottage", "SW1A 1AA", "", "", "10/03/26", "50.00"]]


@pytest.mark.parametrize(("told", "covered"), [(THIS, 1), (LATER, 3), (ALL, 4)], ids=["this", "later", "all"])
def test_later_months_are_a_matter_of_scope(
    giving: World, claim: Callable[[], list[list[str]]], told: DeclarationWithGift, covered: int
) -> None:
    """
    Of a monthly gift "this donation" is the first payment. Lasting ones cover each month, and with the past the gift before.
    """
    giving.give(50_00, "gbp")
    giving.advance(days=2)
    give(giving, told, "monthly")
    giving.advance(days=63)

    assert len(claim()) == covered
    assert sum("declaration" in mail.text for mail in giving.mails("Receipt")) == (1 if told is THIS else 3)


def test_a_debit_that_arrives_days_later_is_covered(giving: World, claim: Callable[[], list[list[str]]]) -> None:
    """
    The declaration waits for the money.
    """
    gift_id = giving.start(50_00, "gbp", gift_aid=THIS)
    giving.pay(gift_id, BANK)
    giving.deliver()
    assert claim() == []
    giving.advance(days=5)

    assert [row[-1] for row in claim()] == ["50.00"]


def test_the_newer_one_stands_and_both_are_kept(giving: World, claim: Callable[[], list[list[str]]]) -> None:
    """
    Who moved house says so with the next gift; what the first said stays in the trail.
    """
    give(giving, LATER)
    giving.advance(days=1)
    give(giving, msgspec.structs.replace(LATER, house="7"))

    assert [each.house for each in declared(giving)] == ["7", "Rose Cottage"]
    assert [row[3] for row in claim()] == ["Rose Cottage", "7"]


def test_who_lives_abroad_has_no_postcode_for_hmrc(giving: World, claim: Callable[[], list[list[str]]]) -> None:
    """
    A donor abroad may pay UK tax: the schedule has an X, the declaration what was typed.
    """
    give(giving, msgspec.structs.replace(THIS, country="fr", postcode="75001"))

    assert [row[4] for row in claim()] == ["X"]
    assert (declared(giving)[0].postcode, declared(giving)[0].country) == ("75001", "FR")


# Telling the donor, and what the donor can do

def test_the_receipt_says_what_was_declared_and_how_to_cancel(giving: World) -> None:
    """
    The words again, in both forms of the mail, but no home address: mail is read by others.
    """
    give(giving, THIS)

    (receipt,) = giving.mails("Receipt")
    for said in (receipt.text, receipt.html):
        assert "I want to Gift Aid this donation to Open Gate Justice UK (example)." in said
        assert "/portal/gift-aid" in said
        assert "Rose Cottage" not in said


def test_a_declaration_is_told_of_though_nothing_can_be_claimed(
    giving: World, claim: Callable[[], list[list[str]]]
) -> None:
    """
    A gift disputed at once is off the claim; what its donor declared stands, and the receipt does not deny it.
    """
    give(giving, LATER, card=DISPUTED)

    assert claim() == []
    assert all("made this Gift Aid declaration" in mail.text for mail in giving.mails("Receipt"))
    assert len(giving.mails("Receipt")) == 1


def test_one_gift_s_declaration_is_seen_and_withdrawn_in_the_portal(
    giving: World, site: Site, claim: Callable[[], list[list[str]]]
) -> None:
    """
    Cancelling the lasting one leaves the single ones; withdrawing a single one takes its gift off the claim.
    """
    first = give(giving, THIS)
    giving.advance(days=1)
    give(giving, LATER)
    giving.give(10_00, email=BO)
    giving.advance(hours=1)
    site.sign_in(giving, ANN)
    page = site.get("/portal/gift-aid", "text/html").text
    assert page.count("Rose Cottage") == 2
    assert site.form("/portal/gift-aid/cancel", {}).status == 303
    assert len(claim()) == 2

    site.sign_in(giving, BO)
    assert site.form(f"/portal/gift-aid/gift-{first}/cancel", {}).status == 404
    site.sign_in(giving, ANN)
    assert site.form(f"/portal/gift-aid/gift-{first}/cancel", {}).status == 303
    assert len(claim()) == 1
    assert site.get("/portal/gift-aid").json["declarations"] == []


def test_the_copy_of_one_s_data_has_it(giving: World, site: Site) -> None:
    """
    As it was given, and what it was given with. What waits beside a typed address may be a stranger's and is not in it.
    """
    gift_id = give(giving, THIS)
    giving.start(50_00, "gbp", gift_aid=msgspec.structs.replace(THIS, house="Elsewhere"), email=ANN)
    site.sign_in(giving, ANN)
    files = copy(site)

    (row,) = json.loads(files["gift_aid_declarations.json"])
    assert (row["gift_id"], row["house"], row["only_this"]) == (gift_id, "Rose Cottage", True)
    assert "Elsewhere" not in str(files)


def test_an_erased_donor_leaves_what_a_claim_rests_on_and_nothing_that_waits(
    giving: World, site: Site, claim: Callable[[], list[list[str]]]
) -> None:
    """
    Also a debit on its way, which arrives at the tombstone: booked, and not declared.
    """
    give(giving, THIS)
    giving.start(60_00, "gbp", gift_aid=LATER, email=ANN)
    on_its_way = giving.start(70_00, "gbp", gift_aid=LATER)
    giving.standin.set_webhooks("hold")
    site.sign_in(giving, ANN)
    assert site.post("/portal/erase", {"confirm": "erase"}).status == 202
    donor_id = giving.donor_id()
    giving.work()
    assert [each["gift_id"] for each in waiting()] == [on_its_way]

    pending.take(donor_id, on_its_way)

    assert waiting() == []
    assert [each.scope for each in store.of_donor(donor_id)] == ["this_gift"]
    assert [row[-1] for row in claim()] == ["50.00"]


def test_a_home_abroad_without_a_postcode_is_read_back_everywhere(
    giving: World, claim: Callable[[], list[list[str]]]
) -> None:
    """Outside the UK it may be left empty, and an empty text is not kept."""
    give(giving, msgspec.structs.replace(THIS, country="ie", postcode=""))

    assert [(each.country, each.postcode) for each in declared(giving)] == [("IE", "")]
    assert len(giving.mails("Receipt")) == 1
    assert [row[4] for row in claim() if "Ann" in row] == ["X"]


def test_what_was_declared_in_the_portal_is_not_replaced_by_a_stranger_who_typed_the_address(
    giving: World, site: Site
) -> None:
    """Who pays on Stripe's page may type any address: their later declaration counts for their own gift."""
    give(giving, False)
    site.sign_in(giving, ANN)
    site.form("/portal/gift-aid", {**PARTS, "scope": "past_and_future"})
    giving.advance(days=1)
    give(giving, msgspec.structs.replace(ALL, first_name="Max"))

    counted = sorted((entry.given_on.day, by.first_name) for entry, by in looked_at())
    assert counted == [(10, "Ann"), (11, "Max")]
