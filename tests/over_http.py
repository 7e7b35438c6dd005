"""Calls as API Gateway makes them: the whole app, without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from chalice.config import Config
from chalice.local import LocalGateway

from chalicelib.clock import epoch_seconds
from chalicelib.guard import form_token
from chalicelib.http import Caller
from chalicelib.http.caller import OWN_FORM_FIELD
from chalicelib.http.own_form import own_form_token
from tests import mailed
from tests.giving_world import World

OWN = "http://127.0.0.1:8000"


class Answered(msgspec.Struct):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Gateway(LocalGateway):
    """Tells the app from which address a call comes, as API Gateway does."""

    ip = "127.0.0.1"

    def _generate_lambda_event(self, *request: Any, **named: Any) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(*request, **named)
        event["requestContext"]["identity"]["sourceIp"] = self.ip
        return event


def token_of_a_person(gift_id: str) -> str:
    """The token of a giving form that was shown a minute ago."""
    return form_token.issue(gift_id, shown_at=epoch_seconds() - 60)


class Site:
    """The app behind its gateway, with a browser's cookie jar."""

    def __init__(self) -> None:
        from app import app

        self._gateway = Gateway(app, Config())
        self.cookies: dict[str, str] = {}
        self.agent = ""

    def come_from(self, ip: str) -> None:
        """Make every later call from this address."""
        self._gateway.ip = ip

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answered:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookies, "User-Agent": self.agent, **(headers or {})}
        answer = self._gateway.handle_request(method, path, sent, body or None)
        headers_back = {name.lower(): value for name, value in answer["headers"].items()}
        for line in {name.lower(): lines for name, lines in answer["multiValueHeaders"].items()}.get("set-cookie", []):
            self._keep(line)
        return Answered(answer["statusCode"], headers_back, str(answer["body"] or ""))

    def get(self, path: str, accept: str = "application/json") -> Answered:
        return self.request("GET", path, headers={"Accept": accept})

    def post(self, path: str, body: Any = None, method: str = "POST", origin: str = OWN) -> Answered:
        """JSON from one of our own pages."""
        sent = json.dumps(_from_our_form(path, body) if body is not None else {}).encode()
        return self.request(method, path, sent, {"Content-Type": "application/json", "Origin": origin})

    def form(self, path: str, fields: dict[str, Any], origin: str = OWN) -> Answered:
        """A plain form, as a browser without JavaScript sends it: with the hidden field of this session's pages."""
        mine = {OWN_FORM_FIELD: own_form_token(Caller("", "", self.cookies))}
        sent = urlencode({**mine, **_from_our_form(path, fields)}, doseq=True).encode()
        head = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html,*/*", "Origin": origin}
        return self.request("POST", path, sent, head)

    def sign_in(self, giving: World, email: str) -> None:
        """Ask for the mail and press the button in it."""
        self.post("/portal/sign-in", {"email": email})
        giving.work()
        token = mailed.token(giving.mails("Sign in")[-1].text)
        assert self.post("/portal/session", {"token": token}).status == 201

    def _keep(self, line: str) -> None:
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0]
        if value:
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)


def _from_our_form(path: str, sent: Any) -> Any:
    """A gift carries the token of the form that it was typed into, unless a test says another."""
    if path != "/gifts" or not isinstance(sent, dict) or "form_token" in sent:
        return sent
    return {**sent, "form_token": token_of_a_person(str(sent.get("gift_id")))}


@pytest.fixture
def site(giving: World) -> Iterator[Site]:
    """The app, answering in the miniature charity."""
    yield Site()
