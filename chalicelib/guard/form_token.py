"""
The signed token in the giving form: it shows that somebody asked for the form and took a person's time to fill it in.

    form shown --- 3 seconds ----------------------------- 24 hours
               too soon | good for the one gift it names | too old

It names the gift's id, so it is good for one gift and no other. Its use is
recorded with the gift (`card_testing`), after which the same gift passes
without one and another gift with that id is refused.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib import settings, tokens
from chalicelib.clock import epoch_seconds
from chalicelib.errors import InvalidInput

PURPOSE = "gift-form"
# Reading two labels and pressing a button takes a person longer than this; a program need not wait at all.
LEAST_AGE = timedelta(seconds=3)
# A page left open overnight still gives.
MOST_AGE = timedelta(hours=24)


def asked() -> bool:
    """Whether a gift needs a token: everywhere but in the local run with wide limits."""
    return settings.current().guard == "strict"


def issue(gift_id: str, *, shown_at: int | None = None) -> str:
    """A token for one gift, whose form was shown at this moment (epoch seconds; now, if not said)."""
    return tokens.sign(PURPOSE, f"{gift_id} {epoch_seconds() if shown_at is None else shown_at}")


def renewed(token: str, gift_id: str) -> str:
    """
    The token for a form that is shown again.

    Whoever had a genuine one has waited already, so its age is carried over:
    mending a mistake must not meet "too soon".
    """
    try:
        _, shown_at = _read(token)
    except InvalidInput:
        return issue(gift_id)
    waited = epoch_seconds() - int(LEAST_AGE.total_seconds())
    too_old = epoch_seconds() - shown_at > MOST_AGE.total_seconds()
    return issue(gift_id, shown_at=waited if too_old else shown_at)


def check(token: str, gift_id: str) -> None:
    """Raise InvalidInput (`form_token_invalid`) unless the token is ours, for this gift, and of a fitting age."""
    named, shown_at = _read(token)
    age = epoch_seconds() - shown_at
    if named != gift_id:
        raise _invalid("This form was for another gift. Please send it once more.")
    if age < LEAST_AGE.total_seconds():
        raise _invalid("That was faster than we can tell from a machine. Please press the button once more.")
    if age > MOST_AGE.total_seconds():
        raise _invalid("This form was open for more than a day. Please send it once more; everything is still in it.")


def _read(token: str) -> tuple[str, int]:
    try:
        gift_id, _, shown_at = tokens.read(PURPOSE, token).partition(" ")
        return gift_id, int(shown_at)
    except (InvalidInput, ValueError) as fault:
        raise _invalid("We could not tell that this came from our form. Please send it once more.") from fault


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, code="form_token_invalid", field="form_token")
