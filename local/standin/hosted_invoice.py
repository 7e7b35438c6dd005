"""The hosted invoice page: where a donor confirms or pays a renewal that could not be collected."""

from typing import Any

from local.standin import cards, invoices, payment_methods
from local.standin.payment_methods import Payer
from local.standin.problems import Problem
from local.standin.world import Thing, World


def find_invoice(world: World, id: str) -> Thing:
    invoice = world.get("invoice", id)
    if invoice is None:
        raise Problem(404, "no_such_invoice", f"No such invoice: {id}")
    return invoice


def pay_invoice(world: World, id: str, number: Any, authenticated: bool | None) -> dict[str, Any]:
    """Answers `status`: paid, processing, declined or requires_action. Raises Problem."""
    invoice = find_invoice(world, id)
    if invoice["status"] != "open":
        raise Problem(409, f"invoice_{invoice['status']}", f"This invoice is {invoice['status']}.")
    method = _method(world, invoice, number)
    outcome = invoices.collect(world, invoice, method, on_session=True, authenticated=authenticated,
                               scheduled=False)
    answer: dict[str, Any] = {"status": outcome.status}
    if outcome.reason:
        answer |= {"decline_code": outcome.decline_code, "message": outcome.message}
    return answer


def _method(world: World, invoice: Thing, number: Any) -> Thing:
    if number is None:
        method = invoices.method_for(world, invoice)
        if method is None:
            raise Problem(409, "no_payment_method", "There is no card to confirm; enter one.")
        return method
    source = cards.find(number)
    if source.decline == "incorrect_number":
        raise Problem(402, source.decline, cards.MESSAGES[source.decline][1])
    customer = world.find("customer", invoice["customer"])
    method = payment_methods.enter(world, source, Payer(customer["email"], customer["name"]))
    payment_methods.attach(world, method, customer["id"])
    return method
