"""The limits on every path that reaches Stripe, met over HTTP and fed by real webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import aws, items
from chalicelib.guard import askers, outcomes
from tests.giving_world import ANN, VISA, World
from tests.guard.in_memory import InMemory
from tests.guard.test_form_token import begun, wish
from tests.over_http import Site

DECLINED = "4000 0000 0000 0002"


def stranger(ip: str) -> Site:
    """A browser that was never here, at some address."""
    site = Site()
    site.come_from(ip)
    return site


def try_card(giving: World, site: Site, card: str, tries: int = 1, **more: Any) -> int:
    """Begin a gift and enter a card on Stripe's page; the status of beginning."""
    gift = wish(**more)
    status = site.post("/gifts", gift).status
    for _ in range(tries if status == 201 else 0):
        giving.pay(gift["gift_id"], card)
    giving.deliver()
    return status


@contextmanager
def counted_calls() -> Iterator[list[str]]:
    """The guard's calls to DynamoDB while this is open."""
    calls: list[str] = []
    events = aws.counters().meta.events
    events.register("before-call", lambda model, **_: calls.append(model.name), unique_id="count")
    yield calls
    events.unregister("before-call", unique_id="count")


def test_a_gift_costs_the_guard_six_calls_and_a_refusal_one(giving: World, site: Site) -> None:
    """Said here so that it stays small: one read, a count each for address, browser and mailbox, the gift, the total."""
    site.post("/gifts", wish())  # from here on the browser has its cookie
    with counted_calls() as first:
        gift = wish(email=ANN)
        assert site.post("/gifts", gift).status == 201
    with counted_calls() as retry:
        assert site.post("/gifts", gift).status == 201
    with counted_calls() as without_token:
        assert site.post("/gifts", wish(form_token="")).status == 400
    for _ in range(18):
        site.post("/gifts", wish())
    with counted_calls() as refused:
        assert site.post("/gifts", wish()).status == 429

    assert first == ["BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem", "PutItem", "UpdateItem"]
    assert retry == ["BatchGetItem", "UpdateItem"]
    assert without_token == ["BatchGetItem"]
    assert refused == ["BatchGetItem"]


