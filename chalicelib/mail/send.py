"""One mail, built from its folder of templates and handed to SES in one attempt."""

from __future__ import annotations

import functools
import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import aws, charity, settings
from chalicelib.clock import now
from chalicelib.email_forms import on_the_wire
from chalicelib.errors import GivingError

if TYPE_CHECKING:
    from jinja2 import Environment

MESSAGES = Path(__file__).with_name("messages")
# SES refuses these outright: nothing was sent. Everything else may have been.
# Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
REFUSALS = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "LimitExceededException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
        "SendingPausedException",
        "TooManyRequestsException",
        "ThrottlingException",
    }
)


class NotSent(GivingError):
    """SES said no: this mail was certainly not sent."""

    status, code = 503, "mail_not_sent"


def can_reach(to: str) -> bool:
    """Whether SES can carry mail to this address at all: it has to be ASCII on the wire."""
    return on_the_wire(to) is not None


def send(mail: str, about: str, to: str, context: dict[str, Any], *, possible_duplicate: bool = False) -> None:
    """Send one mail. Raises NotSent if SES refused; any other error leaves open whether it went out."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    message = build(mail, to, context, possible_duplicate=possible_duplicate)
    tags = [{"Name": "mail", "Value": mail}, {"Name": "about", "Value": re.sub(r"[^A-Za-z0-9_-]", "-", about)[:256]}]
    options = settings.current().mail_configuration_set
    try:
        aws.ses().send_email(
            FromEmailAddress=charity.current().mail.sender,
            Destination={"ToAddresses": [_on_the_wire(to)]},
            Content={"Raw": {"Data": message.as_bytes(policy=SMTP)}},
            EmailTags=tags,  # type: ignore[arg-type]
            **({"ConfigurationSetName": options} if options else {}),  # type: ignore[arg-type]
        )
    except ClientError as fault:
        if fault.response.get("Error", {}).get("Code") in REFUSALS:
            raise NotSent("The mail was not accepted.") from fault
        raise


def build(mail: str, to: str, context: dict[str, Any], *, possible_duplicate: bool = False) -> EmailMessage:
    """The mail as MIME: plain text first, HTML beside it, an unsubscribe header where the context brings one."""
    given = {"possible_duplicate": possible_duplicate, "charity": charity.current(), **context}
    message = EmailMessage()
    message["From"] = charity.current().mail.sender
    message["Reply-To"] = charity.current().mail.reply_to
    message["To"] = _on_the_wire(to)
    message["Date"] = format_datetime(now())
    message["Subject"] = " ".join(_render(f"{mail}/subject.txt", given).split())
    message["Auto-Submitted"] = "auto-generated"
    if possible_duplicate:
        message["X-Possible-Duplicate"] = "yes"
    if "unsubscribe_url" in context:
        # One click, no questions: https://www.rfc-editor.org/rfc/rfc8058
        message["List-Unsubscribe"] = f"<{context['unsubscribe_url']}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_render(f"{mail}/body.txt", given))
    message.add_alternative(_render(f"{mail}/body.html", given), subtype="html")
    return message


def _on_the_wire(to: str) -> str:
    """Else the header would hold the name in MIME's own code, which is another mailbox."""
    address = on_the_wire(to)
    assert address is not None, "can_reach() first"
    return address


def _render(template: str, context: dict[str, Any]) -> str:
    return _templates().get_template(template).render(context)


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(MESSAGES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = _day
    return environment


def _day(moment: Any) -> str:
    """As the site writes it, the same for donors of every country: "10 April 2026"."""
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(moment, format="long", locale="en_GB")
