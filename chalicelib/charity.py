"""The charity's own facts, from charity.toml: who takes a gift, in which currencies and for what."""

import functools
import tomllib
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from chalicelib import settings
from chalicelib.errors import InvalidInput, MisconfiguredError
from chalicelib.money import Money, in_words
from chalicelib.money import step as money_step

FACTS_FILE = Path(__file__).with_name("charity.toml")
SIGNATURES = Path(__file__).with_name("statements") / "layouts" / "signatures"

# What a Gift Aid declaration is made of; a note may be left out.
GIFT_AID_WISHES = ("this_gift", "future", "past_and_future")
GIFT_AID_NOTES = ("higher_rate",)
GIFT_AID_WORDS = (*GIFT_AID_WISHES, "responsibility", "tell_us", *GIFT_AID_NOTES)


class LegalEntity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A registered body that takes gifts. Its country and time zone decide the tax year of what it takes.

    Some countries' documents ask for a place of issue, who signs, and the
    signature: the name of an SVG in statements/layouts/signatures/.
    """

    legal_name: str
    country: str
    time_zone: str
    tax_number_label: str
    tax_number: str
    address: list[str]
    default: bool = False
    place_of_issue: str = ""
    signatory: str = ""
    signature: str = ""
    # How many years after the end of a gift's tax year its record must be kept, and whether with the donor's name and
    # address. Issued documents are locked for as long.
    records_years: int = 7
    records_name_donor: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Currency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be given in one currency, in minor units, and which entity takes it."""

    entity: str
    minimum: int
    maximum: int
    suggested_once: list[int]
    suggested_monthly: list[int]
    fee_percent: str = "2.9"
    fee_fixed: int = 0


class Benefit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a one-off gift to a fund brings the donor in return, and its value in minor units, by honest estimate."""

    description: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    value: Annotated[int, msgspec.Meta(gt=0)]


class GiftAid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The words of a Gift Aid declaration to one British entity, by its scope; they may name `{legal_name}`.

    The wishes must: HMRC wants the charity named in what is declared.
    `higher_rate` is a note beside it, and no part of what is declared.
    """

    entity: str
    this_gift: str
    future: str
    past_and_future: str
    responsibility: str
    tell_us: str
    higher_rate: str = ""


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who mails come from and where answers go."""

    sender: str
    reply_to: str


class Charity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a charity states about itself. `example` facts never reach production."""

    name: str
    website: str
    contact_email: str
    postal_address: str
    default_currency: str
    allowed_origins: list[str]
    mail: Mail
    funds: dict[str, str]
    entities: dict[str, LegalEntity]
    currencies: dict[str, Currency]
    example: bool = False
    follow: dict[str, str] = {}
    gift_aid: GiftAid | None = None
    benefits: dict[str, dict[str, Benefit]] = {}
    # What funds are called in other languages, for documents: by language, then by fund.
    funds_in: dict[str, dict[str, str]] = {}

    def entity_for(self, currency: str) -> tuple[str, LegalEntity]:
        """The id and facts of the legal entity that takes gifts in `currency`; the default one for any other."""
        known = self.currencies.get(currency)
        default = next(key for key, entity in self.entities.items() if entity.default)
        key = known.entity if known else default
        return key, self.entities[key]

    def takes_gift_aid(self, currency: str) -> bool:
        """Whether tax may be reclaimed on gifts in this currency: pounds, to the entity of the declarations."""
        terms = self.gift_aid
        return terms is not None and currency == "gbp" and self.entity_for(currency)[0] == terms.entity

    def benefit(self, fund: str, currency: str) -> Benefit | None:
        """What one gift to the fund brings the donor in return, if anything."""
        return self.benefits.get(fund, {}).get(currency)

    def with_fee(self, money: Money) -> Money:
        """
        What to charge so that after Stripe's fee the charity has `money`.

        The fee is taken of the whole: (wanted + fixed) / (1 - rate), rounded
        up to an amount that can be charged.
        """
        terms, step = self.currencies[money.currency], money_step(money.currency)
        kept_share = 1 - Decimal(terms.fee_percent) / 100
        steps = (money.minor + terms.fee_fixed) / kept_share / step
        return Money(int(steps.to_integral_value(ROUND_CEILING)) * step, money.currency)

    def check_amount(self, money: Money) -> None:
        """Raise InvalidInput unless `money` may be given: a known currency, from its least to its most, chargeable."""
        currency = self.currencies.get(money.currency)
        if currency is None:
            raise InvalidInput("We cannot take that currency.", code="currency_unknown", field="currency")
        if money.minor < currency.minimum:
            least = in_words(Money(currency.minimum, money.currency))
            raise InvalidInput(f"The smallest gift is {least}.", code="amount_too_small", field="amount")
        if money.minor > currency.maximum:
            most = in_words(Money(currency.maximum, money.currency))
            raise InvalidInput(
                f"The largest gift here is {most}. Please write to us to give more.",
                code="amount_too_large",
                field="amount",
            )
        beyond = money.minor % money_step(money.currency)
        if beyond:
            below = in_words(Money(money.minor - beyond, money.currency))
            raise InvalidInput(
                f"Cards cannot pay quite that amount in {money.currency.upper()}. {below} can be given.",
                code="amount_invalid",
                field="amount",
            )


