"""
`python -m tests.contract`: our assumptions against moto, Amazon's DynamoDB Local, Stripe's stripe-mock and veraPDF.

What the machine has no tools for is skipped, and said so. What it has the
tools for and cannot be fetched or started is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.contract import dynamodb_local, stripe_mock, verapdf
from tests.contract.program import Broken

CONTRACT = "tests/contract"
# Every other test that reaches a table runs on DynamoDB Local too: what it sends is what production sends.
# Not the slow ones nor those of partners, which send nothing that these do not.
STORES = [
    "gift_aid", "giving", "mail", "portal", "processor", "signups", "statements/test_register.py", "guard/test_counters.py",
]  # fmt: skip
# A test run of minutes has met something that waits.
SECONDS = 900


def main() -> int:
    """Run all that can be run; 0 if nothing failed."""
    try:
        return max(_with_stripe(), _with_dynamodb(), _with_verapdf())
    except Broken as fault:
        print(f"contract: FAILED, {fault}", file=sys.stderr)
        return 1


def _with_stripe() -> int:
    lacking = stripe_mock.lacking()
    if lacking:
        _say(f"SKIPPED stripe-mock: {lacking}. moto alone:")
        return _pytest(CONTRACT)
    with stripe_mock.running() as address:
        _say(f"moto, and stripe-mock {stripe_mock.VERSION} at API version {stripe_mock.api_version()}:")
        return _pytest(CONTRACT, STRIPE_MOCK=address, STRIPE_SPEC=str(stripe_mock.spec()))


def _with_dynamodb() -> int:
    lacking = dynamodb_local.lacking()
    if lacking:
        _say(f"SKIPPED DynamoDB Local: {lacking}.")
        return 0
    with dynamodb_local.running() as address:
        _say(f"DynamoDB Local {dynamodb_local.version()} (under Amazon's licence, for holders of an AWS account):")
        there, stripe_s = "tests.contract.on_dynamodb_local", f"{CONTRACT}/test_stripe.py"
        stores = [f"tests/{each}" for each in STORES]
        at_once = ["-n", "auto", "--dist", "worksteal", "-m", "not slow"]
        return _pytest("-p", there, *at_once, CONTRACT, f"--ignore={stripe_s}", *stores, DYNAMODB_LOCAL=address)


def _with_verapdf() -> int:
    lacking = verapdf.lacking()
    if lacking:
        _say(f"SKIPPED veraPDF: {lacking}.")
        return 0
    jars = verapdf.fetched()
    _say(f"veraPDF {verapdf.version()}, every document against PDF/UA-1:")
    return _pytest(f"{CONTRACT}/test_verapdf.py", VERAPDF=str(jars))


def _pytest(*arguments: str, **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", "--quiet", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=SECONDS).returncode


def _say(what: str) -> None:
    print(f"contract: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
