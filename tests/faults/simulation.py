"""One seed from its first click to its rest, with every promise checked on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.processor import reconcile, standing
from tests.faults import promises
from tests.faults.faults import DAY, HOUR
from tests.faults.promises import Promises
from tests.faults.scheduler import Process
from tests.faults.workload import Workload
from tests.faults.world import BEGINS, World

# More steps than this is a simulation that runs in circles.
STEPS = 40_000
RECONCILE_EVERY = 28 * DAY
AT_ONCE = 4
# An outage ends: a reconcile that failed three times meets no more faults.
UNLUCKY_TRIES = 3


class Simulation:
    """
    A world, what donors and staff do in it, and the promises.

    `choose` is the scheduler's hand: of all that could happen next it picks
    one, by the seed.
    """

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.promises = Promises(self.world)
        self.workload = Workload(self.world)
        self._next_reconcile = self.world.now() + RECONCILE_EVERY
        self._reconcile_failures = 0
        self._next_redrive = 0

    def run(self) -> Promises:
        """Everything, until nothing is left to happen, and then the rest."""
        for _ in range(STEPS):
            step = self._choose()
            if step is None:
                break
            step()
            self.promises.after_step()
        else:
            self.promises.broken(promises.ENDS, f"not after {STEPS} steps")
        self._rest()
        return self.promises

    def _choose(self) -> Callable[[], object] | None:
        world, now = self.world, self.world.now()
        running = world.scheduler.running
        possible: list[Callable[[], object]] = [
            *(lambda p=each: world.step(p, world.fault_for(p)) for each in running),  # type: ignore[misc]
            *(lambda story=each: self.workload.go_on(story) for each in self.workload.ready(now)),  # type: ignore[misc]
        ]
        if len(running) < AT_ONCE:
            possible += [lambda copy=each: world.receive(copy) for each in world.webhooks.ready(now)]  # type: ignore[misc]
            possible += [
                lambda q=queue, m=each: world.work_on(q, m)  # type: ignore[misc]
                for queue in (world.money, world.mail)
                for each in queue.ready(now)
            ]
            if self._reconcile_is_due(now):
                possible.append(self._reconcile)
            if (world.money.dead or world.mail.dead) and now >= self._next_redrive and world.rng.random() < 0.1:
                possible.append(self._redrive_letters)
        if running and world.rng.random() < 0.03:
            return lambda: world.advance(now + world.rng.randint(1, 40))
        return world.rng.choice(possible) if possible else self._wait()

    def _wait(self) -> Callable[[], object] | None:
        """Go to the next moment at which something happens by itself; None when nothing will."""
        world, now = self.world, self.world.now()
        moments = [
            *(each.due for each in world.webhooks.waiting),
            *(each.visible for queue in (world.money, world.mail) for each in queue.waiting),
            *self.workload.moments(),
        ]
        if not self.workload.over:
            moments += [each for each in (world.standin.next_due(), self._next_reconcile) if each is not None]
        later = [each for each in moments if each > now]
        return (lambda: world.advance(min(later))) if later else None

    # Reconcile, as its schedule runs it

    def _reconcile_is_due(self, now: int) -> bool:
        return not self.world.weather.reliable and now >= self._next_reconcile

    def _reconcile(self) -> None:
        """The daily run, of which this simulates one in a month; one that failed is made up for the next day."""
        self._next_reconcile = self.world.now() + RECONCILE_EVERY

        def then(ended: Process) -> None:
            failed = ended.answer is not True
            self._reconcile_failures = self._reconcile_failures + 1 if failed else 0
            if failed:
                self._next_reconcile = self.world.now() + (DAY if self._reconcile_failures < UNLUCKY_TRIES else HOUR)

        process = self.world.run("reconcile", self._daily, then)
        if self._reconcile_failures >= UNLUCKY_TRIES:
            self._alone(process)

    def _daily(self) -> bool:
        """Money of five weeks, and how every monthly gift stands; whether all of it was well."""
        report, stands = reconcile.last(days=35), standing.look()
        return report.agrees and not stands.unhealed

    def _alone(self, process: Process) -> None:
        while not process.ended:
            self.world.step(process)

    # At rest

    def _rest(self) -> None:
        """
        Faults end, but for the poison; what waits is worked on, and then the poison ends too.

            queues run dry -> lossless seeds: right already
            reconcile      -> right but for what is poisoned, which lies in the dead letters
            poison ends, redrive, reconcile -> right
        """
        world = self.world
        world.weather.clear = True
        self._drain()
        self.promises.poison_is_put_aside()
        lossless = not world.webhooks.lost
        if world.weather.poisoned and not lossless:
            self._reconcile_now()
        self.promises.money_is_right(but=world.weather.poisoned, checked=bool(world.weather.poisoned))
        world.weather.poisoned = ""
        self._redrive()
        if not lossless:
            self._reconcile_now()
            self._redrive()
        self.promises.at_rest()

    def _redrive(self) -> None:
        self._redrive_letters()
        self._drain()

    def _redrive_letters(self) -> None:
        """Staff do it once a day in mid-life: what is still poisoned would keep them busy for ever."""
        self._next_redrive = self.world.now() + DAY
        for queue in (self.world.money, self.world.mail):
            self.world.say(f"staff sends {queue.redrive(self.world.now())} dead letters of {queue.name} back")

    def _reconcile_now(self) -> None:
        """The schedule's run, and then one by hand over everything: a run that failed may have left more than five weeks."""
        for run in (self.world.reconcile_daily, self._over_everything):
            self._alone(self.world.run("reconcile", run))
            self._drain()

    def _over_everything(self) -> object:
        return reconcile.between(int(BEGINS.timestamp()), self.world.now())

    def _drain(self) -> None:
        """Let what runs, and what waits, come to its end: delivered, worked on, or given up."""
        world = self.world
        while True:
            for process in list(world.scheduler.running):
                self._alone_and_checked(process)
            now = world.now()
            ready: list[Any] = world.webhooks.ready(now)
            messages = [(queue, each) for queue in (world.money, world.mail) for each in queue.ready(now)]
            if ready:
                world.receive(ready[0])
            elif messages:
                world.work_on(*messages[0])
            else:
                step = self._wait()
                if step is None:
                    return
                step()

    def _alone_and_checked(self, process: Process) -> None:
        while not process.ended:
            poison = self.world.fault_for(process)
            self.world.step(process, poison)
            self.promises.after_step()


