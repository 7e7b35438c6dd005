"""
After a change: what was done, what happens next and when, and that a mail confirms it; said once, and only if it was so.

And when it came to nothing, or nobody knows: a page that says which, how it stands, and where to go on.
"""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest

from chalicelib.http.told_once import COOKIE
from chalicelib.partners import manage
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site
from tests.site.conftest import Tags

GIFTS, CONTACT = "/portal/partnerships", "/portal/contact"
STATUS = re.compile(r'<(div|p) class="good" role="status" tabindex="-1" autofocus>(.*?)</\1>', re.DOTALL)
NEXT = "On 10 April 2026 we take $75.00 from Visa •••• 4242, and then on the 10th of each month."


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Signed in, with $75 each month since 10 March."""
    giving.give(75_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def mine(giving: World) -> str:
    return f"{GIFTS}/{giving.partnership().partnership_id}"


def text(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


def told(site: Site, path: str = GIFTS) -> str:
    """What the page says was done, if it says anything."""
    found = STATUS.search(site.get(path, accept="text/html").text)
    return text(found[2]) if found else ""


PAUSED = "Paused until 1 September 2026: nothing is taken. After that, $75.00 on 10 September 2026."
SKIPPED = "Your gift of 10 April 2026 is skipped, and nothing is owed for it. The next is $75.00 on 10 May 2026."
SKIP, PAUSE = ("/skip", {"next_charge_on": "2026-04-10"}), ("/pause", {"until": "2026-09-01"})
DONE: dict[str, tuple[list[tuple[str, dict[str, str]]], str]] = {
    "amount": ([("", {"new_amount": "40", "currency": "usd", "day": "10"})], f"The amount is changed. {NEXT.replace('75', '40')}"),
    "day": (
        [("", {"new_amount": "75", "currency": "usd", "day": "20"})],
        "The day is changed. On 20 April 2026 we take $75.00 from Visa •••• 4242, and then on the 20th of each month.",
    ),
    "both": (
        [("", {"new_amount": "40", "currency": "usd", "day": "20"})],
        "The amount and the day are changed. On 20 April 2026 we take $40.00 from Visa •••• 4242, and then on the 20th of each month.",
    ),
    "pause": ([PAUSE], f"Your monthly gift is paused. {PAUSED}"),
    "skip": ([SKIP], f"That gift is skipped. {SKIPPED}"),
    "not skipped": ([SKIP, ("/resume", {})], f"That gift is not skipped after all. {NEXT}"),
    "resume": ([PAUSE, ("/resume", {})], f"Your monthly gift goes on. {NEXT}"),
    "cancel": ([("/cancel", {"reason": ""})], "Your monthly gift is ended. Ended on 10 March 2026. Nothing more is taken."),
}  # fmt: skip


@pytest.mark.parametrize("case", DONE)
def test_a_change_is_said_with_its_dates_and_its_mail_once(giving: World, ann: Site, case: str) -> None:
    """A reader of screens is led there; at the next look it is gone."""
    presses, says = DONE[case]
    for path, fields in presses:
        answer = ann.form(mine(giving) + path, fields)
        assert (answer.status, answer.headers["location"]) == (303, GIFTS)
    giving.work()

    assert told(ann) == f"{says} A mail confirms it."
    assert told(ann) == ""
    assert len(giving.mails()) == len({mail.subject for mail in giving.mails()})


@pytest.mark.parametrize(("path", "fields"), [("", {"new_amount": "75", "currency": "usd", "day": "10"}), ("/resume", {})])
def test_no_change_is_not_said_to_be_one(giving: World, ann: Site, path: str, fields: dict[str, str]) -> None:
    """Nor that a mail comes."""
    assert ann.form(mine(giving) + path, fields).status == 303

    said = told(ann)
    assert said.startswith(f"It stands so already, so nothing was changed. {NEXT}")
    assert "A mail confirms it" not in said


def test_contact_info_says_saved_once(ann: Site) -> None:
    """After the form, and not after a program's call."""
    ann.post(CONTACT, {"name": "Ann B."}, "PATCH")
    assert told(ann, CONTACT) == ""

    assert ann.form(CONTACT, {"name": "Ann B. Lee"}).headers["location"] == CONTACT
    assert told(ann, CONTACT) == "Your contact info is saved."
    assert told(ann, CONTACT) == ""


