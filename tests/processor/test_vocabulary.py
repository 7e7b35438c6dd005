"""What becomes of a word that Stripe has never said before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import NotUnderstood
from chalicelib.giving import checkout, ledger
from chalicelib.giving.gift import renewal_id
from chalicelib.processor import reconcile, settle, stripe_api, vocabulary
from local.standin.shapes import _options, class_of, fields_of, without_none
from tests.drift.mutations import Mutation, apply
from tests.drift.stage import Spoiling
from tests.giving_world import World
from tests.over_http import Site

NEW = "something_new"
Say = Callable[..., None]


@pytest.fixture
def say(giving: World) -> Say:
    """`say("dispute", "status")`: from here on Stripe says something new there. `say()`: what it always said."""
    wire = Spoiling(giving.standin)
    stripe_api.set_transport(wire)

    def otherwise(kind: str = "", path: str = "", word: str = NEW) -> None:
        def spoil(answer: dict[str, Any]) -> None:
            apply(answer, (Mutation(kind, path, "new word"),))
            told = json.loads(json.dumps(answer).replace(NEW, word))
            answer.clear()
            answer.update(told)

        wire.spoil = spoil

    return otherwise


def counted(caplog: pytest.LogCaptureFixture, metric: str) -> list[dict[str, Any]]:
    """What was said of each count of a metric."""
    return [vars(record) for record in caplog.records if record.getMessage() == metric]


@pytest.mark.parametrize(("kind", "field"), [each for each in vocabulary.KNOWN if each != ("refund", "status")])
def test_our_words_are_the_sdks(kind: str, field: str) -> None:
    """When the SDK moves, this says which words came with it: decide what each of them means here."""
    literals = _options(without_none(fields_of(class_of(kind))[field]))

    assert {word for literal in literals for word in literal.__args__} == vocabulary.KNOWN[kind, field]


def test_what_a_word_is_not_is_not_logged() -> None:
    """A version that puts a person's name there must not put it in our logs."""
    said = [{"object": "dispute", "status": "Ann Lee <ann@example.org>"}, {"object": "dispute", "status": {"a": 1}}]

    assert vocabulary.unknown({"data": said}) == {("dispute.status", "?")}


def test_a_new_state_of_a_monthly_gift_is_unclear_and_kept(giving: World, say: Say, caplog: pytest.LogCaptureFixture) -> None:
    """Shown as active it would be a promise; nothing is mailed, no date is named, and the next event heals it."""
    giving.give(50_00, frequency="monthly")
    active, mails = giving.partnership(), len(giving.mails())
    say("subscription", "status")

    settle.partnership(active.partnership_id)

    unclear = giving.partnership()
    assert (unclear.state, unclear.said, unclear.next_charge_at) == ("unclear", NEW, None)
    assert len(giving.mails()) == mails
    assert [(line["field"], line["value"]) for line in counted(caplog, "stripe_value_unknown")] == [("subscription.status", NEW)]

    say()
    settle.partnership(active.partnership_id)
    assert giving.partnership() == active


def test_the_donor_is_told_that_we_do_not_know(giving: World, say: Say, site: Site) -> None:
    """No date, no alarm, and the way out stands open."""
    giving.give(50_00, frequency="monthly")
    site.sign_in(giving, "ann@example.org")
    say("subscription", "status")
    settle.partnership(giving.partnership().partnership_id)

    page = site.get("/portal/partnerships", accept="text/html").text
    (listed,) = site.get("/portal/partnerships").json["partnerships"]

    assert "reports a state of this gift that is new to us" in page and "End the monthly gift" in page
    assert (listed["state"], listed["next_charge_on"]) == ("unclear", None)
    assert NEW not in page


def test_a_new_state_of_a_dispute_is_kept_and_asked_about_until_it_is_known(giving: World, say: Say) -> None:
    """The money is away and nobody has decided, as far as we can tell: a statement must wait for it."""
    gift_id = giving.give(50_00, card="4000000000000259")
    place = ledger.place_of(giving.charge_of(gift_id))
    assert place
    say("dispute", "status")
    settle.charge(place.charge_id)
    settle.charge(place.charge_id)

    assert [(fact.kind, fact.said) for fact in ledger.facts_at(place)] == [
        ("dispute", ""), ("dispute_unclear", NEW), ("payment", ""),
    ]  # fmt: skip
    assert (giving.gifts()[0].state, giving.gifts()[0].kept.minor) == ("disputed", 0)

    say()
    giving.standin.set_webhooks("drop")
    giving.standin.close_dispute(giving.standin.read(lambda world: world.all("dispute"))[0]["id"], False)
    assert reconcile.last(days=3).agrees
    assert giving.gifts()[0].state == "refunded"


def test_a_dispute_that_was_prevented_is_decided(giving: World, say: Say) -> None:
    """Given in to before it was formal: the money went, and no bank will be heard of any more."""
    gift_id = giving.give(50_00, card="4000000000000259")
    say("dispute", "status", "prevented")

    settle.charge(giving.charge_of(gift_id))

    assert giving.gifts()[0].state == "refunded"


