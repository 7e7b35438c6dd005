"""One month's gift left out: that one, nothing owed, the next on its ordinary day, and taken back until its day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chalicelib.errors import Conflict, NotFound, ProcessorUnsure
from chalicelib.partners import manage
from chalicelib.partners.partnership import Partnership, skipped_by
from chalicelib.partners.skip import Skip, skip
from chalicelib.processor import settle, standing
from tests.giving_world import VISA, World

FAILS = "4000000000000341"


def begin(giving: World, moment: str) -> Partnership:
    """Ann begins to give $25 each month at this moment (UTC)."""
    travel(giving, moment)
    giving.give(25_00, "usd", "monthly")
    return giving.partnership()


def travel(giving: World, moment: str) -> None:
    giving.standin.advance(int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()))


def skip_next(giving: World, day: str = "") -> Partnership:
    """Press the button: the day is the one that the page shows as the next."""
    stands = giving.partnership()
    shown = date.fromisoformat(day) if day else stands.date_of(stands.skips or stands.next_charge_at)
    assert shown
    return skip(stands.donor_id, stands.partnership_id, Skip(shown)).stands


def given_on(giving: World) -> list[str]:
    return [gift.given_on.isoformat() for gift in reversed(giving.gifts())]


def told(stands: Partnership) -> tuple[str, str, str]:
    """The state, the gift that is left out and the one after, as the portal shows them."""
    return stands.state, str(stands.date_of(stands.skips)), str(stands.date_of(stands.next_charge_at))


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 on the 10th since 10 March; every renewal stands in draft for an hour, as at Stripe."""
    giving.standin.world.draft_seconds = 3600
    giving.give(25_00, "usd", "monthly")
    return giving


def test_the_next_gift_is_left_out_and_the_one_after_comes_on_its_day(partner: World) -> None:
    """Nothing is made up for, and it goes on by itself."""
    assert told(skip_next(partner)) == ("paused", "2026-04-10", "2026-05-10")
    partner.advance(days=95)

    assert given_on(partner) == ["2026-03-10", "2026-05-10", "2026-06-10"]
    assert told(partner.partnership()) == ("active", "None", "2026-07-10")


def test_it_is_confirmed_by_one_mail_with_both_dates(partner: World) -> None:
    """The day that is left out, that nothing is owed, and when the next gift is."""
    skip_next(partner)
    partner.work()

    [mail] = partner.mails("Your monthly gift")
    assert mail.subject == "Your monthly gift: your gift of 10 April 2026 is skipped"
    text = " ".join(mail.text.split())
    assert "Nothing is taken on 10 April 2026, and nothing is owed for it. Your next gift is on 10 May 2026." in text


def test_pressed_twice_one_is_skipped_and_one_mail_sent(partner: World) -> None:
    """The button says which gift it means, and that one is skipped already."""
    assert [told(skip_next(partner, "2026-04-10")) for _ in range(2)] == [("paused", "2026-04-10", "2026-05-10")] * 2
    partner.advance(days=62)

    assert given_on(partner) == ["2026-03-10", "2026-05-10"]
    assert len(partner.mails("is skipped")) == 1


def test_a_day_that_is_not_the_next_gift_s_skips_nothing(partner: World) -> None:
    """A page left open over a renewal, a made-up day, or the gift after the one that is skipped."""
    for before in (("active", "None", "2026-04-10"), ("paused", "2026-04-10", "2026-05-10")):
        for day in ("2026-03-10", "2026-04-09", "2026-05-10"):
            with pytest.raises(Conflict) as refused:
                skip_next(partner, day)
            assert refused.value.code == "not_the_next_gift"
        assert told(partner.partnership()) == before
        skip_next(partner, "2026-04-10")


def test_it_is_taken_back_until_its_day(partner: World) -> None:
    """Up to the minute before; then it is taken after all, and the mail says so."""
    skip_next(partner)
    travel(partner, "2026-04-10T11:59")

    resumed = manage.resume(partner.donor_id(), partner.partnership().partnership_id).stands
    assert told(resumed) == ("active", "None", "2026-04-10")
    partner.advance(days=31)

    assert given_on(partner) == ["2026-03-10", "2026-04-10", "2026-05-10"]
    assert len(partner.mails("your gift of 10 April 2026 is not skipped")) == 1


