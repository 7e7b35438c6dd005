"""What documents say of the donor and of the entity, read from where each is kept."""

from __future__ import annotations

from chalicelib import charity
from chalicelib.errors import MisconfiguredError
from chalicelib.giving import donors
from chalicelib.statements import wording
from chalicelib.statements.countries import COUNTRIES
from chalicelib.statements.country import ELSEWHERE
from chalicelib.statements.statement import Recipient, Source


def source(entity_id: str) -> Source:
    """The facts of the entity that issues. Raises MisconfiguredError if charity.toml no longer has it."""
    facts = charity.current()
    if entity_id not in facts.entities:
        raise MisconfiguredError(f"charity.toml: entities.{entity_id} took gifts, so it must stay there.")
    return Source(facts.name, facts.entities[entity_id], facts.funds, facts.funds_in)


def recipient(donor: donors.Donor | None, home: str, language: str = "") -> Recipient:
    """
    The donor's name as they want it there, or else their mail address, and their postal address if they gave one.

    `language` is the document's; without one it is the one that they prefer, if we write it.
    """
    if donor is None:
        return Recipient("")
    name, lines = donor.named_on_receipts or donor.email, address_lines(donor.address, home)
    return Recipient(name, lines, not lacks(donor), language or wording.readable(donor.language))


def lacks(donor: donors.Donor) -> list[str]:
    """
    What is missing, as a person reads it, where a tax office wants the donor in full: nothing, if all is there.

    A first and a last name at least (who has a middle one nobody can tell),
    and an address that a letter reaches.
    """
    at = donor.address
    wanted = {
        "your full name": len(donor.named_on_receipts.split()) > 1,
        "street and number": donors.says(at.line1),
        "city": donors.says(at.city),
        "postal code": donors.says(at.postal_code),
        "country": donors.says(at.country),
    }
    return [name for name, is_there in wanted.items() if not is_there]


def are_wanted(country: str) -> bool:
    """Whether the yearly statement of that country wants the donor in full."""
    return COUNTRIES.get(country, ELSEWHERE).donor_in_full


def address_lines(address: donors.Address, home: str) -> tuple[str, ...]:
    """The address as a letter from country `home` would carry it: another country is named, in English."""
    town = " ".join(part for part in (address.region, address.postal_code) if part)
    place = ", ".join(part for part in (address.city, town) if part)
    country = "" if address.country == home else _country_name(address.country)
    return tuple(line for line in (address.line1, address.line2, place, country) if line)


def _country_name(code: str) -> str:
    from babel import Locale  # noqa: PLC0415 - one page in twenty needs it

    return str(Locale("en").territories.get(code, code))
