"""Pages: whole in every state, safe with hostile words, usable without scripts and by everybody."""

from __future__ import annotations

import re

import pytest

from chalicelib.errors import Conflict, GivingError, InvalidInput, TooMany
from chalicelib.site import pages
from tests.site.conftest import Tags
from tests.site.samples import HOSTILE, every_page, progress

REFUSED = InvalidInput("No good.", code="amount_invalid", field="amount")


def rendered() -> list[tuple[str, str]]:
    fields = {"tribute_note": [HOSTILE], "email": [HOSTILE], "other_amount": [HOSTILE], "name": [HOSTILE]}
    again = [
        (form, pages.form_again(form, fields, error))
        for form in (*pages.FORM_PAGES, "unknown")
        for error in (REFUSED, InvalidInput(HOSTILE, code="x", field="email"), TooMany("Wait.", retry_after=90))
    ]
    return [(name, pages.render(name, **given)) for name, given in every_page()] + again


def test_no_page_has_inline_script_or_style() -> None:
    """
    The policy of every page forbids them, so a page that had one would be broken.
    """
    for name, page in rendered():
        tags = Tags(page)
        assert not tags.named("style"), name
        assert all(script.get("src", "").startswith("/static/") for script in tags.named("script")), name
        inline = [key for _, attributes in tags.found for key in attributes if key == "style" or key.startswith("on")]
        assert not inline, name


def test_hostile_words_never_become_markup() -> None:
    """
    What donors, mails and query strings say is shown as text, in elements and in attributes.
    """
    for name, page in rendered():
        assert "<script>alert" not in page, name
        assert "<img" not in page, name


def test_everything_one_can_fill_in_has_a_label() -> None:
    """
    A field without a label is unusable by voice and by screen reader (WCAG 1.3.1, 4.1.2).
    """
    for name, page in rendered():
        tags = Tags(page)
        labelled = {label["for"] for label in tags.named("label")}
        fields = [each for each in tags.named("input", "select", "textarea") if each.get("type") != "hidden"]
        assert [each for each in fields if each["id"] not in labelled] == [], name


def test_ids_are_unique_and_everything_that_refers_to_one_finds_it() -> None:
    """
    A label, a description or a link to an id that is missing or double leads nowhere.
    """
    for name, page in rendered():
        tags = Tags(page)
        ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        referring = [
            attributes.get(key, "").split()
            for _, attributes in tags.found
            for key in ("aria-describedby", "aria-labelledby", "for")
        ]
        fragments = [[link["href"][1:]] for link in tags.named("a") if link.get("href", "").startswith("#")]
        assert {each for found in referring + fragments for each in found} <= set(ids), name


def test_every_page_can_be_skipped_through() -> None:
    """
    One main landmark, one first heading, a language and a title on each page.
    """
    for name, page in rendered():
        assert page.count("<main") == page.count("<h1") == 1, name
        assert '<html lang="en">' in page, name
        assert re.search(r"<title>[^<]{4,}</title>", page), name


def test_forms_only_post_to_our_own_calls() -> None:
    """
    Nothing that a donor types is sent anywhere but to this site.
    """
    for name, page in rendered():
        actions = [form["action"] for form in Tags(page).named("form")]
        assert all(action.startswith("/") and not action.startswith("//") for action in actions), name


def test_a_page_that_is_given_too_little_fails() -> None:
    """
    A missing variable is our bug and must not become an empty word on a page.
    """
    with pytest.raises(Exception, match="donor"):
        pages.render("portal/home.html")


