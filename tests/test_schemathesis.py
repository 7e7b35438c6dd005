"""Whatever is sent to the calls that /openapi.json describes: never a 5xx, and answers as described."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.caller import Donor, until
from tests.house import House

EXAMPLES = 20
CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
described = schemathesis.pytest.from_fixture("schema")


@pytest.fixture(scope="module")
def schema(house: House) -> Any:
    return schemathesis.openapi.from_url(f"{house.site}/openapi.json")


@described.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_call_breaks(case: Case, house: House) -> None:
    case.call_and_validate(checks=CHECKS)
