"""Idempotency keys as Stripe keeps them: the first answer is the answer, for a day."""

import json
from dataclasses import dataclass, field
from typing import Any

from local.standin.refusals import Refused
from local.standin.world import DAY

KEPT_FOR = DAY


@dataclass(frozen=True)
class Answer:
    """What goes back to the caller."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    fingerprint: str
    answer: Answer
    until: int


class Keys:
    """Answers by key. `begin` and `end` bracket the work, so that the same key in use elsewhere is a 409."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._in_use: set[str] = set()

    def begin(self, key: str, fingerprint: str, now: int) -> Answer | None:
        """The kept answer, if there is one. Raises Refused: 400 for other parameters, 409 while in use."""
        if key in self._in_use:
            raise Refused(409, "There is currently another in-progress request using this Stripe Idempotent Key "
                          "(that probably means you submitted twice, and the other request is still going through): "
                          f"{key}. Please try again later.", "idempotency_error", before_work=True,
                          code="idempotency_key_in_use")
        kept = self._kept.get(key)
        if kept and kept.until > now:
            if kept.fingerprint != fingerprint:
                raise Refused(400, "Keys for idempotent requests can only be used with the same parameters they were "
                              f"first used with. Try using a key other than '{key}' if you meant to execute a "
                              "different request.", "idempotency_error", before_work=True)
            return kept.answer
        self._in_use.add(key)
        return None

    def end(self, key: str) -> None:
        self._in_use.discard(key)

    def keep(self, key: str, fingerprint: str, answer: Answer, now: int) -> None:
        self._kept[key] = Kept(fingerprint, answer, now + KEPT_FOR)


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    return json.dumps([method, path, params], sort_keys=True, default=str)
