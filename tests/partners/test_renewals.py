"""A month that cannot be taken: what the donor hears and sees, how it heals, and how it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chalicelib.errors import Conflict
from chalicelib.partners import manage
from chalicelib.processor import reconcile, settle
from chalicelib.processor.webhook import Hint
from tests.giving_world import ANN, VISA, World

FAILS, ASKS, BANK, BANK_CLOSED = "4000000000000341", "4000002500003155", "000123456789", "000111111116"
DECLINED_MAIL, CONFIRM_MAIL = "could not be taken", "confirm your monthly gift"


@pytest.fixture
def partner(giving: World) -> World:
    """Ann gives $25 each month since 10 March; every renewal stands in draft for an hour, as at Stripe."""
    giving.standin.world.draft_seconds = 3600
    giving.give(25_00, "usd", "monthly")
    return giving


def new_card(giving: World, card: str) -> None:
    """The donor changes the card on Stripe's page."""
    giving.standin.change_card(giving.partnership().customer_id, card)
    giving.deliver()


def unpaid_invoice(giving: World) -> str:
    return str(giving.standin.read(lambda world: world.all("invoice", status="open"))[-1]["id"])


def invoices(giving: World) -> list[str]:
    """The statuses of all invoices with an amount, oldest first."""
    return giving.standin.read(lambda world: [each["status"] for each in world.all("invoice") if each["total"]])


def given_on(giving: World) -> list[str]:
    return [gift.given_on.isoformat() for gift in reversed(giving.gifts())]


def told(giving: World) -> tuple[int, int]:
    """How many mails said that the card was declined, and that the bank asks."""
    return len(giving.mails(DECLINED_MAIL)), len(giving.mails(CONFIRM_MAIL))


def test_a_declined_renewal_is_told_once_with_what_to_do(partner: World) -> None:
    """One mail a failed month, whatever number of retries fails: change the card, or pay now with another; and when we try again."""
    new_card(partner, FAILS)
    partner.advance(days=31, hours=2)

    assert told(partner) == (1, 0)
    text = partner.mails(DECLINED_MAIL)[0].text
    assert "$25.00" in text
    assert 'choose "Change the card"' in text
    assert f"/i/{unpaid_invoice(partner)}" in text
    assert "again on 13 April 2026" in text

    partner.advance(days=5)  # the retry on the 13th fails as well
    assert told(partner) == (1, 0)


def test_a_renewal_that_the_bank_wants_confirmed_leads_to_where_it_is_confirmed(partner: World) -> None:
    """3-D Secure is no decline: the mail says so, and its first link is Stripe's page on which the donor confirms."""
    new_card(partner, ASKS)
    partner.advance(days=31, hours=2)

    assert told(partner) == (0, 1)
    mail = partner.mails(CONFIRM_MAIL)[0]
    links = [word for word in mail.text.split() if word.startswith("http")]
    assert links[0].endswith(f"/i/{unpaid_invoice(partner)}")
    assert "bank wants to hear from you before it pays this month's gift of $25.00 from Visa •••• 3155." in " ".join(mail.text.split())
    assert "declined" not in mail.text


def test_confirming_makes_it_active_and_receipted_once(partner: World) -> None:
    """On Stripe's page, from the mail, without signing in; the next month is an ordinary one."""
    new_card(partner, ASKS)
    partner.advance(days=31, hours=2)

    partner.standin.pay_invoice(unpaid_invoice(partner), confirm_3ds=True)
    partner.deliver()
    partner.advance(days=10)

    assert (partner.partnership().state, partner.partnership().trouble) == ("active", None)
    assert [gift.money.minor for gift in partner.gifts()] == [25_00, 25_00]
    assert len(partner.mails("Receipt")) == 2


