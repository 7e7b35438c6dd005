"""The hosted Checkout page."""

from flask import redirect, render_template, request

from local.standin import cards, checkout
from local.standin.forms_on_pages import CARD_FIELDS, Page, confirm_page, over, typed_in, wrong_in_card
from local.standin.prices import shown
from local.standin.problems import Problem
from local.standin.standin import Standin
from local.standin.world import Thing

COUNTRIES = (("US", "United States"), ("CA", "Canada"), ("GB", "United Kingdom"), ("IE", "Ireland"),
             ("AU", "Australia"), ("NZ", "New Zealand"), ("AT", "Austria"), ("CH", "Switzerland"), ("DE", "Germany"),
             ("ES", "Spain"), ("FR", "France"), ("IT", "Italy"), ("NL", "Netherlands"), ("JP", "Japan"))
PAY_FIELDS = (*CARD_FIELDS, "email", "name", "phone", "method", "account_number", "line1", "city", "state", "country",
              "postal_code")
ADDRESS_FIELDS = ("line1", "city", "state", "country", "postal_code")


def pay(standin: Standin, id: str) -> Page:
    session = standin.read(lambda world: dict(world.get(checkout.KIND, id) or {}))
    if session.get("status") in ("expired", "complete"):
        link = session["success_url"].replace("{CHECKOUT_SESSION_ID}", id) if session["status"] == "complete" else (
            session["cancel_url"])
        return over(Problem(409, "over", f"This payment page is {session['status']}."), link)
    if not session:
        raise Problem(404, "no_such_session", "There is no such payment page.")
    if request.method == "GET":
        return _pay_page(standin, session, typed_in(PAY_FIELDS, {"email": _known_email(session), "country": "US"}))
    typed = typed_in(PAY_FIELDS, request.form)
    error = _wrong_in(typed, whole_address=_wants_address(session))
    if error:
        return _pay_page(standin, session, typed, error)
    return _submit(standin, session, typed, None)


def _submit(standin: Standin, session: Thing, typed: dict[str, str], confirm_3ds: bool | None) -> Page:
    number = typed["account_number"] if typed["method"] == "bank" else typed["card_number"]
    address = {name: typed[name] for name in ADDRESS_FIELDS if typed[name]}
    answer = standin.pay(session["id"], number, typed["email"] or None, typed["name"] or None, address, confirm_3ds,
                         typed["phone"] or None)
    if answer["status"] == "requires_action":
        standin.read(lambda world: world.notes[session["id"]].update(asked=typed))
        return confirm_page(session["amount_total"], session["currency"], f"/c/pay/{session['id']}/confirm")
    if answer["status"] == "declined":
        return _pay_page(standin, session, typed, answer["message"])
    return redirect(answer["redirect"], 303)


def confirm_payment(standin: Standin, id: str) -> Page:
    """The donor's answer to 3-D Secure for what was typed before."""
    session = standin.read(lambda world: dict(world.get(checkout.KIND, id) or {}))
    typed = standin.read(lambda world: (world.notes.get(id) or {}).get("asked"))
    if request.method == "GET" or not typed:
        return redirect(f"/c/pay/{id}", 303)
    return _submit(standin, session, typed, request.form.get("answer") == "yes")


def _pay_page(standin: Standin, session: Thing, typed: dict[str, str], error: str | None = None) -> Page:
    items = standin.read(lambda world: world.notes[session["id"]]["items"])
    recurring = items[0]["price"]["recurring"]
    page = render_template(
        "pay.html", session=session, typed=typed, error=error, countries=COUNTRIES, sources=cards.SOURCES.values(),
        what=", ".join(each["description"] for each in items), known_email=bool(_known_email(session)),
        amount=shown(session["amount_total"], session["currency"]), often=_often(recurring),
        verb=_verb(session), note=(session["custom_text"]["submit"] or {}).get("message"),
        phone=session["phone_number_collection"]["enabled"],
        whole_address=_wants_address(session))
    return page, 402 if error else 200


def _often(recurring: Thing | None) -> str:
    if not recurring:
        return ""
    number, interval = recurring["interval_count"], recurring["interval"]
    return f"every {interval}" if number == 1 else f"every {number} {interval}s"


def _verb(session: Thing) -> str:
    return {"donate": "Donate", "book": "Book", "subscribe": "Subscribe"}.get(session["submit_type"], "Pay")


def _known_email(session: Thing) -> str:
    return (session["customer_details"] or {}).get("email") or ""


def _wants_address(session: Thing) -> bool:
    return session["billing_address_collection"] == "required"


def _wrong_in(typed: dict[str, str], *, whole_address: bool) -> str | None:
    """What the donor still has to fill in, in words."""
    if "@" not in typed["email"]:
        return "Please enter your email address."
    if not typed["name"]:
        return "Please enter your name."
    if whole_address and not all(typed[name] for name in ("line1", "city", "postal_code")):
        return "Please enter your billing address."
    if typed["method"] == "bank":
        return None if typed["account_number"] else "Please enter your account number."
    return wrong_in_card(typed)
