"""Staff's command line against the local run that `make run` starts, as programs of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.caller import Donor, until
from tests.house import ROOT, House


@pytest.fixture
def ann(house: House) -> Donor:
    return Donor(house, "ann")


def _ops(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops", "--local", *arguments]
    return subprocess.run(command, cwd=ROOT, env=house._environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_gift_without_events_is_found_by_hand(house: House, ann: Donor) -> None:
    """
    Another terminal, the same tables and the same Stripe: recorded, receipted, and said.

    It ends with 1 while something is left to heal and with 0 when the books agree, for whoever runs it by a script.
    """
    ann.at_stripe("webhooks", {"mode": "drop"})
    gift_id = ann.give()
    ann.at_stripe("webhooks", {"mode": "normal"})
    today = ann.now().date().isoformat()
    twice = {"path": "/v1/charges/", "status": 500, "times": 2}  # the SDK tries twice
    ann.at_stripe("fail", twice)

    failed = _ops(house, "reconcile", "--from", today, "--zone", "UTC")
    assert failed.returncode == 1, failed.stderr
    assert "ProcessorUnsure (payment_processor_unavailable) from APIError" in failed.stdout

    ended = _ops(house, "reconcile", "--from", today, "--zone", "UTC")

    assert ended.returncode == 0, ended.stderr
    assert "facts recorded that were missing" in ended.stdout
    assert "The books agree with Stripe." in ended.stdout
    assert '"_aws"' not in ended.stdout, "what the functions log is meant for CloudWatch"
    assert ann.call("GET", f"/gifts/{gift_id}").json()["state"] == "paid"
    until(lambda: ann.mails("Receipt"))


def test_the_whole_ledger_is_proven(house: House, ann: Donor) -> None:
    """Whatever the journeys before it left there."""
    ann.give()
    until(lambda: ann.mails("Receipt"))

    ended = _ops(house, "reconcile", "--whole")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every fact is backed by Stripe's balance." in ended.stdout


def test_the_queues_are_looked_at(house: House) -> None:
    """Nothing lies there, and the command says so."""
    for queue in ("money", "mail"):
        ended = _ops(house, "letters", queue)
        assert (ended.returncode, ended.stdout) == (0, f"Dead letters ({queue}): none\n"), ended.stderr
