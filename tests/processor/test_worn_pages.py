"""A payment page takes three cards that fail, and is closed; what its donor, and what a card tester, meets then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import items
from chalicelib.errors import PageWorn, ProcessorUnsure
from chalicelib.giving import checkout
from chalicelib.guard import counters, rate_limit, suspects
from chalicelib.guard.askers import Asker
from chalicelib.processor import settle, worn_pages
from chalicelib.processor.webhook import Hint
from local.standin.problems import Problem
from tests.drift import books
from tests.giving_world import ANN, VISA, World
from tests.guard.test_form_token import hidden, wish
from tests.over_http import Site, token_of_a_person

DECLINED, TOO_LITTLE, ASKS = "4000000000000002", "4000000000009995", "4000002500003155"


def try_cards(giving: World, gift_id: str, cards: int) -> None:
    """So many that fail, each told before the next is entered."""
    for _ in range(cards):
        giving.pay(gift_id, DECLINED)
        giving.deliver()


def status(giving: World, gift_id: str) -> str:
    session = giving.session_of(gift_id)
    return str(giving.standin.read(lambda world: world.find("checkout.session", session))["status"])


def failed_charges(giving: World) -> list[str]:
    return giving.standin.read(lambda world: [each["id"] for each in world.all("charge", status="failed")])


def test_three_cards_that_fail_close_the_page(giving: World) -> None:
    """Whoever has it in front of them can enter no fourth card: Stripe says that it has expired."""
    gift_id = giving.start()

    try_cards(giving, gift_id, worn_pages.CARDS)

    assert status(giving, gift_id) == "expired"
    with pytest.raises(Problem, match="expired"):
        giving.pay(gift_id, VISA)
    giving.deliver()
    assert checkout.progress_of(gift_id).state == "failed"


def test_a_donor_who_mistypes_twice_still_gives(giving: World) -> None:
    """On the same page, with the third card."""
    gift_id = giving.start()

    try_cards(giving, gift_id, worn_pages.CARDS - 1)
    assert status(giving, gift_id) == "open"
    giving.pay(gift_id, VISA)
    giving.deliver()

    assert [gift.kept.minor for gift in giving.gifts()] == [50_00]


@pytest.mark.parametrize(("statuses", "too_many"), [("fff", True), ("ffff", True), ("ffs", False), ("ffp", False), ("sfffs", True)])
def test_only_what_failed_counts(statuses: str, too_many: bool) -> None:
    """Not a card that pays in the end, nor a debit on its way."""
    names = {"f": "failed", "s": "succeeded", "p": "pending"}

    assert worn_pages.is_one_too_many([{"status": names[each]} for each in statuses]) is too_many


def test_one_failure_told_five_times_is_one(giving: World) -> None:
    """Stripe delivers at least once, and both failures of a donor may be told again and again."""
    gift_id = giving.start()
    try_cards(giving, gift_id, 2)

    for charge in failed_charges(giving) * 5:
        settle.handle(Hint("charge.failed", charge))

    assert status(giving, gift_id) == "open"


def test_failures_told_late_and_backwards_close_the_page_all_the_same(giving: World) -> None:
    """A day's delay and any order: what counts is what Stripe keeps."""
    giving.standin.set_webhooks("hold")
    gift_id = giving.start()
    for _ in range(3):
        giving.pay(gift_id, DECLINED)
    giving.advance(hours=20)

    settle.handle(Hint("charge.failed", failed_charges(giving)[0]))

    assert status(giving, gift_id) == "expired"


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done, and its answer lost"])
def test_a_crash_at_the_closing_heals_when_the_message_comes_again(giving: World, done: bool) -> None:
    """The guard has counted the failure by then, and counts it no second time."""
    gift_id = giving.start()
    try_cards(giving, gift_id, 2)
    giving.pay(gift_id, DECLINED)
    giving.standin.fail(method="POST", path=f"/v1/checkout/sessions/{giving.session_of(gift_id)}/expire", timeout=True, take_effect=done, times=2)
    last = Hint("charge.failed", failed_charges(giving)[0])
    with pytest.raises(ProcessorUnsure):
        settle.handle(last)
    assert status(giving, gift_id) == ("expired" if done else "open")
    counted = books.table(items.passing())

    settle.handle(last)

    assert status(giving, gift_id) == "expired"
    assert books.table(items.passing()) == counted


def test_a_page_that_was_paid_meanwhile_stays_paid(giving: World) -> None:
    """Three that failed, and the fourth was good before the third was told: the gift is a gift."""
    giving.standin.set_webhooks("hold")
    gift_id = giving.start()
    for card in (DECLINED, TOO_LITTLE, DECLINED, VISA):
        giving.pay(gift_id, card)
    giving.standin.flush()
    giving.deliver()

    assert status(giving, gift_id) == "complete"
    assert [gift.kept.minor for gift in giving.gifts()] == [50_00]


def test_a_page_that_cannot_be_closed_at_this_moment_is_left(giving: World) -> None:
    """Stripe's refusal is no failure: the payment that is under way ends it, or fails and comes here again."""
    gift_id = giving.start()
    try_cards(giving, gift_id, 2)
    giving.standin.fail(method="POST", path=f"/v1/checkout/sessions/{giving.session_of(gift_id)}/expire", status=402, times=1)

    try_cards(giving, gift_id, 1)
    assert status(giving, gift_id) == "open"
    try_cards(giving, gift_id, 1)

    assert status(giving, gift_id) == "expired"


