"""Gift Aid on the giving form and in the call: what is asked, refused and kept from others."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import pytest

from chalicelib import items, keys
from tests.gift_aid.declaring import PARTS, THIS, give, posted, waiting
from tests.giving_world import World
from tests.guard.test_form_token import wish
from tests.over_http import Site
from tests.portal.calls import everything


def test_it_is_asked_in_pounds_and_nowhere_else(site: Site) -> None:
    """
    Nothing chosen beforehand, and nobody is asked who gives to another entity.
    """
    page = site.get("/give?currency=gbp", "text/html").text
    assert "I am a UK taxpayer and understand" in page
    assert 'id="gift_aid"' in page
    assert page.count(" checked>") == 3  # how often, and how much in either case
    for currency in ("usd", "eur", "cad"):
        assert "Gift Aid" not in site.get(f"/give?currency={currency}", "text/html").text


def test_without_it_nothing_of_it_is_required_or_kept(giving: World, site: Site) -> None:
    """
    Whatever else was typed: not choosing is choosing.
    """
    assert posted(site, **{**PARTS, "gift_aid": "", "postcode": "nonsense", "taxpayer": ""}).status == 303
    assert waiting() == []


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("first_name", "", "Please write your first name"), ("last_name", " ", "Please write your last name"),
        ("house", "", "name or number of your home"), ("house", "=1+2", "can begin with"),
        ("house", "＝1+2", "can begin with"), ("last_name", "Lee;=1+2", "can begin with"),
        ("house", "c/o Lee", "your own home"), ("house", "P.O. Box 7", "your own home"),
        ("postcode", "", "postcode of your home"), ("postcode", "12207", "no UK postcode"),
        ("taxpayer", "", "pay UK tax"), ("scope", "", "choose which gifts"), ("country", "ZZ", "choose a country from the list"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    giving: World, site: Site, field: str, typed: str, said: str
) -> None:
    """
    The form comes back as it was typed, with the fault at the field; nothing was kept and Stripe was not asked.
    """
    answer = posted(site, **{**PARTS, field: typed})

    assert answer.status == 400
    assert f'href="#{"scope_this_gift" if field == "scope" else field}"' in answer.text
    assert f'id="{field}-fault"' in answer.text
    assert said in answer.text
    assert 'id="gift_aid" value="yes" checked' in answer.text
    kept = [value for name, value in PARTS.items() if name in {"first_name", "last_name", "house"} and name != field]
    assert all(f'value="{value}"' in answer.text for value in kept)
    assert (waiting(), giving.standin.read(lambda world: world.all("checkout.session"))) == ([], [])


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"currency": "usd"}, "gift_aid"),
        ({"gift_aid": {**msgspec.to_builtins(THIS), "postcode": "1"}}, "postcode"),
        ({"gift_aid": {**msgspec.to_builtins(THIS), "scope": "for ever"}}, "gift_aid"),
        ({"gift_aid": {"scope": "this_gift"}}, "first_name"),
        ({"gift_aid": {**msgspec.to_builtins(THIS), "house": "4242424242424242"}}, "house"),
    ],
)
def test_the_call_refuses_what_the_form_does(site: Site, more: dict[str, Any], field: str) -> None:
    """
    One rule for both; a declaration to the wrong entity is refused rather than dropped.
    """
    answer = site.post("/gifts", {**wish(currency="gbp", gift_aid=msgspec.to_builtins(THIS)), **more})

    assert (answer.status, answer.json["error"]["field"]) == (400, field)


def test_another_declaration_is_another_gift(site: Site) -> None:
    """
    The gift's id is bound to what was declared with it too.
    """
    sent = wish(currency="gbp", gift_aid=msgspec.to_builtins(THIS))
    assert site.post("/gifts", sent).status == 201
    sent["gift_aid"]["house"] = "8"

    assert site.post("/gifts", sent).status == 409


def test_nothing_of_it_goes_to_stripe_or_into_a_log(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Stripe keeps metadata for ever; it learns that Gift Aid was wished, and no name or home.
    """
    secret = f"House {secrets.token_hex(6)}"
    give(giving, msgspec.structs.replace(THIS, house=secret, first_name="Annabel"))

    books = str(giving.standin.read(lambda world: world.things))
    said = capsys.readouterr()
    for personal in (secret, "Annabel", "Lee-Moor", "SW1A"):
        assert personal not in books
        assert personal not in said.out + said.err
    assert giving.gifts()[0].about.gift_aid


def test_a_bare_tick_declares_nothing_and_the_receipt_says_so_once(giving: World) -> None:
    """
    Programs may send `true`: the wish is kept, and the donor told where to declare; not every month anew.
    """
    giving.give(50_00, "gbp", "monthly", gift_aid=True)
    giving.advance(days=32)

    assert ["we hold no declaration" in mail.text for mail in giving.mails("Receipt")] == [True, False]
    assert keys.DECLARATIONS not in str([each["sk"] for each in everything(items.giving())])
