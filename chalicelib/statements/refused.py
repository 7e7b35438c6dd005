"""When what we hold lacks an element that the law requires: staff hear of it, and the donor reads the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import log
from chalicelib.errors import GivingError, MisconfiguredError


class NotIssued(GivingError):
    """A document that we must not issue as things stand; the donor has done nothing wrong and can do nothing."""

    status, code = 503, "document_not_issued"


@contextmanager
def told_to_staff() -> Iterator[None]:
    """Turn a lack on our side into an alarm for staff, who read what is missing, and an honest answer for the donor."""
    try:
        yield
    except MisconfiguredError as lack:
        log.alarm("document_refused", why=lack.message)
        raise NotIssued(
            "We cannot issue this document at the moment: something that it must hold is missing on our side. "
            "Your gifts are recorded, and our staff have been told."
        ) from lack
