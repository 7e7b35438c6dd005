"""The PDF Association's veraPDF: fetched by Maven, run by Java, over files on this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.contract import program
from tests.contract.program import HERE, Broken

POM = HERE / "verapdf.xml"
# Twenty documents take it five seconds.
JUDGE_SECONDS = 120


def lacking() -> str:
    """Why it cannot be run here, in words; "" if it can."""
    tools = program.missing("java", "javac", "mvn")
    return f"{tools} not found" if tools else ""


def version() -> str:
    [found] = re.findall(r"<artifactId>validation-model</artifactId>\s*<version>([0-9.]+)</version>", POM.read_text("utf-8"))
    return found


def fetched() -> Path:
    """The folder with its jars. Raises Broken."""
    return program.jars(POM, f"verapdf-{version()}")


def breaches(jars: Path, pdfs: Sequence[Path]) -> dict[str, list[str]]:
    """What each file breaks of PDF/UA-1, by its name; nothing is an empty list. Raises Broken if a file was not judged."""
    done = subprocess.run(
        ["java", "-cp", f"{jars}/*", HERE / "PdfUa.java", *pdfs],
        check=False, capture_output=True, text=True, timeout=JUDGE_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]
    judged = {Path(file).name for file, told in said if re.fullmatch(r"checks [1-9]\d*", told)}
    if done.returncode or judged != {pdf.name for pdf in pdfs}:
        raise Broken(f"veraPDF judged {len(judged)} of {len(pdfs)} files:\n{done.stderr[-2000:]}")
    names = {pdf.name: [told for file, told in said if Path(file).name == pdf.name] for pdf in pdfs}
    return {name: [told for told in each if not told.startswith("checks ")] for name, each in names.items()}
