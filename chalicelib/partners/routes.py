"""The calls of the donor portal about the monthly gift."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from chalicelib import charity, money
from chalicelib.clock import now
from chalicelib.errors import (
    Conflict,
    GivingError,
    InvalidInput,
    NotThere,
    ProcessorRefused,
    ProcessorUnsure,
    TooMany,
)
from chalicelib.guard import card_testing, rate_limit
from chalicelib.http import Answer, FormFields, Routes, plain_fields
from chalicelib.partners import manage, store
from chalicelib.partners.asked import Done
from chalicelib.partners.instead import Instead, of_ending
from chalicelib.partners.manage import Cancel, Change, Pause
from chalicelib.partners.partnership import Partnership, State, first_on_each_day, pause_between
from chalicelib.partners.skip import Skip, skip
from chalicelib.portal import sessions

routes = Routes(__name__)

PAGE = "portal/partnerships.html"
# What the donor can mend, or do a little later, on the form itself.
AT_THE_FORM = (InvalidInput, TooMany)
# What has come to nothing, as far as is known.
CAME_TO_NOTHING = (Conflict, ProcessorRefused, NotThere, ProcessorUnsure)


class TroubleView(msgspec.Struct, frozen=True):
    """
    Why this month's gift was not taken. `owed` is in minor units; `pay_url` is a page of Stripe's.

    `bank_asks`: the donor confirms there. Any other reason: another card, in
    the portal or there. `retry_on` is when the bank is asked again.
    """

    because: Literal["bank_asks", "card_expired", "funds", "declined"]
    owed: int
    pay_url: str
    retry_on: date | None


class PartnershipView(msgspec.Struct, frozen=True):
    """
    A monthly gift as its donor sees it. `amount` is in minor units; dates are those of its receipts' time zone.

    `skipped_on` is the gift that is left out; while it is to come, the state is `paused`. `instead` is what can be
    chosen instead of ending it.
    """

    partnership_id: str
    amount: int
    currency: str
    day: int
    state: State
    started_on: date
    next_charge_on: date | None
    paused_until: date | None
    skipped_on: date | None
    ends_on: date | None
    ended_on: date | None
    method: str
    trouble: TroubleView | None
    instead: Instead


class PartnershipList(msgspec.Struct, frozen=True):
    partnerships: list[PartnershipView]
    next: str | None = None


class PaymentPage(msgspec.Struct, frozen=True):
    """Where the card is changed."""

    url: str


def view(each: Partnership) -> PartnershipView:
    """A partnership in the words of the API."""
    return PartnershipView(
        partnership_id=each.partnership_id,
        amount=each.amount.minor,
        currency=each.amount.currency,
        day=each.day,
        state=each.state,
        started_on=each.started_at.astimezone(each.zone).date(),
        next_charge_on=each.date_of(each.next_charge_at),
        paused_until=each.date_of(each.paused_until),
        skipped_on=each.date_of(each.skips),
        ends_on=each.date_of(each.ends_at),
        ended_on=each.date_of(each.ended_at),
        method=each.method,
        trouble=_trouble(each),
        instead=_instead(each),
    )


def _trouble(each: Partnership) -> TroubleView | None:
    it = each.trouble
    return TroubleView(it.because, it.owed.minor, it.pay_url, each.date_of(it.retry_at)) if it else None


def _instead(each: Partnership) -> Instead:
    known = charity.current().currencies.get(each.amount.currency)
    if known is None:  # a currency that is not taken any more has no other amount either
        return of_ending(each, now(), (), each.amount.minor)
    return of_ending(each, now(), known.suggested_monthly, known.minimum)


def _change_form(fields: FormFields) -> dict[str, Any]:
    """A typed amount is in whole units of the gift's currency, which the form names."""
    plain = plain_fields(fields)
    wanted: dict[str, Any] = {"day": plain["day"]} if "day" in plain else {}
    if "new_amount" in fields:
        currency = str(plain.get("currency", ""))
        if len(currency) != 3:
            raise InvalidInput("Which currency?", code="missing", field="currency")
        wanted["amount"] = money.from_typed(fields["new_amount"][-1], currency).minor
    return wanted


def _holder(partnership_id: str) -> str:
    """In which record of the donor who is signed in the monthly gift stands, for a change that is counted."""
    caller = routes.caller()
    records = sessions.records_changing(caller)
    rate_limit.allow("portal_change", donor=records[0], session=caller.cookies.get(sessions.COOKIE, ""), ip=caller.ip)
    return store.holder(records, partnership_id)


