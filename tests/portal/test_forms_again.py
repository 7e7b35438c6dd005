"""A form of the portal that is refused comes back: as it was typed, with the fault at its field, in words for people."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.site.conftest import Tags

CONTACT, GIFTS = "/portal/contact", "/portal/partnerships"
# Words of programs, which no page says.
OF_PROGRAMS = ("Expected", "regex", "is not right", "is missing", "cannot be read", "length <=", "Invalid")


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Signed in, with $75 each month since 10 March."""
    giving.give(75_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def mine(giving: World) -> str:
    return f"{GIFTS}/{giving.partnership().partnership_id}"


def is_back(answer: Answered, action: str, name: str, field: str, typed: str) -> str:
    """The page is the form's own, and ties what is wrong to the field of this id; what it says."""
    page = Tags(answer.text)
    assert answer.status == 400, answer.text
    assert [each for each in page.named("form") if each["action"] == action], "the form is not there"
    faulty = next(each for each in page.named("input", "select") if each.get("id") == field)
    assert (faulty["name"], faulty["aria-invalid"]) == (name, "true")
    assert faulty.get("value", typed) == typed
    fault = faulty["aria-describedby"].split()[-1]
    said = unescape(answer.text.split(f'id="{fault}">')[1].split("</p>")[0])
    alert = next(attributes for tag, attributes in page.found if attributes.get("role") == "alert")
    assert ("autofocus" in alert, f'<a href="#{field}">' in answer.text) == (True, True)
    assert "<title>Please check: " in answer.text
    assert [words for words in OF_PROGRAMS if words in unescape(answer.text)] == []
    return said


LONG = "x" * 200
WRONG_CONTACT = {
    "name": (LONG, "shorter name"), "receipt_name": (LONG, "shorter name"), "phone": ("call me", "in digits"), "line1": (LONG, "shorter"),
    "line2": (LONG, "shorter"), "city": (LONG, "shorter"), "region": (LONG, "shorter"), "postal_code": ("9" * 21, "shorter postal code"),
    "country": ("Utopia", "country from the list"), "language": ("zz", "English and Español"),
}  # fmt: skip


@pytest.mark.parametrize("field", WRONG_CONTACT)
def test_contact_info_comes_back_as_it_was_typed(ann: Site, field: str) -> None:
    """Every field, and the others with it; the address of sign-in, which is in no field, too."""
    typed, says = WRONG_CONTACT[field]
    sent = {**dict.fromkeys(WRONG_CONTACT, ""), "name": "Ann B.", "city": "Springfield", "country": "CA", field: typed}
    answer = ann.form(CONTACT, sent)

    assert says in is_back(answer, CONTACT, field, field, typed)
    page = Tags(answer.text)
    assert page.field("city")["value"] == sent["city"] or field == "city"
    assert f"<strong>{ANN}</strong>" in answer.text
    assert ann.get(CONTACT).json["name"] != "Ann B."


@pytest.mark.parametrize(("field", "typed"), [("line1", "1 Main St\nFlat 2"), ("name", "4242 4242 4242 4242"), ("city", "a\x07b")])
def test_what_may_not_be_kept_is_said_at_its_field(ann: Site, field: str, typed: str) -> None:
    """Line breaks, card numbers and controls, in the parts of the address too."""
    is_back(ann.form(CONTACT, {field: typed}), CONTACT, field, field, typed)


@pytest.mark.parametrize("phone", ["555 0100 ext 4", "+1 (555) 010-0199 x4", "555.010.0199, Ext. 12", "5550100 extension 7", "", "+44 20 7946 0000"])
def test_a_telephone_number_may_have_an_extension(ann: Site, phone: str) -> None:
    """As people write them."""
    assert ann.form(CONTACT, {"phone": phone}).status == 303
    assert ann.get(CONTACT).json["phone"] == phone


@pytest.mark.parametrize("phone", ["ext", "555 x", "555 text 4", "x" * 41, "555 ext 4 ext 5"])
def test_what_is_no_telephone_number_is_refused(ann: Site, phone: str) -> None:
    """Words are not."""
    assert ann.post(CONTACT, {"phone": phone}, "PATCH").json["error"]["field"] == "phone"


WRONG_CHANGES: dict[str, tuple[str, str, str, str, str]] = {
    "not a number": ("", "new_amount", "amount", "ten", "in digits"),
    "nothing": ("", "new_amount", "amount", "0", "in digits"),
    "empty": ("", "new_amount", "amount", "", "in digits"),
    "too little": ("", "new_amount", "amount", "1", "The smallest gift is $5.00."),
    "too much": ("", "new_amount", "amount", "900000", "The largest gift here is"),
    "far too much": ("", "new_amount", "amount", "99999999999", "in digits"),
    "no such day": ("", "day", "day", "40", "from the 1st to the 28th"),
    "no day of every month": ("", "day", "day", "31", "from the 1st to the 28th"),
    "no number of a day": ("", "day", "day", "soon", "from the 1st to the 28th"),
    "a day that is past": ("/pause", "until", "until", "2026-03-09", "within the next twelve months"),
    "too long a pause": ("/pause", "until", "until", "2030-01-01", "within the next twelve months"),
    "no date": ("/pause", "until", "until", "in autumn", "choose the day until which"),
    "no date at all": ("/pause", "until", "until", "", "choose the day until which"),
    "a reason of one's own": ("/cancel", "reason", "reason", "I lost my job", "from the list"),
}


@pytest.mark.parametrize("case", WRONG_CHANGES)
def test_a_change_of_the_monthly_gift_comes_back_as_it_was_typed(giving: World, ann: Site, case: str) -> None:
    """Beside everything else of the page, the part with the fault unfolded; and nothing was changed."""
    path, field, _, typed, says = WRONG_CHANGES[case]
    before = giving.partnership()
    other = {"new_amount": "80", "day": "12", "currency": "usd"} if not path else {}
    answer = ann.form(mine(giving) + path, {**other, field: typed})

    assert says in is_back(answer, mine(giving) + path, field, f"{field}-{before.partnership_id}", typed)
    unfolded = answer.text.split('<details class="more" open>')
    assert len(unfolded) == 2
    assert f'id="{field}-' in unfolded[1].split("</details>")[0]
    assert "What happens next." in answer.text
    giving.work()
    assert (giving.partnership(), giving.mails("Your monthly gift:")) == (before, [])


def test_the_other_field_is_as_it_was_typed_too(giving: World, ann: Site) -> None:
    """Only one of them was wrong."""
    answer = ann.form(mine(giving), {"new_amount": "1", "day": "12", "currency": "usd"})

    chosen = [each for each in Tags(answer.text).named("option") if "selected" in each]
    assert [each["value"] for each in chosen] == ["12"]


def test_of_two_monthly_gifts_only_the_one_at_fault_shows_it(giving: World, ann: Site) -> None:
    """Each has its own form, with what it gives."""
    giving.give(30_00, "usd", "monthly")
    at = next(each["partnership_id"] for each in ann.get(GIFTS).json["partnerships"] if each["amount"] == 75_00)
    answer = ann.form(f"{GIFTS}/{at}", {"new_amount": "1", "currency": "usd"})

    amounts = [each for each in Tags(answer.text).named("input") if each.get("name") == "new_amount"]
    assert sorted((each["value"], each.get("aria-invalid")) for each in amounts) == [("1", "true"), ("30", None)]


CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("PATCH", CONTACT, {"phone": "call me"}, "phone"), ("PATCH", CONTACT, {"address": {"postal_code": "9" * 21}}, "address"),
    ("PATCH", CONTACT, {"address": {"line1": "a\nb"}}, "address"), ("PATCH", CONTACT, {"language": "zz"}, "language"),
    ("PATCH", GIFTS, {"amount": 1}, "amount"), ("PATCH", GIFTS, {"day": 40}, "day"),
    ("POST", f"{GIFTS}/pause", {"until": "2026-03-09"}, "until"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "field"), CALLS)
