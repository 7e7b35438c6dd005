import pytest
import requests

from .conftest import BANK, GOOD, at, wanted


@pytest.fixture
def ask(url):
    def act(call, **asked):
        answer = requests.post(f"{url}/_test/{call}", json=asked, timeout=5)
        return answer.status_code, answer.json()
    return act


def test_paying_by_call_is_paying_on_the_page(client, ask):
    """Card numbers may be written as on the card."""
    session = client.v1.checkout.sessions.create(wanted())
    paid = ask("pay", session=session.id, card="4242 4242 4242 4242", email="a@example.org", name="A")

    assert (200, {"status": "paid", "redirect": f"http://site/thanks?s={session.id}"}) == paid


@pytest.mark.parametrize(("call", "asked", "status", "code"), [
    ("pay", {"session": "cs_test_x", "card": GOOD}, 404, "no_such_session"),
    ("pay", {"card": GOOD}, 400, "bad_parameters"),
    ("advance", {"to": 1}, 400, "in_the_past"),
    ("advance", {"to": "tomorrow"}, 400, "not_a_moment"),
    ("webhooks", {"mode": "sometimes"}, 400, "no_such_mode"),
    ("webhooks/flush", {"order": "random"}, 400, "no_such_order"),
    ("dispute", {"charge": "ch_x"}, 404, "no_such_charge"),
    ("refund", {"charge": "ch_x"}, 404, "resource_missing"),
    ("card", {"customer": "cus_x", "card": GOOD}, 404, "no_such_customer"),
    ("fail", {"path": "/v1/"}, 400, "no_mishap"),
    ("nonsense", {}, 404, "no_such_call"),
])
def test_what_cannot_be_done_says_why(ask, call, asked, status, code):
    """One shape of error for all test calls."""
    answered, body = ask(call, **asked)

    assert (status, code) == (answered, body["error"]["code"])


def test_a_session_that_is_over_is_a_conflict(client, ask, give):
    """Paying twice on one page is impossible."""
    assert 409 == ask("pay", session=give().id, card=GOOD)[0]


def test_money_moves_by_call(client, ask, give, url):
    """What staff and banks would do."""
    first, second = give().payment_intent.latest_charge.id, give().payment_intent.latest_charge.id
    pending = give(BANK)
    assert "succeeded" == ask("refund", charge=first, amount=100)[1]["status"]
    dispute = ask("dispute", charge=second, reason="duplicate")[1]["id"]
    assert "won" == ask("dispute/close", dispute=dispute, won=True)[1]["status"]
    assert (200, {"settled": True}) == ask("settle", session=pending.id)

    state = requests.get(f"{url}/_test/state", timeout=5).json()
    assert {"charge": 3, "refund": 1, "dispute": 1} == {
        kind: state["counts"][kind] for kind in ("charge", "refund", "dispute")}
    assert ["succeeded"] * 3 == [each["status"] for each in state["charges"]]
    assert requests.get(f"{url}/_test/events", timeout=5).json()["events"]


def test_advancing_stops_at_each_thing_that_happens(client, ask, give, standin, clock):
    """The hook sees the clock at every renewal, so that the site acts on the day and not months later."""
    give(mode="subscription")
    seen = []
    standin.on_step = lambda: seen.append(clock.now().strftime("%m-%d"))

    assert (200, {"now": at(2026, 5, 1)}) == ask("advance", to=at(2026, 5, 1))
    assert {"02-28", "03-31", "04-30", "05-01"} <= set(seen)