@functools.cache
def current() -> Charity:
    """The charity's facts, read once. Raises MisconfiguredError where they cannot be used."""
    return read(FACTS_FILE, production=settings.is_production())


def read(path: Path, *, production: bool) -> Charity:
    """Read and check a charity.toml. In production the example's invented numbers are refused."""
    try:
        facts = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Charity)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise MisconfiguredError(f"{path.name}: {fault}") from fault
    _check(facts, production=production)
    return facts


def _check(facts: Charity, *, production: bool) -> None:
    if production and facts.example:
        raise MisconfiguredError("charity.toml is still the example with invented numbers; production refuses it.")
    if sum(entity.default for entity in facts.entities.values()) != 1:
        raise MisconfiguredError("charity.toml: exactly one legal entity must be the default.")
    _check_currencies(facts)
    if facts.gift_aid:
        _check_gift_aid(facts, facts.gift_aid)
    for fund, values in facts.benefits.items():
        unknown = set(values) ^ set(facts.currencies)
        if fund not in facts.funds or unknown:
            raise MisconfiguredError(f"charity.toml: benefits.{fund}: no such fund, or currencies astray: {unknown}")
    nameless = [fund for names in facts.funds_in.values() for fund in names if fund not in facts.funds]
    if nameless:
        raise MisconfiguredError(f"charity.toml: funds_in names unknown funds: {', '.join(nameless)}")
    unsigned = [each.signature for each in facts.entities.values() if each.signature and not _is_there(each.signature)]
    if unsigned:
        raise MisconfiguredError(f"charity.toml: no such file in {SIGNATURES.name}/: {', '.join(unsigned)}")


def _check_currencies(facts: Charity) -> None:
    strays = [code for code, currency in facts.currencies.items() if currency.entity not in facts.entities]
    if strays or facts.default_currency not in facts.currencies:
        raise MisconfiguredError(f"charity.toml: currencies without a known entity: {strays or facts.default_currency}")
    for code, terms in facts.currencies.items():
        offered = [terms.minimum, terms.maximum, *terms.suggested_once, *terms.suggested_monthly]
        unpayable = [each for each in offered if each % money_step(code)]
        if unpayable:
            raise MisconfiguredError(f"charity.toml: currencies.{code}: no card can pay {unpayable}, see money.STEPS")


def _check_gift_aid(facts: Charity, terms: GiftAid) -> None:
    """Refuse what would be no declaration in HMRC's sense: one lacking a part, or made to whom tax is not paid back."""
    entity = facts.entities.get(terms.entity)
    if entity is None or entity.country != "GB" or not entity.legal_name.strip():
        raise MisconfiguredError(f"charity.toml: gift_aid.entity {terms.entity}: no British entity with a legal_name")
    if not facts.takes_gift_aid("gbp") or "gbp" not in facts.currencies:
        raise MisconfiguredError(f"charity.toml: gift_aid.entity {terms.entity} does not take gbp")
    for name in GIFT_AID_WORDS:
        _check_words(name, getattr(terms, name))


def _check_words(name: str, words: str) -> None:
    if not words.strip() and name not in GIFT_AID_NOTES:
        raise MisconfiguredError(f"charity.toml: gift_aid.{name} is empty")
    if name in GIFT_AID_WISHES and "{legal_name}" not in words:
        raise MisconfiguredError(f"charity.toml: gift_aid.{name} must name the charity as {{legal_name}}")
    if any(brace in words.replace("{legal_name}", "") for brace in "{}"):
        raise MisconfiguredError(f"charity.toml: gift_aid.{name} has a brace that is not of {{legal_name}}")


def _is_there(signature: str) -> bool:
    return Path(signature).name == signature and (SIGNATURES / signature).is_file()
