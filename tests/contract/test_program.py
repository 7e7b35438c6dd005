"""How other people's programs are fetched and run: what is missing is said, what is broken breaks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import requests

from tests.contract import dynamodb_local, program, stripe_mock
from tests.contract.program import Broken

SERVES = """
import http.server, sys
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(f"Listening at 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""


def python(code: str) -> list[str | Path]:
    return [sys.executable, "-c", code]


def test_a_machine_without_the_tools_is_told_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Skipped is said with its reason, so that nobody takes it for passed."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert dynamodb_local.lacking() == "java and javac and mvn not found"
    assert stripe_mock.lacking() == "go not found"


def test_what_cannot_be_fetched_is_broken_and_says_why() -> None:
    """On a machine with the tools this is a failure, never a skip."""
    with pytest.raises(Broken, match="no such artefact"):
        program.fetch(python("import sys; sys.exit('no such artefact')"))
    with pytest.raises(Broken, match="no-such-program"):
        program.fetch(["no-such-program"])


def test_what_does_not_start_is_broken() -> None:
    """It ended before it said where it listens."""
    with pytest.raises(Broken, match="did not start"), program.running(python("print('no')"), "ends", "Listening at "):
        pytest.fail("it never ran")


def test_a_program_runs_while_it_is_wanted_and_no_longer() -> None:
    """Nothing is left listening when the tests are over, also when they failed."""
    with pytest.raises(ZeroDivisionError), program.running(python(SERVES), "serves", "Listening at ") as address:
        assert requests.get(address, timeout=5).ok
        raise ZeroDivisionError

    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)
