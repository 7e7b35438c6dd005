"""Every page of the site, in every state that changes what it shows."""

from __future__ import annotations

from typing import Any

from chalicelib.errors import Conflict, FactsDisagree, Forbidden, NotFound, NotSignedIn, ProcessorUnsure, TooMany
from chalicelib.site import giving_form, stories

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


def gift(**changed: Any) -> dict[str, Any]:
    return {
        "gift_id": "a" * 32, "state": "paid", "amount": 5000, "currency": "usd", "kept": 5000, "refunded": 0,
        "frequency": "once", "given_at": "2026-03-01T10:00:00+00:00", "given_on": "2026-03-01",
        "fund": "Rescue and legal help", "method": "Visa ending in 4242", "partnership_id": None, **changed,
    }  # fmt: skip


def partnership(**changed: Any) -> dict[str, Any]:
    return {
        "partnership_id": "sub_1", "amount": 4000, "currency": "usd", "day": 15, "state": "active",
        "next_charge_on": "2026-12-15", "paused_until": None, "started_on": "2025-05-15", "ended_on": None,
        "method": "Visa ending in 4242", **changed,
    }  # fmt: skip


def progress(state: str, **changed: Any) -> dict[str, Any]:
    return {"gift_id": "a" * 32, "state": state, "amount": 4000, "currency": "usd", "frequency": "once", **changed}


GIFTS = [
    gift(),
    gift(kept=3000, refunded=2000, frequency="monthly"),
    gift(kept=0, refunded=5000, state="refunded", fund="", method=""),
    gift(kept=0, state="disputed", currency="jpy"),
    gift(amount=15_250, kept=15_250, currency="kwd", fund=HOSTILE, method=HOSTILE),
]
PARTNERSHIPS = [{**each, "partnership_id": f"sub_{at}"} for at, each in enumerate((
    partnership(),
    partnership(next_charge_on=None, method=""),
    partnership(state="payment_problem", day=31),
    partnership(state="paused", paused_until="2027-01-01"),
    partnership(state="paused", next_charge_on=None),
    partnership(state="unclear", next_charge_on=None),
    partnership(state="ended", ended_on="2026-01-01", next_charge_on=None),
))]  # fmt: skip
STATEMENTS = [
    {
        "tax_year": 2025, "entity": "us", "so_far": True, "legal_name": HOSTILE, "gifts": 13,
        "currency_totals": [{"currency": "usd", "amount": 48_000}, {"currency": "jpy", "amount": 5000}],
    },
]  # fmt: skip
ADDRESS = {"line1": HOSTILE, "line2": None, "city": "", "region": "", "postal_code": "", "country": "US"}
PROBLEMS = [
    NotFound(HOSTILE), NotSignedIn("x"), Forbidden(HOSTILE), Conflict(HOSTILE), TooMany("x", retry_after=90),
    TooMany("x"), ProcessorUnsure("x"), FactsDisagree("secret detail"),
]  # fmt: skip


def every_page() -> list[tuple[str, dict[str, Any]]]:
    """Templates with what they are given. Made when asked for, because a form needs the charity's facts."""
    return [*_public(), *_progress(), *_portal()]


def _public() -> list[tuple[str, dict[str, Any]]]:
    form = giving_form.fresh({"frequency": "monthly"})
    share = {"url": "u", "title": "t"}
    told = [
        {"story": each, "others": stories.others(each), "form": form, "address": "http://x/", "share": share,
         "source": each.slug}
        for each in stories.STORIES
    ]  # fmt: skip
    settings = {"email_masked": "a•••@example.org", "token": HOSTILE, "postal_code": ""}
    return [
        *(("story.html", each) for each in told),
        *(("search.html", {"q": q, "found": stories.search(q)}) for q in ("", "child", HOSTILE)),
        *(("give.html", {"form": giving_form.fresh({"currency": each})}) for each in ("usd", "jpy", "kwd")),
        ("give.html", {"form": form, "form_token": "signed"}),
        ("give_card.html", {"form": form, "framed": True}),
        *((name, {}) for name in ("sign_up.html", "sign_up_thanks.html", "sign_up_done.html", "unsubscribed.html")),
        *(("sign_up_confirm.html", {"token": token}) for token in ("", HOSTILE)),
        ("unsubscribe.html", {"token": HOSTILE}),
        ("preferences.html", {**settings, "interests": ["stories"], "status": "confirmed", "saved": True}),
        ("preferences.html", {**settings, "interests": [], "status": "unsubscribed"}),
        *(("problem.html", {"problem": each}) for each in PROBLEMS),
    ]


def _progress() -> list[tuple[str, dict[str, Any]]]:
    states = ("started", "paid", "processing", "failed", "refunded")
    return [
        ("thank_you.html", {**progress(state, frequency=frequency), "attempt": attempt, "asks": 20})
        for state in states for frequency in ("once", "monthly") for attempt in (0, 20)
    ]  # fmt: skip


def _portal() -> list[tuple[str, dict[str, Any]]]:
    donor = {"name": HOSTILE, "email": "ann@example.org"}
    home = {"donor": donor, "gifts": GIFTS, "partnerships": PARTNERSHIPS, "statements": STATEMENTS}
    nobody: dict[str, Any] = {
        "donor": {"name": "", "email": "a@b.example"},
        "gifts": [],
        "partnerships": [],
        "statements": [],
    }
    contact = {"email": "ann@example.org", "name": HOSTILE, "phone": None, "language": "xx", "address": ADDRESS}
    listed = {
        "gifts": GIFTS,
        "next": "a&b",
        "year": 2026,
        "years": [2026, 2025],
        "totals": [{"currency": "usd", "kept": 8000}],
    }
    return [
        ("portal/home.html", home), ("portal/home.html", nobody),
        ("portal/sign_in.html", {}), ("portal/code.html", {}), ("portal/enter.html", {}),
        ("portal/gifts.html", listed), ("portal/gifts.html", {"gifts": [], "next": None, "year": 2026, "years": []}),
        ("portal/statements.html", {"statements": STATEMENTS}), ("portal/statements.html", {"statements": []}),
        ("portal/contact.html", {**contact, "saved": True}),
        ("portal/contact.html", {**contact, "address": None, "name": None, "language": None}),
        ("portal/partnerships.html", {"partnerships": PARTNERSHIPS}),
        ("portal/partnerships.html", {"partnerships": []}),
    ]  # fmt: skip
