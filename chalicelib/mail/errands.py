"""The work on the mail queue: everything that a page leaves to be done after it has answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.partners import tell
from chalicelib.partners.tell import PartnershipChanged
from chalicelib.portal import email_change, email_undo, erasure, joining, parting, sign_in
from chalicelib.portal.address_proof import EmailAsked
from chalicelib.portal.email_change import EmailProven
from chalicelib.portal.email_undo import EmailUndone
from chalicelib.portal.erasure import EraseAsked
from chalicelib.portal.joining import GivingProven
from chalicelib.portal.parting import GivingParted
from chalicelib.portal.sign_in import SignInAsked
from chalicelib.processor import settle
from chalicelib.signups import store as signups
from chalicelib.signups.store import SignUpAsked
from chalicelib.statements import superseding, yearly
from chalicelib.statements.superseding import StatementOutdated
from chalicelib.statements.yearly import StatementDue

Errand = (
    SignInAsked | SignUpAsked | PartnershipChanged | EmailAsked | EmailProven | EmailUndone | GivingProven
    | GivingParted | EraseAsked | StatementOutdated | StatementDue
)


def run(message: str) -> None:
    """Do one errand. It may come twice: each knows what it has done."""
    errand = msgspec.json.decode(message, type=Errand)
    WORK[type(errand)](errand)


def _tell_of_change(errand: PartnershipChanged) -> None:
    """
    Asked for before our own record follows: Stripe knows what the mail is to say.

    Where its answer was lost the record follows here, so that the change is not done and told again.
    """
    stands = settle.partnership_now(errand.partnership_id)
    if stands:
        tell.changed(errand, stands)
    if errand.if_so:
        settle.read_partnership(errand.partnership_id)


OFFERS: dict[str, Callable[[EmailAsked], None]] = {"change": email_change.offer, "join": joining.offer}
WORK: dict[type, Callable[[Any], object]] = {
    SignInAsked: sign_in.send,
    SignUpAsked: signups.ask,
    PartnershipChanged: _tell_of_change,
    EmailAsked: lambda errand: OFFERS[errand.wish](errand),
    EmailProven: email_change.finish,
    EmailUndone: email_undo.finish,
    GivingProven: joining.finish,
    GivingParted: parting.finish,
    EraseAsked: erasure.erase,
    StatementOutdated: superseding.supersede,
    StatementDue: yearly.send,
}