@pytest.mark.parametrize("days_until_mended", [1, 4, 9])
def test_a_new_card_makes_it_active_and_receipted_once(partner: World, days_until_mended: int) -> None:
    """Whichever retry takes it: one gift for the month, one receipt, no catch-up charge, and the old day stays."""
    new_card(partner, FAILS)
    partner.advance(days=31 + days_until_mended)
    assert partner.partnership().state == "payment_problem"
    new_card(partner, VISA)
    assert partner.partnership().state == "payment_problem"  # nothing was taken yet
    partner.advance(days=40)

    assert partner.partnership().state == "active"
    assert len(partner.gifts()) == len(partner.mails("Receipt")) == 3  # March, April late, May
    assert given_on(partner)[-1] == "2026-05-10"


def test_paying_this_month_with_another_card_makes_it_active(partner: World) -> None:
    """The second way that the mail offers."""
    new_card(partner, FAILS)
    partner.advance(days=32)

    partner.standin.pay_invoice(unpaid_invoice(partner), VISA)
    partner.deliver()

    assert partner.partnership().state == "active"
    assert len(partner.gifts()) == len(partner.mails("Receipt")) == 2


@pytest.mark.parametrize(("first", "then", "both"), [(FAILS, ASKS, (1, 1)), (ASKS, FAILS, (1, 1))])
def test_a_second_mail_only_when_something_else_is_to_be_done(partner: World, first: str, then: str, both: tuple[int, int]) -> None:
    """Declined and then asked, or the other way round: two mails for the month, and never a third."""
    new_card(partner, first)
    partner.advance(days=32)
    assert sum(told(partner)) == 1
    new_card(partner, then)
    partner.advance(days=4)
    assert told(partner) == both

    new_card(partner, first)
    partner.advance(days=5)

    assert told(partner) == both


def test_the_next_failed_month_is_told_anew(partner: World) -> None:
    """Each month that fails has its own mail."""
    for months in (1, 2):
        new_card(partner, FAILS)
        partner.advance(days=32 if months == 1 else 30)
        assert told(partner) == (months, 0)
        new_card(partner, VISA)
        partner.advance(days=4)

    assert partner.partnership().state == "active"


def test_every_event_of_a_failed_month_again_and_in_any_order_tells_it_once(partner: World) -> None:
    """Stripe tells a failed 3-D Secure twice over: as failed, and as needing the donor."""
    new_card(partner, ASKS)
    partner.standin.set_webhooks("hold")
    partner.advance(days=32)
    partner.standin.flush(order="reversed", times=3)
    partner.work()

    assert told(partner) == (0, 1)


def test_a_first_month_of_a_bank_debit_that_fails_is_told(giving: World) -> None:
    """The thank-you page promised it: "if the bank declines it, we tell you"."""
    gift_id = giving.start(25_00, "usd", "monthly")
    giving.pay(gift_id, BANK_CLOSED)
    giving.advance(days=5)

    assert told(giving) == (1, 0)
    assert giving.partnership().state == "payment_problem"


def test_when_all_tries_fail_it_has_lapsed_and_the_donor_is_told_once(partner: World) -> None:
    """One mail, which says that nothing is owed; not that it "has ended" as well. Nothing can be paid any more."""
    new_card(partner, FAILS)
    partner.advance(days=31, hours=2)
    left = unpaid_invoice(partner)
    partner.advance(days=60)

    stands = partner.partnership()
    assert (stands.state, stands.lapsed, stands.trouble) == ("ended", True, None)
    assert (len(partner.mails("has stopped")), len(partner.mails("has ended"))) == (1, 0)
    assert "you owe nothing" in partner.mails("has stopped")[0].text
    assert invoices(partner) == ["paid", "void"]
    assert partner.standin.read(lambda world: world.get("invoice", left))["status"] == "void"


