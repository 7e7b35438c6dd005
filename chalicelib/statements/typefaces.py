"""
The typefaces of documents, and what stands for a character that none of them has.

PDF/UA forbids a character without a glyph. So that a document keeps its claim
whatever somebody is called, such a character is named by its code, [U+1F6D8]:
the reader sees that there is something, and which.
"""

from __future__ import annotations

import functools
import re
import struct
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from chalicelib.plain_text import REORDERING, UNWANTED

FOLDERS = tuple(Path(str(files(package))) for package in ("manimgx_fonts", "manimgx_fonts_cjk"))
# A byte order mark is the one format character that PDF/UA forbids besides those that reorder.
NEVER = REORDERING | {"\ufeff"}
# Breaks, joiners, direction marks and variation selectors work without a glyph.
# Source: Unicode, Default_Ignorable_Code_Point.
INVISIBLE = re.compile(
    "[\n\u00ad\u034f\u061c\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
COLLECTION = b"ttcf"


def plain(text: str) -> str:
    """The text, with names for what has no shape at all: controls, halves of pairs, code points without a character."""
    return "".join(map(_code, text)) if any(map(_is_shapeless, text)) else text


def covered(text: str) -> str:
    """The text, with names for what no typeface has, marks too that the typeface of their letter lacks."""
    return "".join(_covered(plain(text)))


def bare(text: str) -> str:
    """The text, with names for every mark and joiner besides: each character left is one that stands alone."""
    return "".join(_code(char, always=_is_mark(char) or char == "\u200d") for char in covered(text))


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _is_shapeless(char: str) -> bool:
    return char != "\n" and (char in NEVER or unicodedata.category(char) in UNWANTED)


def _code(char: str, *, always: bool = False) -> str:
    return f"[U+{ord(char):04X}]" if always or _is_shapeless(char) else char


def _covered(text: str) -> Iterator[str]:
    letter: frozenset[Path] = frozenset()
    for char in text:
        having = frozenset(face for face, codes in _faces() if ord(char) in codes)
        if _is_mark(char):
            having &= letter
        invisible = bool(INVISIBLE.match(char))
        yield char if having or invisible else _code(char, always=True)
        letter = letter if invisible else having


@functools.cache
def _faces() -> tuple[tuple[Path, frozenset[int]], ...]:
    """Each font file, and the code points that it has a glyph for."""
    fonts = sorted(file for folder in FOLDERS for file in folder.iterdir() if file.suffix in {".ttf", ".otf", ".ttc"})
    return tuple((font, _codes(font.read_bytes())) for font in fonts)


def _codes(font: bytes) -> frozenset[int]:
    """
    What a font's `cmap` table lists: its subtable of format 12 if there is one, else that of format 4.

    The faces of a collection differ in shapes, not in what they cover. Source: OpenType specification, cmap.
    """
    start = _long(font, 12) if font.startswith(COLLECTION) else 0
    tables = (start + 12 + 16 * nth for nth in range(_short(font, start + 4)))
    cmap = next(_long(font, table + 8) for table in tables if font[table : table + 4] == b"cmap")
    places = [cmap + _long(font, cmap + 8 + 8 * nth) for nth in range(_short(font, cmap + 2))]
    by_format = {_short(font, place): place for place in places}
    return frozenset(_format_12(font, by_format[12]) if 12 in by_format else _format_4(font, by_format[4]))


def _format_12(font: bytes, at: int) -> Iterator[int]:
    for nth in range(_long(font, at + 12)):
        first, last, _ = struct.unpack_from(">3I", font, at + 16 + 12 * nth)
        yield from range(first, last + 1)


def _format_4(font: bytes, at: int) -> Iterator[int]:
    size = _short(font, at + 6)  # twice the number of segments, the width of each of the four lists
    ends, starts, offsets = at + 14, at + 16 + size, at + 16 + 3 * size
    for place in range(0, size, 2):
        first, last, offset = _short(font, starts + place), _short(font, ends + place), _short(font, offsets + place)
        glyphs = offsets + place + offset
        yield from (code for code in range(first, last + 1) if not offset or _short(font, glyphs + 2 * (code - first)))


def _short(font: bytes, at: int) -> int:
    return int.from_bytes(font[at : at + 2], "big")


def _long(font: bytes, at: int) -> int:
    return int.from_bytes(font[at : at + 4], "big")
