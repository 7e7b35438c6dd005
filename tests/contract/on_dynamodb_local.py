"""
A pytest plugin, `-p tests.contract.on_dynamodb_local`: every test that reaches a table finds it on DynamoDB Local.

Queues, mail and documents stay on moto. Each test has tables of its own,
made from `.chalice/resources.json` like moto's, under names of their own.
Time to live stays off: DynamoDB Local believes the wall's clock, and these
tests give theirs.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import aws, settings
from local.cloud import description

TABLES = {"Giving": "GIVING_TABLE", "Signups": "SIGNUPS_TABLE", "Passing": "PASSING_TABLE"}
# What CloudFormation sets by calls of their own, or writes otherwise than DynamoDB.
ELSEWHERE = {"PointInTimeRecoverySpecification", "TimeToLiveSpecification", "SSESpecification"}

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def tables_elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fresh tables on DynamoDB Local for a test that asks for AWS, before anything else of it runs."""
    if "aws_local" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("aws_local")
    patch = request.getfixturevalue("monkeypatch")
    patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", os.environ["DYNAMODB_LOCAL"])
    own = f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}-{next(_numbers)}"
    for name, variable in TABLES.items():
        patch.setenv(variable, f"{name}-{own}")
    settings.current.cache_clear()
    create_tables()
    yield


def create_tables() -> None:
    """The three tables, as resources.json describes them."""
    for name, variable in TABLES.items():
        described: dict[str, Any] = description()["Resources"][name]["Properties"]
        properties = {key: value for key, value in described.items() if key not in ELSEWHERE}
        aws.dynamodb().create_table(TableName=os.environ[variable], **properties)
