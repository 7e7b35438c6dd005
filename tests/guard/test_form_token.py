"""The form's token: a person's time, one gift, one day."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from chalicelib.errors import InvalidInput
from chalicelib.guard import form_token
from tests.giving_world import World
from tests.over_http import Site


def wish(**more: Any) -> dict[str, Any]:
    return {"gift_id": secrets.token_hex(16), "amount": 50_00, "currency": "usd", "frequency": "once", **more}


def hidden(page: str, name: str) -> str:
    """A hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no {name} in the form"
    return found.group(1)


def begun(giving: World) -> int:
    return giving.standin.read(lambda world: len(world.all("checkout.session")))


@pytest.mark.parametrize(("seconds", "good"), [(0, False), (2, False), (3, True), (86_400, True), (86_401, False)])
def test_a_token_is_good_from_three_seconds_to_a_day(giving: World, seconds: int, good: bool) -> None:
    """A person needs seconds to fill a form in; a page left open overnight still gives."""
    token = form_token.issue("a" * 32)
    giving.advance(seconds=seconds)

    if good:
        form_token.check(token, "a" * 32)
    else:
        with pytest.raises(InvalidInput, match="once more"):
            form_token.check(token, "a" * 32)


@pytest.mark.parametrize("token", ["", "x", "é", "a.b", "A" * 300])
def test_a_gift_without_a_token_of_ours_does_not_begin(giving: World, site: Site, token: str) -> None:
    """400 with a code that a program can act on, and nothing asked of Stripe."""
    answer = site.post("/gifts", wish(form_token=token))

    assert (answer.status, answer.json["error"]["code"]) == (400, "form_token_invalid")
    assert begun(giving) == 0


def test_a_token_is_for_one_gift(giving: World, site: Site) -> None:
    """One visit to the form is one gift, however often the token is copied."""
    first = wish()
    token = form_token.issue(first["gift_id"])
    giving.advance(seconds=10)

    answers = [site.post("/gifts", {**each, "form_token": token}) for each in (first, wish(), {**first, "amount": 60_00})]

    assert [answer.status for answer in answers] == [201, 400, 409]
    assert begun(giving) == 1


def test_the_same_gift_sent_again_passes_though_its_token_is_long_too_old(giving: World, site: Site) -> None:
    """Once taken, a retry with the very same contents is that gift: never lost, never doubled."""
    gift = wish(email="ann@example.org")
    token = form_token.issue(gift["gift_id"])
    giving.advance(seconds=10)
    first = site.post("/gifts", {**gift, "form_token": token})
    giving.advance(hours=20)
    late = [site.post("/gifts", {**gift, "form_token": each}).json for each in (token, "")]

    assert late == [first.json, first.json]
    assert begun(giving) == 1


@pytest.mark.parametrize("path", ["/give", "/", "/give/card"])
def test_every_page_with_the_form_brings_a_token_for_its_gift(giving: World, site: Site, path: str) -> None:
    """So that a person notices nothing."""
    page = site.get(path, accept="text/html").text
    fields = {name: hidden(page, name) for name in ("gift_id", "form_token", "currency")}
    giving.advance(seconds=5)

    assert site.form("/gifts", {**fields, "frequency": "once", "amount_once": "5000"}).status == 303


def test_a_form_that_was_open_too_long_comes_back_whole_and_goes_through_at_once(giving: World, site: Site) -> None:
    """Everything typed is kept, and the new token carries the wait of the old one."""
    page = site.get("/give", accept="text/html").text
    typed = {"frequency": "once", "amount_once": "other", "other_amount": "12.50", "name": "Ann <Lee>", "currency": "usd"}
    giving.advance(hours=30)
    late = site.form("/gifts", {**typed, "gift_id": hidden(page, "gift_id"), "form_token": hidden(page, "form_token")})

    assert (late.status, hidden(late.text, "gift_id")) == (400, hidden(page, "gift_id"))
    assert all(part in late.text for part in ("12.50", "Ann &lt;Lee&gt;", "once more"))
    again = {**typed, "gift_id": hidden(late.text, "gift_id"), "form_token": hidden(late.text, "form_token")}
    assert site.form("/gifts", again).status == 303


def test_two_mistakes_in_the_form_cost_nothing(giving: World, site: Site) -> None:
    """A donor who mistypes twice still gives, without waiting."""
    page = site.get("/give", accept="text/html").text
    giving.advance(seconds=4)
    answer = None
    for typed in ("1.005", "nothing", "25"):
        fields = {name: hidden(page, name) for name in ("gift_id", "form_token", "currency")}
        answer = site.form("/gifts", {**fields, "frequency": "once", "amount_once": "other", "other_amount": typed})
        page = answer.text or page

    assert answer
    assert answer.status == 303


def test_the_back_button_and_another_amount_is_another_gift(giving: World, site: Site) -> None:
    """The form's id is spent: it comes back with a new one, which its old token's wait counts for."""
    page = site.get("/give", accept="text/html").text
    giving.advance(seconds=5)
    fields = {name: hidden(page, name) for name in ("gift_id", "form_token", "currency")} | {"frequency": "once"}
    site.form("/gifts", {**fields, "amount_once": "5000"})
    back = site.form("/gifts", {**fields, "amount_once": "10000"})
    fresh = {name: hidden(back.text, name) for name in ("gift_id", "form_token")}

    assert (back.status, fresh["gift_id"] != fields["gift_id"]) == (409, True)
    assert site.form("/gifts", {**fields, **fresh, "amount_once": "10000"}).status == 303


def test_a_program_gets_its_token_by_a_call(giving: World, site: Site) -> None:
    """Documented, with the moments from and until which it is good."""
    gift = wish()
    told = site.get(f"/form-token?gift_id={gift['gift_id']}").json
    early = site.post("/gifts", {**gift, "form_token": told["form_token"]})
    giving.advance(seconds=3)

    assert early.json["error"]["code"] == "form_token_invalid"
    assert site.post("/gifts", {**gift, "form_token": told["form_token"]}).status == 201
    assert (told["usable_at"], told["challenge"]) == ("2026-03-10T12:00:03Z", None)
    assert site.get("/form-token?gift_id=short").status == 400


def test_the_field_that_people_do_not_see_is_a_trap_for_programs_too(giving: World, site: Site) -> None:
    """JSON and form alike; left empty it is nothing."""
    assert site.post("/gifts", wish(website="https://spam.example")).json["error"]["code"] == "form_invalid"
    assert site.form("/gifts", wish(website="https://spam.example")).status == 400
    assert begun(giving) == 0
    assert site.post("/gifts", wish(website="")).status == 201


def test_the_local_run_asks_for_no_token(giving: World, site: Site, setting: Any) -> None:
    """GUARD=wide: programs may begin gifts without a visit to the page, and limits are a hundred times wider."""
    setting(GUARD="wide")
    answers = [site.post("/gifts", wish(form_token="")) for _ in range(25)]

    assert {answer.status for answer in answers} == {201}