def test_what_the_guard_costs_the_worker_for_each_payment(giving: World, site: Site) -> None:
    """Nobody waits for it. One read, the card, and for a paid one the total and two places that it speaks for."""
    mistyped, gift = wish(email=ANN), wish(email=ANN)
    site.post("/gifts", mistyped)
    with counted_calls() as failed:
        giving.pay(mistyped["gift_id"], DECLINED)
        giving.deliver()
    site.post("/gifts", gift)
    with counted_calls() as paid:
        giving.pay(gift["gift_id"], VISA)
        giving.deliver()

    blamed = ["UpdateItem"] * 2  # address and mailbox: the browser had no cookie yet
    assert failed == ["BatchGetItem", "UpdateItem", *blamed, "UpdateItem", "BatchGetItem", "PutItem"]
    assert paid[:5] == ["BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem"]
    told_again = paid[5:]  # by the other events of the same payment
    assert told_again == ["BatchGetItem", "UpdateItem"] * (len(told_again) // 2)


@pytest.mark.parametrize(
    ("one_asker", "most"),
    [
        (lambda number: stranger("203.0.113.7").post("/gifts", wish()), 20),
        (lambda number: stranger(f"2001:db8:0:7::{number:x}").post("/gifts", wish()), 20),
        (lambda number: stranger(f"203.0.113.{number}").post("/gifts", wish(email="Ann@Example.org")), 10),
    ],
    ids=["one address", "one household's IPv6", "one mailbox"],
)  # fmt: skip
def test_one_asker_begins_only_so_many_gifts(giving: World, one_asker: Callable[[int], Any], most: int) -> None:
    """429 with Retry-After in the one shape, and nothing more asked of Stripe."""
    answers = [one_asker(number) for number in range(most + 2)]

    assert [answer.status for answer in answers] == [201] * most + [429] * 2
    assert answers[-1].json["error"]["code"] == "too_many_requests"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3_601
    assert begun(giving) == most


def test_one_browser_that_changes_its_address_is_still_one(giving: World, site: Site) -> None:
    """By the cookie that its first gift set; a forged one counts as none."""
    statuses = []
    for number in range(23):
        site.come_from(f"203.0.113.{number}")
        statuses.append(site.post("/gifts", wish()).status)

    assert statuses == [201] * 21 + [429] * 2
    assert askers.browser_of(_caller({"browser": "made.up"})) == ""


def _caller(cookies: dict[str, str]) -> Any:
    from chalicelib.http import Caller

    return Caller("203.0.113.9", "", cookies)


def test_looking_at_pages_sets_no_cookie(giving: World, site: Site) -> None:
    """Only a gift does, for its own protection, for a day."""
    for path in ("/", "/give", "/sign-up", "/form-token?gift_id=" + "a" * 32):
        site.get(path, accept="text/html")
    assert site.cookies == {}

    site.post("/gifts", wish())
    assert list(site.cookies) == ["browser"]


def test_an_address_written_by_the_caller_is_not_believed(giving: World) -> None:
    """X-Forwarded-For is anybody's to write; the gateway's word counts."""
    site = stranger("203.0.113.7")
    import json

    from tests.over_http import token_of_a_person

    def post(number: int) -> int:
        gift = wish()
        body = json.dumps({**gift, "form_token": token_of_a_person(gift["gift_id"])}).encode()
        site.cookies = {}
        return site.request("POST", "/gifts", body, {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{number}"}).status

    assert [post(number) for number in range(21)][-1] == 429


def test_the_portal_s_way_to_stripe_is_limited_by_donor_and_by_address(giving: World, site: Site) -> None:
    """A signed-in donor reaches a page that takes cards: six an hour."""
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)

    answers = [site.post("/portal/payment-method") for _ in range(8)]

    assert [answer.status for answer in answers] == [201] * 6 + [429] * 2
    assert answers[-1].headers["retry-after"]
    again = Site()
    again.sign_in(giving, ANN)
    assert again.post("/portal/payment-method").status == 429


def test_changes_of_a_monthly_gift_are_limited_before_stripe_is_asked(giving: World, site: Site) -> None:
    """Forty an hour is far beyond a person's change of mind."""
    partnership = giving.give(25_00, "usd", "monthly") and giving.partnership().partnership_id
    site.sign_in(giving, ANN)

    statuses = [site.post(f"/portal/partnerships/{partnership}/resume").status for _ in range(41)]

    assert statuses == [200] * 40 + [429]


def test_a_donor_who_mistypes_the_card_twice_still_gives(giving: World, site: Site, challenged: None) -> None:
    """On Stripe's page, and again with a second gift: never a challenge."""
    for _ in range(2):
        gift = wish(email=ANN)
        assert site.post("/gifts", gift).status == 201
        for card in (DECLINED, "4000 0000 0000 0127", VISA):
            giving.pay(gift["gift_id"], card)
        giving.deliver()

    assert len(giving.gifts()) == 2


def test_an_address_at_which_cards_keep_failing_is_asked_for_a_challenge(giving: World, challenged: None) -> None:
    """Whatever browser it shows; others notice nothing."""
    for _ in range(4):
        try_card(giving, stranger("203.0.113.7"), DECLINED, tries=2)

    assert stranger("203.0.113.7").post("/gifts", wish()).status == 403
    assert stranger("203.0.113.8").post("/gifts", wish()).status == 201


def test_a_card_that_keeps_failing_marks_whoever_brings_it(giving: World, challenged: None) -> None:
    """Six failures in a day is guessing. The fingerprint comes with the webhook and is kept as a hash only."""
    for number in range(5):
        try_card(giving, stranger(f"203.0.113.{number}"), DECLINED)
    assert stranger("203.0.113.1").post("/gifts", wish()).status == 201
    try_card(giving, stranger("203.0.113.99"), DECLINED)

    assert stranger("203.0.113.99").post("/gifts", wish()).status == 403
    kept = str(aws.dynamodb().scan(TableName=items.passing(), Limit=200)["Items"])
    fingerprint = giving.standin.read(lambda world: world.all("charge")[0])["payment_method_details"]["card"]["fingerprint"]
    assert all(secret not in kept for secret in (fingerprint, "203.0.113", "ann@"))


def test_a_webhook_told_five_times_counts_once(giving: World, memory: InMemory) -> None:
    """Stripe delivers at least once; a donor's one failure is one."""
    gift_id = giving.start()
    giving.pay(gift_id, DECLINED)
    charge = giving.standin.read(lambda world: world.all("charge")[0])
    before = None
    for _ in range(5):
        outcomes.learn(charge, gift_id, monthly=False)
        before = before or dict(memory._tallies)

    assert memory._tallies == before


def test_failed_renewals_are_no_campaign(giving: World, memory: InMemory) -> None:
    """On the first of a month many cards have expired at once, and nobody is at a form."""
    giving.give(25_00, "usd", "monthly", card="4000 0000 0000 0341")
    writes = memory.writes
    giving.advance(days=32)
    giving.deliver()

    assert giving.partnership().state == "payment_problem"
    assert memory.writes == writes


def test_old_news_and_other_ways_to_pay_are_left_aside(giving: World, memory: InMemory) -> None:
    """What reconcile heals after days tells nothing of now, and a bank account is no card."""
    giving.give(50_00)
    charge = giving.standin.read(lambda world: world.all("charge")[0])
    writes = memory.writes
    outcomes.learn({**charge, "payment_method_details": {"type": "us_bank_account", "us_bank_account": {}}}, "", monthly=False)
    giving.advance(hours=2)
    outcomes.learn(charge, "", monthly=False)

    assert memory.writes == writes


def test_money_is_recorded_though_the_guard_cannot_count(giving: World, memory: InMemory) -> None:
    """The guard protects the charity's money; it never stands in its way."""
    memory.down = True
    giving.give(50_00)

    assert [gift.kept.minor for gift in giving.gifts()] == [50_00]
