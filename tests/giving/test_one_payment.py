"""Checkout that cannot double: whatever is clicked, lost or deployed, one gift id is paid once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import aws, charity, clock, settings
from chalicelib.errors import ProcessorUnsure
from chalicelib.giving import checkout, started
from tests.giving_world import ANN, VISA, World
from tests.over_http import Site

MONTHLY = {"frequency": "monthly", "amount": 25_00}
BANK, BANK_CLOSED, ASKS = "000123456789", "000111111116", "4000002500003155"


@pytest.fixture
def redeploy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Deploy with another charity.toml: `redeploy("Open Gate Justice", "Open Gate")`."""

    def deploy(old: str, new: str) -> None:
        facts = charity.FACTS_FILE.read_text()
        assert old in facts
        changed = tmp_path / "charity.toml"
        changed.write_text(facts.replace(old, new))
        monkeypatch.setattr(charity, "FACTS_FILE", changed)
        charity.current.cache_clear()

    yield deploy
    charity.current.cache_clear()


def pages(giving: World, **like: Any) -> list[str]:
    return giving.standin.read(lambda world: [page["id"] for page in world.all("checkout.session", **like)])


def charged(giving: World) -> list[int]:
    """Every amount that was taken from a donor."""
    return giving.standin.read(
        lambda world: [charge["amount"] for charge in world.all("charge") if charge["status"] != "failed"]
    )


def again(giving: World, gift_id: str, **wish: Any) -> str:
    """Post the same gift once more; where the donor is sent."""
    wanted = {"amount": 50_00, "currency": "usd", "frequency": "once", **wish}
    return checkout.start(checkout.checked(checkout.GiftRequest(gift_id, **wanted))).checkout_url


def test_the_gift_is_kept_before_stripe_is_asked(giving: World) -> None:
    """A crash between the two leaves a record to go on from, and never a page that nobody knows of."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=False, times=2)
    gift_id = secrets.token_hex(16)

    with pytest.raises(ProcessorUnsure):
        giving.start(gift_id=gift_id)

    kept = started.read(gift_id)
    assert kept is not None
    assert (kept.amount, kept.session_id, pages(giving)) == (50_00, "", [])
    assert len(kept.request_hash) == 64


def test_ten_clicks_at_once_have_one_page(giving: World) -> None:
    """Every one of them is answered with it."""
    gift_id = secrets.token_hex(16)

    with ThreadPoolExecutor(10) as clicks:
        answers = set(clicks.map(lambda _: again(giving, gift_id), range(10)))

    assert len(answers) == 1
    assert len(pages(giving)) == 1


def test_a_second_click_waits_for_the_first_one_s_page(giving: World) -> None:
    """While Stripe works on the same key it refuses the other click (409); that click is shown the page all the same."""
    gift_id, wish = secrets.token_hex(16), {"amount": 50_00}
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", status=409, times=2)
    shown: list[str] = []

    def the_first_click_comes_through(_seconds: float) -> None:
        clock.set_clock(giving.time.now)
        shown.append(again(giving, gift_id, **wish))

    clock.set_clock(giving.time.now, sleep=the_first_click_comes_through)

    assert again(giving, gift_id, **wish) == shown[0]
    assert len(pages(giving)) == 1


def test_a_key_that_stays_in_use_comes_to_an_end(giving: World) -> None:
    """After a few seconds the donor is told to look again, and nothing has been decided."""
    waited: list[float] = []
    clock.set_clock(giving.time.now, sleep=waited.append)
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", status=409, times=100)

    with pytest.raises(ProcessorUnsure) as told:
        giving.start()

    assert told.value.retry_after
    assert 0 < sum(waited) < 10


@pytest.mark.parametrize("hours", [0, 5, 22, 22.4])
def test_a_lost_answer_leads_to_the_same_page_as_long_as_stripe_keeps_the_key(giving: World, hours: float) -> None:
    """However late the donor tries again: one page was made, and that is the one."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=True, times=2)
    gift_id = secrets.token_hex(16)
    with pytest.raises(ProcessorUnsure):
        giving.start(gift_id=gift_id)
    giving.advance(hours=hours)

    giving.start(gift_id=gift_id)

    assert pages(giving) == [giving.session_of(gift_id)]


