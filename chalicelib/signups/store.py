"""Sign-ups as they are kept, and the mails that a sign-up leads to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from chalicelib import items, keys, settings, tokens
from chalicelib.clock import now
from chalicelib.errors import NotFound
from chalicelib.mail import outbox
from chalicelib.signups import signup
from chalicelib.signups.signup import INTERESTS, Consent, Interest, SignUp

CONFIRM_WITHIN = timedelta(days=7)
# The person, the worker and a mail provider's one-click may meet; not more than that.
TRIES = 5

UNCHANGED = "version = :seen"


class SignUpAsked(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Somebody filled in the form at `asked_at`. Nothing is known yet of whether the address is theirs."""

    email: str
    interests: tuple[Interest, ...]
    asked_at: datetime
    name: str = ""
    postal_code: str = ""
    country: str = ""
    locale: str = ""
    source: str = ""
    ip: str = ""


def ask(job: SignUpAsked) -> None:
    """
    Keep what was asked for with its evidence, and send one mail to the address: to confirm, or that it is known.

    It may come late, from a dead letter sent back: if the owner of the
    address has confirmed, chosen or left since, that is their last word.
    """
    at = job.asked_at
    consent = Consent(at, "asked", job.interests, signup.CONSENT_WORDING, signup.CONSENT_VERSION, job.source, job.ip)
    wanted = SignUp(
        email=job.email, status="pending", wanted=job.interests, name=job.name, postal_code=job.postal_code,
        country=job.country, locale=job.locale,
    )  # fmt: skip
    name = keys.email_hash(job.email)
    stands = change(name, lambda known: signup.ask(known, wanted, consent))
    if signup.is_overtaken(stands, at):
        return
    nothing_new = stands.status == "confirmed" and set(stands.wanted) <= set(stands.interests)
    # At most one mail of a kind in an hour, however often the form is sent.
    about = f"{name[:32]}-{at:%Y%m%d%H}-{'-'.join(sorted(stands.wanted))}"
    mail = "sign_up_known" if nothing_new else "sign_up_confirm"
    outbox.send_once(mail, about, stands.email, _context(name, stands))


def find(name: str) -> SignUp:
    """The sign-up under an address's hash. Raises NotFound."""
    item = items.get(items.signups(), key(name))
    if item is None:
        raise NotFound("We know of no such sign-up.")
    return items.as_struct(item, SignUp)


def is_known(name: str) -> bool:
    """Whether anything is kept under an address's hash, be it only that it wants no mail."""
    return items.get(items.signups(), key(name)) is not None


def change(name: str, how: Callable[[SignUp | None], SignUp]) -> SignUp:
    """Change a sign-up by a pure function of what it was, done again if somebody else changed it meanwhile."""
    for _ in range(TRIES):
        item = items.get(items.signups(), key(name))
        known = items.as_struct(item, SignUp) if item else None
        becomes = how(known)
        if becomes == known:
            return becomes
        becomes = msgspec.structs.replace(becomes, version=(known.version if known else 0) + 1)
        if _put(name, becomes, known):
            return becomes
    raise OverflowError("a sign-up keeps changing")


def change_known(name: str, how: Callable[[SignUp], SignUp]) -> SignUp:
    """Change a sign-up that is there. Raises NotFound."""

    def known_only(known: SignUp | None) -> SignUp:
        if known is None:
            raise NotFound("We know of no such sign-up.")
        return how(known)

    return change(name, known_only)


def forget(name: str) -> None:
    """Forget whose address this is, and still send nothing to it. One that never signed up leaves nothing."""
    with suppress(NotFound):
        change_known(name, lambda known: signup.forgotten(known, now()))


def _put(name: str, becomes: SignUp, known: SignUp | None) -> bool:
    item = items.as_item(key(name), becomes)
    try:
        if known:
            items.put(items.signups(), item, UNCHANGED, {":seen": known.version})
        else:
            items.put(items.signups(), item, items.ABSENT)
    except items.ConditionFailed:
        return False
    return True


def _context(name: str, stands: SignUp) -> dict[str, object]:
    site, leaving = settings.current().site_url, tokens.sign("preferences", name)
    return {
        "interests": [INTERESTS[interest] for interest in stands.wanted or stands.interests],
        "confirm_url": f"{site}/sign-up/confirm?token={tokens.sign('confirm', name)}",
        "preferences_url": f"{site}/sign-ups/preferences?token={leaving}",
        "unsubscribe_url": f"{site}/sign-ups/unsubscribe?token={leaving}",
    }


def key(name: str) -> keys.Key:
    return {"pk": f"EMAIL#{name}", "sk": keys.SIGNUP}
