"""One seed from its first click to its rest, with every promise checked on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chalicelib.processor import reconcile
from ops import dead_letters
from tests.faults import promises
from tests.faults.faults import DAY, HOUR
from tests.faults.promises import Promises
from tests.faults.scheduler import Process
from tests.faults.schedules import Schedule
from tests.faults.workload import Workload
from tests.faults.world import BEGINS, World

# More steps than this is a simulation that runs in circles.
STEPS = 40_000
AT_ONCE = 4
# In so many days the daily run comes to each of the 52 weeks before its own five, one a day. So it is sure to come,
# whatever day it is, to what is no older than the last of them will be by then.
OLD_DAYS = 52
OLDEST = (35 + 52 * 7 - OLD_DAYS) * DAY


class Simulation:
    """
    A world, what donors and staff do in it, and the promises.

    `choose` is the scheduler's hand: of all that could happen next it picks
    one, by the seed.
    """

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        # Stripe has it so always; without it what follows a renewal comes closer together.
        self.world.standin.world.draft_seconds = self.world.rng.choice((0, HOUR))
        self.promises = Promises(self.world)
        self.workload = Workload(self.world)
        self._next_redrive, self._was_poisoned = 0, False

    def run(self) -> Promises:
        """Everything, until nothing is left to happen, and then the rest."""
        for _ in range(STEPS):
            step = self._choose()
            if step is None:
                break
            step()
            self.promises.after_step()
            for schedule in self.world.schedules:
                schedule.hear(self._happened(), self.world.now())
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
            possible += [lambda each=each: self._run(each) for each in self._due(now)]  # type: ignore[misc]
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
            moments += [*self._moments_of_schedules(), world.standin.next_due() or now]
        later = [each for each in moments if each > now]
        return (lambda: world.advance(min(later))) if later else None

    # Our schedules

    def _due(self, now: int) -> list[Schedule]:
        """The schedules that would run now. Where no webhook is lost, all must be right without them."""
        if self.world.weather.reliable or self.world.weather.awake_from(now) > now:
            return []
        return [each for each in self.world.schedules if (each.next() or now + 1) <= now]

    def _moments_of_schedules(self) -> Iterator[int]:
        world = self.world
        dues = (each.next() for each in world.schedules if not world.weather.reliable)
        return (world.weather.awake_from(max(due, world.now())) for due in dues if due is not None)

    def _happened(self) -> int:
        return self.promises.changes + self.world.webhooks.happened

    def _run(self, schedule: Schedule) -> None:
        """One run. What it looks back on must be right after it, if nothing befell it."""
        schedule.begins(self._happened())
        to_heal = self.promises.to_heal(schedule.name)

        def then(ended: Process) -> None:
            well = ended.done and not ended.befallen
            schedule.ended(self.world.now(), well=well)
            if well:
                self.promises.healed(schedule.name, to_heal)

        process = self.world.run(schedule.name, lambda: self.world.scheduled(schedule.name), then)
        if schedule.unlucky:
            self._alone(process)

    def _alone(self, process: Process) -> None:
        """Let it come to its end, met by nothing but the poison."""
        while not process.ended:
            self.world.step(process, self.world.fault_for(process, lucky=True))
            self.promises.after_step()

    # At rest

    def _rest(self) -> None:
        """
        Faults end, but for the poison; what waits is worked on, and then the poison ends too.

            queues run dry -> lossless seeds: right already
            schedules run  -> right but for what is poisoned, which lies in the dead letters
            poison ends, staff sends them back, schedules run -> right

        Time goes on for that, and the app's own schedules heal. By hand staff reconcile only what they do not promise
        to come to: what could not be settled for most of a year.
        """
        world = self.world
        world.weather.clear = True
        self._drain()
        self._redrive()
        self.promises.poison_is_put_aside(world.letters(world.money))
        lossless, self._was_poisoned = not world.webhooks.lost, bool(world.weather.poisoned)
        if world.weather.poisoned and not lossless:
            self._days_pass()
        if world.weather.poisoned or lossless:
            self.promises.money_is_right(but=world.weather.poisoned)
        world.weather.poisoned = ""
        self._redrive()
        if not lossless:
            self._by_hand(until=world.now() - OLDEST)
            self._days_pass()
            self._redrive()
        self.promises.at_rest()

    def _by_hand(self, until: int) -> None:
        """Staff reconcile from the beginning up to a moment."""
        first = int(BEGINS.timestamp())
        if self._was_poisoned and first <= until:
            self._alone(self.world.run("staff reconciles", lambda: reconcile.between(first, until)))
            self._drain()

    def _days_pass(self) -> None:
        """
        Each schedule runs, and all is right then.

        Only what could not be settled may be older than the daily run looks: that takes a day for each older week.
        Days on which nothing is left to heal are left out.
        """
        for _ in range(OLD_DAYS if self._was_poisoned or self.world.weather.reliable else 1):
            for schedule in self.world.schedules:
                self.world.advance(schedule.after(self.world.now()))
                self._drain()
                self._run(schedule)
                self._drain()
            if self.promises.is_right():
                return

    def _redrive(self) -> None:
        """Staff sends back what is dead, and it is worked on. For a minute a command that died still holds its letters."""
        self.world.advance(self.world.now() + dead_letters.HELD_SECONDS)
        self._redrive_letters()
        self._drain()

    def _redrive_letters(self) -> None:
        """Staff does it once a week in mid-life: what is still poisoned would keep them busy for ever."""
        self._next_redrive = self.world.now() + 7 * DAY
        for queue in (self.world.money, self.world.mail):
            if queue.dead:
                self.world.run(f"staff redrives {queue.name}", lambda queue=queue: self.world.redrive(queue))

    def _drain(self) -> None:
        """Let what runs, and what waits, come to its end: delivered, worked on, or given up."""
        world = self.world
        while True:
            for process in list(world.scheduler.running):
                self._alone(process)
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
