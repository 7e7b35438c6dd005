"""Payment methods: a card or bank account that was entered once."""

from dataclasses import dataclass, field
from typing import Any

from stripe import PaymentMethod

from local.standin import customers
from local.standin.cards import Source
from local.standin.listing import page
from local.standin.params import PAGE, one_of, text
from local.standin.routing import route
from local.standin.shapes import part
from local.standin.world import Thing, World

CARD_EXPIRES = (12, 2034)


@dataclass(frozen=True)
class Payer:
    """What the donor typed on the hosted page."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: dict[str, Any] = field(default_factory=dict)

    def details(self) -> Thing:
        return part(PaymentMethod.BillingDetails, email=self.email, name=self.name, phone=self.phone,
                    address=self.full_address())

    def full_address(self) -> Thing:
        known = {name: each or None for name, each in self.address.items()}
        return part(PaymentMethod.BillingDetails.Address, **known)


def enter(world: World, source: Source, payer: Payer) -> Thing:
    """A new payment method, belonging to nobody yet."""
    kind = "us_bank_account" if source.bank else "card"
    method = world.add({
        "id": world.new_id("pm"), "object": "payment_method", "allow_redisplay": "unspecified",
        "billing_details": payer.details(), "created": world.now(), "customer": None, "customer_account": None,
        "livemode": False, "metadata": {}, "radar_options": {}, "type": kind,
        kind: _bank(source) if source.bank else _card(source)})
    world.notes[method["id"]] = source
    return method


def source_of(world: World, method: Thing) -> Source:
    return world.notes[method["id"]]


def brand_of(source: Source) -> str:
    return "mastercard" if source.number.startswith("5") else "visa"


def _card(source: Source) -> Thing:
    month, year = CARD_EXPIRES
    brand = brand_of(source)
    return part(
        PaymentMethod.Card, brand=brand, country=source.country, display_brand=brand, exp_month=month, exp_year=year,
        fingerprint=source.fingerprint, funding="credit", last4=source.last4, regulated_status="unregulated",
        checks=part(PaymentMethod.Card.Checks, address_postal_code_check="pass", cvc_check="pass"),
        networks={"available": [brand], "preferred": None}, three_d_secure_usage={"supported": True})


def _bank(source: Source) -> Thing:
    return part(
        PaymentMethod.UsBankAccount, account_holder_type="individual", account_type="checking",
        bank_name="STRIPE TEST BANK", fingerprint=source.fingerprint, last4=source.last4,
        routing_number="110000000", status_details={},
        networks={"preferred": "ach", "supported": ["ach"]})


def attach(world: World, method: Thing, customer: str) -> None:
    """Keep the payment method for later payments of this customer."""
    if method["customer"] != customer:
        method["customer"] = customer
        world.tell("payment_method.attached", method)


@route("GET /v1/payment_methods/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("payment_method", id, "payment_method")


@route("GET /v1/payment_methods", customer=text, type=one_of("card", "us_bank_account"), **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    return _of_customer(world, params.get("customer"), params, "/v1/payment_methods")


@route("GET /v1/customers/{id}/payment_methods", type=one_of("card", "us_bank_account"), **PAGE)
def list_of_customer(world: World, params: dict[str, Any], id: str) -> Thing:
    return _of_customer(world, customers.find(world, id)["id"], params, f"/v1/customers/{id}/payment_methods")


@route("GET /v1/customers/{id}/payment_methods/{method}")
def retrieve_of_customer(world: World, params: dict[str, Any], id: str, method: str) -> Thing:
    customers.find(world, id)
    return world.find("payment_method", method, "payment_method")


def _of_customer(world: World, customer: str | None, params: dict[str, Any], url: str) -> Thing:
    chosen = [each for each in world.all("payment_method")
              if each["customer"] and customer in (None, each["customer"])
              and params.get("type") in (None, each["type"])]
    return page(chosen, params, url)
