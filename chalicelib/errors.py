"""Every way in which a request can be refused, each with the stable `code` that the API shows."""


class GivingError(Exception):
    """
    A refusal that the caller can read.

    `status` is the HTTP status, `code` the stable name, `field` the input at
    fault if there is one, `retry_after` the seconds to wait if waiting helps.
    `part` is where in that field, if it has parts: a form has each as a field
    of its own.
    """

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        part: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field
        self.part = part
        self.retry_after = retry_after


class InvalidInput(GivingError):
    """What was sent cannot be read, or breaks a rule; `field` names where."""

    code = "invalid"


class NotSignedIn(GivingError):
    """No session, or one that has ended."""

    status, code = 401, "not_signed_in"


class Forbidden(GivingError):
    """The request came from somewhere that may not make it."""

    status, code = 403, "forbidden"


class NotFound(GivingError):
    """Nothing here by that name, or nothing that this caller may know of."""

    status, code = 404, "not_found"


class Conflict(GivingError):
    """The request contradicts what is already recorded."""

    status, code = 409, "conflict"


class GiftTaken(Conflict):
    """
    A gift's id came with another wish than the one it stands for.

    A donor meets it who went back, changed something and pressed again; the
    form that is shown then has another id, and is good to go.
    """

    code = "gift_id_taken"

    def __init__(self) -> None:
        super().__init__(
            "You have changed this gift since you first sent it. To give it as it stands now, please press the button "
            "once more.",
            field="gift_id",
        )


class PageWorn(Conflict):
    """
    Too many cards failed on a gift's payment page, which is closed. The gift has no other.

    The form that is shown then has another id, and what it begins is weighed
    by the guard like every gift.
    """

    code = "payment_page_closed"

    def __init__(self) -> None:
        super().__init__(
            "Several cards did not go through, so we closed that payment page, and nothing was taken. To begin anew, "
            "perhaps with another card, please press the button once more.",
            field="gift_id",
        )


class TooMany(GivingError):
    """A limit was reached; `retry_after` says when to come back."""

    status, code = 429, "too_many_requests"


class ChallengeAsked(GivingError):
    """The same request again, with the answer to a challenge as `challenge`, and it is taken."""

    status, code = 403, "challenge_required"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="challenge")


class TooManyGifts(GivingError):
    """More gifts than one request reads. A part of them must not be taken for all."""

    status, code = 409, "too_many_gifts"

    def __init__(self) -> None:
        super().__init__(
            "You gave more often than we can add up while you wait. Please write to us, and we send you what you need."
        )


class ProcessorRefused(GivingError):
    """Stripe understood the request and said no. Nothing was changed."""

    status, code = 409, "payment_processor_refused"


class ProcessorUnsure(GivingError):
    """
    Nobody knows yet whether Stripe did it: a timeout, a broken connection or a 5xx.

    Never recorded as failed; a webhook or reconcile settles it. `answer` is
    the HTTP status that came, 0 if none did.
    """

    status, code = 503, "payment_processor_unavailable"

    def __init__(self, message: str, *, retry_after: int | None = None, answer: int = 0) -> None:
        super().__init__(message, retry_after=retry_after)
        self.answer = answer


class NotThere(GivingError):
    """Stripe knows no such object (`resource_missing`): perhaps already gone, perhaps never ours."""

    status, code = 404, "not_found"


class NotUnderstood(GivingError):
    """
    Stripe answered in a shape that we do not know.

    Nothing is written on a guess: the work is tried again, and a person is
    called when trying again does not help. `where` is for that person: the
    line that could not go on, and the field, never what stood in it.
    """

    status, code = 502, "payment_processor_not_understood"

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class FactsDisagree(GivingError):
    """Two facts about one payment contradict each other. A person must look; guessing would end on a tax statement."""

    status, code = 500, "facts_disagree"


class MailHeld(GivingError):
    """Another worker is sending this very mail; come back when its lease has ended."""

    status, code = 503, "mail_held"


class MisconfiguredError(GivingError):
    """A setting or a fact of the charity is missing or cannot be right. Refuse to start rather than to guess."""

    status, code = 500, "misconfigured"


class DocumentAltered(GivingError):
    """A kept document is not the one that was issued. It is never given out; a person must look."""

    status, code = 500, "document_altered"
