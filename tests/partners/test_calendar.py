"""Once per calendar month, on the day that is shown: month ends, leap years, evenings, pauses."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.errors import Conflict, InvalidInput
from chalicelib.partners import manage
from chalicelib.partners.partnership import Partnership, day_of_month, next_on_day
from chalicelib.processor import events
from local.standin import anniversaries
from tests.giving_world import VISA, World

FAILS, BANK = "4000000000000341", "000123456789"
NEW_YORK, LONDON, SYDNEY = (ZoneInfo(name) for name in ("America/New_York", "Europe/London", "Australia/Sydney"))
MONTHLY = {"interval": "month", "interval_count": 1}


def begin(giving: World, moment: str, card: str = VISA) -> Partnership:
    """Ann begins to give $25 each month at this moment (UTC)."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    giving.standin.advance(int(at.timestamp()))
    giving.give(25_00, "usd", "monthly", card=card)
    return giving.partnership()


def travel(giving: World, moment: str) -> None:
    giving.standin.advance(int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()))


def given_on(giving: World) -> list[str]:
    """The dates of all gifts as their receipts say them, oldest first."""
    return [gift.given_on.isoformat() for gift in reversed(giving.gifts())]


def shown(stands: Partnership) -> tuple[int, str]:
    """The day and the date of the next gift as the portal shows them."""
    return stands.day, str(stands.date_of(stands.next_charge_at))


def subscription(anchor: datetime, due: datetime) -> dict[str, object]:
    """As much of a subscription as tells when it is charged."""
    price = {"unit_amount": 25_00, "currency": "usd"}
    return {
        "id": "sub_1", "status": "active", "metadata": {"gift_id": "a" * 32}, "customer": "cus_1",
        "billing_cycle_anchor": int(anchor.timestamp()), "start_date": int(anchor.timestamp()),
        "pause_collection": None, "cancel_at_period_end": False,
        "items": {"data": [{"price": price, "quantity": 1, "current_period_end": int(due.timestamp())}]},
    }  # fmt: skip


@pytest.mark.parametrize(("start", "february"), [("2027-01-31T12:00", "2027-02-28"), ("2028-01-31T12:00", "2028-02-29")])
def test_begun_on_the_31st_it_is_taken_once_in_every_month(giving: World, start: str, february: str) -> None:
    """On the 31st or the month's last day, never skipped and never doubled; and so it was announced, month by month."""
    year = int(start[:4])
    begin(giving, start)
    announced = [start[:10]]
    while len(announced) < 13:
        day, following = shown(giving.partnership())
        assert day == 31
        announced.append(following)
        travel(giving, f"{following}T13:00")

    last_days = [f"{year}-{month:02d}-{calendar.monthrange(year, month)[1]}" for month in range(1, 13)]
    assert given_on(giving) == announced == [*last_days, f"{year + 1}-01-31"]
    assert announced[1] == february
    assert len(giving.mails("Receipt")) == 13


def test_from_whichever_day_of_the_year_every_month_has_one() -> None:
    """Stripe's own counting from any anchor, over two years: once per calendar month, on the day that is shown."""
    for days in range(366):
        anchor = due = datetime(2027, 1, 1, 12, tzinfo=UTC) + timedelta(days=days)
        months = [anchor.year * 12 + anchor.month]
        for _ in range(24):
            due = datetime.fromtimestamp(anniversaries.next_after(int(anchor.timestamp()), MONTHLY, int(due.timestamp())), UTC)
            stands = events.partnership_of(subscription(anchor, due), "d", "UTC")
            assert stands
            assert shown(stands) == (stands.day, str(due.date()))
            assert due.day == min(stands.day, calendar.monthrange(due.year, due.month)[1])
            months.append(due.year * 12 + due.month)
        assert months == list(range(months[0], months[0] + 25))


