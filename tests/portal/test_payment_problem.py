"""What the donor sees in the portal of a month that could not be taken, and can do about it there."""

from __future__ import annotations

import re

import pytest

from tests.giving_world import ANN, VISA, World
from tests.over_http import Site

FAILS, ASKS = "4000000000000341", "4000002500003155"
BOB = "bob@example.org"
PAGES = ("/portal", "/portal/partnerships")


def fail_a_month(giving: World, card: str) -> str:
    """Ann gives $25 monthly since 10 March, with a card that fails in April; Stripe's page for that month."""
    giving.give(25_00, "usd", "monthly")
    giving.standin.change_card(giving.partnership().customer_id, card)
    giving.advance(days=31, hours=1)
    trouble = giving.partnership().trouble
    assert trouble
    return trouble.pay_url


def shown(site: Site, path: str) -> str:
    """A page as text with single spaces."""
    return " ".join(site.get(path, accept="text/html").text.split())


@pytest.mark.parametrize("path", PAGES)
def test_a_declined_month_says_what_to_do_and_when_it_is_tried_again(giving: World, site: Site, path: str) -> None:
    """The card first, and paying this month at once second; the date of the retry, not of next month's gift."""
    pay_url = fail_a_month(giving, FAILS)
    site.sign_in(giving, ANN)

    page = shown(site, path)

    assert "This month’s gift of $25.00 could not be taken from Visa •••• 0341." in page
    assert "The bank is asked again on 13 April 2026." in page
    assert "10 May" not in page.replace("Pause for 1 month, until 10 May 2026", "")
    assert f'action="/portal/payment-method?partnership={giving.partnership().partnership_id}"' in page
    assert f'<a href="{pay_url}">pay this month’s gift now</a>' in page
    assert "Confirm with your bank" not in page


@pytest.mark.parametrize("path", PAGES)
def test_a_month_that_the_bank_wants_confirmed_has_a_button_for_it(giving: World, site: Site, path: str) -> None:
    """A link to Stripe's page, which needs no script; the card is the second way."""
    pay_url = fail_a_month(giving, ASKS)
    site.sign_in(giving, ANN)

    page = shown(site, path)

    assert "Your bank wants you to confirm this month’s gift of $25.00 from Visa •••• 3155 before it pays." in page
    assert f'<a class="button" href="{pay_url}">Confirm with your bank</a>' in page
    assert page.index("Confirm with your bank") < page.index("Change the card")


@pytest.mark.parametrize("path", PAGES)
def test_what_is_mended_is_not_shown_any_more(giving: World, site: Site, path: str) -> None:
    """Confirmed on Stripe's page: the portal is quiet again."""
    fail_a_month(giving, ASKS)
    giving.standin.pay_invoice(giving.standin.world.all("invoice", status="open")[0]["id"])
    giving.deliver()
    site.sign_in(giving, ANN)

    page = shown(site, path)

    assert "On 10 May 2026 we take $25.00" in page
    assert not re.search("confirm|could not be taken|panel warn", page)


def test_programs_are_told_the_same(giving: World, site: Site) -> None:
    """In the words of the API."""
    pay_url = fail_a_month(giving, FAILS)
    site.sign_in(giving, ANN)

    listed = site.get("/portal/partnerships").json["partnerships"][0]

    assert listed["state"] == "payment_problem"
    assert listed["trouble"] == {"because": "declined", "owed": 25_00, "pay_url": pay_url, "retry_on": "2026-04-13"}


def test_when_it_has_lapsed_the_portal_says_that_it_ended(giving: World, site: Site) -> None:
    """Nothing more is taken, and nothing asks for a card."""
    fail_a_month(giving, FAILS)
    giving.advance(days=30)
    site.sign_in(giving, ANN)

    page = shown(site, "/portal/partnerships")

    assert "Ended on 25 April 2026. Nothing more is taken." in page
    assert "Change the card" not in page


def form_of(page: str, action: str) -> str:
    """The form with this action, as it stands in the page."""
    found = re.search(rf'<form action="{re.escape(action)}" method="post">.*?</form>', page)
    assert found, f"no form {action}"
    return found[0]


@pytest.mark.parametrize("state", ["payment_problem", "paused"])
def test_the_amount_can_be_changed_in_every_state_and_the_day_is_not_asked_for(giving: World, site: Site, state: str) -> None:
    """The page's own form, as a browser without JavaScript sends it."""
    if state == "paused":
        giving.give(25_00, "usd", "monthly")
    else:
        fail_a_month(giving, FAILS)
    path = f"/portal/partnerships/{giving.partnership().partnership_id}"
    site.sign_in(giving, ANN)
    if state == "paused":
        assert site.form(f"{path}/pause", {"until": "2026-09-01"}).status == 303
    form = form_of(shown(site, "/portal/partnerships"), path)
    assert 'name="day"' not in form

    changed = site.form(path, {"new_amount": "40", "currency": "usd"})

    assert changed.status == 303
    assert (giving.partnership().amount.minor, giving.partnership().state) == (40_00, state)


def test_a_page_from_before_the_trouble_still_changes_the_amount(giving: World, site: Site) -> None:
    """It was loaded while the gift was active, and sends the day along, unchanged."""
    fail_a_month(giving, FAILS)
    site.sign_in(giving, ANN)

    changed = site.form(f"/portal/partnerships/{giving.partnership().partnership_id}", {"new_amount": "40", "currency": "usd", "day": "10"})

    assert changed.status == 303
    assert giving.partnership().amount.minor == 40_00


def test_begun_on_the_31st_the_page_offers_that_day_and_those_of_every_month(giving: World, site: Site) -> None:
    """Its own stays chosen; the 29th and 30th are not offered."""
    giving.advance(days=21)
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)

    form = form_of(shown(site, "/portal/partnerships"), f"/portal/partnerships/{giving.partnership().partnership_id}")

    days = re.findall(r'<option value="(\d+)"( selected)?>', form)
    assert [int(day) for day, _ in days] == [*range(1, 29), 31]
    assert [day for day, chosen in days if chosen] == ["31"]


def test_the_card_is_changed_of_the_gift_that_is_named(giving: World, site: Site) -> None:
    """Each monthly gift has a Stripe customer, and so a card, of its own; without a name it is the one in trouble."""
    fail_a_month(giving, FAILS)
    troubled = giving.partnership()
    giving.give(40_00, "usd", "monthly")
    newest = giving.partnership()
    assert newest.customer_id != troubled.customer_id
    site.sign_in(giving, ANN)

    def led_to(query: str) -> str:
        url = site.post(f"/portal/payment-method{query}").json["url"]
        return str(giving.standin.world.find("billing_portal.session", url.rpartition("/")[2])["customer"])

    assert led_to(f"?partnership={newest.partnership_id}") == newest.customer_id
    assert led_to(f"?partnership={troubled.partnership_id}") == troubled.customer_id
    assert led_to("") == troubled.customer_id


def test_nobody_changes_the_card_of_another_donor(giving: World, site: Site) -> None:
    """Whoever knows the id of a gift."""
    giving.give(25_00, "usd", "monthly")
    giving.give(10_00, "usd", "monthly", email=BOB, card=VISA)
    site.sign_in(giving, BOB)

    assert site.post(f"/portal/payment-method?partnership={giving.partnership(ANN).partnership_id}").status == 404
