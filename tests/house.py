"""The whole local run as a program of its own, for journeys."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).parents[1]
PARTS = ("site", "desk", "stripe", "aws")
START_SECONDS = 40
STOP_SECONDS = 10


class House:
    """
    `.site`, `.desk` and `.stripe` are its addresses, without a slash at the end.

    It has a process of its own: moto's state belongs to a process, and the
    journeys must not meet the unit tests' tables.
    """

    def __init__(self, **environment: str) -> None:
        ports = dict(zip(PARTS, _free_ports(len(PARTS)), strict=True))
        self.site, self.desk, self.stripe, self.aws = (f"http://127.0.0.1:{ports[part]}" for part in PARTS)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STRIPE_"))},
            **{f"PORT_{part.upper()}": str(port) for part, port in ports.items()},
            **environment,
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self, log: Path) -> None:
        """Wait until every part answers. Raises AssertionError with what the program said if it does not."""
        with log.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=ROOT,
                env=self._environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            died = self._process.poll() is not None
            assert not died and time.monotonic() < end, f"The local run did not start:\n{log.read_text()}"
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to end. Its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            return all(
                requests.get(url, timeout=5).status_code < 500
                for url in (f"{self.site}/health", f"{self.stripe}/_test/state", f"{self.desk}/mail")
            )
        except requests.ConnectionError:
            return False


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
