"""The hosted invoice page, and the receipt that a charge links to."""

from flask import redirect, render_template, request

from local.standin import cards, hosted_invoice, invoices
from local.standin.forms_on_pages import CARD_FIELDS, Page, confirm_page, named, typed_in
from local.standin.prices import shown
from local.standin.problems import Problem
from local.standin.standin import Standin
from local.standin.world import Thing, World


def pay_invoice(standin: Standin, id: str) -> Page:
    if request.method == "GET":
        return _invoice_page(standin, id)
    number = None if request.form.get("use") == "current" else request.form.get("card_number", "")
    return _pay_invoice(standin, id, number, None)


def confirm_invoice(standin: Standin, id: str) -> Page:
    asked = standin.read(lambda world: (world.notes.get(id) or {}).get("asked", {}))
    if request.method == "GET" or not asked:
        return redirect(f"/i/{id}", 303)
    return _pay_invoice(standin, id, asked["number"], request.form.get("answer") == "yes")


def _pay_invoice(standin: Standin, id: str, number: str | None, confirm_3ds: bool | None) -> Page:
    try:
        answer = standin.pay_invoice(id, number, confirm_3ds)
    except Problem as problem:
        return _invoice_page(standin, id, str(problem))
    if answer["status"] == "requires_action":
        invoice = standin.read(lambda world: _note_asked(world, id, number))
        return confirm_page(invoice["amount_due"], invoice["currency"], f"/i/{id}/confirm")
    if answer["status"] == "declined":
        return _invoice_page(standin, id, answer["message"])
    return redirect(f"/i/{id}", 303)


def _note_asked(world: World, id: str, number: str | None) -> Thing:
    world.notes[id]["asked"] = {"number": number}
    return world.find("invoice", id)


def _invoice_page(standin: Standin, id: str, error: str | None = None) -> Page:
    invoice = standin.read(lambda world: dict(hosted_invoice.find_invoice(world, id)))
    current = standin.read(lambda world: named(invoices.method_for(world, invoice)))
    return render_template("invoice.html", invoice=invoice, current=current, error=error,
                           amount=shown(invoice["amount_due"], invoice["currency"]), typed=typed_in(CARD_FIELDS, {}),
                           sources=cards.SOURCES.values()), 402 if error else 200


def receipt(standin: Standin, id: str) -> Page:
    charge = standin.read(lambda world: world.get("charge", id))
    if charge is None:
        raise Problem(404, "no_such_receipt", "There is no such receipt.")
    return render_template("over.html", title="Test receipt", link=None,
                           message=f"{shown(charge['amount'], charge['currency'])}, {charge['status']}.")
