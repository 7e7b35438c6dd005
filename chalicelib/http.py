"""
The edge: read and validate input, turn domain errors into statuses, keep one error shape.

A view gets validated input and gives back data. Whether that becomes JSON, a
page or a redirect is decided here, by what the caller sent and accepts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib import charity, clock, plain_text, settings
from chalicelib.errors import Forbidden, GivingError, InvalidInput, NotSignedIn

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
# A gift with a long note is about 2 kB; nothing we take comes near this.
BODY_LIMIT_BYTES = 16_384
FORM_FIELDS_LIMIT = 60
FIELD_IN_MESSAGE = re.compile(r"at `\$\.(\w+)|field `(\w+)`")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
FormFields = dict[str, list[str]]


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as far as HTTP tells: the gateway's own word for the address, never a header the caller wrote."""

    ip: str
    origin: str
    cookies: Mapping[str, str]
    country: str = ""


class Answer(msgspec.Struct, frozen=True):
    """
    What a view gives back: data, and where a browser that sent a form goes next.

    `see_other` with a body: a form is answered by 303 there, JSON by the body.
    `see_other` without one: everybody is sent there. `page` is what a page
    is told besides the body; `template` is another page than the declared one.
    """

    body: Any = None
    status: int = 200
    see_other: str = ""
    cookies: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    page: dict[str, Any] = {}
    template: str = ""


class Call(msgspec.Struct, frozen=True):
    """One HTTP call as OpenAPI describes it."""

    method: str
    path: str
    takes: Any
    gives: Any
    status: int
    summary: str
    form: bool
    query: tuple[str, ...]
    hidden: bool


# Every call that was declared, for /openapi.json.
CALLS: list[Call] = []


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: a stable code, a sentence for people, and the field at fault if there is one."""

    code: str
    message: str
    field: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """The one shape of every error."""

    error: ErrorBody


class Routes(Blueprint):
    """A blueprint whose views take validated input, give data, and raise domain errors."""

    def route(  # type: ignore[override]  # noqa: PLR0913 - one named setting per line of the table of calls
        self,
        path: str,
        methods: tuple[Method, ...] = ("GET",),
        *,
        takes: type[msgspec.Struct] | None = None,
        gives: Any = None,
        status: int = 200,
        form: Callable[[FormFields], dict[str, Any]] | None = None,
        form_page: str = "",
        page: str = "",
        query: tuple[str, ...] = (),
        cors: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        Declare a view.

        `takes` is the type of its input, handed over as the argument `wanted`;
        `form` turns the fields of a plain form into that type's, and its
        presence lets the view take forms at all. `form_page` is shown again
        when a form is refused. `page` is the template that browsers get
        instead of JSON. `cors` lets the charity's other origins call it.
        """

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def guarded(**path_parameters: str) -> Response:
                exchange = _Exchange(self.current_request, form, form_page, page, cors=cors)
                return exchange.answer(view, takes, path_parameters)

            summary = (view.__doc__ or "").strip().split("\n")[0]
            for method in methods:
                CALLS.append(
                    Call(method, path, takes, gives, status, summary, form is not None, query, gives is None)
                )
            content_types = [JSON, FORM] if form else [JSON]
            super(Routes, self).route(path, methods=list(methods), content_types=content_types)(guarded)
            if cors:
                self._allow_preflight(path)
            return guarded

        return declare

    def _allow_preflight(self, path: str) -> None:
        def preflight(**_: str) -> Response:
            return Response(body="", status_code=204, headers={**_cors_headers(self.caller().origin)})

        super().route(path, methods=["OPTIONS"], name=f"preflight_{path}")(preflight)

    def caller(self) -> Caller:
        """Who is asking now."""
        return _caller(self.current_request)

    def query(self, name: str, default: str = "") -> str:
        """One query parameter, or `default`. More than 500 characters are refused."""
        asked = self.current_request.query_params
        value = str(asked.get(name, default)) if asked else default
        if len(value) > 500:
            raise InvalidInput("That is too long.", code="invalid", field=name)
        return plain_text.checked(value, name, cards=False)

    def raw_body(self) -> bytes:
        """The body as it was sent, for a signature to be checked."""
        return _bytes(self.current_request.raw_body)

    def header(self, name: str) -> str:
        """One request header, or an empty string."""
        return str(self.current_request.headers.get(name, ""))


