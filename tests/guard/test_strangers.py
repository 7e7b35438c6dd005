"""Whom a campaign has challenged: an address that comes again, and not one that is here for the first time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.clock import epoch_seconds
from chalicelib.guard import breaker, counters, strangers
from chalicelib.guard.askers import Asker, Who
from tests.giving_world import ANN, VISA, World
from tests.guard.in_memory import InMemory
from tests.guard.test_challenge import HERE, campaign
from tests.guard.test_form_token import begun, hidden, wish
from tests.guard.test_limits import DECLINED, counted_calls, stranger, try_card
from tests.over_http import Site

pytestmark = pytest.mark.usefixtures("challenged")


def status_at(ip: str, **more: Any) -> int:
    return stranger(ip).post("/gifts", wish(**more)).status


def test_a_donor_who_is_here_for_the_first_time_notices_nothing_of_a_campaign(giving: World, site: Site) -> None:
    """Two mistakes in the form and two at the card included: by page and plain form, with production's guard."""
    campaign()
    page = site.get("/give", accept="text/html").text
    giving.advance(seconds=4)
    gift_id, answer = "", None
    for typed in ("1.005", "a lot", "25"):
        fields = {name: hidden(page, name) for name in ("gift_id", "form_token", "currency")}
        answer = site.form("/gifts", {**fields, "frequency": "once", "amount_once": "other", "other_amount": typed})
        gift_id, page = fields["gift_id"], answer.text or page
    assert answer
    assert answer.status == 303

    for card in (DECLINED, "4000 0000 0000 0127", VISA):
        giving.pay(gift_id, card)
    giving.deliver()
    assert [gift.kept.minor for gift in giving.gifts()] == [25_00]


def test_an_address_that_comes_again_is_challenged(giving: World) -> None:
    """Whatever browser it shows and whatever became of its first try; its neighbours notice nothing."""
    campaign()

    assert [status_at("203.0.113.7") for _ in range(3)] == [201, 403, 403]
    assert [status_at(f"2001:db8:0:7::{number}") for number in range(2)] == [201, 403]
    assert [status_at("203.0.113.8"), status_at("2001:db8:0:8::1")] == [201, 201]


def test_whoever_solves_the_challenge_uses_up_nothing(giving: World) -> None:
    """The answer is looked at instead of the tries, so the next donor at that address is a first one still."""
    campaign()

    assert status_at("203.0.113.7", challenge="person") == 201
    assert [status_at("203.0.113.7") for _ in range(2)] == [201, 403]


def test_where_cards_have_just_failed_not_even_the_first_try_passes(giving: World) -> None:
    """Eight failures before the campaign was seen are no stranger's; and nothing of the neighbourhood's is used up."""
    for _ in range(4):
        try_card(giving, stranger("203.0.113.7"), DECLINED, tries=2)
    began = campaign()

    assert status_at("203.0.113.7") == 403
    assert not counters.store().read([f"tries#ip#{Asker('203.0.113.7').named()['ip']}#{began}"])


def test_a_gift_that_was_paid_speaks_for_the_next_two(giving: World) -> None:
    """About half of those who begin also pay. Told twice by the webhook it speaks once; a failed one does not."""
    assert try_card(giving, stranger("203.0.113.7"), VISA) == 201
    assert try_card(giving, stranger("203.0.113.8"), DECLINED) == 201
    giving.advance(days=6)
    campaign()

    assert [status_at("203.0.113.7") for _ in range(4)] == [201, 201, 201, 403]
    assert [status_at("203.0.113.8") for _ in range(2)] == [201, 403]


def test_a_gift_speaks_for_no_next_one_if_a_card_failed_on_its_page(giving: World) -> None:
    """Three cards a page, one in twenty good: one page in seven would be paid, and buy two more. A donor loses little."""
    for ip, cards in (("203.0.113.7", (DECLINED, VISA)), ("203.0.113.8", (VISA,))):
        gift = wish()
        assert stranger(ip).post("/gifts", gift).status == 201
        for card in cards:
            giving.pay(gift["gift_id"], card)
            giving.deliver()
    campaign()

    assert [status_at("203.0.113.7") for _ in range(3)] == [201, 403, 403]
    assert [status_at("203.0.113.8") for _ in range(4)] == [201, 201, 201, 403]