def test_programs_keep_the_one_error_shape(giving: World, ann: Site, method: str, path: str, body: dict[str, Any], field: str) -> None:
    """Code, message and the field of the call, whatever a form would be shown."""
    answer = ann.post(path.replace(GIFTS, mine(giving)), body, method)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert (set(answer.json), set(answer.json["error"])) == ({"error"}, {"code", "message", "field"})
    assert answer.json["error"]["field"] == field


@pytest.mark.parametrize(("path", "fields"), [(CONTACT, {"phone": "call me"}), (f"{GIFTS}/sub_1", {"new_amount": "x", "currency": "usd"})])
def test_nobody_who_is_not_signed_in_is_shown_a_form_again(site: Site, path: str, fields: dict[str, str]) -> None:
    """What cannot be read is found before it is asked who sent it."""
    answer = site.form(path, fields)

    assert (answer.status, answer.headers["location"]) == (303, "/portal")


def test_another_donor_s_monthly_gift_is_not_there_whatever_is_wrong(giving: World, ann: Site) -> None:
    """Neither with the fault of a field nor with what stands."""
    theirs = mine(giving)
    giving.give(10_00, email="bob@example.org")
    bob = Site()
    bob.sign_in(giving, "bob@example.org")

    for fields in ({"new_amount": "1", "currency": "usd"}, {"new_amount": "50", "currency": "usd"}):
        answer = bob.form(theirs, fields)
        assert answer.status in {400, 404}
        assert "$75" not in answer.text
        assert "What happens next" not in answer.text


# What documents are written in


def languages(site: Site) -> tuple[list[str], str]:
    """Which languages the page offers, and which is chosen."""
    options = site.get(CONTACT, accept="text/html").text.split('<select id="language"')[1].split("</select>")[0]
    found = Tags(options).named("option")
    return [each["value"] for each in found], next((each["value"] for each in found if "selected" in each), "")


def keep_language(giving: World, language: str) -> None:
    """As Stripe told it of the donor's browser, or as an earlier version of the form took it."""
    from chalicelib import items, keys

    items.update(items.giving(), keys.donor(giving.donor_id()), "SET #l = :l", {":l": language}, None, {"#l": "language"})


def test_only_languages_in_which_there_is_something_to_read_are_offered(giving: World, ann: Site) -> None:
    """English and Spanish; any other is refused, to programs too."""
    keep_language(giving, "es")

    assert languages(ann) == (["", "en", "es"], "es")
    assert ann.post(CONTACT, {"language": "fr"}, "PATCH").json["error"]["code"] == "language_unknown"
    assert ann.form(CONTACT, {"language": "en"}).status == 303
    assert languages(ann)[1] == "en"


@pytest.mark.parametrize(("kept", "chosen", "then"), [("fr", "fr", "fr"), ("es-419", "es", "es"), ("english", "en", "en"), ("zz", "zz", "zz")])
def test_what_is_kept_already_breaks_neither_the_page_nor_the_form(giving: World, ann: Site, kept: str, chosen: str, then: str) -> None:
    """The form sends every field back: what it was shown with is taken, and the donor's telephone number with it."""
    keep_language(giving, kept)
    assert languages(ann)[1] == chosen

    assert ann.form(CONTACT, {"language": chosen, "phone": "555"}).status == 303
    assert [ann.get(CONTACT).json[name] for name in ("language", "phone")] == [then, "555"]
