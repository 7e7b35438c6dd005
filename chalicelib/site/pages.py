"""Pages from templates. Knows the charity's facts, money and dates; no store, no Stripe."""

from __future__ import annotations

import functools
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib import charity, places, settings
from chalicelib.errors import GivingError, InvalidInput
from chalicelib.gift_aid import asked
from chalicelib.money import Money, decimals, in_words
from chalicelib.partners.partnership import END_REASONS
from chalicelib.signups import signup
from chalicelib.site import chart, giving_form, static_files, stories
from chalicelib.statements import wording

TEMPLATES = Path(__file__).with_name("templates")

# The forms that a refusal shows again, and how.
FORM_PAGES = {
    "give": "give.html",
    "sign-up": "sign_up.html",
    "sign-in": "portal/sign_in.html",
    "code": "portal/code.html",
    "new-email": "portal/email.html",
    "erase": "portal/your_data.html",
    "gift-aid": "portal/gift_aid.html",
    "new-email-code": "portal/email_confirm.html",
    "undo-email": "portal/email_undo.html",
    "other-email": "portal/other_address.html",
    "other-email-code": "portal/other_address_confirm.html",
}
# What people read at a field of a form that was left empty or cannot be read.
PLAINER = {
    "amount": "Please choose an amount, or write your own in digits, for example 25.",
    "interests": "Please tick at least one of these.",
    "new_email": "Please write your email address, for example name@example.org.",
    "other_email": "Please write the other email address, for example name@example.org.",
    "email": "Please write your email address, for example name@example.org.",
    "name": "Please write a shorter name.",
    "receipt_name": "Please write a shorter name.",
    "phone": "Please write the number in digits, for example +1 555 010 0199 ext 4, with at most 40 characters.",
    "line1": "Please write this line shorter, in at most 120 characters.",
    "line2": "Please write this line shorter, in at most 120 characters.",
    "city": "Please write the city shorter, in at most 120 characters.",
    "region": "Please write this shorter, in at most 120 characters.",
    "postal_code": "Please write a shorter postal code.",
    "country": "Please choose a country from the list.",
    "language": "Please choose a language from the list.",
    "tribute": "Please write the name of the person whom the gift honours.",
    "scope": "Please choose which gifts Gift Aid is for.",
    "until": "Please choose the day until which nothing is to be taken.",
    "day": "Please choose a day from the 1st to the 28th, which every month has.",
    "next_charge_on": "Please press “Skip it” once more: it says which gift is meant.",
    "reason": "Please choose a reason from the list, or say none.",
    "code": "Please type the 8 digits from the mail.",
}
# Where a page has other words for a field than the rest.
PLAINER_ON = {
    "portal/partnerships.html": {"amount": "Please write what you want to give each month in digits, for example 25."},
}
# What a page may leave out; everything else it must be given, or StrictUndefined raises.
OPTIONAL: dict[str, Any] = {
    "error": None,
    "typed": {},
    "ticked": [],
    "saved": "",
    "told": "",
    "at": "",
    "first_on": {},
    "pause_between": {},
    "recent": True,
    "addresses": [],
    "signed_in": False,
    "form_token": "",
    "again": False,
    "ended": False,
    "challenge_key": "",
    "framed": False,
    "attempt": 0,
    "tried_again": False,
    "asks": 20,
    "email": "",
    "next": None,
    "source": "",
    "status": "",
    "year": None,
    "years": [],
    "totals": [],
    "fund": "",
    "frequency": "",
    "funds": {},
    "by_year": [],
    "further": False,
    "sparse": False,
    "done": "",
}


def render(template: str, **data: Any) -> str:
    """The page as HTML, everything in `data` escaped. A variable the page needs and does not get raises."""
    return _templates().get_template(template).render(**data)


