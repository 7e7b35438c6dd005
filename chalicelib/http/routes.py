"""Views that take validated input, give data, and raise domain errors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib import plain_text
from chalicelib.errors import ChallengeAsked, GivingError, InvalidInput
from chalicelib.http.answering import (
    JSON,
    Csv,
    cors_headers,
    csv_response,
    html,
    json_response,
    page_headers,
    problem_response,
    retry_header,
    see_other,
)
from chalicelib.http.caller import FORM, Caller, caller_of, media_type
from chalicelib.http.own_form import with_own_token
from chalicelib.http.reading import BODY_LIMIT_BYTES, FormFields, convert, read_form, read_json
from chalicelib.http.told_once import COOKIE as TOLD
from chalicelib.http.told_once import forgotten, told, told_by

# Where a browser is led that is not signed in, or not recently enough. A sign-in that failed is told at its own form.
LED_TO = {"not_signed_in": "/portal", "sign_in_again": "/portal/sign-in?again=yes"}

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Answer(msgspec.Struct, frozen=True):
    """
    What a view gives back: data, and where a browser that sent a form goes next.

    `see_other` with a body: a form is answered by 303 there, JSON by the body.
    `see_other` without one: everybody is sent there. `page` is what a page
    is told besides the body; `template` is another page than the declared one.
    `told` is what the page that a form leads to says once; that page gets it
    as `told`.
    """

    body: Any = None
    status: int = 200
    see_other: str = ""
    cookies: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    page: dict[str, Any] = {}
    template: str = ""
    told: str = ""


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


# What is shown of a refused form, given why: a page's data and its template. None: just what went wrong.
Again = Callable[..., Answer | None]

# Every call that was declared, for /openapi.json.
CALLS: list[Call] = []


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
        again: Again | None = None,
        page: str = "",
        query: tuple[str, ...] = (),
        cors: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        Declare a view.

        `takes` is the type of its input, handed over as the argument `wanted`;
        `form` turns the fields of a plain form into that type's, and its
        presence lets the view take forms at all. When a form is refused,
        `form_page` is shown again; or, where the page holds more than the form,
        what `again` gives for the refusal and the parameters of the path, if
        anything. `page` is the template that browsers get instead of JSON.
        `cors` lets the charity's other origins call it.
        """

        def declare(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def guarded(**path_parameters: str) -> Response:
                exchange = _Exchange(self.current_request, form, form_page, again, page, cors=cors)
                return exchange.answer(view, takes, path_parameters)

            summary = (view.__doc__ or "").strip().split("\n")[0]
            CALLS.extend(
                Call(method, path, takes, gives, status, summary, form is not None, query, gives is None)
                for method in methods
            )
            content_types = [JSON, FORM] if form else [JSON]
            super(Routes, self).route(path, methods=list(methods), content_types=content_types)(guarded)
            if cors:
                self._allow_preflight(path)
            return guarded

        return declare

    def _allow_preflight(self, path: str) -> None:
        def preflight(**_: str) -> Response:
            return Response(body="", status_code=204, headers={**cors_headers(self.caller().origin)})

        super().route(path, methods=["OPTIONS"], name=f"preflight_{path}")(preflight)

    def caller(self) -> Caller:
        """Who is asking now."""
        return caller_of(self.current_request)

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
        again: Again | None,
        page: str,
        *,
        cors: bool,
    ) -> None:
        self.request, self.form, self.page, self.cors = request, form, page, cors
        self.form_page, self.again = form_page, again
        self.sent_form = form is not None and media_type(request) == FORM
        self.wants_html = bool(page or self.sent_form) and prefers_html(str(request.headers.get("accept", "")))
        self.fields: FormFields = {}

    def answer(
        self, view: Callable[..., Any], takes: type[msgspec.Struct] | None, arguments: dict[str, Any]
    ) -> Response:
        try:
            wanted = {"wanted": self._read(takes)} if takes else {}
            given = view(**arguments, **wanted)
            response = self._given(given if isinstance(given, Answer) else Answer(given))
        except GivingError as error:
            response = self._refused(error, arguments)
        if self.cors:
            response.headers.update(cors_headers(caller_of(self.request).origin))
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
        headers = {**answer.headers, **_set_cookies(*answer.cookies)}
        if answer.see_other and (self.sent_form or answer.body is None):
            saying = (told_by(caller_of(self.request), answer.told),) if answer.told else ()
            return see_other(answer.see_other, {**headers, **_set_cookies(*answer.cookies, *saying)})
        if isinstance(answer.body, Csv):
            return csv_response(answer.body, headers)
        if self.wants_html and self.page:
            return self._page(answer, headers)
        return json_response(answer.body, answer.status, headers)

    def _page(self, answer: Answer, headers: dict[str, Any]) -> Response:
        from chalicelib.site import pages  # noqa: PLC0415 - Jinja2 only where a page is asked for

        caller = caller_of(self.request)
        if TOLD in caller.cookies:
            headers |= _set_cookies(*answer.cookies, forgotten())
        body = pages.render(answer.template or self.page, **{"told": told(caller), **_data(answer)})
        return html(with_own_token(body, caller), answer.status, headers)

    def _refused(self, error: GivingError, named: dict[str, str]) -> Response:
        if not self.wants_html:
            return problem_response(error)
        try:
            again = self.again(error, **named) if self.again and error.code not in LED_TO else None
        except GivingError as further:  # such as: whoever sent what cannot be read is not signed in either
            error, again = further, None
        if error.code in LED_TO:
            return see_other(LED_TO[error.code])
        headers = {**retry_header(error), **(page_headers(challenge=True) if isinstance(error, ChallengeAsked) else {})}
        return html(with_own_token(self._saying(error, again), caller_of(self.request)), error.status, headers)

    def _saying(self, error: GivingError, again: Answer | None) -> str:
        """The page that says what is wrong."""
        from chalicelib.site import pages  # noqa: PLC0415

        if again:
            return pages.page_again(again.template, self.fields, error, _data(again))
        return pages.form_again(self.form_page, self.fields, error) if self.form_page else pages.problem(error)


def _set_cookies(*lines: str) -> dict[str, Any]:
    return {"Set-Cookie": list(lines)} if lines else {}


def _data(answer: Answer) -> dict[str, Any]:
    """What a page is told of an answer."""
    return {**_as_page(answer.body), **answer.page}


def _as_page(body: Any) -> dict[str, Any]:
    built = msgspec.to_builtins(body, builtin_types=()) if body is not None else {}
    return built if isinstance(built, dict) else {"items": built}


def _bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def prefers_html(accepts: str) -> bool:
    """Whether an Accept header is a browser's that wants a page, rather than a program's."""
    html_at, json_at = accepts.find("text/html"), accepts.find(JSON)
    return html_at >= 0 and (json_at < 0 or html_at < json_at)
