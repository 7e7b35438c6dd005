"""A PDF's tags, read back: what a screen reader walks through, and whether all that is painted hangs on it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pikepdf

PAINTS = {"Tj", "TJ", "'", '"', "Do", "f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh", "EI"}


class Tag(msgspec.Struct):
    """One element of the structure tree: its kind, its attributes, and where it stands among the others."""

    kind: str
    language: str
    attributes: dict[str, Any]
    path: tuple[str, ...]


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def tags(pdf: pikepdf.Pdf) -> list[Tag]:
    """Every element of the structure tree, in reading order."""
    return list(_below(pdf.Root.StructTreeRoot.K, ()))


def marked(pdf: pikepdf.Pdf) -> set[tuple[int, int]]:
    """The pieces of page content, as page and MCID, that the structure tree holds."""
    pages = {page.obj.objgen: nth for nth, page in enumerate(pdf.pages)}
    return set(_pieces(pdf.Root.StructTreeRoot.K, pages, None))


def painted(pdf: pikepdf.Pdf) -> tuple[set[tuple[int, int]], list[str], list[str]]:
    """What pages paint: pieces with an MCID, artifacts by what they are, and operators outside of both."""
    pieces, artifacts, strays = set(), [], []
    for nth, page in enumerate(pdf.pages):
        within: list[str] = []
        for operands, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            if name in {"BDC", "BMC"}:
                about = operands[1] if len(operands) > 1 and isinstance(operands[1], pikepdf.Dictionary) else {}
                if operands[0] == "/Artifact":
                    artifacts.append(str(about.get("/Type", "")))
                if "/MCID" in about:
                    pieces.add((nth, int(about["/MCID"])))
                within.append("held" if operands[0] == "/Artifact" or "/MCID" in about else "open")
            elif name == "EMC":
                within.pop()
            elif name in PAINTS and "held" not in within:
                strays.append(name)
    return pieces, artifacts, strays


def _below(kids: Any, path: tuple[str, ...]) -> Iterator[Tag]:
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            kind = str(kid.S)[1:]
            yield Tag(kind, str(kid.get("/Lang", "")), _attributes(kid), path)
            yield from _below(kid.get("/K", []), (*path, kind))


def _attributes(element: Any) -> dict[str, Any]:
    if "/A" not in element:
        return {}
    groups = element.A
    groups = groups if isinstance(groups, pikepdf.Array) else [groups]
    return {key[1:]: value for group in groups for key, value in group.items()}


def _pieces(kids: Any, pages: dict[Any, int], page: Any) -> Iterator[tuple[int, int]]:
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, int):
            yield pages[page.objgen], kid
        elif isinstance(kid, pikepdf.Dictionary):
            here = kid.get("/Pg", page)
            if "/MCID" in kid:
                yield pages[here.objgen], int(kid.MCID)
            yield from _pieces(kid.get("/K", []), pages, here)