@pytest.mark.parametrize("hours", [22.6, 23.5, 25, 400])
def test_a_lost_answer_is_given_up_when_its_page_would_end(giving: World, hours: float) -> None:
    """The page that was made then was shown to nobody; the donor gets a fresh one and pays once."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=True, times=2)
    gift_id = secrets.token_hex(16)
    with pytest.raises(ProcessorUnsure):
        giving.start(gift_id=gift_id)
    giving.advance(hours=hours)

    giving.start(gift_id=gift_id)
    giving.advance(hours=1)  # the lost page runs out, and that is no word about the new one
    assert checkout.progress_of(gift_id).state == "started"
    giving.pay(gift_id)
    giving.deliver()

    assert (checkout.progress_of(gift_id).state, charged(giving)) == ("paid", [50_00])


def test_an_error_that_stripe_repeats_for_a_day_does_not_keep_the_donor_from_giving(giving: World) -> None:
    """Stripe stores a 500 under its key and says it again for 24 hours: the next click has another key."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", status=500, take_effect=True, times=1)
    gift_id = secrets.token_hex(16)
    with pytest.raises(ProcessorUnsure):
        giving.start(gift_id=gift_id)

    giving.start(gift_id=gift_id)
    giving.pay(gift_id)
    giving.deliver()

    assert charged(giving) == [50_00]


@pytest.mark.parametrize(("name", "wish"), [("PutItem", {}), ("UpdateItem", {}), ("UpdateItem", MONTHLY)])
@pytest.mark.parametrize("late", [False, True])
def test_a_page_whose_address_could_not_be_kept_is_found_again(giving: World, name: str, wish: Any, late: bool) -> None:
    """The table is away for a moment, before the write or after it: the next click leads to the page that was made."""
    gift_id = secrets.token_hex(16)
    events = aws.dynamodb().meta.events
    where = f"after-call.dynamodb.{name}" if late else f"before-call.dynamodb.{name}"

    def breaks(**_: Any) -> None:
        events.unregister(where, unique_id="breaks")
        raise ConnectionError("the table is away")

    events.register(where, breaks, unique_id="breaks")
    with pytest.raises(ConnectionError):
        again(giving, gift_id, **wish)

    first = again(giving, gift_id, **wish)

    assert first == again(giving, gift_id, **wish)
    assert len(pages(giving)) == 1
    giving.pay(gift_id)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "Open Gate Justice"', 'name = "Open Gate"'),
        ('fee_percent = "2.9"', 'fee_percent = "3.1"'),
        ("where_needed_most", "wherever"),
    ],
)
def test_a_deployment_between_two_tries_changes_no_gift(
    giving: World, redeploy: Callable[[str, str], None], old: str, new: str
) -> None:
    """Another name, fee or default purpose: the gift stays what it was, and its donor is neither refused nor kept waiting."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=True, times=2)
    gift_id, wish = secrets.token_hex(16), {"cover_fees": True}
    with pytest.raises(ProcessorUnsure):
        again(giving, gift_id, **wish)
    redeploy(old, new)

    again(giving, gift_id, **wish)
    giving.pay(gift_id)
    giving.deliver()

    assert (charged(giving), checkout.progress_of(gift_id).amount) == ([51_81], 51_81)
    assert giving.gifts()[0].about.fees_covered == 1_81


def test_a_site_that_moved_between_two_tries_changes_no_gift(giving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is in what Stripe is asked for; the donor comes back to where the site is now."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=True, times=2)
    gift_id = secrets.token_hex(16)
    with pytest.raises(ProcessorUnsure):
        again(giving, gift_id)
    monkeypatch.setenv("SITE_URL", "http://127.0.0.1:9999")
    settings.current.cache_clear()

    again(giving, gift_id)

    assert giving.pay(gift_id)["redirect"].startswith("http://127.0.0.1:9999/thank-you")


def test_of_two_versions_that_run_at_once_one_page_is_shown(giving: World, redeploy: Callable[[str, str], None]) -> None:
    """During a deployment two clicks meet the old and the new software: the page that was kept first is everybody's."""
    gift_id = giving.start()
    kept = started.read(gift_id)
    assert kept
    redeploy('name = "Open Gate Justice"', 'name = "Open Gate"')
    without = started.Started(kept.gift_id, kept.request_hash, 50_00, "usd", "once", kept.attempt_at)
    other = checkout._page(checkout.GiftRequest(gift_id, 50_00, "usd", "once"), without)
    assert other

    assert started.keep_page(without, *other).session_id == kept.session_id
    assert again(giving, gift_id) == kept.checkout_url


