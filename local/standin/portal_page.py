"""The hosted billing portal page."""

from typing import Any

from flask import redirect, render_template, request

from local.standin import cards, portal
from local.standin.forms_on_pages import CARD_FIELDS, Page, named, typed_in, wrong_in_card
from local.standin.problems import Problem
from local.standin.standin import Standin
from local.standin.world import Thing


def change_card(standin: Standin, id: str) -> Page:
    session = standin.read(lambda world: dict(portal.open_session(world, id)))
    typed, error = typed_in(CARD_FIELDS, request.form), None
    if request.method == "POST":
        error = wrong_in_card(typed) or _refused(lambda: standin.change_card(session["customer"], typed["card_number"]))
        if not error:
            return redirect(_after(session) or f"/p/session/{id}?changed=1", 303)
    current = standin.read(lambda world: named(portal.current_card(world, session["customer"])))
    return render_template("portal.html", session=session, typed=typed, error=error, current=current,
                           changed="changed" in request.args, sources=cards.SOURCES.values()), 402 if error else 200


def _after(session: Thing) -> str | None:
    after = (session["flow"] or {}).get("after_completion") or {}
    return after["redirect"]["return_url"] if after.get("redirect") else None


def _refused(act: Any) -> str | None:
    """The problem that the act met, in words."""
    try:
        act()
    except Problem as problem:
        return str(problem)
    return None