@pytest.mark.parametrize("how", ["a script", "a form"])
def test_a_changed_address_is_said_once(giving: World, ann: Site, how: str) -> None:
    """By the button of the mailed link, which a script presses, as by the code."""
    ann.post("/portal/email", {"new_email": "ann.two@example.org"})
    giving.work()
    mail = giving.mails("Is this your address")[-1].text
    if how == "a script":
        assert ann.post("/portal/email/confirm", {"token": mailed.token(mail)}).status == 200
    else:
        assert ann.form("/portal/email/confirm", {"code": mailed.code(mail)}).headers["location"] == CONTACT

    assert told(ann, CONTACT).startswith("Your address is changed.")
    assert told(ann, CONTACT) == ""


def test_no_address_makes_a_page_claim_a_change(giving: World, ann: Site) -> None:
    """Anybody can make a link."""
    name = giving.partnership().partnership_id
    for query in ("saved=yes", "saved=email", "ended=yes", "told=contact", f"told=ended.{name}", f"done=ended&partnership={name}"):
        for path in (CONTACT, GIFTS, "/portal/sessions", "/portal/other-address"):
            assert 'role="status"' not in ann.get(f"{path}?{query}", accept="text/html").text


@pytest.mark.parametrize("made_up", ["ended.{name}", "ended.{name}.", "ended.{name}.{zeros}", ".", "ended.{name}.é", "<b>.{zeros}"])
def test_no_cookie_made_up_does_either(giving: World, ann: Site, made_up: str) -> None:
    """Without our seal it says nothing."""
    ann.cookies[COOKIE] = made_up.format(name=giving.partnership().partnership_id, zeros="0" * 64)

    assert told(ann) == ""
    assert COOKIE not in ann.cookies


def test_what_was_told_to_one_session_is_not_told_to_another(giving: World, ann: Site) -> None:
    """Sealed with the session, it is of no use in any other, not even the same donor's."""
    ann.form(mine(giving) + "/pause", {"until": "2026-09-01"})
    other = Site()
    other.sign_in(giving, ANN)
    other.cookies[COOKIE] = ann.cookies[COOKIE]

    assert told(other) == ""
    assert told(ann).startswith("Your monthly gift is paused.")


# Refused, or nobody knows


def press(giving: World, site: Site, path: str, fields: dict[str, str], **how: Any) -> Answered:
    method = "DELETE" if path == "/cancel" else "POST"
    giving.standin.fail(method=method, path=f"/v1/subscriptions/{giving.partnership().partnership_id}", **how)
    return site.form(mine(giving) + path, fields)


def heading(answer: Answered) -> str:
    return text(answer.text.split("<h1>")[1].split("</h1>")[0])


CHANGES = [("", {"new_amount": "40", "currency": "usd"}), PAUSE, SKIP, ("/cancel", {"reason": ""})]


@pytest.mark.parametrize(("path", "fields"), CHANGES)
def test_a_refusal_says_that_nothing_was_changed_and_how_it_stands(giving: World, ann: Site, path: str, fields: dict[str, str]) -> None:
    """With the next date, and the way back; no word of "try another gift"."""
    answer = press(giving, ann, path, fields, status=402, times=1)

    assert (answer.status, heading(answer)) == (409, "Nothing was changed")
    assert f"The card was declined. $75.00 each month What happens next. {NEXT}" in text(answer.text)
    is_of_the_partnership(answer)


@pytest.mark.parametrize(("path", "fields"), CHANGES)
@pytest.mark.parametrize("take_effect", [False, True])
def test_a_lost_answer_says_that_it_is_not_known(giving: World, ann: Site, path: str, fields: dict[str, str], take_effect: bool) -> None:
    """And that a mail will tell: the page does not know whether Stripe did it."""
    answer = press(giving, ann, path, fields, timeout=True, take_effect=take_effect, times=2)

    assert (answer.status, heading(answer), answer.headers["retry-after"]) == (503, "Not known yet", "30")
    assert f"How it stood before. {NEXT}" in text(answer.text)
    assert "If your change was made after all, a mail confirms it within minutes" in text(answer.text)
    assert "Nothing was changed" not in text(answer.text)
    is_of_the_partnership(answer)


def test_what_cannot_be_just_now_says_why_on_the_same_kind_of_page(giving: World, ann: Site) -> None:
    """A refusal of our own, such as a gift that is not the next one any more."""
    answer = ann.form(mine(giving) + "/skip", {"next_charge_on": "2026-05-10"})

    assert (answer.status, heading(answer)) == (409, "Nothing was changed")
    assert "That is not your next gift any more." in text(answer.text)
    assert NEXT in text(answer.text)
    is_of_the_partnership(answer)


