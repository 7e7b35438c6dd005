"""The monthly gift's pages: what happens next in every state, and an end that is offered as easily as its alternatives."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import get_args

import pytest

from chalicelib.http.caller import OWN_FORM_FIELD
from chalicelib.partners.partnership import END_REASONS, EndReason
from chalicelib.site import pages
from tests.giving_world import ANN, VISA, World
from tests.over_http import Site
from tests.site import samples

FAILS = "4000000000000341"
FORM = re.compile(r'<form action="([^"]+)" method="post"[^>]*>(.*?)</form>', re.DOTALL)
PAGE = "/portal/partnerships"


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    """Signed in, with $75 each month since 10 March."""
    giving.give(75_00, "usd", "monthly")
    site.sign_in(giving, ANN)
    return site


def shown(site: Site, path: str = PAGE) -> str:
    """A page as text with single spaces."""
    return unescape(" ".join(site.get(path, accept="text/html").text.split()))


def next_line(site: Site) -> str:
    """The sentence after "What happens next"."""
    found = re.search(r"<strong>What happens next\.</strong> (.*?)</p>", shown(site))
    assert found
    return found[1]


def buttons(site: Site) -> dict[str, tuple[str, dict[str, str]]]:
    """Every button of the page's forms by its words, with where it leads and what it sends, no script needed."""
    found = {}
    for path, inside in FORM.findall(site.get(PAGE, accept="text/html").text):
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', inside))
        for attributes, words in re.findall(r"<button ([^>]*)>([^<]*)</button>", inside):
            own = re.search(r'name="(\w+)" value="([^"]*)"', attributes)
            found[unescape(words)] = (path, {**hidden, **({own[1]: own[2]} if own else {})})
    return found


def press(site: Site, words: str) -> None:
    """Press a button of the page, as a browser without JavaScript does."""
    path, fields = buttons(site)[words]
    answer = site.form(path, fields)
    assert (answer.status, answer.headers.get("location")) == (303, PAGE), answer.text


def mine(giving: World) -> str:
    return f"/portal/partnerships/{giving.partnership().partnership_id}"


def staff(giving: World, **params: object) -> None:
    """A change in Stripe's dashboard."""
    giving.standin.request("POST", f"/v1/subscriptions/{giving.partnership().partnership_id}", params)
    giving.deliver()


def fail_a_month(giving: World, site: Site) -> None:
    giving.standin.change_card(giving.partnership().customer_id, FAILS)
    giving.advance(days=32)
    site.sign_in(giving, ANN)


