"""The guard's counters without a table, so that a campaign of thousands takes seconds. Held against the real ones by a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from chalicelib.clock import epoch_seconds
from chalicelib.guard.counters import Down, Tally


class InMemory:
    """`reads` and `writes` count what would be calls to DynamoDB; `down` makes every one fail."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self.reads = self.writes = 0
        self.down = False

    def read(self, names: Sequence[str]) -> dict[str, Tally]:
        self.reads += 1
        self._must_be_up()
        now = epoch_seconds()
        found = ((name, self._tallies.get(name)) for name in names)
        return {name: tally for name, tally in found if tally and tally.expires_at > now}

    def add(self, name: str, until: int) -> Tally:
        before = self._before(name)
        return self._write(name, msgspec.structs.replace(before, times=before.times + 1, expires_at=until))

    def join(self, name: str, member: str, until: int, most: int) -> tuple[Tally, bool]:
        before = self._before(name)
        if member in before.members or len(before.members) >= most:
            return before, False
        members = before.members | {member}
        return self._write(name, msgspec.structs.replace(before, members=members, expires_at=until)), True

    def keep(self, name: str, known: Mapping[str, str | int], until: int) -> None:
        self._before(name)
        self._write(name, Tally(until, known=dict(known)))

    def keep_first(self, name: str, known: Mapping[str, str | int], until: int) -> Tally:
        before = self._before(name)
        stands = name in self._tallies and before.expires_at > epoch_seconds()
        return before if stands else self._write(name, Tally(until, known=dict(known)))

    def _before(self, name: str) -> Tally:
        self.writes += 1
        self._must_be_up()
        return self._tallies.get(name, Tally(0))

    def _write(self, name: str, tally: Tally) -> Tally:
        self._tallies[name] = tally
        return tally

    def _must_be_up(self) -> None:
        if self.down:
            raise Down("switched off by the test")