class _Exchange:
    """One request on its way to an answer."""

    def __init__(
        self,
        request: Request,
        form: Callable[[FormFields], dict[str, Any]] | None,
        form_page: str,
        page: str,
        *,
        cors: bool,
    ) -> None:
        self.request, self.form, self.form_page, self.page, self.cors = request, form, form_page, page, cors
        self.sent_form = form is not None and _media_type(request) == FORM
        self.wants_html = bool(page or self.sent_form) and _prefers_html(request)
        self.fields: FormFields = {}

    def answer(
        self, view: Callable[..., Any], takes: type[msgspec.Struct] | None, arguments: dict[str, Any]
    ) -> Response:
        try:
            if takes:
                arguments = {**arguments, "wanted": self._read(takes)}
            given = view(**arguments)
            response = self._given(given if isinstance(given, Answer) else Answer(given))
        except GivingError as error:
            response = self._refused(error)
        if self.cors:
            response.headers.update(_cors_headers(_caller(self.request).origin))
        return response

    def _read(self, takes: type[msgspec.Struct]) -> Any:
        body = _bytes(self.request.raw_body)
        if len(body) > BODY_LIMIT_BYTES:
            raise InvalidInput("That is more than we can take.", code="too_long")
        if not self.sent_form:
            return read_json(body, takes)
        self.fields = read_form(body)
        assert self.form is not None
        return convert(self.form(self.fields), takes, strict=False)

    def _given(self, answer: Answer) -> Response:
        headers: dict[str, Any] = {**answer.headers}
        if answer.cookies:
            headers["Set-Cookie"] = list(answer.cookies)
        if answer.see_other and (self.sent_form or answer.body is None):
            return Response(body="", status_code=303, headers={**headers, "Location": answer.see_other})
        if self.wants_html and self.page:
            from chalicelib.site import pages  # noqa: PLC0415 - Jinja2 only where a page is asked for

            body = pages.render(answer.template or self.page, **{**_as_page(answer.body), **answer.page})
            return html(body, answer.status, headers)
        return json_response(answer.body, answer.status, headers)

    def _refused(self, error: GivingError) -> Response:
        if not self.wants_html:
            return problem_response(error)
        if isinstance(error, NotSignedIn):
            return Response(body="", status_code=303, headers={"Location": "/portal"})
        from chalicelib.site import pages  # noqa: PLC0415

        headers = _retry(error)
        shown = pages.form_again(self.form_page, self.fields, error) if self.form_page else pages.problem(error)
        return html(shown, error.status, headers)


def read_json(body: bytes, takes: type[msgspec.Struct]) -> Any:
    """
    Strict JSON of the given type. Raises InvalidInput naming the field.

    Refuses what Python's own parser lets through: NaN, numbers beyond
    a double, lone surrogates, and nesting that exhausts the stack.
    """
    try:
        value = msgspec.json.decode(body, type=takes)
    except msgspec.ValidationError as fault:
        raise _named(fault) from fault
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise InvalidInput("Send one JSON object.", code="json_invalid", field=_not_a_number(body)) from fault
    return plain_text.check_struct(value)


def _not_a_number(body: bytes) -> str | None:
    """The field that holds NaN or Infinity, which are no JSON though many programs write them."""
    found = re.search(rb'"(\w{1,40})"\s*:\s*-?(?:NaN|Infinity)\b', body)
    return found.group(1).decode("ascii", "replace") if found else None


def read_form(body: bytes) -> FormFields:
    """The fields of a plain form. Raises InvalidInput if it is not UTF-8 or has too many."""
    try:
        return parse_qs(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_LIMIT
        )
    except ValueError as fault:
        raise InvalidInput("That form cannot be read.", code="form_invalid") from fault


def convert(fields: Mapping[str, Any], takes: type[msgspec.Struct], *, strict: bool) -> Any:
    """The fields as the given type. Raises InvalidInput naming the field."""
    try:
        value = msgspec.convert(fields, takes, strict=strict)
    except msgspec.ValidationError as fault:
        raise _named(fault) from fault
    return plain_text.check_struct(value)


def plain_fields(fields: FormFields) -> dict[str, Any]:
    """A form's fields as they are, the last of each name, blank ones left out: what most forms need."""
    return {name: values[-1] for name, values in fields.items() if values[-1].strip()}


def json_response(body: Any, status: int, headers: Mapping[str, Any] | None = None) -> Response:
    """Data as JSON, never kept by a cache."""
    text = msgspec.json.encode(body).decode() if body is not None else ""
    return Response(text, {"Content-Type": JSON, "Cache-Control": "no-store", **(headers or {})}, status)


def html(body: str, status: int = 200, headers: Mapping[str, Any] | None = None) -> Response:
    """A page, with the policy that lets it load only our own files and send forms only to us and to Stripe."""
    return Response(body, {"Content-Type": "text/html; charset=utf-8", **page_headers(), **(headers or {})}, status)


