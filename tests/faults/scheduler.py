"""Who runs next: processes that park at every call, of which exactly one runs at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from greenlet import getcurrent, greenlet

from tests.faults.faults import DIED, POISONED, Fault


class Call(NamedTuple):
    """A call that a process is about to make: to which service, and what it asks."""

    service: str
    asks: str


class Died(BaseException):
    """The process is gone. Nothing of ours may catch it, as nothing catches a power cut."""


class Process:
    """
    One invocation: `parked` is the call it waits to make, `failure` what it raised, `answer` what it gave.

    `calls` it made, of which so many were `befallen` by a fault that passes.
    """

    def __init__(self, name: str, work: Callable[[], object], started: int, then: Callable[[Process], None]) -> None:
        self.name, self.started = name, started
        self.calls = self.befallen = 0
        self.parked: Call | None = None
        self.ended = self.died = False
        self.failure: Exception | None = None
        self.answer: object = None
        self._work, self._then = work, then
        self.greenlet = greenlet(self._run)

    @property
    def done(self) -> bool:
        """Whether it returned, which is what deletes a message."""
        return self.ended and not self.died and self.failure is None

    def _run(self) -> None:
        try:
            self.answer = self._work()
        except Died:
            self.died = True
        except Exception as fault:  # noqa: BLE001 - whatever it is, Lambda would have seen it
            self.failure = fault


class Scheduler:
    """Starts processes and lets them go on, one call at a time; every step is written in `trace`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.running: list[Process] = []
        self._say = say

    def start(
        self, name: str, work: Callable[[], object], now: int, then: Callable[[Process], None] = lambda ended: None
    ) -> Process:
        """Run a new process up to its first call. `then` is told when it has ended, however it did."""
        process = Process(name, work, now, then)
        self.running.append(process)
        self._say(f"{name} begins")
        self._go_on(process, None)
        return process

    def step(self, process: Process, fault: Fault | None) -> None:
        """Let its call happen, or be befallen by `fault`, and run on to the next one."""
        assert process.parked is not None
        process.calls += 1
        process.befallen += fault not in {None, POISONED}
        befell = f" -> {fault}" if fault else ""
        self._say(f"{process.name} {process.calls}: {process.parked.service} {process.parked.asks}{befell}")
        self._go_on(process, fault)

    def kill(self, process: Process) -> None:
        """End it where it is parked: its call is never made."""
        self._say(f"{process.name} is killed")
        self._go_on(process, DIED)

    def park(self, call: Call) -> Fault | None:
        """Wait to be let go on, and hear what befalls the call. Outside of any process nothing waits."""
        process = next((each for each in self.running if each.greenlet is getcurrent()), None)
        if process is None:
            return None
        assert not process.died, "a dead process makes no calls"
        process.parked = call
        fault: Fault | None = process.greenlet.parent.switch()
        process.parked = None
        if fault and fault.deadly and not fault.after:
            process.died = True
            raise Died
        return fault

    def _go_on(self, process: Process, fault: Fault | None) -> None:
        process.greenlet.parent = getcurrent()
        process.greenlet.switch(*(() if process.greenlet.gr_frame is None else (fault,)))
        if process.greenlet.dead:
            self._end(process)

    def _end(self, process: Process) -> None:
        process.ended = True
        self.running.remove(process)
        how = "dies" if process.died else f"fails: {cause(process.failure)}" if process.failure else "is done"
        self._say(f"{process.name} {how}")
        process._then(process)


def cause(failure: Exception | None) -> str:
    """The kind of a failure, and its stable code if it has one, as staff are shown them."""
    said = getattr(failure, "response", None) or {}
    code = getattr(failure, "code", "") or said.get("Error", {}).get("Code", "")
    return f"{type(failure).__name__} ({code})" if code else type(failure).__name__
