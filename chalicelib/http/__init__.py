"""
The edge: read and validate input, turn domain errors into statuses, keep one error shape.

A view gets validated input and gives back data. Whether that becomes JSON, a
page or a redirect is decided here, by what the caller sent and accepts.
"""

from chalicelib.http.answering import CSV, JSON, Csv, Problem, finished, html, page_headers
from chalicelib.http.caller import FORM, SESSION_COOKIE, Caller, cookie, require_own_origin
from chalicelib.http.own_form import require_own_form
from chalicelib.http.reading import FormFields, plain_fields
from chalicelib.http.routes import CALLS, Answer, Call, Routes, prefers_html
from chalicelib.http.told_once import told_by

__all__ = [
    "CALLS",
    "CSV",
    "FORM",
    "JSON",
    "SESSION_COOKIE",
    "Answer",
    "Call",
    "Caller",
    "Csv",
    "FormFields",
    "Problem",
    "Routes",
    "cookie",
    "finished",
    "html",
    "page_headers",
    "plain_fields",
    "prefers_html",
    "require_own_form",
    "require_own_origin",
    "told_by",
]
