"""What the hosted pages share: reading what was typed, and saying what is missing."""

from flask import render_template
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from local.standin.prices import shown
from local.standin.problems import Problem
from local.standin.world import Thing

Page = Response | tuple[str, int] | str
CARD_FIELDS = ("card_number", "expiry", "cvc")


def over(problem: Problem, link: str | None = None) -> Page:
    return render_template("over.html", title="This page is over" if problem.status == 409 else "Nothing here",
                           message=str(problem), link=link), 410 if problem.status == 409 else problem.status


def wrong_in_card(typed: dict[str, str]) -> str | None:
    if not typed["card_number"]:
        return "Please enter your card number."
    if sum(each.isdigit() for each in typed["expiry"]) not in (3, 4, 6):
        return "Please enter when your card expires."
    if not (typed["cvc"].isdigit() and len(typed["cvc"]) in (3, 4)):
        return "Please enter your card's security code."
    return None


def typed_in(fields: tuple[str, ...], given: MultiDict[str, str] | dict[str, str]) -> dict[str, str]:
    return {name: (given.get(name) or "").strip() for name in fields}


def confirm_page(amount: int, currency: str, action: str) -> Page:
    return render_template("confirm.html", amount=shown(amount, currency), action=action)


def named(method: Thing | None) -> str | None:
    if method is None:
        return None
    kind = method["type"]
    return f"{method['card']['brand'].title() if kind == 'card' else 'bank account'} ending in {method[kind]['last4']}"
