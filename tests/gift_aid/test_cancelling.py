"""What a donor cancels stays cancelled, also what waits for its payment just then."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec
import pytest

from chalicelib import items, keys
from chalicelib.gift_aid import cancelling, pending, store
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.gift_aid.declaration import as_cancelled
from chalicelib.giving import donors
from tests.gift_aid.declaring import ALL, BANK, LATER, PARTS, THIS, declared, give, in_between, looked_at, waiting
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.test_export import copy
from tests.processor.power import PowerCut, cut

FIRST, SECOND, THIRD = (datetime.fromisoformat(f"2026-03-{day}T12:00:00+00:00") for day in (10, 11, 12))


def claimed(giving: World) -> list[int]:
    """What a claim over all days there are would be made on, in pounds."""
    giving.work()
    return sorted(entry.minor // 100 for entry, _ in looked_at())


def debit(giving: World, told: DeclarationWithGift = LATER) -> str:
    """A gift of 60 pounds by bank debit: sent, and on its way."""
    gift_id = giving.start(60_00, "gbp", gift_aid=told, email=ANN)
    giving.pay(gift_id, BANK)
    giving.deliver()
    return gift_id


@pytest.mark.parametrize("told", [LATER, ALL], ids=["later", "all"])
def test_a_debit_that_arrives_after_cancelling_brings_no_gift_aid_back(
    giving: World, site: Site, told: DeclarationWithGift
) -> None:
    """
    The page has said that gifts from then on are not covered: neither the debit is, nor what is given later.
    """
    give(giving, LATER)
    giving.advance(days=1)
    debit(giving, told)
    site.sign_in(giving, ANN)
    cancelled = giving.time.now().replace(microsecond=0)
    assert site.form("/portal/gift-aid/cancel", {}).status == 303
    giving.advance(days=6)
    giving.give(70_00, "gbp")

    assert claimed(giving) == [50]
    assert waiting() == []
    assert [each.cancelled_at for each in declared(giving)] == [cancelled, cancelled]
    site.sign_in(giving, ANN)
    assert site.get("/portal/gift-aid").json["declarations"] == []


def test_what_waits_is_cancelled_where_nothing_is_declared_yet(giving: World, site: Site) -> None:
    """
    Nobody can tell the donor what waits, so the portal offers it always, and says afterwards what it did.
    """
    giving.give(50_00, "gbp")
    debit(giving)
    site.sign_in(giving, ANN)
    assert 'action="/portal/gift-aid/cancel"' in site.get("/portal/gift-aid", "text/html").text
    assert site.form("/portal/gift-aid/cancel", {}).status == 303
    assert "You cancelled on 10 March 2026" in site.get("/portal/gift-aid", "text/html").text
    giving.advance(days=6)
    giving.give(70_00, "gbp")

    assert claimed(giving) == []
    assert [each.cancelled_at for each in declared(giving)] == [FIRST]


def test_what_was_paid_before_cancelling_is_covered_though_its_event_came_after(giving: World) -> None:
    """
    Stripe's events may be days late: what counts is when it was given, and the receipt tells how it stands.
    """
    giving.give(40_00, "gbp")
    giving.advance(days=1)
    gift_id = giving.start(60_00, "gbp", gift_aid=LATER)
    giving.standin.set_webhooks("hold")
    giving.pay(gift_id)
    giving.time.travel_to(giving.time.now() + timedelta(hours=1))
    store.cancel(giving.donor_id())
    giving.standin.set_webhooks("normal")
    giving.standin.flush()
    giving.deliver()
    giving.time.travel_to(giving.time.now() + timedelta(hours=1))
    giving.give(70_00, "gbp")

    assert claimed(giving) == [60]
    said = next(mail for mail in giving.mails("Receipt") if gift_id in mail.text)
    for text in (said.text, said.html):
        assert "covered by your declaration of 11 March 2026, which you have cancelled since" in text
        assert "we hold no declaration" not in text


def test_a_single_gift_s_declaration_is_not_cancelled_with_the_lasting_ones(giving: World) -> None:
    """
    It says nothing of later gifts, and is withdrawn by itself.
    """
    giving.give(40_00, "gbp")
    debit(giving, THIS)
    store.cancel(giving.donor_id())
    giving.advance(days=6)

    assert claimed(giving) == [60]


def test_what_is_declared_after_cancelling_stands(giving: World) -> None:
    """
    Who changes their mind with a next gift means it, and cancels that one by itself.
    """
    giving.give(40_00, "gbp")
    store.cancel(giving.donor_id())
    giving.advance(days=1)
    debit(giving)
    giving.advance(days=6)
    assert claimed(giving) == [60]

    store.cancel(giving.donor_id())
    giving.advance(days=1)
    giving.give(70_00, "gbp")
    assert claimed(giving) == [60]


def test_of_two_cancellings_the_first_after_it_was_sent_ends_it(giving: World) -> None:
    """
    Not the last: between the two nothing was declared.
    """
    giving.give(40_00, "gbp")
    store.cancel(giving.donor_id())
    giving.advance(days=1)
    debit(giving)
    store.cancel(giving.donor_id())
    giving.advance(days=1)
    giving.give(70_00, "gbp")
    store.cancel(giving.donor_id())
    giving.advance(days=6)

    assert claimed(giving) == []
    assert donors.profile(giving.donor_id()).gift_aid_cancelled == (FIRST, SECOND, THIRD)  # type: ignore[union-attr]
    assert declared(giving)[0].cancelled_at == SECOND


@pytest.mark.parametrize(("sent", "ended"), [(-1, FIRST), (0, FIRST), (0.9, FIRST), (1, SECOND)])
def test_cancelling_is_kept_to_the_second(giving: World, sent: float, ended: datetime) -> None:
    """
    What was sent within the same second was there to be cancelled; what was sent in the next one was not.
    """
    give(giving, LATER)
    made = msgspec.structs.replace(declared(giving)[0], made_at=FIRST + timedelta(seconds=sent))

    assert as_cancelled(made, (SECOND, FIRST)).cancelled_at == ended


@pytest.mark.parametrize("first", ["cancel", "take"])
def test_cancelling_and_taking_may_meet_at_any_call(giving: World, first: str) -> None:
    """
    The one is done, whole, before each call of the other: afterwards nothing lasting stands, whoever came first.
    """
    number, met = 0, True
    while met:
        number += 1
        email = f"donor{number}@example.org"
        give(giving, LATER, email=email)
        donor_id, gift_id = giving.donor_id(email), giving.start(60_00, "gbp", gift_aid=LATER)
        work = [lambda: store.cancel(donor_id), lambda: pending.take(donor_id, gift_id)]  # noqa: B023 - done within the round
        if first == "take":
            work.reverse()
        with in_between(number, work[1]) as made:
            work[0]()
        met = len(made) >= number
        if not met:
            work[1]()

        assert [each.cancelled_at is not None for each in declared(giving, email)] == [True, True]
        assert waiting() == []
    assert number > 3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_cancelling_that_died_half_way_still_ends_what_waits(giving: World, number: int) -> None:
    """
    The moment is kept first. Asked again, the rest ends; what is taken in between does not stand.
    """
    give(giving, LATER)
    give(giving, LATER)
    gift_id = giving.start(60_00, "gbp", gift_aid=LATER)
    with cut(number), pytest.raises(PowerCut):
        store.cancel(giving.donor_id())
    pending.take(giving.donor_id(), gift_id)
    assert next(each for each in declared(giving) if each.gift_id == gift_id).cancelled_at == FIRST
    store.cancel(giving.donor_id())

    assert {each.cancelled_at for each in declared(giving)} == {FIRST}


def test_cancelling_without_end_does_not_fill_the_donor_s_item(giving: World) -> None:
    """
    DynamoDB takes 400 KB an item; with no room left no payment could be booked to the donor.
    """
    giving.give(40_00, "gbp")
    for _ in range(cancelling.MOST + 3):
        store.cancel(giving.donor_id())
        giving.time.travel_to(giving.time.now() + timedelta(minutes=1))

    moments = cancelling.moments(giving.donor_id())
    assert len(moments) == cancelling.MOST
    assert (moments[0], moments[-1]) == (FIRST, FIRST + timedelta(minutes=cancelling.MOST + 2))
    gift_id = giving.start(60_00, "gbp", gift_aid=LATER)
    store.cancel(giving.donor_id())
    pending.take(giving.donor_id(), gift_id)
    assert all(each.cancelled_at for each in declared(giving))


def test_the_moments_are_in_the_copy_of_one_s_data_and_go_with_the_donor(giving: World, site: Site) -> None:
    """
    They are the donor's, and of no use once nothing can be declared.
    """
    give(giving, False)
    site.sign_in(giving, ANN)
    site.form("/portal/gift-aid", {**PARTS, "scope": "future"})
    site.form("/portal/gift-aid/cancel", {})
    (profile,) = json.loads(copy(site)["profile.json"])
    assert profile["gift_aid_cancelled"] == ["2026-03-10T12:00:00Z"]

    donor_id = giving.donor_id()
    assert site.post("/portal/erase", {"confirm": "erase"}).status == 202
    giving.work()
    store.cancel(donor_id)
    left = items.get(items.giving(), keys.donor(donor_id))
    assert left
    assert "gift_aid_cancelled" not in left
