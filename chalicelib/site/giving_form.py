"""What the giving form shows: fresh, filled in by a link, or again as it was typed. Pure but for the new gift's id."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

import msgspec

from chalicelib import charity
from chalicelib.errors import Conflict, GivingError
from chalicelib.giving.gift import Frequency
from chalicelib.guard import form_token
from chalicelib.money import Money, decimals

GIFT_ID = re.compile(r"[0-9a-f]{32}")
NOT_A_WORD = re.compile(r"[^A-Za-z0-9_-]+")
SOURCE_CHARS = 100
AMOUNT_DIGITS = 12
OTHER = "other"


class Amounts(msgspec.Struct, frozen=True):
    """The amounts offered for one frequency, the one chosen (minor units or "other"), and what its fee would add."""

    suggested: list[int]
    chosen: str
    fee_example: Money


class GivingForm(msgspec.Struct, frozen=True):
    """Everything the form shows, already checked: no unknown currency, fund or frequency gets here."""

    gift_id: str
    token: str
    currency: str
    frequency: Frequency
    once: Amounts
    monthly: Amounts
    other_amount: str
    fund: str
    source: str
    cover_fees: bool
    tribute_kind: str
    gift_aid: bool
    typed: Mapping[str, str]

    @property
    def opened(self) -> bool:
        """Whether something in the folded part was filled in, so that it must be seen."""
        first_fund = next(iter(charity.current().funds), "")
        named = any(self.typed.get(name) for name in ("tribute_name", "tribute_note", "name", "email"))
        return named or bool(self.tribute_kind) or self.fund != first_fund

    @property
    def asks_gift_aid(self) -> bool:
        """Whether the gift would go to the entity that Gift Aid declarations are made to. Nobody else is asked."""
        return charity.current().takes_gift_aid(self.currency)


def fresh(asked: Mapping[str, str], source: str = "") -> GivingForm:
    """
    A form for a new gift, filled in as far as the link `asked` for something that exists.

    `amount` in a link is in minor units, as everywhere. Without a wish the
    form starts with what binds least: one gift, of the smallest suggestion.
    """
    wanted = {name: asked.get(name, "") for name in ("currency", "frequency", "amount", "fund")}
    return _form({**wanted, "source": _source(source or asked.get("source", ""), asked.get("utm_campaign", ""))})


def again(typed: Mapping[str, str], error: GivingError) -> GivingForm:
    """
    The form as it was typed.

    It keeps its gift id, so that sending it twice is one gift, unless the id
    itself was refused or already stands for another gift.
    """
    spent = isinstance(error, Conflict) or error.field == "gift_id"
    return _form({**typed, "gift_id": "" if spent else typed.get("gift_id", "")})


def _form(typed: Mapping[str, str]) -> GivingForm:
    facts = charity.current()
    currency = typed.get("currency", "").lower()
    currency = currency if currency in facts.currencies else facts.default_currency
    fund = typed.get("fund", "")
    gift_id = typed.get("gift_id", "")
    gift_id = gift_id if GIFT_ID.fullmatch(gift_id) else secrets.token_hex(16)
    other, once, monthly = _amounts(typed, currency)
    return GivingForm(
        gift_id=gift_id,
        token=form_token.renewed(typed.get("form_token", ""), gift_id) if form_token.asked() else "",
        currency=currency,
        frequency="monthly" if typed.get("frequency") == "monthly" else "once",
        once=once,
        monthly=monthly,
        other_amount=other,
        fund=fund if fund in facts.funds else next(iter(facts.funds), ""),
        source=typed.get("source", "")[:SOURCE_CHARS],
        cover_fees=typed.get("cover_fees") == "true",
        tribute_kind=typed.get("tribute_kind", "").replace("none", ""),
        gift_aid=typed.get("gift_aid") == "yes",
        typed=typed,
    )


def _amounts(typed: Mapping[str, str], currency: str) -> tuple[str, Amounts, Amounts]:
    terms = charity.current().currencies[currency]
    once = _chosen(typed, "once", terms.suggested_once)
    monthly = _chosen(typed, "monthly", terms.suggested_monthly)
    other = typed.get("other_amount", "") or _linked(typed.get("amount", ""), currency)
    return other, _offer(terms.suggested_once, once, currency), _offer(terms.suggested_monthly, monthly, currency)


def _offer(suggested: list[int], chosen: str, currency: str) -> Amounts:
    return Amounts(suggested, chosen, charity.current().with_fee(Money(suggested[0], currency)))


def _chosen(typed: Mapping[str, str], frequency: Frequency, suggested: list[int]) -> str:
    wanted = typed.get(f"amount_{frequency}") or typed.get("amount", "")
    if wanted in map(str, suggested):
        return wanted
    wished = wanted == OTHER or (wanted.isascii() and wanted.isdigit()) or typed.get("other_amount")
    return OTHER if wished else str(suggested[0])


def as_typed(money: Money) -> str:
    """The amount as a person would type it: "25", or "25.50"."""
    return f"{money.major:f}".removesuffix("." + "0" * decimals(money.currency))


def _linked(minor: str, currency: str) -> str:
    """Minor units of a link as a person would type them; nothing for what is not a number."""
    good = minor.isascii() and minor.isdigit() and len(minor) <= AMOUNT_DIGITS
    return as_typed(Money(int(minor), currency)) if good else ""


def _source(slug: str, campaign: str) -> str:
    words = (NOT_A_WORD.sub("-", word).strip("-") for word in (slug, campaign))
    return ".".join(word for word in words if word)[:SOURCE_CHARS]
