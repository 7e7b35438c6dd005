"""Amazon's DynamoDB Local: fetched by Maven, run by Java."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract import program
from tests.contract.program import HERE

POM = HERE / "pom.xml"
# What DynamoDB Local's classes are compiled for.
JAVA = 17


def lacking() -> str:
    """Why it cannot be run here, in words; "" if it can."""
    tools = program.missing("java", "javac", "mvn")
    if tools:
        return f"{tools} not found"
    return "" if _java() >= JAVA else f"Java is {_java()}, {JAVA} or newer is needed"


def version() -> str:
    [found] = re.findall(r"<artifactId>DynamoDBLocal</artifactId>\s*<version>([0-9.]+)</version>", POM.read_text("utf-8"))
    return found


@contextmanager
def running() -> Iterator[str]:
    """The address at which it answers. Raises Broken if it cannot be fetched or does not start."""
    jars = program.jars(POM, f"dynamodb-local-{version()}")
    start = ["java", f"-Djava.library.path={jars}", "-cp", f"{jars}/*", HERE / "DynamoDBOnLoopback.java"]
    with program.running(start, "dynamodb-local", says="Listening at ") as address:
        yield address


def _java() -> int:
    """The Java's major version."""
    said = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True, timeout=60).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0