def test_ended_is_told_once_even_when_stripe_changes_its_reason(partner: World) -> None:
    """A donor cancels as the last try fails: whatever Stripe calls it then and later, one mail."""
    stands = partner.partnership()
    manage.cancel(stands.donor_id, stands.partnership_id, manage.Cancel())
    partner.deliver()
    subscription = partner.standin.world.find("subscription", stands.partnership_id)
    subscription["cancellation_details"] = subscription["cancellation_details"] | {"reason": "payment_failed"}

    settle.handle(Hint("customer.subscription.deleted", stands.partnership_id))

    assert len(partner.mails("has ended")) + len(partner.mails("has stopped")) == 1


def test_a_month_that_was_not_paid_is_not_made_up_for_in_the_next(partner: World) -> None:
    """Even where the charity lets Stripe try for more than a month: only the present month can still be taken."""
    partner.standin.world.retry_after_days = (3,) * 20
    new_card(partner, FAILS)
    partner.advance(days=31 + 30 + 2)
    assert invoices(partner) == ["paid", "void", "open"]
    assert told(partner) == (2, 0)

    new_card(partner, VISA)
    partner.advance(days=8)

    assert partner.partnership().state == "active"
    assert [gift.money.minor for gift in partner.gifts()] == [25_00, 25_00]


def test_a_draft_is_no_failed_month(partner: World) -> None:
    """The month before was not paid and the new one is being prepared: nobody is told that it failed before it was tried."""
    partner.standin.world.retry_after_days = (3,) * 20
    new_card(partner, FAILS)
    partner.advance(days=61, minutes=30)
    assert invoices(partner) == ["paid", "void", "draft"]

    assert (partner.partnership().state, partner.partnership().trouble) == ("payment_problem", None)
    assert told(partner) == (1, 0)


def test_a_changed_amount_leaves_what_is_unpaid_as_it_was(partner: World) -> None:
    """The month in question is the old amount, and said to be; the next is the new one."""
    new_card(partner, FAILS)
    partner.advance(days=31, hours=2)
    stands = manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(amount=40_00, day=10)).stands
    assert stands.trouble
    assert (stands.amount.minor, stands.trouble.owed.minor) == (40_00, 25_00)
    new_card(partner, VISA)
    partner.advance(days=35)

    assert [gift.money.minor for gift in partner.gifts()] == [40_00, 25_00, 25_00]


@pytest.mark.parametrize("minutes", [0, 30, 59, 61, 180])
def test_an_amount_changed_while_a_renewal_is_taken_holds_from_the_next(partner: World, minutes: int) -> None:
    """An invoice that is made keeps its amount; no month is taken twice or not at all."""
    partner.advance(days=31, minutes=minutes)
    manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(amount=40_00))
    partner.advance(days=31)

    assert [gift.money.minor for gift in partner.gifts()] == [40_00, 25_00, 25_00]