def test_what_was_paid_weeks_ago_speaks_no_more(giving: World) -> None:
    """This week and the last one: an address soon belongs to somebody else."""
    try_card(giving, stranger("203.0.113.7"), VISA)
    giving.advance(days=15)
    campaign()

    assert [status_at("203.0.113.7") for _ in range(2)] == [201, 403]


@pytest.mark.parametrize("ip", [lambda number: f"203.0.113.{number}", lambda number: f"2001:db8:7:{number:x}::1"], ids=["/24", "/48"])
def test_a_neighbourhood_has_thirteen_first_tries(memory: InMemory, ip: Callable[[int], str]) -> None:
    """A hoster's customer brings a new address each time; the network around it stays the same."""
    assert [strangers.admit(1, Asker(ip(number)).named()) for number in range(15)] == [True] * 13 + [False] * 2


def test_all_strangers_together_have_a_sum_that_paid_gifts_add_to(memory: InMemory) -> None:
    """So a campaign whose addresses never end is challenged like everybody; donors keep the sum from running out."""
    named: dict[Who, str] = {}  # nothing known of them but that they come
    most = strangers.FREE["everybody"]

    assert sum(strangers.admit(1, named) for _ in range(most + 10)) == most
    for _ in range(10):
        strangers.paid(named, campaign=1)
    assert sum(strangers.admit(1, named) for _ in range(50)) == 10
    assert strangers.admit(2, named), "the next campaign begins with a sum of its own"


def test_of_eight_at_once_from_one_address_one_passes(giving: World) -> None:
    """The count itself decides, and not what was read before it."""
    named = Asker(HERE).named()
    with ThreadPoolExecutor(8) as at_once:
        tries = list(at_once.map(lambda _: strangers.admit(1, named), range(8)))

    assert tries.count(True) == 1


def test_a_campaign_that_comes_back_within_a_day_is_the_same_one(giving: World) -> None:
    """Its addresses are known still, though it had let go in between."""
    began = campaign()
    assert status_at("203.0.113.7") == 201
    giving.advance(hours=20)
    assert status_at("203.0.113.9") == 201, "nothing is on"

    assert campaign() == began
    assert status_at("203.0.113.7") == 403
    giving.advance(days=3)
    assert campaign() == epoch_seconds()
    assert status_at("203.0.113.7") == 201


def test_more_begun_than_is_ever_paid_is_a_campaign_too(giving: World, memory: InMemory) -> None:
    """Said once, and it opens the breaker: the first tries of donors go on passing, as when an appeal was on television."""
    for _ in range(breaker.SURGE):
        breaker.begun()

    assert [status_at("203.0.113.7") for _ in range(2)] == [201, 403]
    assert status_at("203.0.113.8") == 201
    assert breaker.campaign(memory.read(breaker.names())) == epoch_seconds()


def test_what_a_first_try_costs_while_a_campaign_is_on(giving: World, site: Site) -> None:
    """Three counts more than on other days; a second one's challenge one count."""
    campaign()
    with counted_calls() as first:
        assert site.post("/gifts", wish(email=ANN)).status == 201
    with counted_calls() as second:
        assert site.post("/gifts", wish(email=ANN)).status == 403

    assert first == ["BatchGetItem", *["UpdateItem"] * 3, *["UpdateItem"] * 2, "PutItem", "UpdateItem"]
    assert second == ["BatchGetItem", "UpdateItem", "BatchGetItem"]


def test_the_alarm_rings_once_for_each_time_it_opens(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The metric on which the alarm stands; no address is in what operators read."""
    for _ in range(2):
        for source in range(40):
            breaker.failed(epoch_seconds(), f"203.0.113.{source}")
        giving.advance(hours=2)
    said = capsys.readouterr().out

    assert said.count('"card_testing_suspected":[1.0]') == 2
    assert "203.0.113" not in said


def test_nobody_is_challenged_where_the_guard_is_wide(giving: World, setting: Any, site: Site) -> None:
    """A local run's tests come from one address all day."""
    setting(GUARD="wide")
    campaign(HERE)

    assert {site.post("/gifts", wish()).status for _ in range(3)} == {201}
    assert begun(giving) == 3
    assert breaker.campaign(counters.store().read(breaker.names())) > 0