def problem_response(error: GivingError) -> Response:
    """A domain error in the one error shape."""
    body = Problem(ErrorBody(error.code, error.message, error.field))
    return json_response(body, error.status, _retry(error))


def page_headers() -> dict[str, str]:
    """Headers of every page. Chromium applies form-action to the redirect too, so Stripe's pages are named."""
    stripe_pages = settings.current().stripe_api_base or "https://checkout.stripe.com https://billing.stripe.com"
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self' {stripe_pages}; base-uri 'none'; frame-ancestors 'none'; frame-src 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "DENY",
    }


def security_headers() -> dict[str, str]:
    """Headers of every answer, whatever it is."""
    always = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin"}
    if settings.current().secure:
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return always


def finished(response: Response) -> Response:
    """An answer as it leaves: with the headers of every answer, and Chalice's own refusals in our shape."""
    if isinstance(response.body, dict) and {"Code", "Message"} <= response.body.keys():
        response = _in_our_shape(response)
    for name, value in security_headers().items():
        response.headers.setdefault(name, value)
    return response


def _in_our_shape(response: Response) -> Response:
    codes = {405: "method_not_allowed", 415: "media_type_not_supported", 500: "internal_error"}
    body = ErrorBody(codes.get(response.status_code, "bad_request"), str(response.body["Message"]))
    allow = {"Allow": response.headers["Allow"]} if "Allow" in response.headers else {}
    return json_response(Problem(body), response.status_code, allow)


def cookie(name: str, value: str, *, seconds: int) -> str:
    """
    A Set-Cookie line for a cookie that scripts cannot read and other sites cannot send.

    On https it carries the `__Host-` prefix: https only, no domain, path `/`
    (RFC 6265bis). An empty value with 0 seconds takes it away.
    """
    secure = "; Secure" if settings.current().secure else ""
    return f"{cookie_name(name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def cookie_name(name: str) -> str:
    """The name under which our cookie travels: with `__Host-` on https, without it on a developer's http."""
    return f"__Host-{name}" if settings.current().secure else name


def require_own_origin(caller: Caller) -> None:
    """
    Raise Forbidden unless one of our own pages sent this.

    Every browser sends Origin with a request that changes something; the
    absence of one is refused too, for SameSite alone does not cover
    sibling subdomains.
    """
    if caller.origin not in settings.current().own_origins:
        raise Forbidden("This may only be done from our own pages.", code="origin_not_allowed")


def timestamp() -> str:
    """Now, as answers write it."""
    return clock.now().isoformat(timespec="seconds")


def _as_page(body: Any) -> dict[str, Any]:
    built = msgspec.to_builtins(body, builtin_types=()) if body is not None else {}
    return built if isinstance(built, dict) else {"items": built}


def _bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def _caller(request: Request) -> Caller:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(request.headers.get("cookie", ""))
    except CookieError:
        jar = SimpleCookie()
    prefix = "__Host-" if settings.current().secure else ""
    ours = {name.removeprefix(prefix): morsel.value for name, morsel in jar.items() if name.startswith(prefix)}
    return Caller(
        ip=str(request.context.get("identity", {}).get("sourceIp", "")),
        origin=str(request.headers.get("origin", "")),
        cookies=ours,
        country=str(request.headers.get("cloudfront-viewer-country", ""))[:2],
    )


def _cors_headers(origin: str) -> dict[str, str]:
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


def _retry(error: GivingError) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}


def _media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _prefers_html(request: Request) -> bool:
    accepts = str(request.headers.get("accept", ""))
    html_at, json_at = accepts.find("text/html"), accepts.find(JSON)
    return html_at >= 0 and (json_at < 0 or html_at < json_at)


def _named(fault: msgspec.ValidationError) -> InvalidInput:
    found = FIELD_IN_MESSAGE.search(str(fault))
    field = next((name for name in found.groups() if name), None) if found else None
    missing = "missing required field" in str(fault)
    reason = "is missing" if missing else "is not right"
    said = re.sub(r" - at `.*", "", str(fault)).replace("`", "")
    message = f"{field} {reason}." if missing and field else f"{field or 'The request'} {reason}: {said}."
    return InvalidInput(message, code="missing" if missing else "invalid", field=field)


def same_site_path(url: str, fallback: str) -> str:
    """`url` if it is a path of our own site, else `fallback`: a form may not send people elsewhere."""
    parts = urlsplit(url)
    return url if url.startswith("/") and not parts.netloc and not url.startswith("//") else fallback