def test_an_evening_gift_has_the_date_of_its_receipt(giving: World) -> None:
    """Nine in the evening in New York is tomorrow in UTC: donors are shown the date that the receipt bears."""
    stands = begin(giving, "2026-03-11T01:00")
    assert shown(stands) == (10, "2026-04-10")
    assert "day 10 of each month" in giving.mails("Welcome")[0].text
    assert "10 April 2026" in giving.mails("Welcome")[0].text

    giving.advance(days=62)

    assert given_on(giving) == ["2026-03-10", "2026-04-10", "2026-05-10"]


def test_begun_late_on_the_last_evening_it_stays_the_last_day(giving: World) -> None:
    """30 April in New York is 1 May in UTC: Stripe takes every 1st, which is the last evening of each month here."""
    stands = begin(giving, "2026-05-01T02:00")
    assert shown(stands) == (31, "2026-05-31")

    giving.advance(days=70)

    assert given_on(giving) == ["2026-04-30", "2026-05-31", "2026-06-30"]


@pytest.mark.parametrize(
    ("anchor", "zone", "day"),
    [
        ("2026-03-11T01:00", NEW_YORK, 10), ("2026-03-11T12:00", NEW_YORK, 11), ("2026-05-01T02:00", NEW_YORK, 31),
        ("2027-02-28T12:00", NEW_YORK, 28), ("2026-07-14T23:30", LONDON, 15), ("2026-07-31T23:30", SYDNEY, 1),
        ("2026-01-31T12:00", SYDNEY, 31), ("2026-04-30T12:00", LONDON, 30),
    ],
)  # fmt: skip
def test_the_day_is_the_donor_s_day(anchor: str, zone: ZoneInfo, day: int) -> None:
    """By the clock of the entity that takes the gift, whatever day it is in UTC."""
    assert day_of_month(datetime.fromisoformat(anchor).replace(tzinfo=UTC), zone) == day


def test_a_moved_gift_is_taken_at_noon_of_that_day(giving: World) -> None:
    """An evening gift that is moved to the 20th is taken on the 20th, here and in UTC."""
    stands = begin(giving, "2026-03-11T01:00")

    changed = manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=20)).stands
    assert shown(changed) == (20, "2026-04-20")
    giving.advance(days=80)

    assert given_on(giving) == ["2026-03-10", "2026-04-20", "2026-05-20"]
    assert changed.next_charge_at == datetime(2026, 4, 20, 16, tzinfo=UTC)


@pytest.mark.parametrize("day", [1, 15, 28])
def test_moved_away_from_the_31st_every_month_has_one(giving: World, day: int) -> None:
    """The first on the new day is in the month in which the next was due, or the one after; then on every such day."""
    stands = begin(giving, "2027-01-31T12:00")
    changed = manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=day)).stands
    assert shown(changed) == (day, f"2027-02-{day:02d}")

    travel(giving, "2027-05-29T12:00")

    assert given_on(giving) == ["2027-01-31", *(f"2027-{month:02d}-{day:02d}" for month in (2, 3, 4, 5))]
    assert giving.partnership().day == day


@pytest.mark.parametrize("day", [0, 29, 30, 31])
def test_a_day_that_not_every_month_has_cannot_be_chosen(giving: World, day: int) -> None:
    """Stripe would keep the day of the first charge: chosen in February, the 31st would become the 28th for ever."""
    stands = begin(giving, "2026-03-10T12:00")

    with pytest.raises(InvalidInput) as refused:
        manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=day))

    assert (refused.value.field, refused.value.code) == ("day", "day_invalid")
    assert "1st to the 28th" in refused.value.message


def test_a_new_amount_leaves_the_31st_where_it_is(giving: World) -> None:
    """The page sends the day along: unchanged, it moves nothing, not even in a month that is too short for it."""
    stands = begin(giving, "2026-03-31T12:00")

    changed = manage.change(stands.donor_id, stands.partnership_id, manage.Change(amount=40_00, day=31)).stands

    assert shown(changed) == (31, "2026-04-30")
    giving.work()
    assert giving.mails("Your monthly gift")[0].subject == "Your monthly gift: $40.00 a month"
    giving.advance(days=65)
    assert given_on(giving) == ["2026-03-31", "2026-04-30", "2026-05-31"]


