"""The Chalice app over HTTP, met as through API Gateway."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalGateway, RouteMatcher

from chalicelib.http import JSON, prefers_html
from local.cloud import description

LOG = logging.getLogger("local.site")
HTML = "text/html"
# API Gateway's own limit on a request's body:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
BODY_LIMIT_BYTES = 10 * 1024 * 1024
IDLE_SECONDS = 30


class SiteServer:
    """
    Serves `app` on 127.0.0.1. Many connections, one call at a time.

    Chalice keeps the current request on the app object, so two threads inside
    it would read each other's; Lambda gives each call a process of its own.
    """

    def __init__(self, app: Chalice, port: int) -> None:
        gateway = _Gateway(app)
        handler = type("Handler", (_Handler,), {"gateway": gateway, "turn": threading.Lock()})
        self._server = _Server(("127.0.0.1", port), handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        run = {"poll_interval": 0.05}
        threading.Thread(target=self._server.serve_forever, kwargs=run, name="site", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who left in the middle is nothing to report."""


class Refused(Exception):
    """What API Gateway answers by itself. `kind` is the gateway response's type in resources.json."""

    def __init__(self, kind: str, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(kind)
        self.kind, self.status, self.headers = kind, status, headers or {}


class _Gateway(LocalGateway):  # type: ignore[misc]
    """Routes as API Gateway does, and knows the caller's address."""

    def __init__(self, app: Chalice) -> None:
        super().__init__(app, Config())
        self._matcher, self._routes = RouteMatcher(list(app.routes)), app.routes
        self.source_ip = ""

    def check_route(self, method: str, target: str) -> None:
        """
        Raise Refused where no view is declared, before anything of ours runs.

        A method that a path does not have is 405 here; API Gateway does not
        tell it apart from a path that does not exist.
        """
        try:
            route = self._matcher.match_route(target).route
        except ValueError as fault:
            raise Refused("MISSING_AUTHENTICATION_TOKEN", 404) from fault
        if method not in self._routes[route]:
            raise Refused("MISSING_AUTHENTICATION_TOKEN", 405, {"Allow": ", ".join(sorted(self._routes[route]))})

    def _generate_lambda_event(self, *request: Any, **named: Any) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(*request, **named)
        event["requestContext"]["identity"]["sourceIp"] = self.source_ip
        return event


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "local", ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    gateway: ClassVar[_Gateway]
    turn: ClassVar[threading.Lock]

    def _answer(self) -> None:
        began = time.perf_counter()
        try:
            response = self._response()
        except Refused as refused:
            response = self._refusal(refused)
        except Exception:
            LOG.exception("%s: the app itself broke", self.command)
            response = self._refusal(Refused("DEFAULT_5XX", 502))
        # Said before it is sent, so that whoever has the answer finds the line.
        path, milliseconds = self.path.partition("?")[0], 1000 * (time.perf_counter() - began)
        LOG.info("%s %s %s %.0f ms", self.command, _printable(path), response["statusCode"], milliseconds)
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def _response(self) -> dict[str, Any]:
        body = self._body()
        target = f"/{self.path.lstrip('/')}"
        self.gateway.check_route(self.command, target)
        with self.turn:
            self.gateway.source_ip = self.client_address[0]
            return dict(self.gateway.handle_request(self.command, target, dict(self.headers), body))

    def _refusal(self, refused: Refused) -> dict[str, Any]:
        """API Gateway's own answer, in the form that the caller accepts."""
        kind = HTML if prefers_html(self.headers.get("Accept", "")) else JSON
        declared = description()["Resources"]["RestAPI"]["Properties"]["GatewayResponses"][refused.kind]
        body = declared["ResponseTemplates"][kind]
        if refused.status == 405 and kind == JSON:
            body = json.dumps({"error": {"code": "method_not_allowed", "message": "That cannot be done here."}})
        headers = {"Content-Type": kind, "Cache-Control": "no-store", **refused.headers}
        return {"statusCode": refused.status, "headers": headers, "body": body}

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            raise Refused("DEFAULT_4XX", 400)
        if int(length) > BODY_LIMIT_BYTES:
            self.close_connection = True
            raise Refused("REQUEST_TOO_LARGE", 413)
        return self.rfile.read(int(length))

    def _send(self, response: dict[str, Any]) -> None:
        status, body = response["statusCode"], response.get("body") or b""
        if response.get("isBase64Encoded"):
            body = base64.b64decode(body)
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, values in {**response["headers"], **response.get("multiValueHeaders", {})}.items():
            for value in values if isinstance(values, list) else [values]:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *about: Any) -> None:
        """Said once, by `_answer`, and without query strings: those of mails carry tokens."""


def _printable(path: str) -> str:
    """A path as one line of a log, however it was sent."""
    return "".join(letter if letter.isprintable() else "?" for letter in path)
