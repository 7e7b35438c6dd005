"""The calls of the donor portal about where its donor is signed in."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from chalicelib.clock import epoch_seconds
from chalicelib.guard import rate_limit
from chalicelib.http import Answer, Caller, Routes, plain_fields
from chalicelib.portal import sessions
from chalicelib.portal.sessions import Session

routes = Routes(__name__)


class SessionView(msgspec.Struct, frozen=True):
    """One browser in which the donor is signed in; `this` is the one that asks."""

    session_id: str
    device: str
    began_at: datetime
    seen_at: datetime
    this: bool


class SessionList(msgspec.Struct, frozen=True):
    """The open sessions: this one, then the others, the one last seen first. There is never a next page."""

    sessions: list[SessionView]
    next: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


@routes.route("/portal/sessions", gives=SessionList, page="portal/sessions.html")
def list_sessions() -> Answer:
    """Where the donor is signed in."""
    caller = routes.caller()
    found = sessions.of_donor(sessions.donor(caller))
    this = sessions.id_of(caller)
    views = [_view(name, session, this) for name, session in found.items()]
    listed = sorted(views, key=lambda view: not view.this)
    return Answer(SessionList(listed), page={"now": epoch_seconds()})


@routes.route("/portal/sessions/end-others", methods=("POST",), gives=Ended, form=plain_fields)
def end_other_sessions() -> Answer:
    """End every session but this one. Wants a sign-in of the last 10 minutes."""
    caller = routes.caller()
    return _ended(sessions.end_all(_donor(caller), but=caller))


@routes.route("/portal/sessions/{session_id}", methods=("DELETE",), gives=Ended)
def end_session(session_id: str) -> Answer:
    """End one session. Wants a sign-in of the last 10 minutes, unless it is this one."""
    return _end(session_id)


@routes.route("/portal/sessions/{session_id}/end", methods=("POST",), gives=Ended, form=plain_fields)
def end_session_by_form(session_id: str) -> Answer:
    """End one session, for a form, which can only POST."""
    return _end(session_id)


def _end(session_id: str) -> Answer:
    caller = routes.caller()
    if session_id == sessions.id_of(caller):
        sessions.donor_changing(caller)
        return Answer(Ended(1), see_other="/portal", cookies=(sessions.end(caller),))
    sessions.end_one(_donor(caller), session_id)
    return _ended(1)


def _donor(caller: Caller) -> str:
    """
    Who may end another browser's session: whoever can open the mailbox now.

    OWASP ASVS 5.0, V7.5.2: else whoever found this browser unlocked could
    shut its donor out everywhere else.
    """
    donor_id = sessions.donor_recently(caller)
    rate_limit.allow("portal_change", donor=donor_id, ip=caller.ip)
    return donor_id


def _ended(number: int) -> Answer:
    return Answer(Ended(number), see_other="/portal/sessions", told="session_ended")


def _view(name: str, session: Session, this: str) -> SessionView:
    began, seen = (datetime.fromtimestamp(moment, UTC) for moment in (session.began, session.seen))
    return SessionView(name, session.device, began, seen, this=name == this)
