"""A taken port is named, with the way out."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from local.ports import Ports, PortTaken, check_free, chosen
from tests.house import ROOT, House


def test_a_taken_port_is_named_with_the_variable_that_moves_it():
    """
    Whoever runs it first knows none of its settings.
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {taken} \(desk\) is taken.*\n.*PORT_DESK=\d+ make run"):
            check_free(Ports(site=_free(), desk=taken, stripe=_free(), aws=_free()))


def test_one_port_for_two_parts_is_refused():
    """
    The second part would fail late and obscurely.
    """
    port = _free()
    with pytest.raises(PortTaken, match="more than one part"):
        check_free(Ports(site=port, desk=port, stripe=_free(), aws=_free()))


@pytest.mark.parametrize("given", ["eighty", "0", "65536", "-1"])
def test_what_is_no_port_is_said(given):
    """
    A slip of the keyboard must not start the site somewhere unexpected.
    """
    with pytest.raises(PortTaken, match="PORT_SITE must be a number"):
        chosen({"PORT_SITE": given})


def test_the_program_ends_cleanly_when_asked(tmp_path):
    """
    Ctrl-C leaves nothing behind: exit code 0, and every port free again at once.
    """
    run = House()
    run.start(tmp_path / "said.log")

    assert 0 == run.stop()

    check_free(
        Ports(**{part: int(getattr(run, part).rpartition(":")[2]) for part in ("site", "desk", "stripe", "aws")})
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"STRIPE_API_KEY": "sk_live_123"}, "live key"),
        ({"STRIPE_API_KEY": "sk_test_a_real_one"}, "stripe listen"),
        ({"PORT_DESK": "x"}, "PORT_DESK"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(variables, said):
    """
    Never a traceback for a setting, and never real money from a developer's machine.
    """
    tried = subprocess.run(
        [sys.executable, "-m", "local"],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (1, True, False) == (tried.returncode, said in tried.stderr, "Traceback" in tried.stderr)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
