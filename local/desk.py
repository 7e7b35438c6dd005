"""
The desk, where a developer sees what donors and the processor would.

Pages for people, JSON for programs: `Accept` decides. Nothing here is
shipped, and nothing here writes to the ledger.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import requests
from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

from chalicelib import aws, letters, settings
from local import mailbox
from local.cloud import Cloud
from local.mailbox import Mail
from local.time_machine import TimeMachine
from ops.dead_letters import QUEUES, about

JUMPS = {"an hour": 3600, "a day": 86_400, "a week": 7 * 86_400, "a month": 31 * 86_400, "a year": 366 * 86_400}
# A year of renewals is delivered, recorded and mailed one by one.
TRAVEL_TIMEOUT_SECONDS = 300
WORDS = {
    "PROFILE": "donors",
    "GIFT": "gifts",
    "PARTNER": "partnerships",
    "STATEMENT": "statements",
    "MAIL": "mails about money",
    "POINTER": "pointers",
}
SHOWN_IN_BOOKS = ("charges", "refunds", "disputes", "subscriptions")


class Desk:
    """Serves the desk on 127.0.0.1. `stripe` is the stand-in's address, or empty without one."""

    def __init__(self, cloud: Cloud, machine: TimeMachine, port: int, site: str, stripe: str) -> None:
        app = _app(cloud, machine, site, stripe)
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        run = {"poll_interval": 0.05}
        threading.Thread(target=self._server.serve_forever, kwargs=run, name="desk", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the site's own lines are what one reads."""


def _app(cloud: Cloud, machine: TimeMachine, site: str, stripe: str) -> Flask:
    app = Flask(__name__, template_folder="templates/desk")
    app.jinja_env.filters["money"] = _money
    app.jinja_env.filters["moment"] = _moment
    app.jinja_env.filters["links_leave_the_frame"] = _links_leave_the_frame
    app.context_processor(lambda: {"site": site, "stripe": stripe, "now": machine.now(), "jumps": JUMPS})

    @app.get("/")
    def home() -> Any:
        seen = _overview(cloud, stripe)
        return render_template("home.html", **seen) if _wants_page() else jsonify(seen)

    @app.get("/mail")
    def mails() -> Any:
        sent = _mails(cloud)
        if _wants_page():
            return render_template("mailbox.html", mails=sent)
        return jsonify(msgspec.to_builtins(sent))

    @app.get("/mail/<int:number>")
    def mail(number: int) -> Any:
        sent = _mails(cloud)
        if not 1 <= number <= len(sent):
            abort(404)
        if not _wants_page():
            return jsonify(msgspec.to_builtins(sent[number - 1]))
        return render_template("mail.html", mail=sent[number - 1], number=number, last=len(sent))

    @app.post("/time")
    def travel() -> Any:
        moment = _wanted_moment(machine.now())
        said = _travel(stripe, moment) if moment else "Give a date to travel to."
        return redirect(f"/?said={quote(said)}", 303)

    @app.after_request
    def keep_still(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _overview(cloud: Cloud, stripe: str) -> dict[str, Any]:
    """What the home page shows, and what a program gets of it."""
    return {
        "mails": msgspec.to_builtins(_mails(cloud)),
        "dead_letters": cloud.dead_letters(),
        "causes": _causes(cloud),
        "ledger": _ledger_counts(),
        "books": _books(stripe),
        "shown_in_books": SHOWN_IN_BOOKS,
    }


def _causes(cloud: Cloud) -> list[dict[str, str]]:
    """What each dead letter is about, and why it lies there."""
    lie = cloud.dead_messages()
    return [
        {"about": about(queue, letter.body), "cause": known.cause if known else ""}
        for queue in QUEUES
        for letter in lie[f"{queue.capitalize()}DeadLetters"]
        for known in [letters.cause(letter.message_id)]
    ]


def _mails(cloud: Cloud) -> list[Mail]:
    return [mailbox.parse(raw) for raw in cloud.raw_mails()]


def _books(stripe: str) -> dict[str, Any]:
    """The stand-in's own view of what was paid; empty without a stand-in or while it is away."""
    if not stripe:
        return {}
    try:
        return dict(requests.get(f"{stripe}/_test/state", timeout=5).json())
    except (requests.RequestException, ValueError):
        return {}


def _ledger_counts() -> dict[str, int]:
    """How many of each kind of item our own tables hold."""
    names = settings.current()
    kinds = Counter(_kind(key) for key in _keys_of(names.giving_table))
    kinds.update("sign-ups" for _ in _keys_of(names.signups_table))
    return dict(sorted(kinds.items()))


def _keys_of(table: str) -> Iterator[dict[str, str]]:
    pages = aws.dynamodb().get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
    for page in pages:
        for item in page["Items"]:
            yield {name: value["S"] for name, value in item.items()}


def _kind(key: dict[str, str]) -> str:
    """A word for people: `FACT#2026-11-24T12:00:00Z#ch_1#payment#ch_1` is a payment."""
    kind, _, rest = key["sk"].partition("#")
    if kind == "FACT":
        return f"facts: {rest.split('#')[2]}"
    return WORDS.get(kind, kind.lower())


def _travel(stripe: str, moment: datetime) -> str:
    if not stripe:
        return "Stripe itself keeps the time here; use its test clocks."
    try:
        wanted = {"to": int(moment.timestamp())}
        answer = requests.post(f"{stripe}/_test/advance", json=wanted, timeout=TRAVEL_TIMEOUT_SECONDS)
    except requests.RequestException as fault:
        return f"The stand-in did not answer: {type(fault).__name__}."
    return f"It is now {_moment(moment)}." if answer.ok else f"The stand-in would not go there ({answer.status_code})."


def _wanted_moment(now: datetime) -> datetime | None:
    """The moment that the form names: some seconds ahead, or a date and time in UTC. None if it names neither."""
    try:
        if seconds := request.form.get("seconds"):
            return now + timedelta(seconds=int(seconds))
        return datetime.fromisoformat(request.form.get("to", "")).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _wants_page() -> bool:
    best = request.accept_mimetypes.best_match(["application/json", "text/html"], default="application/json")
    return best == "text/html"


def _links_leave_the_frame(html: str) -> str:
    """A link pressed in the framed mail opens in the whole window, as in a mail program."""
    return html.replace("<head>", '<head><base target="_top">', 1)


def _money(minor: int | None, currency: str) -> str:
    from chalicelib.money import Money, in_words

    return in_words(Money(minor or 0, currency))


def _moment(at: datetime | int | str) -> str:
    if isinstance(at, str):
        return at[:16].replace("T", " ")
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%d %H:%M")