@pytest.mark.parametrize("word", [NEW, "requires_action", "requires_capture"])
def test_a_payment_that_is_not_known_to_have_failed_has_not(giving: World, say: Say, word: str) -> None:
    """The donor may yet be charged, so they are not sent to a second page to pay on."""
    gift_id = giving.start(50_00)
    giving.pay(gift_id, "000123456789")
    say("payment_intent", "status", word)
    giving.deliver()
    assert checkout.progress_of(gift_id).state == "processing"

    giving.advance(days=1, hours=1)
    again = giving.standin.read(lambda world: world.all("checkout.session"))
    giving.start(50_00, gift_id=gift_id)
    assert len(giving.standin.read(lambda world: world.all("checkout.session"))) == len(again)


@pytest.mark.parametrize("path", ["payment_status", "status"])
def test_a_session_in_a_new_state_is_not_in_the_way_of_a_paid_charge(giving: World, say: Say, path: str) -> None:
    """What was paid is told by the charge."""
    giving.standin.set_webhooks("drop")
    gift_id = giving.start(50_00)
    giving.pay(gift_id)
    say("checkout.session", path)

    settle.session(giving.session_of(gift_id))

    assert [gift.gift_id for gift in giving.gifts()] == [gift_id]


@pytest.mark.parametrize("months", [0, 1], ids=["the first", "a later one"])
def test_a_month_that_is_paid_for_a_reason_that_we_do_not_know_is_booked(
    giving: World, say: Say, caplog: pytest.LogCaptureFixture, months: int
) -> None:
    """It is paid and receipted, under the id of its invoice, and keeps it when we know the reason; an alarm names the word."""
    giving.standin.set_webhooks("normal" if months else "drop")
    gift_id = giving.start(50_00, frequency="monthly")
    giving.pay(gift_id)
    if months:
        giving.deliver()
        giving.standin.set_webhooks("drop")
        giving.advance(days=31)
    invoice = giving.standin.read(lambda world: world.all("invoice")[-1]["id"])
    say("invoice", "billing_reason")

    settle.invoice(invoice)

    assert {("invoice.billing_reason", NEW)} == {(line["field"], line["value"]) for line in counted(caplog, "stripe_value_unknown")}
    assert [gift.gift_id for gift in giving.gifts()] == [renewal_id(invoice), gift_id][: months + 1]
    assert len(giving.mails("Receipt")) == months + 1
    say()
    assert reconcile.last(days=3, both_ways=True).agrees
    settle.invoice(invoice)
    assert len(giving.gifts()) == len(giving.mails("Receipt")) == months + 1
    assert counted(caplog, "gift_paid_twice") == []
    again = giving.standin.read(lambda world: len(world.all("checkout.session")))
    giving.start(50_00, frequency="monthly", gift_id=gift_id)
    assert giving.standin.read(lambda world: len(world.all("checkout.session"))) == again, "nobody pays it again"


def test_a_month_whose_reason_stripe_keeps_to_itself_waits(giving: World, caplog: pytest.LogCaptureFixture) -> None:
    """No word is not a new word: the message comes again, and reconcile says so aloud."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, frequency="monthly"))
    (invoice,) = giving.standin.read(lambda world: world.all("invoice"))
    giving.standin.read(lambda world: world.all("invoice")[0].update(billing_reason=None))

    with pytest.raises(NotUnderstood):
        settle.invoice(invoice["id"])

    assert not reconcile.last(days=3).agrees
    assert "payment_processor_not_understood" in counted(caplog, "reconcile_failed")[0]["why"]
    giving.standin.read(lambda world: world.all("invoice")[0].update(billing_reason="subscription_create"))
    assert reconcile.last(days=3).agrees
    assert len(giving.gifts()) == 1


def test_money_that_moved_for_a_charge_in_a_new_state_is_not_called_anothers(giving: World, say: Say) -> None:
    """It was: counted as not ours, without an alarm."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    say("charge", "status")

    report = reconcile.last(days=3)

    assert (report.not_ours, len(report.unhealed), report.agrees) == (0, 1, False)


def test_a_gift_whose_intent_no_longer_names_it_is_not_called_anothers(giving: World, say: Say) -> None:
    """The charge has a copy of what the intent said: where the two disagree a person looks."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    giving.standin.read(lambda world: [intent.update(metadata={}) for intent in world.all("payment_intent")])

    report = reconcile.last(days=3)

    assert (report.not_ours, len(report.unhealed)) == (0, 1)


def test_who_is_called_reads_which_field_it_was(giving: World) -> None:
    """The line and the field, in the log and beside a dead letter; never what stood in it."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00))
    giving.standin.read(lambda world: [charge.pop("captured") for charge in world.all("charge")])

    (unhealed,) = reconcile.last(days=3).unhealed

    assert unhealed.why.startswith("NotUnderstood (payment_processor_not_understood) at events.py:")
    assert unhealed.why.endswith("KeyError captured")
