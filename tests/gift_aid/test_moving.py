"""A donor whose name or home has changed declares anew, and from then on that is what is claimed with."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib.gift_aid import store
from chalicelib.gift_aid.store import DeclarationRequest
from tests.gift_aid.declaring import LATER, PARTS, THIS, declared, give, looked_at
from tests.giving_world import ANN, World
from tests.over_http import Site

OLD = DeclarationRequest("Ann", "Lee", "12", "SW1A 1AA", "future", "yes")
NEW = {**msgspec.to_builtins(OLD), "house": "Mill House", "postcode": "BA1 1AA"}


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Ann has declared in the portal, gives, and is signed in there a day later."""
    giving.give(10_00, "gbp")
    store.declare((giving.donor_id(),), OLD, "")
    giving.advance(days=1)
    site.sign_in(giving, ANN)
    return site


def houses() -> list[tuple[int, str]]:
    """The day and house of every row of a claim."""
    return sorted((entry.given_on.day, by.house) for entry, by in looked_at())


def test_who_moves_declares_once_more_and_what_was_declared_before_is_kept(giving: World, ann: Site) -> None:
    """
    By a plain form that is filled in with what is in force; gifts before it keep the home they were declared with.
    """
    page = ann.get("/portal/gift-aid", "text/html").text
    assert "Change your name or home" in page
    assert 'name="house" type="text" value="12"' in page
    assert 'value="future" required checked' in page
    assert 'name="taxpayer" value="yes" required>' in page
    assert ann.form("/portal/gift-aid", NEW).status == 303
    giving.advance(days=1)
    giving.give(20_00, "gbp")

    assert [(each.house, each.cancelled_at) for each in declared(giving)] == [("Mill House", None), ("12", None)]
    assert houses() == [(10, "12"), (12, "Mill House")]
    ann.sign_in(giving, ANN)
    shown = ann.get("/portal/gift-aid").json
    assert shown["made_on"] == "2026-03-11"
    assert [(each["house"], each["counts"]) for each in shown["declarations"]] == [("Mill House", True), ("12", False)]


def test_a_refused_change_comes_back_as_it_was_typed_and_changes_nothing(giving: World, ann: Site) -> None:
    """
    Not as it is in force: the donor mends the one field.
    """
    answer = ann.form("/portal/gift-aid", {**NEW, "house": "PO Box 7"})

    assert answer.status == 400
    assert 'id="house-fault"' in answer.text
    assert 'value="BA1 1AA"' in answer.text
    assert [each.house for each in declared(giving)] == ["12"]


def test_a_new_home_given_with_a_gift_is_confirmed_in_the_portal(giving: World, ann: Site) -> None:
    """
    A stranger may have typed the address, so the portal's counts; the receipt says where to confirm, also on the same day.
    """
    give(giving, msgspec.structs.replace(LATER, last_name="Lee", house="Mill House", postcode="BA1 1AA"))
    (receipt,) = (mail for mail in giving.mails("Receipt") if "made this Gift Aid declaration" in mail.text)
    for said in (receipt.text, receipt.html):
        assert "For your other gifts we have another name or home from you in the portal" in said
    giving.give(20_00, "gbp")
    assert houses() == [(10, "12"), (11, "12"), (11, "Mill House")]
    shown = ann.get("/portal/gift-aid").json
    assert shown["made_on"] == "2026-03-10"
    assert [(each["house"], each["counts"]) for each in shown["declarations"]] == [("Mill House", False), ("12", True)]

    assert ann.form("/portal/gift-aid", NEW).status == 303
    assert houses() == [(10, "12"), (11, "Mill House"), (11, "Mill House")]


@pytest.mark.parametrize("told", [LATER, THIS], ids=["later", "this"])
def test_nobody_is_asked_to_confirm_the_home_that_is_known(giving: World, site: Site, told: DeclarationRequest) -> None:
    """
    However it is written: capitals make no other home. Nor anybody who has declared nothing in the portal.
    """
    give(giving, told)
    site.sign_in(giving, ANN)
    assert site.form("/portal/gift-aid", {**PARTS, "scope": "future", "house": "ROSE COTTAGE"}).status == 303
    give(giving, told)

    assert len(giving.mails("Receipt")) == 2
    assert not [mail for mail in giving.mails("Receipt") if "another name or home" in mail.text + mail.html]


def test_there_and_back_within_a_day_is_two_changes(giving: World, ann: Site) -> None:
    """
    Sent twice it is one; what was in force this morning is declared once more all the same.
    """
    for house in ("Mill House", "Mill House", "12", "12"):
        assert ann.form("/portal/gift-aid", {**NEW, "house": house}).status == 303
        giving.advance(minutes=1)

    assert [each.house for each in declared(giving)] == ["12", "Mill House", "12"]
    give(giving, THIS)
    assert ann.form("/portal/gift-aid", {**NEW, "house": "12"}).status == 303
    assert sum(not each.gift_id for each in declared(giving)) == 3


def test_cancelling_ends_every_home_s(giving: World, ann: Site) -> None:
    """
    One press, however often the donor moved.
    """
    ann.form("/portal/gift-aid", NEW)
    ann.form("/portal/gift-aid/cancel", {})

    assert all(each.cancelled_at for each in declared(giving))
    assert ann.get("/portal/gift-aid").json["cancelled_on"] == "2026-03-11"
