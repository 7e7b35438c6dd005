"""The errors that Stripe answers with, in its own shape."""

from typing import Any


class Refused(Exception):
    """
    A request that Stripe answers with an error.

    `before_work` tells that nothing had begun: such answers are not kept
    under an idempotency key (Stripe's "Idempotent requests").
    """

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error",
                 before_work: bool = False, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.before_work = before_work
        self.error = {"type": kind, "message": message} | {k: v for k, v in more.items() if v is not None}

    @property
    def body(self) -> dict[str, Any]:
        code = self.error.get("code")
        doc = {"doc_url": f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"} if code else {}
        return {"error": self.error | doc}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """A 400 found while carrying the request out."""
    return Refused(400, message, param=param, code=code)


def malformed(message: str, param: str | None, code: str | None = None) -> Refused:
    """A 400 found while reading the parameters."""
    return Refused(400, message, param=param, code=code, before_work=True)


def unknown(param: str) -> Refused:
    return malformed(f"Received unknown parameter: {param}", param, "parameter_unknown")


def missing(param: str) -> Refused:
    return malformed(f"Missing required param: {param}.", param, "parameter_missing")


def no_such(kind: str, id: str, param: str = "id", status: int = 404) -> Refused:
    name = kind.replace(".", " ").replace("_", " ")
    return Refused(status, f"No such {name}: '{id}'", param=param, code="resource_missing")


def declined(outcome: Any, **more: Any) -> Refused:
    """The 402 of a card that the issuer refused."""
    return Refused(402, outcome.message, "card_error", code=outcome.code, decline_code=outcome.decline_code, **more)
