"""
A Gift Aid declaration, which gifts it covers, and their rows in a claim. Pure.

    past  |<-- four years back -->| made ....... gifts covered ....... | cancelled
    else                          | made ....... gifts covered ....... | cancelled

Source: HMRC, Gift Aid declarations: claiming tax back on donations, and the
charities online schedule guidance (columns and their limits).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from chalicelib.giving.gift import Gift

YEARS_BACK = 4
COLUMNS = (
    "Title", "First name or initial", "Last name", "House name or number", "Postcode", "Aggregated donations",
    "Sponsored event", "Donation date", "Amount",
)  # fmt: skip


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a donor declared to a legal entity: word for word, when, and from where.

    It covers gifts from then on, and with `past` those of the four years
    before. It never expires; `cancelled_at` ends it for later gifts.
    """

    declaration_id: str
    entity: str
    first_name: str
    last_name: str
    house: str
    postcode: str
    past: bool
    wording: str
    made_at: datetime
    made_on: date
    # Empty texts are not kept, so what may be empty has a default to come back to.
    ip: str = ""
    title: str = ""
    cancelled_at: datetime | None = None


def covers(declaration: Declaration, gift: Gift) -> bool:
    """Whether tax may be reclaimed on this gift because of this declaration. Never on one refunded or in dispute."""
    begins = _years_before(declaration.made_on, YEARS_BACK) if declaration.past else declaration.made_on
    ended = declaration.cancelled_at is not None and gift.given_at >= declaration.cancelled_at
    sterling = gift.kept.currency == "gbp" and not gift.about.advantage
    within = gift.given_on >= begins and not ended
    return gift.entity == declaration.entity and gift.state == "paid" and sterling and within


def row(declaration: Declaration, gift: Gift) -> tuple[str, ...]:
    """The gift's line of the schedule. What does not apply is blank, never 0; a part refunded is not claimed on."""
    amount = f"{Decimal(gift.kept.minor) / 100:.2f}"
    day = gift.given_on.strftime("%d/%m/%y")
    told = declaration
    return (told.title, told.first_name, told.last_name, told.house, told.postcode, "", "", day, amount)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February, and no such day that year
        return day.replace(year=day.year - years, day=28)