STATES: dict[str, tuple[Callable[[World, Site], object], str]] = {
    "active": (lambda giving, ann: None, "On 10 April 2026 we take $75.00 from Visa •••• 4242, and then on the 10th of each month."),
    "skipped": (
        lambda giving, ann: press(ann, "Skip it"),
        "Your gift of 10 April 2026 is skipped, and nothing is owed for it. The next is $75.00 on 10 May 2026.",
    ),
    "paused": (
        lambda giving, ann: ann.form(f"{mine(giving)}/pause", {"until": "2026-09-01"}),
        "Paused until 1 September 2026: nothing is taken. After that, $75.00 on 10 September 2026.",
    ),
    "payment problem": (
        fail_a_month,
        "This month’s gift of $75.00 could not be taken from Visa •••• 0341. Please change the card. The bank is asked again on 13 April 2026.",
    ),
    "ending with the month": (
        lambda giving, ann: staff(giving, cancel_at_period_end=True), "It ends on 10 April 2026. Nothing more is taken.",
    ),
    "ending later": (
        lambda giving, ann: staff(giving, cancel_at=1780000000),
        "On 10 April 2026 we take $75.00 from Visa •••• 4242, and then on the 10th of each month, until it ends on 28 May 2026.",
    ),
    "ended": (lambda giving, ann: press(ann, "End it"), "Ended on 10 March 2026. Nothing more is taken."),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_what_happens_next_is_said_with_its_dates_in_every_state(giving: World, ann: Site, state: str) -> None:
    """On the page of the monthly gift, and the same on the overview while it goes on."""
    bring_about, said = STATES[state]
    bring_about(giving, ann)

    assert next_line(ann) == said
    assert (said in shown(ann, "/portal")) == (state != "ended")


def test_what_we_cannot_say_is_said_to_be_so(giving: World, ann: Site) -> None:
    """A state of Stripe's that is new to us: no date is made up."""
    giving.standin.world.find("subscription", giving.partnership().partnership_id)["status"] = "dormant"
    staff(giving, metadata={"seen": "yes"})

    assert next_line(ann).startswith("We cannot say at the moment when the next payment of $75.00 is:")


def test_with_no_further_try_the_next_month_s_date_is_said() -> None:
    """Where the bank is not asked again there is still a date: the one of the next gift."""
    last_try = samples.partnership(state="payment_problem", trouble=samples.trouble("declined", retry_on=None))
    page = pages.render("portal/partnerships.html", partnerships=[last_try])

    assert "Please change the card. The next month’s is due on 15 December 2026.</p>" in page


def test_before_the_end_less_a_pause_and_a_skip_are_one_press_each(giving: World, ann: Site) -> None:
    """Beside the end, on the same page; and the end is one press too, with nothing to fill in."""
    page, offered = shown(ann), buttons(ann)

    kinder = ["$40", "$25", "$5", "Skip the gift of 10 April 2026 only", "Pause for 3 months, until 10 July 2026"]
    assert [words for words in kinder if words in offered] == kinder
    assert [page.index(words) for words in kinder] == sorted(page.index(words) for words in kinder)
    assert page.index(kinder[-1]) < page.index("End it</button>")
    assert (offered["End it"][0], set(offered["End it"][1])) == (f"{mine(giving)}/cancel", {OWN_FORM_FIELD})


@pytest.mark.parametrize(
    ("words", "state", "amount", "taken_next"),
    [
        ("$40", "active", 40_00, "2026-04-10"),
        ("$5", "active", 5_00, "2026-04-10"),
        ("Pause for 3 months, until 10 July 2026", "paused", 75_00, "2026-07-10"),
        ("Skip the gift of 10 April 2026 only", "paused", 75_00, "2026-05-10"),
    ],
)
def test_each_of_them_does_what_it_says(giving: World, ann: Site, words: str, state: str, amount: int, taken_next: str) -> None:
    """And is confirmed by one mail."""
    press(ann, words)
    giving.work()

    stands = giving.partnership()
    assert (stands.state, stands.amount.minor, str(stands.date_of(stands.next_charge_at))) == (state, amount, taken_next)
    assert len(giving.mails("Your monthly gift:")) == 1


def test_a_month_that_could_not_be_taken_can_be_left_out_on_its_own(giving: World, ann: Site) -> None:
    """One press gives it up, and the next gift comes on its day, with the card that was changed meanwhile."""
    fail_a_month(giving, ann)
    press(ann, "Pause for 1 month, until 10 May 2026")
    giving.standin.change_card(giving.partnership().customer_id, VISA)
    giving.advance(days=31)

    assert [gift.given_on.isoformat() for gift in giving.gifts()] == ["2026-05-10", "2026-03-10"]


def test_a_skip_can_be_taken_back_on_the_page(giving: World, ann: Site) -> None:
    """Until its day."""
    press(ann, "Skip it")
    press(ann, "Do not skip it")

    assert next_line(ann).startswith("On 10 April 2026 we take $75.00")


def test_the_end_asks_why_and_takes_no_answer_for_one(giving: World, ann: Site) -> None:
    """A closed list in which saying nothing comes first, and no field to write in."""
    page = shown(ann)
    choices = re.search(r'<select id="reason-[^>]+>(.*?)</select>', page)
    assert choices

    assert re.findall(r'<option value="(\w*)">', choices[1]) == ["", *END_REASONS] == list(get_args(EndReason))
    assert "<textarea" not in page


@pytest.mark.parametrize("reason", ["", "rather_once"])
def test_the_reason_stays_with_the_gift(giving: World, ann: Site, reason: str) -> None:
    """Read back from Stripe like everything else about it, so that no later event forgets it."""
    assert ann.form(f"{mine(giving)}/cancel", {"reason": reason}).status == 303
    giving.deliver()

    assert (giving.partnership().state, giving.partnership().reason) == ("ended", reason)


def test_a_reason_of_one_s_own_words_is_refused_and_ends_nothing(giving: World, ann: Site) -> None:
    """What donors would write is personal, and we have promised not to keep it: said, not dropped in silence."""
    answer = ann.post(f"{mine(giving)}/cancel", {"reason": "I lost my job"})

    assert (answer.status, answer.json["error"]["field"]) == (400, "reason")
    assert giving.partnership().state == "active"


def test_what_staff_wrote_at_stripe_is_not_taken_over(giving: World, ann: Site) -> None:
    """A comment in the dashboard may be about anybody."""
    ending = {"cancellation_details": {"comment": "Ann rang: her husband died"}}
    giving.standin.request("DELETE", mine(giving).replace("/portal/partnerships", "/v1/subscriptions"), ending)
    giving.deliver()

    assert (giving.partnership().state, giving.partnership().reason) == ("ended", "")


def test_ended_twice_in_two_windows_it_is_ended_once(giving: World, ann: Site) -> None:
    """Both presses lead to the page that says so; one mail; and nothing is left to press."""
    path, fields = buttons(ann)["End it"]
    assert [ann.form(path, fields).status for _ in range(2)] == [303, 303]
    giving.work()

    assert len(giving.mails("has ended")) == 1
    assert "on 10 March 2026" in " ".join(giving.mails("has ended")[0].text.split())
    assert [words for words in buttons(ann) if words != "Sign out"] == []
