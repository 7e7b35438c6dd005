"""One API request from its parameters to its answer: keys, mishaps, version, work."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.standin.expand import expanded
from local.standin.idempotency import Answer, Keys, fingerprint
from local.standin.mishaps import AnswerLost, Mishap, error
from local.standin.refusals import Refused
from local.standin.routing import find_route
from local.standin.world import API_VERSION, World

for _concept in ("balance", "charges", "checkout", "customers", "disputes", "events", "fraud_warnings",
                 "invoice_calls", "payment_methods", "portal", "prices", "refunds", "subscription_calls"):
    importlib.import_module(f"local.standin.{_concept}")

CHANGES = ("POST", "DELETE")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]
    id: str

    @property
    def key(self) -> str | None:
        """The idempotency key, which reading has no use for."""
        return self.headers.get("idempotency-key") if self.method in CHANGES else None


class Api:
    """Answers requests from the books, each key's work done once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mishaps: list[Mishap] = []
        self._keys = Keys()

    def answer(self, request: Request) -> Answer:
        """Raises AnswerLost when a mishap takes the answer away."""
        mishap = self._mishap_for(request)
        if request.key is None:
            return self._befallen(request, mishap, lambda answer: None)
        print_, now = fingerprint(request.method, request.path, request.params), self.world.now()
        try:
            kept = self._keys.begin(request.key, print_, now)
        except Refused as refused:
            return Answer(refused.status, refused.body)
        if kept and mishap and mishap.timeout:
            raise AnswerLost(mishap.hold_seconds)  # what was said before can be lost on its way as well
        if kept:
            return Answer(kept.status, kept.body, {"Idempotent-Replayed": "true"})
        return self._answer_once(request, request.key, print_, mishap)

    def _answer_once(self, request: Request, key: str, print_: str, mishap: Mishap | None) -> Answer:
        held = False
        try:
            return self._befallen(request, mishap,
                                  lambda answer: self._keys.keep(key, print_, answer, self.world.now()))
        except AnswerLost as lost:
            held = lost.hold_seconds > 0
            lost.release = lambda: self._keys.end(key)
            raise
        finally:
            if not held:
                self._keys.end(key)

    def _mishap_for(self, request: Request) -> Mishap | None:
        for mishap in self.mishaps:
            if mishap.befalls(request.method, request.path):
                mishap.times -= 1
                return mishap
        return None

    def _befallen(self, request: Request, mishap: Mishap | None, keep: Callable[[Answer], None]) -> Answer:
        """The work's answer, or what the mishap makes of it; `keep` is given what a key would replay."""
        if mishap is None:
            return self._work(request, keep)
        if mishap.timeout:
            if mishap.take_effect:
                self._work(request, keep)
            raise AnswerLost(mishap.hold_seconds)
        if mishap.take_effect:
            self._work(request, lambda answer: None)
        return _refusal(error(mishap.status or 500), keep)

    def _work(self, request: Request, keep: Callable[[Answer], None]) -> Answer:
        self.world.cause = {"id": request.id, "idempotency_key": request.key}
        try:
            _check_version(request.headers)
            route, ids = find_route(request.method, request.path)
            asked = route.read(request.params, "")
            thing = route.act(self.world, asked, **ids)
            answer = Answer(200, expanded(self.world, thing, asked.get("expand", [])))
            keep(answer)
            return answer
        except Refused as refused:
            return _refusal(refused, keep)
        finally:
            self.world.cause = None


def _refusal(refused: Refused, keep: Callable[[Answer], None]) -> Answer:
    answer = Answer(refused.status, refused.body)
    if not refused.before_work:
        keep(answer)
    return answer


def _check_version(headers: dict[str, str]) -> None:
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise Refused(400, f"Invalid Stripe API version: {version}. The stand-in speaks {API_VERSION} only.",
                      before_work=True)