def test_paid_but_not_heard_of_leads_to_the_thanks(giving: World) -> None:
    """The page is complete and the webhook has not come: the back button leads on, not to a page that is over."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start()
    giving.pay(gift_id)

    assert again(giving, gift_id) == checkout.thank_you_url(gift_id)
    giving.advance(hours=30)
    assert again(giving, gift_id) == checkout.thank_you_url(gift_id)
    assert charged(giving) == [50_00]


@pytest.mark.parametrize("hours", [0, 1, 24, 100])
@pytest.mark.parametrize("webhooks", ["normal", "drop"])
def test_a_monthly_gift_s_first_payment_is_taken_once(giving: World, webhooks: str, hours: float) -> None:
    """Posted again after it was paid, at once or days later, heard of or not: one subscription, one charge."""
    giving.standin.set_webhooks(webhooks)
    gift_id = giving.start(25_00, "usd", "monthly")
    giving.pay(gift_id)
    giving.advance(hours=hours)

    for _ in range(2):
        assert again(giving, gift_id, **MONTHLY) == checkout.thank_you_url(gift_id)

    assert charged(giving) == [25_00]
    assert len(giving.standin.read(lambda world: world.all("subscription"))) == 1


def test_a_first_payment_that_the_bank_wants_confirmed_stays_on_its_page(giving: World) -> None:
    """3-D Secure was asked for and left: posting again leads back to the same page, and confirming there pays once."""
    gift_id = giving.start(25_00, "usd", "monthly")
    page = again(giving, gift_id, **MONTHLY)
    asked = giving.standin.pay(giving.session_of(gift_id), ASKS, ANN, "Ann Lee", confirm_3ds=None)
    giving.deliver()
    assert asked["status"] == "requires_action"
    assert checkout.progress_of(gift_id).state == "started"

    assert again(giving, gift_id, **MONTHLY) == page
    giving.standin.pay(giving.session_of(gift_id), ASKS, ANN, "Ann Lee", confirm_3ds=True)
    giving.deliver()

    assert (charged(giving), checkout.progress_of(gift_id).state) == ([25_00], "paid")
    assert len(giving.mails("Receipt")) == 1


@pytest.mark.parametrize("wish", [{}, MONTHLY], ids=["once", "monthly"])
def test_a_page_that_runs_out_while_the_bank_asks_took_nothing(giving: World, wish: dict[str, Any]) -> None:
    """What was not confirmed in time is not paid: the donor gets a new page and pays once."""
    gift_id = giving.start(**wish)
    giving.advance(hours=22, minutes=59)
    giving.standin.pay(giving.session_of(gift_id), ASKS, ANN, "Ann Lee", confirm_3ds=None)
    giving.advance(minutes=5)
    assert checkout.progress_of(gift_id).state == "failed"

    assert "/c/pay/" in again(giving, gift_id, **wish)
    assert checkout.progress_of(gift_id).state == "started"
    giving.pay(gift_id)
    giving.deliver()

    assert len(charged(giving)) == 1


def test_a_page_that_ran_out_with_its_payment_under_way_is_not_replaced(giving: World) -> None:
    """Stripe says "expired" of the page and "processing" of its payment: the money may come, so no second page is made."""
    gift_id = giving.start()
    giving.pay(gift_id, BANK)
    session = giving.session_of(gift_id)
    giving.standin.world.find("checkout.session", session).update(status="expired", url=None)

    assert again(giving, gift_id) == checkout.thank_you_url(gift_id)


@pytest.mark.parametrize(
    ("word", "is_replaced"),
    [("requires_action", True), ("requires_payment_method", True), ("canceled", True), ("something_new", False)],
)
def test_a_page_that_ran_out_is_replaced_unless_its_payment_may_still_come(giving: World, word: str, is_replaced: bool) -> None:
    """What waits for the donor waits in vain once the page is gone; of a new word nobody knows."""
    gift_id = giving.start()
    giving.pay(gift_id, BANK)
    session = giving.standin.world.find("checkout.session", giving.session_of(gift_id))
    giving.standin.world.find("payment_intent", session["payment_intent"]).update(status=word)
    session.update(status="expired", url=None)

    assert ("/c/pay/" in again(giving, gift_id)) is is_replaced


def test_a_debit_that_failed_once_may_be_tried_with_a_card(giving: World) -> None:
    """Nothing was taken and nothing is tried again: a new page, and one gift in the end."""
    gift_id = giving.start()
    giving.pay(gift_id, BANK_CLOSED)
    giving.advance(days=5)
    assert checkout.progress_of(gift_id).tried_again is False

    assert "/c/pay/" in again(giving, gift_id)
    giving.pay(gift_id, VISA)
    giving.deliver()

    assert (charged(giving), checkout.progress_of(gift_id).state) == ([50_00], "paid")


def test_a_debit_that_failed_and_was_not_heard_of_may_be_tried_with_a_card(giving: World) -> None:
    """Our record says that it is on its way; Stripe knows better."""
    gift_id = giving.start()
    giving.pay(gift_id, BANK_CLOSED)
    giving.deliver()
    giving.standin.set_webhooks("drop")
    giving.advance(days=5)
    assert checkout.progress_of(gift_id).state == "processing"

    assert "/c/pay/" in again(giving, gift_id)


def test_a_monthly_gift_whose_first_debit_failed_is_not_begun_twice(giving: World) -> None:
    """Its subscription is there and tries again by itself: no second page, and the donor is told so."""
    gift_id = giving.start(25_00, "usd", "monthly")
    giving.pay(gift_id, BANK_CLOSED)
    giving.advance(days=5)

    progress = checkout.progress_of(gift_id)
    assert (progress.state, progress.tried_again) == ("failed", True)
    assert again(giving, gift_id, **MONTHLY) == checkout.thank_you_url(gift_id)
    assert len(giving.standin.read(lambda world: world.all("subscription"))) == 1
    page = Site().get(f"/thank-you?gift={gift_id}", accept="text/html").text
    assert "Please do not begin a second monthly gift" in page
    assert "Try again" not in page


def test_what_became_of_the_page_before_is_no_word_about_the_next(giving: World) -> None:
    """The old page's end is told late, while the new one is being made: the new one can still be on its way."""
    gift_id = giving.start()
    old = giving.session_of(gift_id)
    giving.standin.set_webhooks("drop")
    giving.advance(hours=25)
    over = started.read(gift_id)
    assert over
    started.next_attempt(over)
    started.progressed(gift_id, old, "expired")

    again(giving, gift_id)
    giving.standin.set_webhooks("normal")
    giving.pay(gift_id, BANK)
    giving.deliver()

    assert checkout.progress_of(gift_id).state == "processing"


def test_a_page_kept_meanwhile_is_not_thrown_away(giving: World) -> None:
    """One try gives its attempt up while another keeps its page: the page that a donor may have open stays the gift's."""
    gift_id = giving.start()
    kept = started.read(gift_id)
    assert kept
    seen = started.Started(kept.gift_id, kept.request_hash, 50_00, "usd", "once", kept.attempt_at - timedelta(days=1))

    assert started.next_attempt(seen) == kept