@pytest.mark.parametrize("minutes", [-1, 0, 30, 59])
def test_cancelled_while_a_renewal_is_prepared_nothing_is_taken(partner: World, minutes: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Stripe would go on with a draft after the end; the donor was told that nothing more is charged."""
    partner.advance(days=31, minutes=minutes)
    manage.cancel(partner.donor_id(), partner.partnership().partnership_id, manage.Cancel())
    partner.advance(days=40)

    assert given_on(partner) == ["2026-03-10"]
    assert "open" not in invoices(partner)
    assert "draft" not in invoices(partner)
    assert "charged_after_end" not in capsys.readouterr().out


def test_cancelled_just_after_a_renewal_the_month_was_given(partner: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It was taken before the end, so it stands, with its receipt, and nobody is alarmed."""
    partner.advance(days=31, hours=1)
    manage.cancel(partner.donor_id(), partner.partnership().partnership_id, manage.Cancel())
    partner.advance(days=40)

    assert given_on(partner) == ["2026-03-10", "2026-04-10"]
    assert len(partner.mails("Receipt")) == 2
    assert "charged_after_end" not in capsys.readouterr().out


def test_cancelling_with_a_month_unpaid_gives_it_up(partner: World) -> None:
    """The link in the mail leads to nothing any more, and no retry takes it."""
    new_card(partner, FAILS)
    partner.advance(days=32)
    manage.cancel(partner.donor_id(), partner.partnership().partnership_id, manage.Cancel())
    partner.deliver()

    assert invoices(partner) == ["paid", "void"]
    assert (len(partner.mails("has ended")), len(partner.mails("has stopped"))) == (1, 0)


def test_money_taken_after_the_end_raises_an_alarm(partner: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Staff end it in Stripe's dashboard while a draft stands, and no event comes through: the draft is taken all the same."""
    partner.advance(days=31, minutes=10)
    partner.standin.set_webhooks("drop")
    partner.standin.request("DELETE", f"/v1/subscriptions/{partner.partnership().partnership_id}", {})
    partner.advance(minutes=30)
    assert "charged_after_end" not in capsys.readouterr().out
    partner.standin.set_webhooks("normal")
    partner.advance(hours=1)

    assert "charged_after_end" in capsys.readouterr().out
    assert given_on(partner) == ["2026-03-10", "2026-04-10"]  # true all the same, and to be given back

    partner.standin.refund(charge=partner.gifts()[0].charge_id)
    capsys.readouterr()
    partner.deliver()
    assert "charged_after_end" not in capsys.readouterr().out


def test_a_debit_begun_before_the_end_raises_no_alarm(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It arrives days later, and is a gift like any other."""
    gift_id = giving.start(25_00, "usd", "monthly")
    giving.pay(gift_id, BANK)
    giving.deliver()
    giving.advance(days=1)
    manage.cancel(giving.donor_id(), giving.partnership().partnership_id, manage.Cancel())
    giving.advance(days=9)

    assert [gift.money.minor for gift in giving.gifts()] == [25_00]
    assert len(giving.mails("Receipt")) == 1
    assert "charged_after_end" not in capsys.readouterr().out


def test_a_day_changed_after_a_renewal_that_no_event_told_of_takes_no_month_twice(partner: World) -> None:
    """Our own record still says that April is to come; Stripe is asked, and May is moved, once April is taken."""
    partner.standin.set_webhooks("drop")
    partner.advance(days=31, minutes=30)
    with pytest.raises(Conflict, match="just being taken"):
        manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(day=15))
    partner.advance(minutes=31)
    partner.standin.set_webhooks("normal")

    changed = manage.change(partner.donor_id(), partner.partnership().partnership_id, manage.Change(day=15)).stands

    assert changed.date_of(changed.next_charge_at) == date(2026, 5, 15)
    reconcile.last(days=3)
    partner.advance(days=70)
    assert given_on(partner) == ["2026-03-10", "2026-04-10", "2026-05-15", "2026-06-15"]


def test_the_moment_is_kept_as_it_was(partner: World) -> None:
    """What is read back from the table is what was written, with everything about the failed month."""
    new_card(partner, FAILS)
    partner.advance(days=32)

    stands = partner.partnership()
    assert stands.trouble
    assert stands.trouble.retry_at == datetime(2026, 4, 13, 13, tzinfo=UTC)
    assert stands == settle.read_partnership(stands.partnership_id)
    assert ANN not in str(stands)


def test_the_new_card_is_the_one_that_is_asked(partner: World) -> None:
    """Stripe's page changes the customer's default only, while Checkout gave the gift a card of its own: it takes up the new one, and says so."""
    stands = partner.partnership()
    new_card(partner, "5555555555554444")

    subscription = partner.standin.world.find("subscription", stands.partnership_id)
    default = partner.standin.world.find("customer", stands.customer_id)["invoice_settings"]["default_payment_method"]
    assert subscription["default_payment_method"] == default
    assert partner.partnership().method == "Mastercard •••• 4444"
    [mail] = partner.mails("another card or account")
    assert "$25.00 on day 10 of each month, from Mastercard •••• 4444." in " ".join(mail.text.split())
    partner.advance(days=32)
    assert partner.gifts()[0].method == "Mastercard •••• 4444"
    assert len(partner.mails("another card or account")) == 1
