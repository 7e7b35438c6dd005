"""Products and prices, made inline from `price_data` as giving does."""

from typing import Any

from local.standin.listing import matching, page
from local.standin.params import (
    PAGE,
    flag,
    free_text,
    group,
    many,
    metadata,
    moment_range,
    one_of,
    text,
    whole,
)
from local.standin.refusals import invalid, malformed
from local.standin.routing import route
from local.standin.shapes import blank
from local.standin.world import Thing, World

recurring = group(("interval",), interval=one_of("day", "week", "month", "year"), interval_count=whole)
product_data = group(("name",), name=text, description=free_text, images=many(text), metadata=metadata,
                     tax_code=text, unit_label=text)
price_data = group(("currency",), currency=text, product=text, product_data=product_data, recurring=recurring,
                   tax_behavior=text, unit_amount=whole, unit_amount_decimal=text)

LEAST = {"usd": 50, "eur": 50, "gbp": 30, "aud": 50, "cad": 50, "chf": 50, "dkk": 250, "jpy": 50, "nok": 300,
         "nzd": 50, "sek": 300, "sgd": 50, "hkd": 400, "inr": 50, "mxn": 1000, "pln": 200, "brl": 50, "czk": 1500,
         "huf": 17500, "ron": 200, "bgn": 100, "aed": 200, "myr": 200, "thb": 1000}
"""Smallest charge in minor units (Stripe, "Minimum and maximum charge amounts")."""
MOST = 99_999_999
ZERO_DECIMAL = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
                "xof", "xpf"}
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
STEPS = {**dict.fromkeys(THREE_DECIMAL, 10), "isk": 100, "ugx": 100}
"""What amounts must be divisible by (Stripe, "Supported currencies": three-decimal currencies and special cases)."""


def product_for(world: World, wanted: dict[str, Any]) -> Thing:
    now = world.now()
    return world.add(blank(
        "product", id=world.new_id("prod", 14), active=True, created=now, updated=now,
        images=wanted.get("images", []), livemode=False, marketing_features=[], name=wanted["name"],
        metadata=wanted.get("metadata", {}), description=wanted.get("description"), type="service"))


def price_for(world: World, wanted: dict[str, Any], param: str) -> Thing:
    """The price that this `price_data` describes. Inline prices are used once, so Stripe makes them inactive."""
    amount = wanted.get("unit_amount")
    if amount is None:
        raise malformed(f"Missing required param: {param}[unit_amount].", f"{param}[unit_amount]", "parameter_missing")
    if amount < 0:
        raise malformed("This value must be greater than or equal to 0.", f"{param}[unit_amount]",
                        "parameter_invalid_integer")
    currency = wanted["currency"].lower()
    if not (currency.isalpha() and len(currency) == 3):
        raise invalid(f"Invalid currency: {currency}", f"{param}[currency]")
    if amount % STEPS.get(currency, 1):
        raise invalid(f"Invalid amount: in {currency} it must be divisible by {STEPS[currency]}.",
                      f"{param}[unit_amount]")
    product = _product(world, wanted, param)
    return world.add(blank(
        "price", id=world.new_id("price"), active=False, billing_scheme="per_unit", created=world.now(),
        currency=currency, livemode=False, metadata={}, product=product["id"], tax_behavior="unspecified",
        recurring=_recurring(wanted), type="recurring" if "recurring" in wanted else "one_time",
        unit_amount=amount, unit_amount_decimal=str(amount)))


def _product(world: World, wanted: dict[str, Any], param: str) -> Thing:
    if "product" in wanted:
        return world.find("product", wanted["product"], f"{param}[product]", 400)
    if "product_data" not in wanted:
        raise malformed("You must specify either `product` or `product_data` when creating a price.", param)
    return product_for(world, wanted["product_data"])


def _recurring(wanted: dict[str, Any]) -> Thing | None:
    if "recurring" not in wanted:
        return None
    usual = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
    return usual | wanted["recurring"]


def plan_of(price: Thing) -> Thing:
    """The same recurring price in the older form that subscription items still carry."""
    recurring = price["recurring"]
    return blank(
        "plan", id=price["id"], active=price["active"], amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"], billing_scheme="per_unit", created=price["created"],
        currency=price["currency"], interval=recurring["interval"], interval_count=recurring["interval_count"],
        livemode=False, metadata={}, product=price["product"], usage_type="licensed")


def check_total(total: int, currency: str) -> None:
    """Raises Refused outside what Stripe charges in one go."""
    least = LEAST.get(currency, 50)
    if total < least:
        raise malformed("The Checkout Session's total amount due must add up to at least "
                        f"{shown(least, currency)}", None, "amount_too_small")
    if total > MOST:
        raise malformed("The Checkout Session's total amount due must be no more than "
                        f"{shown(MOST, currency)}", None, "amount_too_large")


def shown(amount: int, currency: str) -> str:
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = f"{amount / 10**decimals:,.{decimals}f}"
    sign = {"usd": "$", "eur": "€", "gbp": "£"}.get(currency, "")
    return f"{sign}{number} {currency.upper()}"


@route("POST /v1/products", ("name",), name=text, description=free_text, metadata=metadata, active=flag)
def create_product(world: World, params: dict[str, Any]) -> Thing:
    product = product_for(world, params)
    world.tell("product.created", product)
    return product


@route("GET /v1/products/{id}")
def retrieve_product(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("product", id)


@route("GET /v1/products", active=flag, created=moment_range, **PAGE)
def list_products(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "product", params, "active"), params, "/v1/products")


@route("GET /v1/prices/{id}")
def retrieve_price(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("price", id, "price")


@route("GET /v1/prices", product=text, active=flag, created=moment_range, **PAGE)
def list_prices(world: World, params: dict[str, Any]) -> Thing:
    return page(matching(world, "price", params, "product", "active"), params, "/v1/prices")