def form_again(form_page: str, fields: dict[str, list[str]], error: GivingError) -> str:
    """The form that was refused, as it was typed, with what is wrong on top and at the field."""
    template = FORM_PAGES.get(form_page)
    if template is None:
        return problem(error)
    typed = _typed_into(fields)
    data: dict[str, Any] = {"ticked": fields.get("interests", [])}
    if form_page == "give":
        data["form"] = giving_form.again(typed, _plainer(error))
        data["challenge_key"] = settings.current().turnstile_site_key
    if form_page == "gift-aid":
        words = {scope: asked.wording(scope) for scope in ("past_and_future", "future")}
        data |= {"declared": False, "cancelled_on": None, "declarations": [], "wording": words}
    data |= {"source": typed.get("source", ""), "email": typed.get("email", "")}
    return page_again(template, fields, error, data)


def page_again(template: str, fields: dict[str, list[str]], error: GivingError, data: dict[str, Any]) -> str:
    """A page with all that it holds, a form as it was typed, and what is wrong on top and at the field."""
    return render(template, **data, error=_plainer(error, template), typed=_typed_into(fields))


def problem(error: GivingError) -> str:
    """The page that says what went wrong and offers a way back."""
    return render("problem.html", problem=_plainer(error))


def _plainer(error: GivingError, template: str = "") -> GivingError:
    """The refusal in words for a person, where a program's would be shown, at the field as a form has it."""
    if error.status != 400:
        return error
    field = error.part or error.field
    known = {**PLAINER, **PLAINER_ON.get(template, {})} if error.code in {"missing", "invalid"} else {}
    return InvalidInput(known.get(field or "", error.message), code=error.code, field=field)


def _typed_into(fields: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in fields.items()}


@functools.cache
def _templates() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters.update(money=_money, brief=_brief, typed=_typed, day=_day, month_day=_month_day, rfc822=_rfc822)
    env.filters.update(ago=_ago)
    env.globals.update(OPTIONAL)
    env.globals.update(
        charity=charity.current(),
        site_url=settings.current().site_url.rstrip("/"),
        static=static_files.url,
        currency_decimals=decimals,
        charts=chart.by_currency,
        query=_query,
        countries=places.countries,
        interests_offered=signup.INTERESTS,
        consent_wording=signup.CONSENT_WORDING,
        consent_version=signup.CONSENT_VERSION,
        end_reasons=END_REASONS,
        languages=wording.LANGUAGES,
        front_page=stories.STORIES[0],
    )
    return env


def _money(value: Any, currency: str = "") -> str:
    """Money in words: of a Money, of {minor, currency}, or of minor units and a currency."""
    if isinstance(value, dict):
        value = Money(value["minor"], value["currency"])
    return in_words(value if isinstance(value, Money) else Money(value, currency))


def _brief(value: Any, currency: str = "") -> str:
    """Money in words without a fraction that is nothing: "$50", but "$50.25"."""
    code = currency or (value["currency"] if isinstance(value, dict) else value.currency)
    return _money(value, currency).removesuffix("." + "0" * decimals(code))


def _typed(minor: int, currency: str) -> str:
    """Minor units as a person would type them into a form."""
    return giving_form.as_typed(Money(minor, currency))


def _day(value: str | date) -> str:
    """An ISO date, or the day of an ISO moment, as "24 November 2026"."""
    on = value if isinstance(value, date) else datetime.fromisoformat(value)
    return f"{on.day} {on:%B %Y}"


def _ago(value: str, now: int) -> str:
    """How long before `now` (epoch seconds) a moment was. For the last hours only: nobody's time zone is known."""
    seconds = max(0, now - int(datetime.fromisoformat(value).timestamp()))
    if seconds < 60:
        return "just now"
    number, unit = (seconds // 60, "minute") if seconds < 3600 else (seconds // 3600, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def _query(asked: dict[str, Any]) -> str:
    """What was asked for, as the query of a link; empty if nothing was."""
    return urlencode({name: value for name, value in asked.items() if value})


def _rfc822(value: date) -> str:
    """A date as RSS 2.0 writes it, at the start of that day in UTC. English names, whatever the locale."""
    weekdays, months = (
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    )
    at = f"{value.day:02} {months[value.month - 1]} {value.year} 00:00:00 +0000"
    return f"{weekdays[value.weekday()]}, {at}"


def _month_day(day: int) -> str:
    """A day of the month as "the 1st"."""
    ending = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
