"""
The token in every form of the portal: it shows that the form came with a page of this very session.

Third behind SameSite and Origin. Made from the session's cookie and a secret
of ours, so there is nothing to keep, and a new sign-in makes the old ones useless.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from chalicelib import settings
from chalicelib.errors import Forbidden
from chalicelib.http.caller import OWN_FORM_FIELD, SESSION_COOKIE, Caller

# A form of ours that changes something. What people typed is escaped and can hold no "<".
CHANGING_FORM = re.compile(r'<form\b(?=[^>]*\bmethod="post")(?=[^>]*\baction="/portal)[^>]*>')


def own_form_token(caller: Caller) -> str:
    """The token of the caller's session, or an empty text if there is none."""
    session = caller.cookies.get(SESSION_COOKIE, "")
    if not session:
        return ""
    secret = settings.current().token_secret.encode()
    return hmac.digest(secret, f"portal form {session}".encode(), hashlib.sha256).hex()


def with_own_token(page: str, caller: Caller) -> str:
    """
    The page with the token in each form that changes something in the portal.

    Put in here and not in the templates, so that no form can be made without.
    """
    token = own_form_token(caller)
    field = f'<input type="hidden" name="{OWN_FORM_FIELD}" value="{token}">'
    return CHANGING_FORM.sub(lambda form: form[0] + field, page) if token else page


def require_own_form(caller: Caller) -> None:
    """
    Raise Forbidden if a form was sent that is not of this session's pages.

    For JSON the Origin is enough: no plain form can send it.
    """
    if caller.form_token is None:
        return
    if not hmac.compare_digest(caller.form_token, own_form_token(caller)):
        raise Forbidden(
            "This page was opened before your last sign-in. Please open it again and repeat what you did.",
            code="form_not_ours",
        )
