"""The calls under `/_test`: JSON in and out, for programs that drive the stand-in."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from local.standin.problems import Problem
from local.standin.standin import Standin

Call = Callable[[dict[str, Any]], Any]


def blueprint(standin: Standin) -> Blueprint:
    calls = Blueprint("test_calls", __name__, url_prefix="/_test")
    table = _table(standin)

    @calls.route("/<path:name>", methods=["POST"])
    def call(name: str) -> Response:
        if name not in table:
            raise Problem(404, "no_such_call", f"No such test call: {name}")
        required, allowed, act = table[name]
        return jsonify(act(_read(required, allowed)))

    @calls.route("/events")
    def events() -> Response:
        return jsonify({"events": standin.events()})

    @calls.route("/state")
    def state() -> Response:
        return jsonify(standin.state())

    @calls.app_errorhandler(Problem)
    def problem(error: Problem) -> tuple[Response, int]:
        return jsonify(error.body), error.status
    return calls


def _table(standin: Standin) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], Call]]:
    """By name: what a call needs, what else it may be given, and what it does."""
    return {
        "pay": (("session", "card"), ("email", "name", "address", "phone", "confirm_3ds"),
                lambda asked: standin.pay(**asked)),
        "pay_invoice": (("invoice",), ("card", "confirm_3ds"), lambda asked: standin.pay_invoice(**asked)),
        "advance": (("to",), (), lambda asked: standin.advance(_seconds(asked["to"]))),
        "webhooks": (("mode",), (), lambda asked: _done(lambda: standin.set_webhooks(**asked), asked)),
        "webhooks/flush": ((), ("order", "times", "seed"), lambda asked: standin.flush(**asked)),
        "settle": ((), ("session", "charge", "refund"),
                   lambda asked: _done(lambda: standin.settle(**asked), {"settled": True})),
        "dispute": (("charge",), ("reason",), lambda asked: standin.dispute(**asked)),
        "dispute/close": (("dispute", "won"), (), lambda asked: standin.close_dispute(**asked)),
        "refund": ((), ("charge", "payment_intent", "amount"), lambda asked: standin.refund(**asked)),
        "card": (("customer", "card"), (), lambda asked: standin.change_card(**asked)),
        "fail": ((), ("method", "path", "status", "timeout", "take_effect", "times", "hold_seconds"),
                 lambda asked: vars(standin.fail(**asked))),
    }


def _done(act: Callable[[], None], answer: dict[str, Any]) -> dict[str, Any]:
    act()
    return answer


def _seconds(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Problem(400, "not_a_moment", "`to` is a moment in unix seconds.")
    return value


def _read(required: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, Any]:
    asked = request.get_json(force=True, silent=True)
    if not isinstance(asked, dict):
        raise Problem(400, "not_json", "Send a JSON object.")
    missing = [name for name in required if name not in asked]
    unknown = [name for name in asked if name not in required + allowed]
    if missing or unknown:
        raise Problem(400, "bad_parameters", f"missing: {missing}, unknown: {unknown}")
    return asked
