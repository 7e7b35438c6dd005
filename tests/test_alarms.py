"""Whatever a person must look at is heard by one, and says what to do."""

from __future__ import annotations

import ast
import re

import pytest

from chalicelib import letters, log, settings
from chalicelib.guard import challenge
from local import package
from local.cloud import Cloud, description

CODE = [package.ROOT / "app.py", *sorted((package.ROOT / "chalicelib").rglob("*.py"))]
DEPLOYING = package.ROOT / "docs" / "how-to" / "deploy.md"
OWN = {"Fn::Sub": "Giving/${AWS::StackName}"}
# Alarms on what should happen and does not: there, silence is the trouble.
HEARTBEATS = {"SilenceAlarm", "ReconcileHourlyStoppedAlarm", "ReconcileDailyStoppedAlarm"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
WEEK_SECONDS, DAY_SECONDS, HOUR_SECONDS = 604_800, 86_400, 3_600


def _alarms() -> dict[str, dict]:
    every = description()["Resources"]
    return {name: each["Properties"] for name, each in every.items() if each.get("Type") == "AWS::CloudWatch::Alarm"}


def _said(function: str) -> set[str]:
    """The events that our code hands to `log.<function>` by name."""
    calls = (node for path in CODE for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == function
        and getattr(call.func.value, "id", "") == "log"
        and isinstance(call.args[0], ast.Constant)
    }


def test_what_a_person_must_look_at_has_an_alarm_and_no_alarm_waits_for_nothing():
    """
    Both ways: a name misspelt on either side would be an alarm that never rings, or a heartbeat that is never heard.
    """
    own = {name: alarm["MetricName"] for name, alarm in _alarms().items() if alarm["Namespace"] == OWN}
    beats = {metric for name, metric in own.items() if name in HEARTBEATS}

    assert _said("alarm") == set(own.values()) - beats
    assert beats <= _said("count")
    assert not _said("alarm") & _said("count"), "an event either needs a person or it does not"


def test_every_name_is_said_in_the_call_itself():
    """
    A name that is made up while running escapes the test above.
    """
    calls = (node for path in CODE for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    named = [call for call in calls if ast.unparse(call.func) == "log.alarm"]

    assert named
    assert all(isinstance(call.args[0], ast.Constant) for call in named)


def test_alarms_listen_where_the_functions_speak(aws_local: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch):
    """
    Each stack has a namespace of its own: with one for all, events of a test stage would cover a silence of production.
    """
    given = description()["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"]
    assert given == OWN
    assert all(a["Namespace"] == OWN or a["Namespace"].startswith("AWS/") for a in _alarms().values())

    monkeypatch.setenv("METRICS_NAMESPACE", "Giving/giving-prod")
    settings.current.cache_clear()
    log.alarm("reconcile_disagrees")

    assert '"Namespace":"Giving/giving-prod","Dimensions":[[]]' in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(_alarms()))
def test_an_alarm_is_heard_and_says_so_when_it_is_over(name: str):
    """
    Somebody is told at its beginning and at its end, and silence means what it should.
    """
    alarm = _alarms()[name]

    assert [{"Ref": "Alarms"}] == alarm["AlarmActions"] == alarm["OKActions"]
    assert alarm["TreatMissingData"] == ("breaching" if name in HEARTBEATS else "notBreaching")


@pytest.mark.parametrize("name", sorted(_alarms()))
def test_an_alarm_looks_no_further_back_than_cloudwatch_does(name: str):
    """
    A week in all, a day where the periods are shorter than an hour; more is refused while deploying.
    """
    alarm, parameters = _alarms()[name], description()["Parameters"]
    periods = alarm["EvaluationPeriods"]
    most = parameters[periods["Ref"]]["MaxValue"] if isinstance(periods, dict) else periods

    assert alarm["Period"] * most <= (WEEK_SECONDS if alarm["Period"] >= HOUR_SECONDS else DAY_SECONDS)


def test_an_engineer_finds_what_to_do_for_every_alarm():
    """
    The mail names the alarm; the table of the how-to has it, and none that is gone.
    """
    table = DEPLOYING.read_text().partition("| alarm | what happened | what to do |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if "`" in line]

    assert sorted(_alarms()) == sorted(name for row in rows for name in re.findall(r"`(\w+)`", row[0]))
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)


@pytest.mark.parametrize(("result", "rings"), [("passed", 0), ("failed", 0), ("unknown", 1)])
def test_a_challenge_that_nobody_can_judge_rings(
    aws_local: Cloud, capsys: pytest.CaptureFixture[str], result: challenge.Result, rings: int
):
    """
    A secret that was rolled, or Cloudflare down, keeps donors out; a robot that fails is what the challenge is for.
    """

    class Says:
        def verify(self, answer: str, ip: str) -> challenge.Result:
            return result

    challenge.set_verifier(Says())
    try:
        assert challenge.verify("x", "203.0.113.9") == result
    finally:
        challenge.set_verifier()

    assert capsys.readouterr().out.count('"challenge_unknown":[1.0]') == rings


def test_silence_is_that_of_payments():
    """
    Any other event, or letters that staff send back, would cover that no payment is told of any more.
    """
    alarm = _alarms()["SilenceAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (OWN, "payment_event", "Sum")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_the_cause_outlives_the_letter():
    """
    SQS keeps a dead letter for as long as the queue says, counted from its first sending.
    """
    kept = [description()["Resources"][name]["Properties"]["MessageRetentionPeriod"] for name in ("MoneyDeadLetters", "MailDeadLetters")]

    assert letters.REMEMBERED.total_seconds() > max(kept)