def test_taken_back_after_its_day_it_stays_skipped(partner: World) -> None:
    """Its time is over: what was given up is not taken later, and the next is the next."""
    skip_next(partner)
    travel(partner, "2026-04-10T13:30")

    resumed = manage.resume(partner.donor_id(), partner.partnership().partnership_id).stands
    assert told(resumed) == ("active", "None", "2026-05-10")
    partner.advance(days=31)

    assert given_on(partner) == ["2026-03-10", "2026-05-10"]


@pytest.mark.parametrize(
    ("begun", "skipped", "after"),
    [
        ("2027-01-31T12:00", "2027-02-28", ["2027-03-31", "2027-04-30"]),
        ("2026-03-31T12:00", "2026-04-30", ["2026-05-31", "2026-06-30"]),
        ("2026-11-30T12:00", "2026-12-30", ["2027-01-30", "2027-02-28"]),
        ("2026-03-11T01:00", "2026-04-10", ["2026-05-10", "2026-06-10"]),  # the evening of the 10th in New York
        ("2026-10-05T03:59", "2026-11-04", ["2026-12-04", "2027-01-04"]),  # a minute before midnight, winter time between
    ],
)  # fmt: skip
def test_at_the_month_s_end_and_in_the_evening_the_day_stays_right(giving: World, begun: str, skipped: str, after: list[str]) -> None:
    """Short months and other clocks: the gift of that date is left out, and the next ones are on the days they always were."""
    day = begin(giving, begun).day

    assert told(skip_next(giving)) == ("paused", skipped, after[0])
    travel(giving, f"{after[1]}T23:00")
    giving.advance(hours=12)

    assert given_on(giving)[1:] == after
    assert giving.partnership().day == day


def test_a_renewal_that_stripe_begins_late_is_left_out_all_the_same(giving: World) -> None:
    """A gift of a minute before midnight, begun up to an hour late, falls on the next day: the skip still stands."""
    begin(giving, "2026-03-11T03:59")
    skip_next(giving)
    subscription = giving.standin.world.find("subscription", giving.partnership().partnership_id)
    travel(giving, "2026-04-11T03:58")
    travel(giving, "2026-04-11T04:59")

    assert subscription["pause_collection"]
    giving.advance(days=3)
    assert given_on(giving) == ["2026-03-10"]
    assert giving.partnership().state == "active"


def test_month_after_month_can_be_skipped(partner: World) -> None:
    """Each by its own press, once the one before is over."""
    for _ in range(3):
        skip_next(partner)
        partner.advance(days=32)

    assert given_on(partner) == ["2026-03-10"]
    assert partner.partnership().state == "active"
    assert len(partner.mails("is skipped")) == 3


def test_while_a_gift_is_taken_the_next_one_is_another(partner: World) -> None:
    """The page still shows today's; it is being taken, and the one after must not be skipped in its place."""
    partner.standin.set_webhooks("drop")
    travel(partner, "2026-04-10T12:30")

    with pytest.raises(Conflict):
        skip_next(partner, "2026-04-10")
    partner.standin.set_webhooks("normal")
    partner.advance(days=31)

    assert len(partner.standin.world.all("charge")) == 3


def test_skipping_the_next_does_not_lose_the_one_that_is_being_taken(partner: World) -> None:
    """April stands in draft for an hour; a pause would give it up along with May. It is refused until April was taken."""
    travel(partner, "2026-04-10T12:30")
    with pytest.raises(Conflict) as refused:
        skip_next(partner, "2026-05-10")
    assert refused.value.code == "gift_being_taken"
    travel(partner, "2026-04-10T13:30")

    assert told(skip_next(partner, "2026-05-10")) == ("paused", "2026-05-10", "2026-06-10")
    partner.advance(days=62)

    assert given_on(partner) == ["2026-03-10", "2026-04-10", "2026-06-10"]


