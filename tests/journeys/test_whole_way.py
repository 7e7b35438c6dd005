"""Whole flows over real HTTP, against the local run that `make run` starts."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.caller import Donor, until
from tests.house import House


@pytest.fixture
def ann(house: House) -> Donor:
    return Donor(house, "ann")


def test_a_gift_is_within_three_seconds_in_ledger_mailbox_and_portal(ann: Donor) -> None:
    """The main job, on a card as donors have it."""
    gift_id = ann.give(source="guatemala")

    until(lambda: ann.call("GET", f"/gifts/{gift_id}").json()["state"] == "paid" and ann.mails("Receipt"), seconds=3)
    receipts = ann.mails("Receipt")
    ann.sign_in()

    assert [(gift["gift_id"], gift["amount"], gift["state"]) for gift in ann.gifts()] == [(gift_id, 50_00, "paid")]
    assert len(receipts) == 1
    assert "$50.00" in receipts[0]["text"]


def test_receipt_and_statement_open_as_documents(ann: Donor) -> None:
    """With the gift's amount, the organisation and its number."""
    gift_id = ann.give()
    until(lambda: ann.mails("Receipt"))
    ann.sign_in()
    year = ann.call("GET", "/portal/statements").json()["statements"][0]["tax_year"]

    for path in (f"/portal/gifts/{gift_id}/receipt", f"/portal/statements/{year}"):
        text = ann.pdf(path)
        for element in ("50.00", "00-0000000", "Open Gate Justice", "no goods or services"):
            assert element.lower() in " ".join(text.lower().split())


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_three_cards_that_fail_close_their_page_and_a_new_gift_is_given(ann: Donor, frequency: str) -> None:
    """From Stripe's event by way of the queue to Stripe's page; the page's own gift has no other."""
    gift_id, session = ann.start(frequency)
    for _ in range(3):
        card = {"session": session, "card": "4000000000000002", "email": ann.email, "name": "Ann Lee"}
        assert ann.at_stripe("pay", card)["status"] == "declined"

    until(lambda: ann.call("GET", f"/gifts/{gift_id}").json()["state"] == "failed")
    shown = requests.get(f"{ann.house.stripe}/c/pay/{session}", timeout=20)
    again = ann.call("POST", "/gifts", {"gift_id": gift_id, "amount": 50_00, "currency": "usd", "frequency": frequency})
    anew = ann.give(frequency)

    assert "This payment page is expired" in shown.text
    assert f"{ann.house.site}/give?" in shown.text
    assert (again.status_code, again.json()["error"]["code"]) == (409, "payment_page_closed")
    until(lambda: ann.call("GET", f"/gifts/{anew}").json()["state"] == "paid")


def test_after_a_month_the_partnership_has_its_second_gift(ann: Donor) -> None:
    """One welcome, two receipts; then it is paused, resumed and ended by the donor."""
    ann.give("monthly", 25_00)
    until(lambda: ann.mails("Welcome"))
    now = requests.get(f"{ann.house.stripe}/_test/state", timeout=20).json()["now"]
    ann.at_stripe("advance", {"to": now + 32 * 86_400})
    ann.sign_in()

    assert until(lambda: [gift["amount"] for gift in ann.gifts()] == [25_00, 25_00])
    assert (len(ann.mails("Receipt")), len(ann.mails("Welcome"))) == (2, 1)
    partnership = ann.call("GET", "/portal/partnerships").json()["partnerships"][0]
    path = f"/portal/partnerships/{partnership['partnership_id']}"
    assert ann.call("PATCH", path, {"amount": 40_00}).json()["amount"] == 40_00
    assert ann.call("POST", f"{path}/cancel", {"reason": "cost"}).json()["state"] == "ended"
    until(lambda: ann.mails("has ended"))


@pytest.mark.parametrize(("currency", "amount", "words"), [("jpy", 5_000, "¥5,000"), ("kwd", 15_000, "KWD15.000")])
def test_currencies_without_cents_are_charged_and_receipted_right(ann: Donor, currency: str, amount: int, words: str) -> None:
    """From the wish to the mail, never a factor of a hundred."""
    ann.give("once", amount, currency)

    assert words in until(lambda: ann.mails("Receipt"))[0]["subject"].replace("\xa0", "")


def test_late_repeated_and_reordered_events_end_in_the_same_books(ann: Donor) -> None:
    """Held, then each three times in another order: one gift, one receipt."""
    ann.at_stripe("webhooks", {"mode": "hold"})
    gift_id = ann.give()
    ann.at_stripe("webhooks/flush", {"order": "shuffled", "times": 3, "seed": 7})
    ann.at_stripe("webhooks", {"mode": "normal"})

    until(lambda: ann.call("GET", f"/gifts/{gift_id}").json()["state"] == "paid")
    ann.sign_in()
    assert len(ann.gifts()) == 1
    assert len(ann.mails("Receipt")) == 1


def test_a_refund_shows_wherever_the_gift_does(ann: Donor) -> None:
    """Staff refund in Stripe's dashboard; the portal and the thank-you page follow."""
    gift_id = ann.give()
    until(lambda: ann.mails("Receipt"))
    ann.sign_in()
    state = requests.get(f"{ann.house.stripe}/_test/state", timeout=20).json()
    charge = state["charges"][0]  # the newest is ours
    ann.at_stripe("refund", {"charge": charge["id"], "amount": 20_00})

    until(lambda: ann.gifts()[0]["kept"] == 30_00)
    ann.at_stripe("refund", {"charge": charge["id"]})
    until(lambda: ann.call("GET", f"/gifts/{gift_id}").json()["state"] == "refunded")


def test_a_sign_up_is_confirmed_by_its_mail(ann: Donor) -> None:
    """202, one mail, a press, and out again with one click."""
    answer = ann.call("POST", "/sign-ups", {"email": ann.email, "interests": ["stories", "events"], "source": "guatemala"})
    assert answer.status_code == 202
    mail = until(lambda: ann.mails("confirm"))[0]
    token = mail["text"].split("/sign-up/confirm?token=")[1].split()[0]
    assert ann.call("POST", "/sign-ups/confirm", {"token": token}).json()["interests"] == ["stories", "events"]

    leave = mail["headers"]["List-Unsubscribe"].strip("<>")
    requests.post(leave, data={"List-Unsubscribe": "One-Click"}, timeout=20, allow_redirects=False)

    shown = ann.call("GET", f"/sign-ups/preferences?token={leave.split('token=')[1]}").json()
    assert (shown["status"], shown["interests"]) == ("unsubscribed", [])


def test_a_forged_webhook_is_refused_at_the_door(ann: Donor) -> None:
    """Unsigned, non-ASCII, not UTF-8: 400 each."""
    for body, signature in ((b"{}", "t=1,v1=00"), (b"{}", "t=1,v1=\xe9"), (b"\xff", "t=1,v1=00"), (b"{}", "")):
        answer = requests.post(
            f"{ann.house.site}/webhooks/stripe", data=body, timeout=20,
            headers={"Content-Type": "application/json", "Stripe-Signature": signature.encode("latin-1")},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "signature_invalid")


def test_ten_posts_of_one_gift_at_once_are_one_gift(ann: Donor) -> None:
    """A nervous finger on a slow phone."""
    wish = {"gift_id": secrets.token_hex(16), "amount": 50_00, "currency": "usd", "frequency": "once"}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: ann.call("POST", "/gifts", wish).json(), range(10)))

    assert len({answer["checkout_url"] for answer in answers}) == 1
