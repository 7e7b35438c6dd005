"""Which of their gifts a donor wants to see: of one year, for one fund, given once or monthly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec

from chalicelib import keys
from chalicelib.errors import InvalidInput
from chalicelib.giving.gift import Frequency, Gift
from chalicelib.giving.sums import Sum

# The farthest that local midnight lies from UTC's, either way.
ZONES_REACH = timedelta(hours=14)
FREQUENCIES: tuple[str, ...] = get_args(Frequency)


class Choice(msgspec.Struct, frozen=True):
    """None and empty texts leave a thing open. `fund` is the fund's id, not its name."""

    year: int | None = None
    fund: str = ""
    frequency: str = ""

    def takes(self, gift: Gift) -> bool:
        """Whether the gift is among those wanted."""
        return self._fits(gift.given_on.year, gift.about.fund, gift.about.frequency)

    def counts(self, part: Sum) -> bool:
        """Whether the sum is of gifts that are among those wanted."""
        return self._fits(part.year, part.fund, part.frequency)

    def of_any_year(self) -> Choice:
        return msgspec.structs.replace(self, year=None)

    def moments(self) -> tuple[datetime, datetime] | None:
        """The UTC moments between which every gift of the year lies, in whichever zone it was settled."""
        if self.year is None:
            return None
        start, end = datetime(self.year, 1, 1, tzinfo=UTC), datetime(self.year + 1, 1, 1, tzinfo=UTC)
        return start - ZONES_REACH, end + ZONES_REACH

    def range(self) -> dict[str, str]:
        """Between which sort keys the gifts of the year stand."""
        found = self.moments()
        if found is None:
            return {}
        return {"first": keys.FACTS + keys.moment(found[0]), "last": keys.FACTS + keys.moment(found[1]) + "~"}

    def _fits(self, year: int, fund: str, frequency: str) -> bool:
        return self.year in {None, year} and self.fund in {"", fund} and self.frequency in {"", frequency}


def read(year: str, fund: str, frequency: str, funds: dict[str, str]) -> Choice:
    """What was asked for, as typed into an address. Raises InvalidInput for what cannot be one."""
    if fund and fund not in funds:
        raise InvalidInput("We have no such fund.", code="fund_unknown", field="fund")
    if frequency and frequency not in FREQUENCIES:
        raise InvalidInput("Choose once or monthly.", code="frequency_invalid", field="frequency")
    return Choice(_year(year) if year else None, fund, frequency)


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 4 and 2000 <= int(text) <= 2200):
        raise InvalidInput("That is not a year.", code="year_invalid", field="year")
    return int(text)