def test_a_debit_under_way_is_waited_for(giving: World) -> None:
    """Days pass until a bank pays; then the next month can be skipped."""
    gift_id = giving.start(25_00, "usd", "monthly")
    giving.pay(gift_id, "000123456789")
    giving.advance(days=6)
    travel(giving, "2026-04-11T12:00")
    with pytest.raises(Conflict) as refused:
        skip_next(giving, "2026-05-10")
    assert refused.value.code == "gift_being_taken"
    giving.advance(days=6)
    skip_next(giving, "2026-05-10")
    giving.advance(days=60)

    assert [gift.about.gift_id == gift_id for gift in giving.gifts()] == [False, False, True]


def test_pressed_as_the_gift_begins_to_be_taken_its_draft_is_given_up(partner: World) -> None:
    """Stripe has begun the month between our look and our change: the draft is from before the pause, and is voided."""
    stands = partner.partnership()
    travel(partner, "2026-04-10T12:05")
    held = {"behavior": "void", "resumes_at": int(datetime(2026, 4, 11, 12, tzinfo=UTC).timestamp())}
    partner.standin.request("POST", f"/v1/subscriptions/{stands.partnership_id}", {"pause_collection": held})
    partner.advance(days=32)

    assert given_on(partner) == ["2026-03-10", "2026-05-10"]


def test_a_skip_in_a_pause_is_refused_and_changes_nothing(partner: World) -> None:
    """Nothing is taken anyhow; the pause stays as long as it was."""
    donor, name = partner.donor_id(), partner.partnership().partnership_id
    manage.pause(donor, name, manage.Pause(date(2026, 9, 1)))

    with pytest.raises(Conflict) as refused:
        skip_next(partner, "2026-09-10")

    assert refused.value.code == "partnership_not_active"
    assert told(partner.partnership()) == ("paused", "None", "2026-09-10")


def test_a_pause_after_a_skip_takes_its_place(partner: World) -> None:
    """The last word holds, and the page says until when."""
    skip_next(partner)
    paused = manage.pause(partner.donor_id(), partner.partnership().partnership_id, manage.Pause(date(2026, 9, 1))).stands

    assert told(paused) == ("paused", "None", "2026-09-10")
    travel(partner, "2026-09-12T12:00")
    assert given_on(partner) == ["2026-03-10", "2026-09-10"]


def test_a_pause_until_the_day_after_is_a_skip(partner: World) -> None:
    """The same thing asked for in other words is told in the same words."""
    paused = manage.pause(partner.donor_id(), partner.partnership().partnership_id, manage.Pause(date(2026, 4, 11))).stands

    assert told(paused) == ("paused", "2026-04-10", "2026-05-10")


def test_a_moved_day_is_skipped_like_any_other(partner: World) -> None:
    """Moved to the 3rd: 3 April is left out, and 3 May comes."""
    manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(day=3))

    assert told(skip_next(partner)) == ("paused", "2026-04-03", "2026-05-03")
    partner.advance(days=60)

    assert given_on(partner) == ["2026-03-10", "2026-05-03"]


def test_the_day_is_not_moved_while_a_gift_is_skipped(partner: World) -> None:
    """Moved to the 20th, April would come after the skip has ended: it is refused until the donor has chosen."""
    skip_next(partner)

    with pytest.raises(Conflict):
        manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(day=20))
    partner.advance(days=50)

    assert given_on(partner) == ["2026-03-10"]


def test_a_new_amount_leaves_the_skip_as_it_is(partner: World) -> None:
    """It counts from the next gift that is taken."""
    skip_next(partner)
    changed = manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(amount=40_00)).stands
    assert told(changed) == ("paused", "2026-04-10", "2026-05-10")
    partner.advance(days=62)

    assert [gift.money.minor for gift in partner.gifts()] == [40_00, 25_00]


def test_a_month_that_could_not_be_taken_is_not_skipped(partner: World) -> None:
    """It is owed or given up, and the one after is no way to answer it: pause and end are."""
    partner.standin.change_card(partner.partnership().customer_id, FAILS)
    partner.advance(days=32)
    assert partner.partnership().state == "payment_problem"

    with pytest.raises(Conflict) as refused:
        skip_next(partner)
    partner.standin.change_card(partner.partnership().customer_id, VISA)
    partner.advance(days=5)

    assert refused.value.code == "partnership_not_active"
    assert given_on(partner) == ["2026-03-10", "2026-04-13"]


