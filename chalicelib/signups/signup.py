"""A sign-up for mails: what a person asked for, and the evidence that they did. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Interest = Literal["stories", "events", "opportunities"]
INTERESTS: dict[Interest, str] = {
    "stories": "Stories from the field",
    "events": "Events in your area",
    "opportunities": "Opportunities to get involved",
}
Status = Literal["pending", "confirmed", "unsubscribed"]

# The wording a person agrees to. Change the version whenever you change a word:
# both are kept with each sign-up as evidence (GDPR article 7(1)).
CONSENT_VERSION = "2026-11"
CONSENT_WORDING = (
    "Please send me mails about what I ticked above. I can change my mind at any time, "
    "with one click in every mail."
)  # fmt: skip


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One moment at which a person said yes or no, and to what: never changed, only added to."""

    at: datetime
    action: Literal["asked", "confirmed", "changed", "unsubscribed"]
    interests: tuple[Interest, ...] = ()
    wording: str = ""
    version: str = ""
    source: str = ""
    ip: str = ""


class SignUp(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    What is kept of one address. `wanted` waits for the confirmation; `interests` is what was confirmed.

    Of a forgotten one `email` is empty: only its hash, under which it stands, still wants no mail.
    """

    email: str = ""
    status: Status
    interests: tuple[Interest, ...] = ()
    wanted: tuple[Interest, ...] = ()
    name: str = ""
    postal_code: str = ""
    country: str = ""
    locale: str = ""
    consents: tuple[Consent, ...] = ()
    version: int = 0


# An address's history is evidence, but must not grow without end: the first
# three (how it began) and the last seventeen are kept.
CONSENTS_KEPT_FIRST, CONSENTS_KEPT_LAST = 3, 17


def ask(known: SignUp | None, wanted: SignUp, consent: Consent) -> SignUp:
    """The sign-up after somebody, perhaps not its owner, filled in the form: nothing takes effect yet. Once."""
    if known is None:
        return msgspec.structs.replace(wanted, consents=(consent,))
    if consent in known.consents or is_overtaken(known, consent.at):
        return known
    return _with(
        known, consent,
        email=known.email or wanted.email,
        status="confirmed" if known.status == "confirmed" else "pending",
        wanted=tuple(dict.fromkeys((*known.interests, *consent.interests))),
    )  # fmt: skip


def is_overtaken(known: SignUp, asked_at: datetime) -> bool:
    """Whether the owner of the address has spoken since the form was filled in."""
    return any(consent.action != "asked" and consent.at > asked_at for consent in known.consents)


def confirm(known: SignUp, consent: Consent) -> SignUp:
    """The sign-up after its owner pressed the button: what was asked for takes effect. Twice changes nothing."""
    if known.status == "confirmed" and not known.wanted:
        return known
    return _with(known, consent, status="confirmed", interests=known.wanted or known.interests, wanted=())


def choose(known: SignUp, interests: tuple[Interest, ...], consent: Consent) -> SignUp:
    """The sign-up with just these interests; with none it is an unsubscription."""
    status: Status = "confirmed" if interests else "unsubscribed"
    return _with(known, consent, status=status, interests=interests, wanted=())


def unsubscribe(known: SignUp, consent: Consent) -> SignUp:
    """The sign-up after leaving: nothing more is sent. Doing it twice changes nothing."""
    if known.status == "unsubscribed":
        return known
    return _with(known, consent, status="unsubscribed", interests=(), wanted=())


def forgotten(known: SignUp, at: datetime) -> SignUp:
    """What is left when the person is forgotten: that nothing is to be sent, from now on."""
    if not known.email:
        return known
    return SignUp(status="unsubscribed", consents=(Consent(at, "unsubscribed"),), version=known.version)


def _with(known: SignUp, consent: Consent, **changes: object) -> SignUp:
    consents = (*known.consents, consent)
    kept = consents[:CONSENTS_KEPT_FIRST] + consents[CONSENTS_KEPT_FIRST:][-CONSENTS_KEPT_LAST:]
    return msgspec.structs.replace(known, consents=kept, **changes)
