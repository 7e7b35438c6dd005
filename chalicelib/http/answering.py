"""Output: JSON, pages, the one error shape, and the headers of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib import charity, settings
from chalicelib.errors import GivingError

JSON = "application/json"
CSV = "text/csv"


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: a stable code, a sentence for people, and the field at fault if there is one."""

    code: str
    message: str
    field: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """The one shape of every error."""

    error: ErrorBody


class Csv(msgspec.Struct, frozen=True):
    """A CSV file to be saved under a name of letters, digits, dots and dashes."""

    filename: str
    text: str


def csv_response(file: Csv, headers: Mapping[str, Any] | None = None) -> Response:
    """The file as a download, never kept by a cache."""
    named = f'attachment; filename="{file.filename}"'
    about = {"Content-Type": f"{CSV}; charset=utf-8; header=present", "Content-Disposition": named}
    return Response(file.text, {**about, "Cache-Control": "no-store", **(headers or {})})


def json_response(body: Any, status: int, headers: Mapping[str, Any] | None = None) -> Response:
    """Data as JSON, never kept by a cache."""
    text = msgspec.json.encode(body).decode() if body is not None else ""
    return Response(text, {"Content-Type": JSON, "Cache-Control": "no-store", **(headers or {})}, status)


def html(body: str, status: int = 200, headers: Mapping[str, Any] | None = None) -> Response:
    """A page, with the policy that lets it load only our own files and send forms only to us and to Stripe."""
    return Response(body, {"Content-Type": "text/html; charset=utf-8", **page_headers(), **(headers or {})}, status)


def see_other(location: str, headers: Mapping[str, Any] | None = None) -> Response:
    """Send the browser on. Where to may be a secret, such as a link to a PDF, so no cache keeps it."""
    return Response("", {**(headers or {}), "Location": location, "Cache-Control": "no-store"}, 303)


def problem_response(error: GivingError) -> Response:
    """A domain error in the one error shape."""
    body = Problem(ErrorBody(error.code, error.message, error.field))
    return json_response(body, error.status, retry_header(error))


def finished(response: Response) -> Response:
    """An answer as it leaves: with the headers of every answer, and Chalice's own refusals in our shape."""
    if isinstance(response.body, dict) and {"Code", "Message"} <= response.body.keys():
        response = _in_our_shape(response)
    for name, value in security_headers().items():
        response.headers.setdefault(name, value)
    return response


def page_headers(*, challenge: bool = False) -> dict[str, str]:
    """
    Headers of every page. Chromium applies form-action to the redirect too, so Stripe's pages are named.

    Only the page that puts a `challenge` may load its script and frame.
    Source: https://developers.cloudflare.com/turnstile/reference/content-security-policy/
    """
    widget = " https://challenges.cloudflare.com" if challenge else ""
    stripe_pages = settings.current().stripe_api_base or "https://checkout.stripe.com https://billing.stripe.com"
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'{widget}; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self' {stripe_pages}; base-uri 'none'; frame-ancestors 'none'; frame-src 'self'{widget}"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
    }


def security_headers() -> dict[str, str]:
    """
    Headers of every answer, whatever it is.

    Nobody else learns which of our pages a visitor comes from. Stricter, and
    browsers would send our own forms with `Origin: null`.
    """
    always = {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
    }
    if settings.current().secure:
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return always


def cors_headers(origin: str) -> dict[str, str]:
    """What lets a page of the charity's other origins call us: each by name, never `*`."""
    allowed = {*charity.current().allowed_origins, *settings.current().own_origins}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }


def retry_header(error: GivingError) -> dict[str, str]:
    """When to come back, if waiting helps."""
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}


def _in_our_shape(response: Response) -> Response:
    codes = {405: "method_not_allowed", 415: "media_type_not_supported", 500: "internal_error"}
    body = ErrorBody(codes.get(response.status_code, "bad_request"), str(response.body["Message"]))
    allow = {"Allow": response.headers["Allow"]} if "Allow" in response.headers else {}
    return json_response(Problem(body), response.status_code, allow)