def test_cancelled_with_a_gift_skipped_it_has_ended(partner: World) -> None:
    """The end comes first, and afterwards nothing can be skipped."""
    skip_next(partner)
    ended = manage.cancel(partner.donor_id(), partner.partnership().partnership_id, manage.Cancel()).stands
    assert told(ended) == ("ended", "None", "None")
    partner.advance(days=90)

    assert given_on(partner) == ["2026-03-10"]
    with pytest.raises(Conflict):
        skip_next(partner, "2026-06-10")


def test_a_try_whose_answer_was_lost_is_confirmed_once(partner: World) -> None:
    """Stripe has skipped it and could not say so; no event tells. The mail follows, and the second press skips no other."""
    partner.standin.set_webhooks("drop")
    partner.standin.fail(method="POST", path="/v1/subscriptions", timeout=True, take_effect=True, times=2)
    with pytest.raises(ProcessorUnsure):
        skip_next(partner, "2026-04-10")
    partner.work()

    assert told(skip_next(partner, "2026-04-10")) == ("paused", "2026-04-10", "2026-05-10")
    partner.work()

    assert len(partner.mails("is skipped")) == 1


def test_a_try_that_died_is_done_again_and_told(partner: World) -> None:
    """Stripe has skipped it and nobody was left to say so: the second press finds it so, skips no other, and has it told."""
    partner.standin.set_webhooks("drop")
    held = {"behavior": "void", "resumes_at": int(datetime(2026, 4, 11, 12, tzinfo=UTC).timestamp())}
    partner.standin.request("POST", f"/v1/subscriptions/{partner.partnership().partnership_id}", {"pause_collection": held})

    assert told(skip_next(partner, "2026-04-10")) == ("paused", "2026-04-10", "2026-05-10")
    partner.work()

    assert len(partner.mails("is skipped")) == 1


def test_what_our_record_has_wrong_is_asked_of_stripe(partner: World) -> None:
    """Staff took the skip back and the event was lost: a second press skips it truly, and does not only say so."""
    skip_next(partner)
    partner.standin.set_webhooks("drop")
    partner.standin.request("POST", f"/v1/subscriptions/{partner.partnership().partnership_id}", {"pause_collection": ""})

    assert told(skip_next(partner)) == ("paused", "2026-04-10", "2026-05-10")
    partner.advance(days=20)

    assert len(partner.standin.world.all("charge")) == 1


def test_the_daily_look_reads_a_skip_as_it_was_kept(partner: World) -> None:
    """In Stripe's list as in its single answer: nothing to heal."""
    skip_next(partner)
    partner.deliver()

    assert standing.look().healed == 0
    assert settle.read_partnership(partner.partnership().partnership_id) == partner.partnership()


def test_another_donor_s_gift_cannot_be_skipped(partner: World) -> None:
    """Whoever knows its id."""
    partner.give(10_00, email="bob@example.org")

    with pytest.raises(NotFound):
        skip(partner.donor_id("bob@example.org"), partner.partnership().partnership_id, Skip(date(2026, 4, 10)))


@pytest.mark.parametrize(
    ("due", "resumes", "skipped"),
    [
        ("2026-04-10T12:00", "2026-04-11T12:00", True),
        ("2026-04-10T12:00", "2026-04-10T12:01", True),
        ("2026-04-10T12:00", "2026-04-10T12:00", False),
        ("2026-04-10T12:00", "2026-04-11T12:01", False),
        ("2026-05-10T12:00", "2026-04-11T12:00", False),
        ("2026-04-10T12:00", None, False),
    ],
)  # fmt: skip
def test_a_skip_is_a_pause_that_ends_within_a_day_after_its_gift(due: str, resumes: str | None, skipped: bool) -> None:
    """A longer one is a pause, one that ends before leaves nothing out, and one without an end is staff's."""
    moment = datetime.fromisoformat(due)

    assert skipped_by(moment, datetime.fromisoformat(resumes) if resumes else None) == (moment if skipped else None)
