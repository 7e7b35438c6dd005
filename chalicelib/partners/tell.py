"""What a Freedom Partner is told, each thing once."""

from __future__ import annotations

import msgspec

from chalicelib import charity, settings
from chalicelib.giving import donors
from chalicelib.mail import outbox
from chalicelib.money import in_words
from chalicelib.partners.partnership import Partnership


class PartnershipChanged(msgspec.Struct, frozen=True, tag=True):
    """The donor changed something in the portal, to be confirmed by mail. `change_id` makes it one mail a change."""

    donor_id: str
    partnership_id: str
    what: str
    change_id: str


def how_it_stands(stands: Partnership) -> None:
    """
    Mail what the state calls for: a welcome, a payment problem, or that it has ended.

    Once each: the mail's name carries the partnership, and for a payment
    problem the month.
    """
    if stands.state in {"active", "paused"}:
        _mail(stands, "partner_welcome", stands.partnership_id)
    elif stands.state == "payment_problem" and stands.next_charge_at:
        _mail(stands, "payment_problem", f"{stands.partnership_id}-{stands.next_charge_at:%Y-%m}")
    elif stands.state == "ended":
        lapsed = stands.ended_by == "payment_failed"
        _mail(stands, "partnership_lapsed" if lapsed else "partnership_ended", stands.partnership_id)


def changed(job: PartnershipChanged, stands: Partnership) -> None:
    """Confirm by mail what the donor changed; that it has ended is told once, whoever ended it."""
    if stands.state == "ended":
        how_it_stands(stands)
        return
    _mail(stands, "partnership_changed", f"{job.partnership_id}-{job.change_id}", what=job.what)


def _mail(stands: Partnership, mail: str, about: str, **more: str) -> None:
    donor = donors.profile(stands.donor_id)
    if donor is None or not donor.email:
        return
    context = {
        "name": donor.name,
        "amount": in_words(stands.amount),
        "day": stands.day,
        "method": stands.method,
        "next_charge_on": stands.next_charge_at.date() if stands.next_charge_at else None,
        "paused_until": stands.paused_until.date() if stands.paused_until else None,
        "portal_url": f"{settings.current().site_url}/portal",
        "give_url": f"{settings.current().site_url}/give",
        "charity": charity.current(),
        **more,
    }
    outbox.send_once(mail, about, donor.email, context, donor_id=stands.donor_id)