def test_of_one_that_has_ended_no_next_gift_is_announced(giving: World, ann: Site) -> None:
    """Staff ended it and the event was lost: our own record does not know, and is not shown."""
    giving.standin.set_webhooks("drop")
    giving.standin.request("DELETE", f"/v1/subscriptions/{giving.partnership().partnership_id}", {})
    answer = ann.form(mine(giving) + "/pause", {"until": "2026-09-01"})

    assert (answer.status, heading(answer)) == (409, "Nothing was changed")
    assert "This monthly gift has ended" in text(answer.text)
    assert "we take" not in text(answer.text)


@pytest.mark.parametrize("how", [{"status": 402, "times": 1}, {"timeout": True, "times": 2}])
def test_when_stripe_s_page_cannot_be_opened_nothing_was_changed(giving: World, ann: Site, how: dict[str, Any]) -> None:
    """Opening it changes nothing, so whatever became of it is no matter."""
    giving.standin.fail(method="POST", path="/v1/billing_portal", **how)
    answer = ann.form("/portal/payment-method?partnership=" + giving.partnership().partnership_id, {})

    assert heading(answer) == "Nothing was changed"
    assert "Your card and your monthly gift are as they were." in text(answer.text)
    is_of_the_partnership(answer)


def test_too_many_changes_are_told_above_the_form(giving: World, ann: Site) -> None:
    """With the time to wait, and what was typed."""
    answers = [ann.form(mine(giving), {"new_amount": "75", "currency": "usd"}) for _ in range(41)]
    limited = answers[-1]

    assert limited.status == 429
    assert "You can try again in" in text(limited.text)
    assert "<h1>Monthly gift</h1>" in limited.text


def is_of_the_partnership(answer: Answered) -> None:
    """No word about gifts that were perhaps paid, and the way back."""
    assert [each for each in Tags(answer.text).named("a") if (each.get("href"), each.get("class")) == (GIFTS, "button")]
    assert "receipt" not in text(answer.text)
    assert "another gift" not in text(answer.text)


# Before pressing


@pytest.mark.parametrize(
    ("today", "day", "first"),
    [
        ("2026-03-10T12:00", 3, "3 April 2026"), ("2026-03-31T23:30", 28, "28 April 2026"), ("2026-04-09T12:00", 9, "9 April 2026"),
        ("2026-04-09T17:00", 9, "9 May 2026"), ("2026-04-09T12:00", 3, "3 May 2026"), ("2026-03-10T12:00", 10, "10 April 2026"),
    ],
)  # fmt: skip
def test_beside_each_day_stands_the_date_of_its_first_gift(giving: World, ann: Site, today: str, day: int, first: str) -> None:
    """And that is the date on which it is taken then: what the page shows is what the change does."""
    giving.time.travel_to(giving.time.now().fromisoformat(f"{today}+00:00"))
    ann.sign_in(giving, ANN)
    page = ann.get(GIFTS, accept="text/html").text
    shown = dict(re.findall(r'<option value="(\d+)"[^>]*>\w+, from ([^<]+)</option>', page))
    assert list(shown) == [str(day) for day in range(1, 29)]

    stands = manage.change(giving.donor_id(), giving.partnership().partnership_id, manage.Change(day=day)).stands
    on = stands.date_of(stands.next_charge_at)
    assert on
    assert shown[str(day)] == first == f"{on.day} {on:%B %Y}"


def test_a_new_amount_says_from_when_it_is_taken(giving: World, ann: Site) -> None:
    """In words beside the field, in a pause too."""
    assert "A new amount is taken from 10 April 2026 on, or from the date beside the day you choose." in text(ann.get(GIFTS, "text/html").text)
    ann.form(mine(giving) + "/pause", {"until": "2026-09-01"})

    assert "A new amount is taken from 10 September 2026 on." in text(ann.get(GIFTS, "text/html").text)


def test_the_days_of_a_pause_are_those_that_are_taken(giving: World, ann: Site) -> None:
    """The calendar of the phone offers no other."""
    until = Tags(ann.get(GIFTS, "text/html").text).field("until")
    assert (until["min"], until["max"]) == ("2026-03-11", "2027-03-11")

    for day in (until["min"], until["max"]):
        manage.pause(giving.donor_id(), giving.partnership().partnership_id, manage.Pause(date.fromisoformat(day)))