def test_a_refused_gift_is_shown_again_as_typed_and_marked() -> None:
    """
    Nobody fills a form in twice, and the fault is linked to its field.
    """
    fields = {"gift_id": ["f" * 32], "currency": ["gbp"], "frequency": ["once"], "amount_once": ["other"],
              "other_amount": ["2,5o"], "tribute_name": ["Ann"], "cover_fees": ["true"]}  # fmt: skip

    page = Tags(pages.form_again("give", fields, REFUSED))

    assert page.field("gift_id")["value"] == "f" * 32
    assert page.field("other_amount")["value"] == "2,5o"
    assert page.field("other_amount")["aria-invalid"] == "true"
    assert "other_amount-fault" in page.field("other_amount")["aria-describedby"]
    assert page.field("tribute_name")["value"] == "Ann"
    assert "checked" in page.field("cover_fees")
    assert any(link.get("href") == "#other_amount" for link in page.named("a"))


@pytest.mark.parametrize(
    "error", [Conflict("Already another gift."), InvalidInput("Bad.", field="gift_id")], ids=["conflict", "bad id"]
)
def test_a_spent_gift_id_is_replaced(error: GivingError) -> None:
    """
    The id stands for another gift for ever; only a new one can succeed.
    """
    page = Tags(pages.form_again("give", {"gift_id": ["f" * 32]}, error))

    assert re.fullmatch(r"[0-9a-f]{32}", page.field("gift_id")["value"])
    assert page.field("gift_id")["value"] != "f" * 32


def test_a_refused_sign_up_keeps_what_was_ticked() -> None:
    """
    Consent is what the person ticked: nothing more, also the second time.
    """
    fresh = Tags(pages.render("sign_up.html"))
    again = Tags(pages.form_again("sign-up", {"interests": ["events"]}, InvalidInput("x", field="email")))

    assert [box["value"] for box in fresh.named("input") if "checked" in box] == []
    assert [box["value"] for box in again.named("input") if "checked" in box] == ["events"]


def test_the_thank_you_page_asks_again_without_a_script_but_not_for_ever() -> None:
    """
    Not known yet is said as such; after the last attempt the page stops and says where to look.
    """
    waiting = pages.render("thank_you.html", **progress("started"), attempt=3, asks=20)
    given_up = pages.render("thank_you.html", **progress("started"), attempt=20, asks=20)

    assert f"/thank-you?gift={'a' * 32}&amp;try=4" in waiting
    assert "refresh" not in given_up
    assert "Thank you" not in waiting + given_up


def test_no_state_but_paid_says_thank_you() -> None:
    """
    The page never thanks for money that has not arrived.
    """
    for state in ("started", "processing", "failed", "refunded"):
        assert "<h1>Thank you" not in pages.render("thank_you.html", **progress(state)), state
    assert "<h1>Thank you" in pages.render("thank_you.html", **progress("paid"))


def test_our_own_faults_tell_nothing_of_the_inside() -> None:
    """
    A 500 is explained to the operators, not to the visitor.
    """
    assert not any("secret detail" in page for _, page in rendered())


def test_a_tax_year_is_called_by_its_name() -> None:
    """
    "2025" above a British gift of March 2026 is another year to whoever gave it. The address has the number.
    """
    for page in [html for name, html in rendered() if "/portal/statements/2025" in html]:
        assert "2025–26" in page
        assert "/portal/statements/2025?" in page
        assert ">2025 " not in page
        assert ">2025<" not in page
    (page,) = {html for name, html in rendered() if "<h1>Tax statements" in html and "/portal/statements/2025" in html}
    assert '<h2>2025–26 <span class="aside">so far</span></h2>' in page


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [(5000, "usd", "$50.00"), (500, "jpy", "¥500"), ({"minor": 1050, "currency": "gbp"}, "", "£10.50")],
)
def test_money_is_written_by_its_currency(value: object, currency: str, words: str) -> None:
    """
    Zero- and three-decimal currencies included; a dictionary is as good as two values.
    """
    assert pages._money(value, currency) == words


def test_days_are_written_out() -> None:
    """
    4/5/2026 is two different days in two countries.
    """
    assert pages._day("2026-11-24") == pages._day("2026-11-24T23:00:00+00:00") == "24 November 2026"
    assert [pages._month_day(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 31)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "31st",
    ]  # fmt: skip
