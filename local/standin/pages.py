"""Addresses of the hosted pages, which are plain forms that need no script."""

from typing import Any

from flask import Blueprint

from local.standin.checkout_page import confirm_payment, pay
from local.standin.forms_on_pages import Page, over
from local.standin.invoice_page import confirm_invoice, pay_invoice, receipt
from local.standin.portal_page import change_card
from local.standin.problems import Problem
from local.standin.standin import Standin


def blueprint(standin: Standin) -> Blueprint:
    hosted = Blueprint("hosted", __name__)
    hosted.add_app_template_filter(grouped)
    for address, act in {"/c/pay/<id>": pay, "/c/pay/<id>/confirm": confirm_payment, "/p/session/<id>": change_card,
                         "/i/<id>": pay_invoice, "/i/<id>/confirm": confirm_invoice}.items():
        hosted.add_url_rule(address, act.__name__, _bound(act, standin), methods=["GET", "POST"])
    hosted.add_url_rule("/receipts/<id>", "receipt", _bound(receipt, standin))
    return hosted


def _bound(act: Any, standin: Standin) -> Any:
    def view(id: str) -> Page:
        try:
            return act(standin, id)
        except Problem as problem:
            return over(problem)
    return view


def grouped(number: str) -> str:
    """A card number as it is printed on a card."""
    return " ".join(number[i:i + 4] for i in range(0, len(number), 4)) if len(number) == 16 else number
