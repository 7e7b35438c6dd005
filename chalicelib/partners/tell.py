"""What a Freedom Partner is told, each thing once."""

from __future__ import annotations

import msgspec

from chalicelib import charity, settings
from chalicelib.giving import donors
from chalicelib.mail import outbox
from chalicelib.money import in_words
from chalicelib.partners.partnership import Partnership, Terms


class PartnershipChanged(msgspec.Struct, frozen=True, tag=True):
    """
    The donor changed something in the portal, to be confirmed by mail. `change_id` makes it one mail a change.

    With `if_so` nobody knows whether the change came about: Stripe's answer
    was lost. It is confirmed if the monthly gift stands so, and else never.
    """

    donor_id: str
    partnership_id: str
    what: str
    change_id: str
    if_so: Terms | None = None


def how_it_stands(stands: Partnership) -> None:
    """
    Mail what the state calls for: a welcome, what to do about a payment problem, or that it has ended.

    Once each: the name of the mail carries the partnership, and for a payment
    problem the invoice, which is a month's. A donor hears a second time of
    the same month only when something else is to be done about it: first the
    card, then the bank, or the other way round.
    """
    if stands.state in {"active", "paused"}:
        _mail(stands, "partner_welcome", stands.partnership_id)
    elif stands.trouble:
        mail = "payment_to_confirm" if stands.trouble.because == "bank_asks" else "payment_problem"
        _mail(stands, mail, f"{stands.partnership_id}-{stands.trouble.invoice_id}")
    elif stands.state == "ended":
        _mail(stands, "partnership_ended", stands.partnership_id)


def paid_from_another(stands: Partnership) -> None:
    """
    Have it confirmed that the donor has changed the card, on Stripe's page, which tells nobody.

    Through the queue, because it may come up while a page is waiting. Named by
    the card, so that it is told once however often it is met.
    """
    if stands.method_id:
        what = "paid from another card or account"
        outbox.ask(PartnershipChanged(stands.donor_id, stands.partnership_id, what, stands.method_id))


def changed(job: PartnershipChanged, stands: Partnership) -> None:
    """Confirm by mail what the donor changed; that it has ended is told once, whoever ended it."""
    if stands.state == "ended":
        how_it_stands(stands)
        return
    if job.if_so and job.if_so != stands.terms:
        return
    _mail(stands, "partnership_changed", f"{job.partnership_id}-{job.change_id}", what=job.what)


def _mail(stands: Partnership, mail: str, about: str, **more: str) -> None:
    donor = donors.person(stands.donor_id)
    if donor is None or not donor.email:
        return
    context = {
        "name": donor.name,
        "amount": in_words(stands.amount),
        "day": stands.day,
        "method": stands.method,
        "next_charge_on": stands.date_of(stands.next_charge_at),
        "paused_until": stands.date_of(stands.paused_until),
        "skipped_on": stands.date_of(stands.skips),
        "ends_on": stands.date_of(stands.ends_at),
        "ended_on": stands.date_of(stands.ended_at),
        "lapsed": stands.lapsed,
        **_trouble(stands),
        "portal_url": f"{settings.current().site_url}/portal",
        "give_url": f"{settings.current().site_url}/give",
        "charity": charity.current(),
        **more,
    }
    outbox.send_once(mail, about, donor.email, context, donor_id=stands.donor_id)


def _trouble(stands: Partnership) -> dict[str, object]:
    it = stands.trouble
    return {
        "owed": in_words(it.owed) if it else "",
        "because": it.because if it else "",
        "pay_url": it.pay_url if it else "",
        "retry_on": stands.date_of(it.retry_at) if it else None,
    }
