"""The site's own files: stylesheet, scripts, drawings. Only what is in static/, and only text."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import msgspec

from chalicelib.errors import NotFound

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
# A file asked for by its hash never changes under that address; one asked for by name alone may.
FOR_EVER = "public, max-age=31536000, immutable"
FIVE_MINUTES = "public, max-age=300"


class StaticFile(msgspec.Struct, frozen=True):
    """One file, its media type, and the hash of its contents that stands in its address."""

    body: str
    content_type: str
    version: str


@functools.cache
def known() -> dict[str, StaticFile]:
    """Every file of static/ by name, read once."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def named(name: str) -> StaticFile:
    """The file of that name. Raises NotFound for anything that is not simply the name of a file we ship."""
    if name not in known():
        raise NotFound("There is no such file.")
    return known()[name]


def url(name: str) -> str:
    """The file's address with the hash of its contents, so that it may be kept for ever."""
    return f"/static/{name}?v={known()[name].version}"


def cache_control(file: StaticFile, asked_version: str) -> str:
    """How long a cache may keep the file, given the version in the address that asked for it."""
    return FOR_EVER if asked_version == file.version else FIVE_MINUTES


def _read(path: Path) -> StaticFile:
    body = path.read_text(encoding="utf-8")
    return StaticFile(body, TYPES[path.suffix], hashlib.sha256(body.encode()).hexdigest()[:12])
