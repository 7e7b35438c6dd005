"""A program of somebody else that stands in for a service: fetched once, run on loopback while it is wanted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent / "programs"
KEPT = Path(__file__).parents[2] / "build" / "contract"
# A cold cache and a slow line; beyond that it is not coming.
FETCH_SECONDS = 900
START_SECONDS, LOOK_SECONDS = 60, 0.05


class Broken(Exception):
    """What the machine has the tools for could not be fetched or started. Never a reason to skip."""


def missing(*tools: str) -> str:
    """The tools that this machine lacks, in words; "" if it has them all."""
    return " and ".join(tool for tool in tools if shutil.which(tool) is None)


def fetch(command: Sequence[str | Path], **environment: str) -> str:
    """Run what fetches or builds it, and give what it said. Raises Broken with its last words."""
    KEPT.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command, cwd=KEPT, env={**os.environ, **environment}, timeout=FETCH_SECONDS, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Broken(f"{command[0]}: {fault}") from fault
    if done.returncode:
        raise Broken(f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def jars(pom: Path, name: str) -> Path:
    """The folder of what a Maven project depends on, whole: it gets its name when all of it is there. Raises Broken."""
    whole, part = KEPT / name, KEPT / f"{name}-part-{os.getpid()}"
    if not whole.exists():
        copy = ["dependency:copy-dependencies", f"-DoutputDirectory={part}", "-DincludeScope=runtime"]
        fetch(["mvn", "--batch-mode", "--quiet", "--file", pom, *copy])
        part.rename(whole)
    return whole


@contextmanager
def running(command: Sequence[str | Path], name: str, says: str) -> Iterator[str]:
    """The program while it is wanted: the address that it prints after `says`. It is ended with us. Raises Broken."""
    KEPT.mkdir(parents=True, exist_ok=True)
    log = KEPT / f"{name}.log"
    with log.open("w", encoding="utf-8") as written:
        started = subprocess.Popen(command, cwd=KEPT, stdin=subprocess.PIPE, stdout=written, stderr=written)
    assert started.stdin
    try:
        yield f"http://{_said(started, log, says)}"
    finally:
        started.stdin.close()
        started.terminate()
        started.wait(timeout=10)


def _said(started: subprocess.Popen[bytes], log: Path, says: str) -> str:
    for _ in range(int(START_SECONDS / LOOK_SECONDS)):
        found = re.search(rf"{says}(\S+)\s", log.read_text("utf-8"))
        if found:
            return found[1]
        if started.poll() is not None:
            break
        time.sleep(LOOK_SECONDS)
    raise Broken(f"{log.stem} did not start; see {log}")
