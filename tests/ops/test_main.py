"""One command finds its deployment, says what it did, and ends with a code that a script can read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from unittest import mock

import boto3
import pytest

from chalicelib import settings
from local.cloud import Cloud, description
from ops import __main__ as ops
from ops import surroundings
from ops.surroundings import Nowhere

STACK = "giving-prod"


@pytest.fixture
def surrounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a command takes on is put off again."""
    with mock.patch.dict(os.environ):
        yield
    settings.current.cache_clear()


@pytest.fixture
def deployed(aws_local: Cloud) -> dict[str, str]:
    """A stack as CloudFormation has it, with the function whose settings are the deployment's; those settings."""
    given = description()["Globals"]["Function"]["Environment"]["Variables"]
    names = {"STAGE": "dev", "SITE_URL": "https://giving-dev.opengate.example", "SOMETHING_ELSE": "1"}
    for name, value in given.items():
        names[name] = value["Fn::Sub"].replace("${AWS::StackName}", STACK) if "Fn::Sub" in value else f"{STACK}-{value['Ref']}"
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    function = {
        "Code": {"ZipFile": "def handler(event, context): pass"}, "Handler": "index.handler", "Runtime": "python3.12",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Environment": {"Variables": names},
    }  # fmt: skip
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", **trust}}},
        "ReconcileDaily": {"Type": "AWS::Lambda::Function", "Properties": function},
    }
    boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": resources}))
    secrets = {"stripe-api-key": "rk_test_1", "stripe-webhook-secret": "whsec_0123456789abcdef", "token-secret": "t" * 40}
    for name, value in secrets.items():
        boto3.client("ssm").put_parameter(Name=f"/{STACK}/{name}", Value=value, Type="SecureString")
    return names


def test_a_stack_is_enough_to_find_tables_queues_and_secrets(deployed: dict[str, str], surrounded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's own settings, so that a hand does what the schedule does; secrets come from the Parameter Store."""
    monkeypatch.delenv("STRIPE_API_BASE")
    surroundings.enter(STACK)
    settings.current.cache_clear()

    found = settings.current()

    assert (found.stage, found.giving_table, found.money_queue) == ("dev", deployed["GIVING_TABLE"], deployed["MONEY_QUEUE"])
    assert (found.stripe_api_key, found.metrics_namespace) == ("rk_test_1", "Giving/giving-prod")
    assert "SOMETHING_ELSE" not in os.environ


def test_a_stack_that_is_not_there_is_said(aws_local: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip in its name must not fall back on another one's tables."""
    assert ops.main(["--stack", "giving-prd", "letters", "money"]) == ops.BROKE_OFF

    said = capsys.readouterr()
    assert said.out == ""
    assert "The stack giving-prd cannot be looked at" in said.err


def test_without_a_local_run_nothing_is_guessed(surrounded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Least of all that production was meant."""
    monkeypatch.setenv("PORT_AWS", "9")

    with pytest.raises(Nowhere, match="No local run"):
        surroundings.enter("")


def test_somewhere_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that changes the books says which."""
    with pytest.raises(SystemExit) as ended:
        ops.main(["redrive", "money"])

    assert ended.value.code == ops.BROKE_OFF
