"""What was begun before an erasure and is heard of after it: the tombstone's, with an alarm, and nobody comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import aws, clock, items, keys
from chalicelib.giving import donors, erased
from chalicelib.giving.checkout import Tribute
from chalicelib.giving.donors import Donor
from chalicelib.partners import store
from chalicelib.portal import erasure
from chalicelib.portal.erasure import EraseAsked
from chalicelib.processor import reconcile, settle, standing
from chalicelib.processor.webhook import Hint
from tests.giving_world import ANN, VISA, World
from tests.over_http import Site
from tests.portal.calls import everything
from tests.processor.power import PowerCut, cut

BANK, ROSA, NAME = "000123456789", "Rosa Diaz", "Ann Lee"
AMOUNT = 30_00


@pytest.fixture
def donor_id(giving: World) -> str:
    """Ann, who has given once. From now on no event of Stripe's arrives."""
    giving.give(50_00)
    giving.standin.set_webhooks("hold")
    return giving.donor_id()


def pay(giving: World, card: str = VISA, **more: Any) -> str:
    """Ann pays; the charge. Of it nobody hears for now."""
    giving.pay(giving.start(AMOUNT, **more), card)
    return charges(giving)[-1]


def charges(giving: World) -> list[str]:
    return giving.standin.read(lambda world: [each["id"] for each in world.all("charge")])


def erase(donor_id: str) -> None:
    erasure.erase(EraseAsked(donor_id))


def by_webhook(giving: World) -> None:
    giving.standin.flush()
    giving.work()


def by_reconcile(giving: World) -> None:
    giving.standin.set_webhooks("drop")
    reconcile.last(days=35, both_ways=True)


def profiles() -> list[str]:
    return [item["pk"].removeprefix("DONOR#") for item in everything(items.giving()) if item["sk"] == keys.PROFILE]


def booked(donor_id: str) -> list[int]:
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.FACTS)
    return sorted(item["money"]["minor"] for item in found)


def held() -> str:
    return str([everything(table) for table in (items.giving(), items.signups(), items.passing())])


def emptied() -> None:
    """Our books of nobody, so that many tries in a row stay quick."""
    for table in (items.giving(), items.signups(), items.passing()):
        for item in everything(table):
            items.delete(table, {"pk": item["pk"], "sk": item["sk"]})


