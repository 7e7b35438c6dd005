"""
Why a message could not be handled, kept for whoever finds it among the dead letters.

SQS lays aside what failed five times and says nothing of the cause. It keeps
the message's id, though, and under that id each failed try notes why:

    try 1 fails: noted ... try 5 fails: noted -> dead letter, same id -> `python -m ops letters`
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from chalice.app import SQSEvent

from chalicelib import items, keys, log
from chalicelib.clock import epoch_seconds, now

ROOT = Path(__file__).parents[1]
# Where our own code lies under ROOT. On Lambda the libraries lie there too, and they are not where a fault began.
OURS = ("app.py", "chalicelib", "local", "tests")
# A queue keeps a message for two weeks, counted from when it was first sent.
REMEMBERED = timedelta(days=15)
# Failed tries that need nobody's look.
HICCUPS = 1


class Cause(msgspec.Struct, frozen=True):
    """Why the last try failed that lived to say so, which one it was, and when."""

    cause: str
    tries: int
    at: str


def keep_cause(event: SQSEvent, handle: Callable[[SQSEvent], Any]) -> Any:
    """
    Handle a message; if that fails, note why and let Lambda see the failure all the same.

    One failed try is no alarm: two workers who meet at one receipt are one, and
    Stripe's hiccup is. Two are, also of a function that did not live to say why.
    """
    records = event.to_dict()["Records"]
    for record in records:
        if _tries(record) > HICCUPS + 1:
            log.alarm("message_keeps_failing", letter=record["messageId"], tries=_tries(record) - 1)
    try:
        return handle(event)
    except Exception as fault:
        for record in records:
            _note(str(record["messageId"]), _tries(record), cause_of(fault))
        raise


def cause(message_id: str) -> Cause | None:
    """Why this message failed. None if no try lived to say so: the function was ended, or could not start."""
    item = items.get(items.passing(), keys.passing("LETTER", message_id))
    return items.as_struct(item, Cause) if item else None


def cause_of(fault: BaseException) -> str:
    """
    The kind of a fault, its stable code, and where in our code it arose; of what was not understood the field too.

    Never its message: that may name a donor, and logs are read by more people
    than donors agreed to.
    """
    code = getattr(fault, "code", None) or _code_of_aws(fault)
    named = f"{type(fault).__name__} ({code})" if isinstance(code, str) and code else type(fault).__name__
    under = f" from {type(fault.__cause__).__name__}" if fault.__cause__ else ""
    ours = [frame for frame in traceback.extract_tb(fault.__traceback__) if _is_ours(frame.filename)]
    where = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    where = getattr(fault, "where", "") or where
    return f"{named}{under} at {where}" if where else f"{named}{under}"


def _tries(record: dict[str, Any]) -> int:
    """Which try this is; 0 if the queue does not say."""
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 0))


def _note(message_id: str, tries: int, why: str) -> None:
    log.note("message_failed", letter=message_id, tries=tries, cause=why)
    noted = items.as_item(keys.passing("LETTER", message_id), Cause(why, tries, keys.moment(now())))
    until = epoch_seconds() + int(REMEMBERED.total_seconds())
    try:
        items.put(items.passing(), noted | {"expires_at": until})
    except Exception as fault:  # noqa: BLE001 - what failed first may be the table itself; Lambda must see the first fault
        log.note("cause_not_kept", letter=message_id, cause=cause_of(fault))


def _code_of_aws(fault: BaseException) -> str:
    answer = getattr(fault, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def _is_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OURS
