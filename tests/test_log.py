"""What operators read: each line once, wherever the code runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from local import package
from tests.conftest import LOCAL_SETTINGS

# Lambda's runtime puts a handler on the root logger before it imports app.py.
LAMBDAS = "import logging; logging.basicConfig(stream=sys.stdout, format='%(message)s')"
PROGRAM = """
import sys
{before}
from app import app
from chalicelib import log
log.note("noted")
log.count("counted")
log.alarm("alarmed")
app.log.error("said by Chalice")
"""


@pytest.mark.parametrize("before", ["", LAMBDAS], ids=["locally", "in Lambda"])
def test_every_line_comes_once(before: str) -> None:
    """
    Chalice's logger has our name: with a handler of its own each line would be there twice, and each be paid for.
    """
    environment = {**os.environ, **package.STAND_INS, **LOCAL_SETTINGS}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        cwd=package.ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    lines = [line for line in (run.stdout + run.stderr).splitlines() if '"_aws"' not in line]

    assert [json.loads(line)["message"] for line in lines] == ["noted", "counted", "alarmed", "said by Chalice"]