@contextmanager
def alarms(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The charges of which the alarm tells meanwhile."""
    before = len(caplog.records)
    told: list[str] = []
    yield told
    told += [each.charge for each in caplog.records[before:] if each.message == "payment_after_erasure"]


@pytest.mark.parametrize("heard", [by_webhook, by_reconcile], ids=["webhook", "reconcile"])
@pytest.mark.parametrize("card", [VISA, BANK], ids=["card", "bank debit"])
def test_what_was_begun_before_is_the_tombstone_s(
    giving: World, site: Site, donor_id: str, card: str, heard: Callable[[World], None], caplog: pytest.LogCaptureFixture
) -> None:
    """In the books with an alarm, beside no name; no receipt, and no mail to sign in with."""
    charge = pay(giving, card, tribute=Tribute("in_memory", ROSA, f"for {ROSA}"))
    erase(donor_id)
    mails = len(giving.mails())
    giving.advance(days=5)
    with alarms(caplog) as told:
        heard(giving)
    site.post("/portal/sign-in", {"email": ANN})
    giving.work()

    assert (profiles(), booked(donor_id)) == ([donor_id], [AMOUNT, 50_00])
    assert told == [charge]
    assert len(giving.mails()) == mails
    assert [word for word in (ANN, NAME, ROSA) if word in held()] == []
    assert reconcile.last(days=35, both_ways=True).agrees


def test_heard_of_again_it_raises_no_second_alarm(giving: World, donor_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """Staff have looked."""
    charge = pay(giving)
    erase(donor_id)
    with alarms(caplog) as told:
        settle.charge(charge)
        settle.charge(charge)
        by_webhook(giving)

    assert told == [charge]


@pytest.mark.parametrize("old_first", [True, False])
def test_what_is_begun_later_is_somebody_new_s_in_whatever_order_they_are_heard_of(giving: World, donor_id: str, old_first: bool) -> None:
    """Each payment goes by the moment at which it was begun, also when the address leads to somebody again."""
    old = pay(giving)
    erase(donor_id)
    giving.advance(seconds=1)
    new = pay(giving)
    for charge in (old, new) if old_first else (new, old):
        settle.charge(charge)
    by_webhook(giving)

    assert booked(donor_id) == [AMOUNT, 50_00]
    assert giving.donor_id() != donor_id
    assert [gift.charge_id for gift in giving.gifts()] == [new]
    assert [mail.to for mail in giving.mails("Receipt")][1:] == [ANN]


def test_of_two_erasures_the_earlier_donor_s_payment_reaches_neither_s_mailbox(giving: World, donor_id: str) -> None:
    """The address had two donors, and both are forgotten."""
    old = pay(giving)
    erase(donor_id)
    giving.advance(seconds=1)
    settle.charge(pay(giving))
    second = giving.donor_id()
    erase(second)
    mails = len(giving.mails())
    settle.charge(old)

    assert sorted(profiles()) == sorted([donor_id, second])
    assert len(giving.mails()) == mails


def test_the_hash_is_kept_for_sixty_days_and_no_longer_believed(giving: World, donor_id: str) -> None:
    """The table lets go of it days late; its time is looked at as well, by who reads it and by who makes a donor."""
    erase(donor_id)
    begun, name = clock.now(), keys.email_hash(ANN)
    [marker] = [item for item in everything(items.passing()) if item["pk"].startswith("ERASED#")]

    assert marker["expires_at"] == int((begun + erased.KEPT).timestamp())
    assert erased.KEPT.days == 60
    assert erased.whose(name, begun) == donor_id
    giving.advance(days=60)
    assert erased.whose(name, begun) is None
    assert donors.found_or_made(Donor("", ANN), begun) != donor_id


def test_a_monthly_gift_of_which_nobody_knew_ends_once_it_is_heard_of(giving: World, donor_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody could end it: it has a Stripe customer of its own, and its donor signs in no more."""
    charge = pay(giving, frequency="monthly")
    erase(donor_id)
    mails = len(giving.mails())
    with alarms(caplog) as told:
        by_webhook(giving)
    giving.standin.set_webhooks("normal")
    giving.advance(days=62)

    assert giving.standin.read(lambda world: [each["status"] for each in world.all("subscription")]) == ["canceled"]
    assert [each.state for each in store.of_donor(donor_id)] == ["ended"]
    assert (profiles(), booked(donor_id), set(told)) == ([donor_id], [AMOUNT, 50_00], {charge})
    assert len(giving.mails()) == mails


def test_it_ends_too_if_its_subscription_is_heard_of_first(giving: World, donor_id: str) -> None:
    """Or by the daily look at every monthly gift, whose payment may be told of later."""
    charge = pay(giving, frequency="monthly")
    erase(donor_id)
    settle.partnership(giving.standin.read(lambda world: world.all("subscription")[0]["id"]))
    settle.charge(charge)

    assert [each.state for each in store.of_donor(donor_id)] == ["ended"]
    assert (profiles(), booked(donor_id)) == ([donor_id], [AMOUNT, 50_00])


def test_if_stripe_does_not_end_it_the_queue_comes_again(giving: World, donor_id: str) -> None:
    """A lost answer leaves the event undone, and the next try finds it ended."""
    charge = pay(giving, frequency="monthly")
    erase(donor_id)
    giving.standin.fail(status=503, path="/v1/subscriptions", method="DELETE", times=2)
    with pytest.raises(Exception, match="payment processor"):
        settle.charge(charge)
    settle.charge(charge)

    assert [each.state for each in store.of_donor(donor_id)] == ["ended"]


def test_if_stripe_does_not_end_it_for_the_daily_look_the_next_one_does(giving: World, donor_id: str) -> None:
    """No message comes again: that it is kept already, as going on, is not that it was looked after."""
    pay(giving, frequency="monthly")
    erase(donor_id)
    giving.standin.fail(status=503, path="/v1/subscriptions", method="DELETE", times=2)
    assert len(standing.look().unhealed) == 1
    assert [each.state for each in store.of_donor(donor_id)] == ["active"]

    assert standing.look().unhealed == []
    assert [each.state for each in store.of_donor(donor_id)] == ["ended"]
    assert giving.standin.read(lambda world: [each["status"] for each in world.all("subscription")]) == ["canceled"]


@contextmanager
def before_call(number: int, other: Callable[[], object]) -> Iterator[list[str]]:
    """Something else happens just before the so-manieth call to DynamoDB; the calls made so far, without its own."""
    made: list[str] = []
    events = aws.dynamodb().meta.events

    def count(model: Any, **_: Any) -> None:
        made.append(model.name)
        if len(made) == number:
            events.unregister("before-call", unique_id="other")
            other()

    events.register("before-call", count, unique_id="other")
    try:
        yield made
    finally:
        events.unregister("before-call", unique_id="other")


RACES: dict[str, Callable[[str, str], tuple[Callable[[], object], Callable[[], object]]]] = {
    "erased while it is settled": lambda donor, charge: (lambda: settle.charge(charge), lambda: erase(donor)),
    "settled while it is erased": lambda donor, charge: (lambda: erase(donor), lambda: settle.charge(charge)),
}


@pytest.mark.slow
@pytest.mark.parametrize("race", RACES)
def test_at_whichever_call_the_other_comes_nobody_is_brought_back(giving: World, race: str) -> None:
    """Erasing and settling one payment, the one wholly between two calls of the other: one donor, and no word of them left."""
    giving.standin.set_webhooks("drop")
    number, over = 0, False
    while not over:
        number += 1
        email = f"donor{number}@example.org"
        emptied()
        giving.pay(giving.start(50_00), email=email)
        settle.charge(charges(giving)[-1])
        donor_id = giving.donor_id(email)
        giving.pay(giving.start(AMOUNT, tribute=Tribute("in_memory", ROSA)), email=email)
        one, other = RACES[race](donor_id, charges(giving)[-1])
        with before_call(number, other) as made:
            one()
        over = len(made) < number
        if over:
            other()
        settle.charge(charges(giving)[-1])

        assert profiles() == [donor_id], number
        assert booked(donor_id) == [AMOUNT, 50_00], number
        assert donors.id_by_email(email) is None, number
        assert [word for word in (email, NAME, ROSA) if word in held()] == [], number
    assert number > 10


def test_who_is_erased_while_a_first_payment_finds_nobody_is_not_made_again(giving: World) -> None:
    """One worker has just found that the address is nobody's; meanwhile another makes the donor, who is erased at once."""
    number, over = 0, False
    while not over:
        number += 1
        emptied()
        payer, begun, met = Donor("", ANN, NAME), clock.now(), []
        with before_call(number, lambda met=met, payer=payer: met.append(_made_and_erased(payer))) as made:
            found = donors.found_or_made(payer, begun)
        over = len(made) < number

        assert over or (profiles(), found) == (met, met[0]), number
    assert number > 3


def _made_and_erased(payer: Donor) -> str:
    donor_id = donors.found_or_made(payer)
    erase(donor_id)
    return donor_id


def test_wherever_the_power_goes_out_it_ends_up_at_the_tombstone(giving: World, donor_id: str, caplog: pytest.LogCaptureFixture) -> None:
    """The worker dies after every write in turn; the alarm is raised before the payment is done with, and nobody is mailed."""
    number, survived = 0, False
    while not survived:
        number += 1
        charge = pay(giving, tribute=Tribute("in_memory", ROSA))
        if number == 1:
            erase(donor_id)
            mails = len(giving.mails())
        # Each was begun before: the erasure is moved to after it.
        items.update(items.passing(), keys.passing("ERASED", keys.email_hash(ANN)), "SET erased_at = :at", {":at": keys.moment(clock.now())})
        with alarms(caplog) as told:
            survived = _survives(charge, number)
            settle.handle(Hint("charge.succeeded", charge))

        assert charge in told, number
        assert (profiles(), booked(donor_id)) == ([donor_id], [*[AMOUNT] * number, 50_00]), number
        assert ROSA not in held(), number
        assert len(giving.mails()) == mails
    assert number > 4


def _survives(charge: str, number: int) -> bool:
    with cut(number) as made:
        try:
            settle.handle(Hint("charge.succeeded", charge))
        except PowerCut:
            return False
    return len(made) < number
