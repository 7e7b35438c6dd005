"""The stand-in on a port: Stripe's API, the hosted pages and the test calls."""

import base64
import json
import socket
import threading
import time
from typing import Any

import requests
from flask import Flask, Response, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local.standin import pages, test_calls
from local.standin.forms import decode
from local.standin.idempotency import Answer
from local.standin.mishaps import AnswerLost
from local.standin.refusals import Refused
from local.standin.standin import Standin
from local.standin.webhooks import Post

SITE_ANSWERS_WITHIN = 20
LOOKS_AROUND_EVERY = 0.25
TEST_KEYS = ("sk_test_", "rk_test_")


class Serving:
    """A stand-in that is being served. `shutdown()` stops its port and its deliveries."""

    def __init__(self, standin: Standin, server: BaseWSGIServer) -> None:
        self.standin, self.port = standin, server.server_port
        self.url = f"http://{server.host}:{server.server_port}"
        self._server, self._over = server, threading.Event()
        self._threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True),
                         threading.Thread(target=self._keep_up, daemon=True)]
        for each in self._threads:
            each.start()

    def _keep_up(self) -> None:
        while not self._over.is_set():
            self.standin.something_to_do.wait(LOOKS_AROUND_EVERY)
            self.standin.something_to_do.clear()
            if not self._over.is_set():
                self.standin.tick()

    def shutdown(self) -> None:
        self._over.set()
        self.standin.something_to_do.set()
        self._server.shutdown()
        for each in self._threads:
            each.join()
        self._server.server_close()


def serve(standin: Standin, host: str = "127.0.0.1", port: int = 12111) -> Serving:
    """Serve on this port, or on a free one for 0; the stand-in's own links point there."""
    server = make_server(host, port, app_for(standin), threaded=True, request_handler=_Quiet)
    standin.world.url = f"http://{host}:{server.server_port}"
    return Serving(standin, server)


def post_to(url: str) -> Post:
    """Deliver webhooks to this address over HTTP."""
    session = requests.Session()
    session.trust_env = False

    def post(body: bytes, headers: dict[str, str]) -> int:
        answer = session.post(url, data=body, headers=headers, timeout=SITE_ANSWERS_WITHIN, allow_redirects=False)
        return answer.status_code
    return post


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """
    Head and body leave in two writes; waiting between them costs 40 ms an answer.

    Connections are closed after each answer, as werkzeug does it: kept open,
    it would read the next request away while it empties the present one.
    """

    def log_request(self, *_: Any, **__: Any) -> None:
        """One line a call would drown what the site says."""


def app_for(standin: Standin) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(pages.blueprint(standin))
    app.register_blueprint(test_calls.blueprint(standin))

    @app.before_request
    def read_in_full() -> None:
        request.get_data()

    @app.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
    def api(rest: str) -> Response:
        return _as_response(_answer(standin, f"/v1/{rest}"))
    return app


def _answer(standin: Standin, path: str) -> Answer:
    try:
        _let_in(request.headers.get("Authorization", ""))
        body = request.get_data(as_text=True) if request.method == "POST" else ""
        query = request.query_string.decode()
        params = decode("&".join(each for each in (query, body) if each))
        return standin.request(request.method, path, params, dict(request.headers))
    except Refused as refused:
        return Answer(refused.status, refused.body)
    except AnswerLost as lost:
        _break_off(lost)
        raise


def _let_in(authorization: str) -> None:
    """Any test key opens the door, given as bearer or as the user of basic authentication."""
    kind, _, given = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if not given:
        raise Refused(401, "You did not provide an API key. You need to provide your API key in the Authorization "
                      "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
    if not given.startswith(TEST_KEYS):
        raise Refused(401, f"Invalid API Key provided: {given[:3]}****{given[-4:]}")


def _break_off(lost: AnswerLost) -> None:
    """Drop the connection without an answer, after keeping the caller waiting."""
    time.sleep(lost.hold_seconds)
    lost.release()
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


def _as_response(answer: Answer) -> Response:
    return Response(json.dumps(answer.body, indent=2), answer.status, answer.headers, mimetype="application/json")