def test_the_gift_of_a_closed_page_has_no_other(giving: World) -> None:
    """Posting it again, ever so often, opens nothing: a page for the asking would be three cards past the guard."""
    gift_id = giving.start()
    try_cards(giving, gift_id, 3)

    for hours in (0, 1, 25):
        giving.advance(hours=hours)
        with pytest.raises(PageWorn) as told:
            giving.start(gift_id=gift_id)
        assert (told.value.status, told.value.code) == (409, "payment_page_closed")

    assert giving.standin.read(lambda world: len(world.all("checkout.session"))) == 1


def test_a_page_that_ran_out_after_two_failures_is_replaced(giving: World) -> None:
    """Only what was tried too often has no other; on the new page the count begins anew."""
    gift_id = giving.start()
    try_cards(giving, gift_id, 2)
    giving.advance(hours=25)

    giving.start(gift_id=gift_id)
    try_cards(giving, gift_id, 2)

    assert status(giving, gift_id) == "open"


def test_the_failed_month_of_a_partner_closes_nothing(giving: World) -> None:
    """Nobody is at a page, and the partner's next gift is not its month's."""
    giving.give(25_00, "usd", "monthly", card="4000000000000341")
    giving.advance(days=40)
    assert len(failed_charges(giving)) >= 1
    gift_id = giving.start()

    for charge in failed_charges(giving) * 3:
        settle.handle(Hint("charge.failed", charge))

    assert status(giving, gift_id) == "open"


def test_a_shop_s_page_is_left_alone(giving: World) -> None:
    """What is sold by the same Stripe account is not ours to close, whether its page names something or nothing."""
    for named in ({}, {"metadata": {"order": "m-17"}, "payment_intent_data": {"metadata": {"order": "m-17"}}}):
        session = a_shop_s_page(giving, **named)
        for _ in range(4):
            giving.standin.pay(session, DECLINED, ANN, "Ann Lee")
            giving.deliver()

        assert giving.standin.read(lambda world, id=session: world.find("checkout.session", id))["status"] == "open"


def a_shop_s_page(giving: World, **more: Any) -> str:
    price = {"currency": "usd", "unit_amount": 9_00, "product_data": {"name": "Mug"}}
    page = {"mode": "payment", "success_url": "https://shop.example/", "line_items": [{"price_data": price, "quantity": 1}]}
    return str(giving.standin.request("POST", "/v1/checkout/sessions", {**page, **more}).body["id"])


def test_a_monthly_gift_s_page_is_closed_too(giving: World) -> None:
    """Its first payment names nothing that Stripe tells but the customer, who was made for that page."""
    gift_id = giving.start(25_00, frequency="monthly")
    try_cards(giving, gift_id, 2)
    assert status(giving, gift_id) == "open"

    try_cards(giving, gift_id, 1)

    assert status(giving, gift_id) == "expired"
    with pytest.raises(PageWorn):
        giving.start(25_00, frequency="monthly", gift_id=gift_id)


@pytest.mark.parametrize("email", ["", ANN])
def test_a_partner_who_mistypes_twice_is_a_partner(giving: World, email: str) -> None:
    """With the third card, whether the address was typed in our form or on Stripe's page."""
    gift_id = giving.start(25_00, frequency="monthly", **({"email": email} if email else {}))
    try_cards(giving, gift_id, 2)

    giving.pay(gift_id, VISA)
    giving.deliver()

    assert [gift.kept.minor for gift in giving.gifts()] == [25_00]
    assert giving.partnership().state == "active"


def test_whoever_goes_on_begins_anew_and_is_weighed(giving: World, site: Site) -> None:
    """The form comes back with what was typed, another id and a token: one press more, which the guard counts."""
    page = site.get("/give", accept="text/html").text
    giving.advance(seconds=4)
    fields = {name: hidden(page, name) for name in ("gift_id", "form_token", "currency")} | {"frequency": "once", "amount_once": "10000"}
    assert site.form("/gifts", fields).status == 303
    try_cards(giving, fields["gift_id"], 3)
    weighed = gifts_counted(site)

    refused = site.form("/gifts", fields)
    assert (refused.status, gifts_counted(site)) == (409, weighed)
    assert "we closed that payment page, and nothing was taken" in refused.text
    anew = fields | {name: hidden(refused.text, name) for name in ("gift_id", "form_token")}
    assert anew["gift_id"] != fields["gift_id"]
    assert site.form("/gifts", anew).status == 303

    assert gifts_counted(site) == weighed + 1
    giving.pay(anew["gift_id"], VISA)
    giving.deliver()
    assert [gift.kept.minor for gift in giving.gifts()] == [100_00]


def gifts_counted(site: Site) -> int:
    """How many gifts the guard has counted against the address that the site is asked from."""
    window = rate_limit.window("gift", "ip", Asker("127.0.0.1").named()["ip"])
    return counters.store().read([window.name])[window.name].times


def test_the_guard_blames_whoever_began_the_monthly_gift(giving: World, site: Site) -> None:
    """Its failures count against the address as those of a gift once do, whatever Stripe leaves out."""
    for _ in range(3):
        gift = wish(frequency="monthly")
        assert site.post("/gifts", gift).status == 201
        try_cards(giving, gift["gift_id"], 3)

    named = Asker("127.0.0.1").named()
    assert suspects.is_one(counters.store().read(suspects.names(named)), named)


def test_the_language_of_a_partner_s_browser_goes_along(giving: World, site: Site) -> None:
    """As it does where Stripe makes the customer itself; a header that is none goes nowhere."""
    for asked, kept in (("es-MX,es;q=0.9", ["es-MX"]), ("*", []), ("<b>", [])):
        body = json.dumps({**(gift := wish(frequency="monthly")), "form_token": token_of_a_person(gift["gift_id"])}).encode()
        assert site.request("POST", "/gifts", body, {"Content-Type": "application/json", "Accept-Language": asked}).status == 201

        customer = giving.standin.read(lambda world: world.all("customer"))[-1]
        assert customer["preferred_locales"] == kept
