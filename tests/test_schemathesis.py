"""Whatever is sent to the calls that /openapi.json describes: never a 5xx, and answers as described."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.caller import Donor, until
from tests.house import House

EXAMPLES = 15
CHECKS = [schemathesis.checks.not_a_server_error, content_type_conformance, response_schema_conformance]
# Ending the session, or asking for mails by the hundred, would leave the other calls nothing to be tried with.
LEFT_TO_THE_LAST = {("DELETE", "/portal/session"), ("POST", "/portal/sign-out"), ("POST", "/portal/erase")}


@pytest.fixture(scope="module")
def ann(house: House) -> Donor:
    """A donor who has given monthly and is signed in, so that the calls behind the session are reached."""
    donor = Donor(house, "schema")
    donor.give("monthly", 25_00)
    until(lambda: donor.mails("Welcome"))
    donor.sign_in()
    return donor


def test_no_call_breaks(house: House, ann: Donor) -> None:
    """Each described call with made-up input, signed in and from our own origin."""
    described = schemathesis.openapi.from_url(f"{house.site}/openapi.json")
    operations = [found.ok() for found in described.get_all_operations()]
    for operation in sorted(operations, key=lambda each: (each.method.upper(), each.path) in LEFT_TO_THE_LAST):
        _try(operation, house, ann)

    assert len(operations) >= 24


def _try(operation: Any, house: House, ann: Donor) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(
            checks=CHECKS, headers={"Origin": house.site, "Accept": "application/json"},
            cookies=ann.browser.cookies.get_dict(), allow_redirects=False,
        )  # fmt: skip

    call()