def test_the_day_it_has_already_is_no_change(giving: World) -> None:
    """Nothing is asked of Stripe, and no mail says that something was changed."""
    stands = begin(giving, "2026-03-10T12:00")

    assert manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=10)).stands.day == 10
    giving.work()

    assert giving.mails("Your monthly gift") == []


@pytest.mark.parametrize("minutes", [-59, -1, 0])
def test_the_day_cannot_be_moved_while_a_gift_is_being_taken(giving: World, minutes: int) -> None:
    """Within the hour nobody can say whether this month's is taken: moving it could take two, or none."""
    giving.standin.world.draft_seconds = 3600
    stands = begin(giving, "2026-03-10T12:00")
    giving.advance(days=30, hours=23, minutes=60 + minutes if minutes else 59)

    with pytest.raises(Conflict) as refused:
        manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=20))

    assert refused.value.code == "gift_being_taken"


@pytest.mark.parametrize(("card", "later"), [(VISA, {"minutes": 30}), (BANK, {"days": 3})])
def test_nor_is_it_while_the_renewal_is_a_draft_or_a_debit_on_its_way(giving: World, card: str, later: dict[str, int]) -> None:
    """If it failed, the period that a move begins would hide it: the donor heard of nothing, and then that it has stopped."""
    giving.standin.world.draft_seconds = 3600
    stands = begin(giving, "2026-03-10T12:00")
    giving.standin.change_card(stands.customer_id, card)
    giving.deliver()
    giving.advance(days=31)
    giving.advance(**later)

    with pytest.raises(Conflict) as refused:
        manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=20))
    giving.advance(days=3)

    assert refused.value.code == "gift_being_taken"
    assert manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=20)).what == "day"


