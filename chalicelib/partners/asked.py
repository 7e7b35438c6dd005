"""What every change of a monthly gift that its donor asks for begins and ends with."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Literal

import msgspec

from chalicelib.errors import Conflict, NotFound, ProcessorUnsure
from chalicelib.mail import outbox
from chalicelib.partners import store
from chalicelib.partners.partnership import Partnership, Terms
from chalicelib.partners.tell import PartnershipChanged
from chalicelib.processor import settle, stripe_api, unpaid

What = Literal[
    "nothing", "amount", "day", "amount_and_day", "paused", "skipped", "not_skipped", "resumed", "ended"
]


class Done(msgspec.Struct, frozen=True):
    """
    How a monthly gift stands, and what was done to it just now.

    `nothing`: it stood so already. Nothing was written at Stripe then, and no mail is due.
    """

    stands: Partnership
    what: What = "nothing"


def own(donor_id: str, partnership_id: str) -> Partnership:
    """The donor's monthly gift as it is kept. Raises NotFound for another's."""
    found = store.one(donor_id, partnership_id)
    if found is None:
        raise NotFound("There is no such monthly gift.")
    return found


def going_on(donor_id: str, partnership_id: str) -> Partnership:
    """
    The monthly gift as it is at Stripe now: what we kept may be older than its latest renewal.

    It is not kept here: what we kept also tells which change was not told to
    the donor yet. Raises Conflict if it has ended.
    """
    found = own(donor_id, partnership_id)
    if found.state != "ended":
        found = settle.partnership_now(partnership_id) or found
    if found.state == "ended":
        raise Conflict("This monthly gift has ended.", code="partnership_ended")
    return found


def not_while_taken(stands: Partnership, what: str) -> None:
    """Raise Conflict while a month is being taken: a draft's hour, a debit's days. `what` can be done afterwards."""
    if stripe_api.unpaid_invoices(stands.partnership_id):
        message = f"This month's gift is just being taken. Please {what} when it has been."
        raise Conflict(message, code="gift_being_taken")


def carry_out(
    stands: Partnership, said: str, becomes: Terms, params: dict[str, object], *, nothing_owed: bool = False
) -> Partnership:
    """
    Ask Stripe for a change, have it confirmed by mail, and give what stands then.

    With `nothing_owed`, what is unpaid is given up too. When the answer is
    lost the caller is told that nothing is certain, and the mail goes out if
    it turns out to have been done: no event of Stripe's says who wanted it.
    """
    try:
        stripe_api.change_subscription(stands.partnership_id, params)
        if nothing_owed:
            unpaid.give_up(stands.partnership_id)
    except ProcessorUnsure:
        _ask_for_mail(stands, said, becomes)
        raise
    return done(stands, said)


def done(stands: Partnership, said: str) -> Partnership:
    """
    Have the donor told by mail, then read from Stripe what stands now, and keep it.

    In this order, so that a change which died in between is one that our own
    record does not have, and is done and told when it is asked for again.
    """
    _ask_for_mail(stands, said)
    settle.read_partnership(stands.partnership_id)
    return own(stands.donor_id, stands.partnership_id)


def _ask_for_mail(stands: Partnership, said: str, if_so: Terms | None = None) -> None:
    outbox.ask(PartnershipChanged(stands.donor_id, stands.partnership_id, said, secrets.token_hex(8), if_so))


def day_in_words(day: date | None) -> str:
    """A day as our mails write it: "March 10, 2026"."""
    return f"{day.day} {day:%B %Y}" if day else ""
