"""The description of the calls is made from the types that check them."""

from __future__ import annotations

from chalicelib import openapi
from tests.over_http import Site

CALLS = {
    ("post", "/gifts"), ("get", "/gifts/{gift_id}"), ("post", "/webhooks/stripe"), ("post", "/sign-ups"),
    ("post", "/sign-ups/confirm"), ("get", "/sign-ups/preferences"), ("put", "/sign-ups/preferences"),
    ("post", "/sign-ups/unsubscribe"), ("post", "/portal/sign-in"), ("post", "/portal/session"),
    ("delete", "/portal/session"), ("get", "/portal/gifts"), ("get", "/portal/gifts.csv"), ("get", "/portal/gifts/{gift_id}/receipt"),
    ("get", "/portal/statements"), ("get", "/portal/statements/{tax_year}"), ("get", "/portal/contact"),
    ("patch", "/portal/contact"), ("get", "/portal/partnerships"), ("patch", "/portal/partnerships/{partnership_id}"),
    ("post", "/portal/partnerships/{partnership_id}/pause"), ("post", "/portal/partnerships/{partnership_id}/resume"),
    ("post", "/portal/partnerships/{partnership_id}/skip"), ("post", "/portal/partnerships/{partnership_id}/cancel"), ("post", "/portal/payment-method"), ("get", "/health"),
    ("post", "/portal/email"), ("post", "/portal/email/confirm"), ("post", "/portal/email/undo"),
    ("get", "/portal/other-address"), ("post", "/portal/other-address"), ("post", "/portal/other-address/confirm"),
    ("post", "/portal/other-address/take-out"),
    ("get", "/portal/export"), ("post", "/portal/erase"),
    ("get", "/portal/sessions"), ("delete", "/portal/sessions/{session_id}"), ("post", "/portal/sessions/end-others"),
}  # fmt: skip


def test_every_call_is_described(site: Site) -> None:
    """With its input, its answer and its refusals."""
    described = site.get("/openapi.json").json

    found = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert described["openapi"].startswith("3.1")
    assert found >= CALLS
    for path, method in ((path, method) for method, path in CALLS):
        assert {"400", "404"} <= described["paths"][path][method]["responses"].keys()


def test_the_description_holds_the_limits_that_are_enforced(site: Site) -> None:
    """One source: the type."""
    amount = openapi.describe()["components"]["schemas"]["GiftCall"]["properties"]["amount"]

    assert (amount["type"], amount["exclusiveMinimum"], amount["maximum"]) == ("integer", 0, 99_999_999)


def test_every_reference_leads_somewhere(site: Site) -> None:
    """A tool that generates a client must not stumble."""
    text = site.get("/openapi.json").text
    described = site.get("/openapi.json").json

    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= described["components"]["schemas"].keys()
