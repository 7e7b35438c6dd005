"""What CloudFormation is asked to make: whole, least privileged, and with times that fit together."""

from __future__ import annotations

import ast
import json
import re

import msgspec
import pytest
from cfnlint.api import ManualArgs, lint, lint_all

from chalicelib import charity
from chalicelib.errors import MisconfiguredError
from chalicelib.processor import settle
from chalicelib.settings import Settings
from local import package
from local.cloud import REGION

DEPLOYING = package.ROOT / "docs" / "how-to" / "deploy.md"
FUNCTIONS = {
    "api_handler": "APIHandler",
    "record_stripe_event": "RecordStripeEvent",
    "send_mail": "SendMail",
    "reconcile_hourly": "ReconcileHourly",
    "reconcile_daily": "ReconcileDaily",
}
WORKERS = {"RecordStripeEvent": "MoneyQueue", "SendMail": "MailQueue"}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
GATEWAY_TIMEOUT_SECONDS = 29
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The packaged template. The dependencies are left out: they take a minute, and no word of it."""
    target = tmp_path_factory.mktemp("build")
    source = target / "source"
    package.copy_sources(source)
    (source / "requirements.txt").write_text("")
    package.generate("dev", source, target)
    return json.loads((target / "sam.json").read_text())


@pytest.fixture(scope="module")
def resources(template):
    return template["Resources"]


def test_cloudformation_would_accept_it(template):
    """
    A fault here would otherwise show when the charity's engineer deploys.
    """
    faults = lint(json.dumps(template), lint_all, [REGION], ManualArgs(ignore_checks=["W"]))

    assert [] == [f"{fault.rule.id} {fault.path}: {fault.message}" for fault in faults if fault.rule.id[0] == "E"]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_handler_has_its_own_policy(stage):
    """
    A function may do what it needs and nothing else: a policy of its own, never one shared or guessed.
    """
    chosen = _config()["stages"][stage]["lambda_functions"]

    assert set(FUNCTIONS) == set(chosen) == _handlers()
    assert {name: f"policy-{name}.json" for name in FUNCTIONS} == {
        name: chosen[name]["iam_policy_file"] for name in chosen
    }


@pytest.mark.parametrize("name", ["record_stripe_event", "send_mail"])
def test_the_workers_may_ask_for_mails(name):
    """
    Mails too are asked for where mails are sent: an end that an erasure makes, a card seen changed while another change is confirmed.
    """
    policy = json.loads((package.ROOT / ".chalice" / f"policy-{name}.json").read_text())
    asked_for = [each for each in policy["Statement"] if each["Action"] == ["sqs:SendMessage"]]

    assert [each["Resource"] for each in asked_for] == [[{"Fn::GetAtt": ["MailQueue", "Arn"]}]]


def test_no_policy_allows_everything(resources):
    """
    No starred action and no starred resource, and nobody may delete a table or empty the bucket.

    One statement aside, which the next test looks at.
    """
    for name, resource in resources.items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for statement in resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            assert "*" != statement["Resource"], name
            if statement["Sid"] == "CopiesAreDeleted":
                continue
            assert not [each for each in actions if "*" in each or re.search("Delete(Table|Object|Bucket)", each)], name


def test_only_an_erasure_may_delete_and_only_copies_of_a_donor_s_data(resources):
    """
    The worker that erases lists and deletes versions under exports/, and nothing else of the bucket; no other function does.
    """
    may = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            for each in resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
                if {"s3:DeleteObjectVersion", "s3:DeleteObject", "s3:ListBucketVersions", "s3:ListBucket"} & set(each["Action"]):
                    may[name, each["Action"][0]] = (each["Action"], each["Resource"], each.get("Condition"))
    bucket, copies = {"Fn::GetAtt": ["Documents", "Arn"]}, {"Fn::Sub": "${Documents.Arn}/exports/*"}

    assert may == {
        ("SendMailRole", "s3:ListBucketVersions"): (["s3:ListBucketVersions"], [bucket], {"StringLike": {"s3:prefix": "exports/*"}}),
        ("SendMailRole", "s3:DeleteObjectVersion"): (["s3:DeleteObjectVersion"], [copies], None),
    }


def test_only_who_sends_mail_may_send_mail(resources):
    """
    The function that the whole internet reaches can neither send mail nor read a queue.
    """
    allowed = _actions(resources["ApiHandlerRole"])

    assert not [action for action in allowed if action.startswith("ses:") or action == "sqs:ReceiveMessage"]
    assert "ses:SendEmail" in _actions(resources["SendMailRole"])


def test_no_function_can_undo_the_lock_on_a_document(resources):
    """
    Nothing allows it, and the bucket's own policy denies it to each of them, whatever theirs come to say.
    """
    roles = {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role"}
    statements = resources["DocumentsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [denied] = [each for each in statements if each["Sid"] == "NoFunctionUndoesALock"]
    [issued] = [each for each in statements if each["Sid"] == "NoFunctionDeletesWhatWasIssued"]

    assert resources["Documents"]["Properties"]["ObjectLockEnabled"] is True
    assert {"s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:PutLifecycleConfiguration"} <= set(denied["Action"])
    assert (["s3:DeleteObjectVersion"], [{"Fn::Sub": "${Documents.Arn}/exports/*"}]) == (issued["Action"], issued["NotResource"])
    for each in (denied, issued):
        kept_from = [arn["Fn::GetAtt"][0] for arn in each["Condition"]["ArnEquals"]["aws:PrincipalArn"]]
        assert ("Deny", "*", sorted(roles)) == (each["Effect"], each["Principal"], sorted(kept_from))
    assert not [name for name, role in roles.items() if _actions(role) & set(denied["Action"])]


def test_who_draws_up_documents_may_lock_them(resources):
    """
    S3 takes a locked put only from who may set retention; a donor's copy of their data is never locked.
    """
    may = {name for name, each in resources.items() if each["Type"] == "AWS::IAM::Role" and "s3:PutObjectRetention" in _actions(each)}

    assert {"ApiHandlerRole", "SendMailRole"} == may
    for name in may:
        for statement in resources[name]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            if "s3:PutObjectRetention" in statement["Action"]:
                assert {"statements/*", "receipts/*"} >= {arn["Fn::Sub"].partition("/")[2] for arn in statement["Resource"]}


@pytest.mark.parametrize("worker", WORKERS)
def test_a_queue_hides_a_message_six_times_as_long_as_its_worker_may_take(resources, worker):
    """
    With less, Lambda's own retries would let two workers hold one message.
    """
    visibility = resources[WORKERS[worker]]["Properties"]["VisibilityTimeout"]

    assert visibility >= VISIBILITY_PER_TIMEOUT * resources[worker]["Properties"]["Timeout"]


def test_the_api_answers_before_the_gateway_gives_up(resources):
    """
    Else a visitor meets the gateway's error while the function goes on.
    """
    assert resources["APIHandler"]["Properties"]["Timeout"] < GATEWAY_TIMEOUT_SECONDS


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_reads_the_queue_of_this_stack_one_message_at_a_time(resources, worker):
    """
    Chalice names queues by plain words; the merged template points them at ours.

    One at a time, because Chalice cannot report part of a batch as failed.
    """
    [event] = resources[worker]["Properties"]["Events"].values()

    assert {"Fn::Sub": f"${{{WORKERS[worker]}.Arn}}"} == event["Properties"]["Queue"]
    assert 1 == event["Properties"]["BatchSize"]


def test_every_setting_is_given(template):
    """
    A setting that is missing would stop every function at its start.
    """
    given = {*_globals(template), *template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]}
    needed = {field.name.upper() for field in msgspec.structs.fields(Settings) if field.required}

    assert set() == needed - given


def test_no_secret_is_in_the_template(template):
    """
    A template lies in S3 and in CloudFormation's history: it names where a secret is, and never says it.
    """
    secrets = {name: value for name, value in _globals(template).items() if name.endswith(("_KEY", "_SECRET"))}

    assert {"STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "TOKEN_SECRET"} == set(secrets)
    assert all(value["Fn::Sub"].startswith("ssm:/${AWS::StackName}/") for value in secrets.values())
    assert not re.search(r"(sk|rk)_(live|test)_\w+|whsec_\w+", json.dumps(template))


@pytest.mark.parametrize("name", ["Giving", "Signups", "Documents"])
def test_what_must_be_kept_outlives_the_stack(resources, name):
    """
    Deleting the stack by mistake must not delete a gift, a consent or a statement.
    """
    assert "Retain" == resources[name]["DeletionPolicy"] == resources[name]["UpdateReplacePolicy"]


@pytest.mark.parametrize("name", ["Giving", "Signups"])
def test_kept_tables_can_be_brought_back_to_any_second(resources, name):
    """
    Thirty-five days of point-in-time recovery, and no deletion in passing.
    """
    properties = resources[name]["Properties"]

    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert properties["DeletionProtectionEnabled"]
    assert "TimeToLiveSpecification" not in properties


def test_every_dead_letter_queue_has_an_alarm(resources):
    """
    A message nobody can handle is worth nothing unless somebody hears of it.
    """
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        for dimension in resource["Properties"].get("Dimensions", [])
        if isinstance(dimension["Value"], dict) and "Fn::GetAtt" in dimension["Value"]
    }

    assert {"MoneyDeadLetters", "MailDeadLetters"} <= watched


def test_server_errors_of_another_stack_raise_no_alarm_here(resources):
    """
    CloudWatch knows a REST API by its name alone, so the name is the stack's own.
    """
    named = {each["Name"]: each["Value"] for each in resources["ServerErrorsAlarm"]["Properties"]["Dimensions"]}
    api = resources["RestAPI"]["Properties"]

    assert {"Ref": "AWS::StackName"} == named["ApiName"] == api["DefinitionBody"]["info"]["title"]
    assert named["Stage"] == api["StageName"]
    assert "Name" not in api, "it would go before the title"


def test_the_gateways_own_answers_have_our_shape(resources):
    """
    A program that reads our errors reads one shape, whoever refused; a person reads a page.
    """
    for response in resources["RestAPI"]["Properties"]["GatewayResponses"].values():
        error = json.loads(response["ResponseTemplates"]["application/json"])["error"]
        assert {"code", "message"} == set(error)
        page = response["ResponseTemplates"]["text/html"]
        assert page.count(error["message"]) == 2, "title and heading"
        assert "$" not in page, "API Gateway would put something in its place"


def test_a_log_is_kept_for_a_while_and_not_for_ever(resources):
    """
    Every function's log group is ours, so that it ends.
    """
    groups = [resource for resource in resources.values() if resource["Type"] == "AWS::Logs::LogGroup"]

    assert len(FUNCTIONS) == len(groups)
    assert all(group["Properties"]["RetentionInDays"] for group in groups)
    assert {f"/aws/lambda/${{{name}}}" for name in FUNCTIONS.values()} == {
        group["Properties"]["LogGroupName"]["Fn::Sub"] for group in groups
    }


def test_the_engineer_is_told_of_every_event_that_we_handle():
    """
    An event that Stripe is not asked to send is one that only reconcile would find.
    """
    told = re.search(r"these events:\n\n```\n(.*?)```", DEPLOYING.read_text(), re.DOTALL)

    assert sorted(settle.HANDLERS) == told[1].split()


def test_an_example_charity_is_not_packaged_for_production():
    """
    Invented tax numbers must never reach a donor; the build says so before the deploy could.
    """
    with pytest.raises(MisconfiguredError, match="example"):
        charity.read(charity.FACTS_FILE, production=True)


def _config():
    return json.loads((package.ROOT / ".chalice" / "config.json").read_text())


def _globals(template):
    return template["Globals"]["Function"]["Environment"]["Variables"]


def _actions(role):
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return {action for statement in statements for action in statement["Action"]}


def _handlers():
    """The functions that app.py declares, and the one that answers HTTP."""
    tree = ast.parse((package.ROOT / "app.py").read_text())
    triggers = ("on_sqs_message", "schedule")
    declared = {
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") in triggers
    }
    return {"api_handler", *declared}
