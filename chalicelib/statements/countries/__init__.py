"""The countries whose tax documents we issue, by ISO 3166-1 code. Any other gets the plain receipt of ELSEWHERE."""

from collections.abc import Mapping

from chalicelib.statements.countries.au import AUSTRALIA
from chalicelib.statements.countries.ca import CANADA
from chalicelib.statements.countries.gb import UNITED_KINGDOM
from chalicelib.statements.countries.us import UNITED_STATES
from chalicelib.statements.country import Country

COUNTRIES: Mapping[str, Country] = {
    "AU": AUSTRALIA,
    "CA": CANADA,
    "GB": UNITED_KINGDOM,
    "US": UNITED_STATES,
}