def _shown(done: Done) -> Answer:
    said = f"{done.what}.{done.stands.partnership_id}"
    return Answer(view(done.stands), see_other="/portal/partnerships", told=said)


def _page(records: tuple[str, ...]) -> Answer:
    found = store.of_person(records)
    dates = {
        "first_on": {each.partnership_id: first_on_each_day(each, now()) for each in found},
        "pause_between": {each.partnership_id: pause_between(now(), each.zone) for each in found},
    }
    return Answer(PartnershipList([view(each) for each in found]), page=dates, template=PAGE)


def _again(error: GivingError, partnership_id: str) -> Answer | None:
    """
    The form as it was typed, if something in it can be mended; else what stands, and whether that is known.

    What stands is our own record: Stripe, which has just refused or kept silent, is not asked again.
    """
    if not isinstance(error, AT_THE_FORM + CAME_TO_NOTHING):
        return None
    records = sessions.records(routes.caller())
    stands = store.one(store.holder(records, partnership_id), partnership_id)
    if stands is None:
        return None
    if isinstance(error, AT_THE_FORM):
        page = _page(records)
        return replace(page, page={**page.page, "at": partnership_id})
    return _came_to_nothing([stands], "unsure" if isinstance(error, ProcessorUnsure) else "refused")


def _no_card_page(error: GivingError) -> Answer | None:
    """Stripe's page could not be opened: whatever the reason, that changes nothing."""
    if not isinstance(error, CAME_TO_NOTHING):
        return None
    found = store.of_person(sessions.records(routes.caller()))
    return _came_to_nothing([each for each in found if each.state != "ended"], "no_card_page")


def _came_to_nothing(stand: list[Partnership], how: Literal["refused", "unsure", "no_card_page"]) -> Answer:
    shown = PartnershipList([view(each) for each in stand])
    return Answer(shown, page={"how": how}, template="portal/partnership_refused.html")


@routes.route("/portal/partnerships", gives=PartnershipList, page=PAGE)
def partnerships() -> Answer:
    """The donor's monthly gifts, the ones that go on first."""
    return _page(sessions.records(routes.caller()))


@routes.route(
    "/portal/partnerships/{partnership_id}", methods=("PATCH", "POST"), takes=Change, gives=PartnershipView,
    form=_change_form, again=_again,
)  # fmt: skip
def change(partnership_id: str, wanted: Change) -> Answer:
    """Change the amount or the day. A form, which can only POST, may do so too."""
    return _shown(manage.change(_holder(partnership_id), partnership_id, wanted))


@routes.route(
    "/portal/partnerships/{partnership_id}/pause", methods=("POST",), takes=Pause, gives=PartnershipView,
    form=plain_fields, again=_again,
)  # fmt: skip
def pause(partnership_id: str, wanted: Pause) -> Answer:
    """Pause until a day."""
    return _shown(manage.pause(_holder(partnership_id), partnership_id, wanted))


@routes.route(
    "/portal/partnerships/{partnership_id}/skip", methods=("POST",), takes=Skip, gives=PartnershipView,
    form=plain_fields, again=_again,
)  # fmt: skip
def skip_next(partnership_id: str, wanted: Skip) -> Answer:
    """Leave out the next gift."""
    return _shown(skip(_holder(partnership_id), partnership_id, wanted))


@routes.route(
    "/portal/partnerships/{partnership_id}/resume", methods=("POST",), gives=PartnershipView, form=plain_fields,
    again=_again,
)  # fmt: skip
def resume(partnership_id: str) -> Answer:
    """End a pause, or take a skip back."""
    return _shown(manage.resume(_holder(partnership_id), partnership_id))


@routes.route(
    "/portal/partnerships/{partnership_id}/cancel", methods=("POST",), takes=Cancel, gives=PartnershipView,
    form=plain_fields, again=_again,
)  # fmt: skip
def cancel(partnership_id: str, wanted: Cancel) -> Answer:
    """End the monthly gift at once."""
    return _shown(manage.cancel(_holder(partnership_id), partnership_id, wanted))


@routes.route(
    "/portal/payment-method", methods=("POST",), gives=PaymentPage, status=201, form=plain_fields,
    query=("partnership",), again=_no_card_page,
)  # fmt: skip
def payment_method() -> Answer:
    """Go to Stripe's own page for changing the card: of the monthly gift named, or of the one that needs it most."""
    caller = routes.caller()
    records = sessions.records_changing(caller)
    card_testing.allow_payment_page(donor=records[0], session=caller.cookies.get(sessions.COOKIE, ""), ip=caller.ip)
    url = manage.card_page(records, routes.query("partnership"))
    return Answer(PaymentPage(url), 201, see_other=url)