def test_nor_is_it_while_the_renewal_is_finalized_as_it_is_looked_for(giving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts and what is asked for are two lists at Stripe, and an invoice goes from the one to the other."""
    giving.standin.world.draft_seconds = 3600
    giving.give(25_00, "usd", "monthly", card="4000000000000341")
    giving.advance(days=31, minutes=59)
    stands, request = giving.partnership(), giving.standin.request
    giving.standin.set_webhooks("drop")

    def meanwhile(method: str, path: str, *more: object) -> object:
        answer = request(method, path, *more)  # type: ignore[arg-type]
        if (method, path) == ("GET", "/v1/invoices"):
            monkeypatch.setattr(giving.standin, "request", request)
            giving.standin.advance(int(giving.time.now().timestamp()) + 120)
        return answer

    monkeypatch.setattr(giving.standin, "request", meanwhile)
    with pytest.raises(Conflict) as refused:
        manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=20))

    assert refused.value.code == "gift_being_taken"


def test_two_moves_in_a_row_take_no_month_twice(giving: World) -> None:
    """The second counts from where the first has put the next gift."""
    stands = begin(giving, "2026-03-10T12:00")
    for day in (3, 25):
        manage.change(stands.donor_id, stands.partnership_id, manage.Change(day=day))
    giving.advance(days=80)

    assert given_on(giving) == ["2026-03-10", "2026-04-25", "2026-05-25"]


def test_a_moved_day_is_noon_in_its_own_zone() -> None:
    """Summer time comes in between: noon stays noon."""
    due, now = datetime(2026, 11, 10, 1, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)

    assert next_on_day(12, due, now, NEW_YORK) == datetime(2026, 11, 12, 17, tzinfo=UTC)
    assert next_on_day(5, datetime(2026, 8, 20, tzinfo=UTC), datetime(2026, 7, 30, tzinfo=UTC), LONDON) == datetime(2026, 8, 5, 11, tzinfo=UTC)


# Pauses


def pause(giving: World, until: str) -> Partnership:
    stands = giving.partnership()
    return manage.pause(stands.donor_id, stands.partnership_id, manage.Pause(date.fromisoformat(until))).stands


@pytest.mark.parametrize(
    ("until", "taken"),
    [
        ("2026-04-09", ["2026-04-10", "2026-05-10"]),
        ("2026-04-10", ["2026-04-10", "2026-05-10"]),
        ("2026-04-11", ["2026-05-10"]),
        ("2026-05-10", ["2026-05-10"]),
        ("2026-05-11", []),
    ],
)  # fmt: skip
def test_a_pause_takes_nothing_before_its_day_and_what_is_due_from_then_on(giving: World, until: str, taken: list[str]) -> None:
    """The day itself is not in the pause; what fell into it is not made up for; and the next gift was announced right."""
    begin(giving, "2026-03-10T12:00")

    paused = pause(giving, until)
    assert paused.state == "paused"
    assert str(paused.date_of(paused.next_charge_at)) == (taken or ["2026-06-10"])[0]
    travel(giving, "2026-05-20T12:00")

    assert given_on(giving) == ["2026-03-10", *taken]


def test_an_evening_gift_is_not_taken_on_the_evening_before_the_pause_ends(giving: World) -> None:
    """The 10th begins at midnight in New York, not at eight in the evening of the 9th."""
    begin(giving, "2026-03-11T01:00")  # the evening of the 10th

    paused = pause(giving, "2026-04-11")
    assert (str(paused.date_of(paused.paused_until)), shown(paused)) == ("2026-04-11", (10, "2026-05-10"))
    giving.advance(days=40)

    assert given_on(giving) == ["2026-03-10"]


@pytest.mark.parametrize(("until", "following"), [("2026-06-15", "2026-06-30"), ("2027-02-01", "2027-02-28")])
def test_paused_from_the_31st_it_goes_on_at_the_month_s_end(giving: World, until: str, following: str) -> None:
    """And stays on the 31st where there is one."""
    begin(giving, "2026-03-31T12:00")

    assert shown(pause(giving, until)) == (31, following)
    travel(giving, f"{following}T13:00")

    assert given_on(giving) == ["2026-03-31", following]
    assert giving.partnership().day == 31
    assert giving.partnership().state == "active"


def test_a_pause_gives_up_the_month_that_could_not_be_taken(giving: World) -> None:
    """Stripe goes on with what it began before a pause; the donor was told that nothing is taken."""
    begin(giving, "2026-03-10T12:00")
    giving.standin.change_card(giving.partnership().customer_id, FAILS)
    travel(giving, "2026-04-11T12:00")
    assert giving.partnership().state == "payment_problem"

    paused = pause(giving, "2026-09-01")
    giving.deliver()
    assert (paused.state, paused.trouble, shown(paused)) == ("paused", None, (10, "2026-09-10"))
    giving.standin.change_card(paused.customer_id, VISA)
    travel(giving, "2026-09-12T12:00")

    assert given_on(giving) == ["2026-03-10", "2026-09-10"]
    assert giving.partnership().state == "active"
    assert giving.mails("has stopped") == []


@pytest.mark.parametrize("minutes", [-1, 0, 30, 59])
def test_a_pause_gives_up_a_renewal_that_is_being_prepared(giving: World, minutes: int) -> None:
    """A draft from before the pause would be taken within the hour."""
    giving.standin.world.draft_seconds = 3600
    begin(giving, "2026-03-10T12:00")
    giving.advance(days=31, minutes=minutes)

    pause(giving, "2026-06-01")
    travel(giving, "2026-06-11T12:00")

    assert given_on(giving) == ["2026-03-10", "2026-06-10"]


def test_a_pause_just_after_a_renewal_lets_it_stand(giving: World) -> None:
    """It was taken before; it is a gift, and nothing more comes until the pause ends."""
    giving.standin.world.draft_seconds = 3600
    begin(giving, "2026-03-10T12:00")
    giving.advance(days=31, hours=1)

    pause(giving, "2026-06-01")
    travel(giving, "2026-06-11T12:00")

    assert given_on(giving) == ["2026-03-10", "2026-04-10", "2026-06-10"]


def test_a_pause_whose_second_step_was_lost_is_put_right_by_its_event(giving: World) -> None:
    """Stripe paused, and could not be asked to give the draft up: the donor is told nothing is certain, and nothing is taken."""
    giving.standin.world.draft_seconds = 3600
    begin(giving, "2026-03-10T12:00")
    giving.advance(days=31, minutes=5)
    giving.standin.fail(method="GET", path="/v1/invoices", status=500, times=2)
    with pytest.raises(Exception, match="nothing is certain"):
        pause(giving, "2026-06-01")
    giving.deliver()
    giving.advance(days=2)

    assert given_on(giving) == ["2026-03-10"]
    assert giving.partnership().state == "paused"


@pytest.mark.parametrize(("on", "following"), [("2026-04-20", "2026-05-10"), ("2026-04-05", "2026-04-10")])
def test_resumed_early_the_next_one_due_is_taken(giving: World, on: str, following: str) -> None:
    """What fell into the pause stays given up."""
    stands = begin(giving, "2026-03-10T12:00")
    pause(giving, "2026-09-01")
    travel(giving, f"{on}T12:00")

    resumed = manage.resume(stands.donor_id, stands.partnership_id).stands
    assert (resumed.state, shown(resumed)) == ("active", (10, following))
    travel(giving, "2026-05-12T12:00")

    assert given_on(giving)[1] == following


def test_resuming_what_our_record_does_not_know_to_be_paused_resumes_it(giving: World) -> None:
    """Staff paused it and the event was lost: Stripe is asked how it stands before anything is said to be done."""
    stands = begin(giving, "2026-03-10T12:00")
    giving.standin.set_webhooks("drop")
    giving.standin.request("POST", f"/v1/subscriptions/{stands.partnership_id}", {"pause_collection": {"behavior": "void"}})

    manage.resume(stands.donor_id, stands.partnership_id)
    giving.advance(days=32)

    assert giving.standin.world.find("subscription", stands.partnership_id)["pause_collection"] is None
    assert len(giving.standin.world.all("charge")) == 2


def test_a_new_amount_set_in_a_pause_is_taken_after_it(giving: World) -> None:
    """The pause stays as it is."""
    stands = begin(giving, "2026-03-10T12:00")
    pause(giving, "2026-06-01")

    changed = manage.change(stands.donor_id, stands.partnership_id, manage.Change(amount=40_00, day=10)).stands
    assert (changed.state, shown(changed)) == ("paused", (10, "2026-06-10"))
    travel(giving, "2026-06-12T12:00")

    assert [gift.money.minor for gift in giving.gifts()] == [40_00, 25_00]


def test_a_pause_can_be_made_longer(giving: World) -> None:
    """The last word holds."""
    begin(giving, "2026-03-10T12:00")
    pause(giving, "2026-05-01")

    assert shown(pause(giving, "2026-07-01")) == (10, "2026-07-10")
    travel(giving, "2026-07-12T12:00")

    assert given_on(giving) == ["2026-03-10", "2026-07-10"]


def test_staff_s_own_kind_of_pause_is_left_alone(giving: World) -> None:
    """Paused in Stripe's dashboard so that drafts are kept: they are staff's to collect."""
    stands = begin(giving, "2026-03-10T12:00")
    giving.standin.request("POST", f"/v1/subscriptions/{stands.partnership_id}", {"pause_collection": {"behavior": "keep_as_draft"}})
    giving.advance(days=32)

    assert giving.partnership().state == "paused"
    assert giving.standin.read(lambda world: [each["status"] for each in world.all("invoice")]) == ["paid", "draft"]
