"""Every page of the site, in every state that changes what it shows."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

from chalicelib.errors import (
    Conflict,
    FactsDisagree,
    Forbidden,
    InvalidInput,
    NotFound,
    NotSignedIn,
    ProcessorUnsure,
    TooMany,
)
from chalicelib.partners.asked import What
from chalicelib.site import giving_form, stories

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


def gift(**changed: Any) -> dict[str, Any]:
    return {
        "gift_id": "a" * 32, "state": "paid", "amount": 5000, "currency": "usd", "kept": 5000, "refunded": 0,
        "frequency": "once", "given_at": "2026-03-01T10:00:00+00:00", "given_on": "2026-03-01",
        "fund": "Rescue and legal help", "method": "Visa ending in 4242", "partnership_id": None, "happened": [], **changed,
    }  # fmt: skip


def happening(kind: str, amount: int = 5000, **changed: Any) -> dict[str, Any]:
    return {"kind": kind, "amount": amount, "on": "2026-03-05", **changed}


def partnership(**changed: Any) -> dict[str, Any]:
    return {
        "partnership_id": "sub_1", "amount": 4000, "currency": "usd", "day": 15, "state": "active",
        "next_charge_on": "2026-12-15", "paused_until": None, "skipped_on": None, "ends_on": None, "started_on": "2025-05-15", "ended_on": None,
        "method": "Visa ending in 4242", "trouble": None,
        "instead": {"amounts": [2500, 500], "breaks": [{"months": 1, "until": "2026-12-24"}, {"months": 3, "until": "2027-02-24"}], "skip_on": None},
        **changed,
    }  # fmt: skip


def trouble(because: str, **changed: Any) -> dict[str, Any]:
    return {"because": because, "owed": 3500, "pay_url": "https://x.example/i", "retry_on": "2026-12-18", **changed}


def progress(state: str, **changed: Any) -> dict[str, Any]:
    return {"gift_id": "a" * 32, "state": state, "amount": 4000, "currency": "usd", "frequency": "once", **changed}


GIFTS = [
    gift(),
    gift(kept=3000, refunded=2000, frequency="monthly", happened=[happening("refund", 2000), happening("refund", 9), happening("refund_failed", 9)]),
    gift(kept=0, refunded=5000, state="refunded", fund="", method="", happened=[happening("refund")]),
    gift(kept=0, state="disputed", currency="jpy", happened=[happening("dispute")]),
    gift(kept=0, state="refunded", happened=[happening("dispute"), happening("dispute_lost", on=None)]),
    gift(happened=[happening("dispute"), happening("dispute_won")]),
    gift(amount=15_250, kept=15_250, currency="kwd", fund=HOSTILE, method=HOSTILE),
]
PARTNERSHIPS = [{**each, "partnership_id": f"sub_{at}"} for at, each in enumerate((
    partnership(),
    partnership(next_charge_on=None, method=""),
    partnership(state="payment_problem", day=31),
    *(partnership(state="payment_problem", trouble=trouble(because))
      for because in ("bank_asks", "card_expired", "funds", "declined")),
    partnership(state="payment_problem", trouble=trouble("bank_asks", pay_url="", retry_on=None), method=""),
    partnership(state="paused", paused_until="2027-01-01"),
    partnership(state="paused", next_charge_on=None),
    partnership(instead={"amounts": [], "breaks": [], "skip_on": "2026-12-15"}),
    partnership(state="paused", paused_until="2026-12-16", skipped_on="2026-12-15", next_charge_on="2027-01-15"),
    partnership(ends_on="2026-12-20"),
    partnership(ends_on="2026-12-15", next_charge_on=None),
    partnership(state="unclear", next_charge_on=None),
    partnership(state="ended", ended_on="2026-01-01", next_charge_on=None, instead={"amounts": [], "breaks": [], "skip_on": None}),
))]  # fmt: skip
DATES: dict[str, Any] = {
    "first_on": {"sub_0": {day: date(2026, 12, day) for day in range(1, 28)}},
    "pause_between": {"sub_0": (date(2026, 11, 25), date(2027, 11, 25))},
}
STATEMENTS = [
    {
        "tax_year": 2025, "year_name": "2025–26", "entity": "us", "so_far": True, "legal_name": HOSTILE, "gifts": 13,
        "currency_totals": [{"currency": "usd", "amount": 48_000}, {"currency": "jpy", "amount": 5000}],
        "issued": [
            {"number": 2, "serial": "US-2025-3f9a1c22d04b5e67-2", "issued_on": "2026-02-03", "replaced_by": ""},
            {"number": 1, "serial": "US-2025-3f9a1c22d04b5e67-1", "issued_on": "2026-01-09", "replaced_by": "US-2025-3f9a1c22d04b5e67-2"},
        ],
        "series": "", "available_from": None,
    },
    {
        "tax_year": 2026, "year_name": "2026", "entity": "ca", "so_far": True, "legal_name": HOSTILE, "gifts": 1,
        "currency_totals": [{"currency": "cad", "amount": 100}], "series": "", "available_from": "2027-01-01", "issued": [],
    },
    {
        "tax_year": 2025, "year_name": "2025–26", "entity": "us", "so_far": True, "legal_name": HOSTILE, "gifts": 1,
        "currency_totals": [{"currency": "usd", "amount": 100}], "series": HOSTILE, "available_from": None,
        "issued": [{"number": 1, "serial": "US-2025-0a9a1c22d04b5e67-1", "issued_on": "2026-01-09", "replaced_by": ""}],
    },
]  # fmt: skip
SESSIONS = [
    {
        "session_id": f"{at:064x}", "device": device, "began_at": "2026-03-10T12:00:00Z",
        "seen_at": "2026-03-10T12:59:30Z", "this": at == 0,
    }
    for at, device in enumerate(("Firefox on Linux", HOSTILE))
]  # fmt: skip
DECLARED = {
    "declared": True, "made_on": "2026-03-10", "cancelled_on": None, "past": True, "wording": {"future": f"{HOSTILE}\nb"},
    "declarations": [
        {"declaration_id": f"d{at}", "made_on": "2026-03-10", "scope": scope, "gift_id": gift_id, "counts": not gift_id,
         "title": HOSTILE, "first_name": HOSTILE, "last_name": HOSTILE, "house": HOSTILE, "postcode": postcode, "country": country, "wording": f"{HOSTILE}\nb"}
        for at, (scope, gift_id, postcode, country) in enumerate(
            (("this_gift", "a" * 32, "SW1A 1AA", "GB"), ("future", "", "", "FR")))
    ],
}  # fmt: skip
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
        *(("give.html", {"form": giving_form.fresh({"currency": each})}) for each in ("usd", "jpy", "kwd", "gbp")),
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
    again = progress("failed", frequency="monthly", tried_again=True)
    return [
        ("thank_you.html", {**again, "attempt": 0, "asks": 20}),
        *(("thank_you.html", {**progress(state, frequency=frequency), "attempt": attempt, "asks": 20})
          for state in states for frequency in ("once", "monthly") for attempt in (0, 20)),
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
    contact = {"email": "ann@example.org", "name": HOSTILE, "receipt_name": HOSTILE, "phone": None, "language": "xx", "address": ADDRESS}
    listed = {
        "gifts": GIFTS,
        "next": "a&b",
        "year": 2026,
        "years": [2026, 2025],
        "totals": [{"currency": "jpy", "kept": 0, "disputed": 5000}, {"currency": "usd", "kept": 8000, "refunded": 7000}],
        "funds": {"rescue": "Rescue and legal help", HOSTILE: HOSTILE},
        "fund": HOSTILE,
        "frequency": "monthly",
        "by_year": [{"currency": currency, "year": year, "gifts": 3, "kept": kept}
                    for currency, year, kept in (("jpy", 2026, 0), ("usd", 2023, 4000), ("usd", 2026, 8000), ("usd", 2024, -5))],
    }  # fmt: skip
    return [
        ("portal/home.html", home), ("portal/home.html", nobody), ("portal/home.html", {**nobody, "statements": None}),
        ("portal/sign_in.html", {}), ("portal/code.html", {}), ("portal/enter.html", {}),
        ("portal/gifts.html", listed), ("portal/gifts.html", {**listed, "further": True, "sparse": True, "gifts": []}), ("portal/gifts.html", {"gifts": [], "next": None, "year": 2026, "years": []}),
        ("portal/statements.html", {"statements": STATEMENTS}), ("portal/statements.html", {"statements": []}),
        ("portal/contact.html", {**contact, "told": "contact"}),
        ("portal/contact.html", {**contact, "error": InvalidInput(HOSTILE, field="phone"), "typed": {"phone": HOSTILE, "language": HOSTILE}}),
        ("portal/contact.html", {**contact, "address": None, "name": None, "language": None}),
        ("portal/contact.html", {**contact, "saved": "email"}),
        *(("portal/email.html", {"recent": recent}) for recent in (True, False)),
        *(("portal/other_address.html", {"recent": recent, "addresses": ["a&b@example.org"] * recent}) for recent in (True, False)),
        ("portal/other_address_confirm.html", {}),
        *((f"portal/{name}.html", {"token": HOSTILE}) for name in ("email_confirm", "email_undo", "email_undone")),
        *(("portal/your_data.html", {"recent": recent}) for recent in (True, False)), ("portal/erased.html", {}),
        ("portal/partnerships.html", {"partnerships": PARTNERSHIPS}),
        ("portal/partnerships.html", {"partnerships": []}),
        *(("portal/partnerships.html", {"partnerships": PARTNERSHIPS, "told": f"{what}.sub_0", **DATES}) for what in get_args(What)),
        *(("portal/partnerships.html", {"partnerships": PARTNERSHIPS, "at": "sub_0", "error": InvalidInput(HOSTILE, field=field), "typed": {
            "new_amount": HOSTILE, "day": HOSTILE, "until": HOSTILE, "reason": HOSTILE}, **DATES})
          for field in ("amount", "currency", "day", "until", "next_charge_on", "reason", "")),
        *(("portal/partnership_refused.html", {"partnerships": PARTNERSHIPS, "how": how, "error": error})
          for how in ("refused", "unsure", "no_card_page")
          for error in (Conflict(HOSTILE), Conflict("x", code="partnership_ended"), ProcessorUnsure(HOSTILE))),
        ("portal/gift_aid.html", {**DECLARED, "declared": False, "made_on": None, "declarations": []}),
        ("portal/gift_aid.html", {**DECLARED, "declared": False, "made_on": None, "cancelled_on": "2026-03-10", "declarations": []}),
        ("portal/gift_aid.html", DECLARED),
        ("portal/sign_in.html", {"again": True}),
        ("portal/sessions.html", {"sessions": SESSIONS, "now": 1_773_147_600, "ended": True}),
        ("portal/sessions.html", {"sessions": SESSIONS[:1], "now": 1_773_147_600}),
    ]  # fmt: skip
