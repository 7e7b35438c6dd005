"""Email addresses as people type them, checked by rule and not by asking a mail server."""

from chalicelib.email_forms import on_the_wire
from chalicelib.errors import InvalidInput


def checked_email(text: str, field: str) -> str:
    """
    The address in its normal form. Raises InvalidInput, also for one to which no mail of ours can go.

    Whether it can receive mail is shown by receiving mail, so no name server
    is asked: a slow or lying one must not stop a gift.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - only where an address comes in

    try:
        address = validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as fault:
        raise InvalidInput(
            "That does not look like an email address.", code="email_invalid", field=field
        ) from fault
    if on_the_wire(address) is None:
        raise InvalidInput(
            "We cannot send mail to an address with letters such as é or ö before the @. Please use another one.",
            code="email_unreachable", field=field,
        )  # fmt: skip
    return address
