"""
Every crash point of a piece of work, and every pair of them.

    begin . call 1 . call 2 . call 3 . done
          ^ 0      ^ 1      ^ 2      ^ 3      dead here, begun again, dead there, begun once more: as if nothing had been

To die before call k+1 is to die after call k, so a work of n calls has n + 1
points. What a dead process leaves is what stands outside of it: two points
that leave the same world behind are one, and are explored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.faults import moments
from tests.faults.faults import DIED, DIED_AFTER
from tests.faults.moments import Moment
from tests.faults.promises import Promises
from tests.faults.queues import VISIBILITY_SECONDS, Queue
from tests.faults.scheduler import Process
from tests.faults.world import World

# Begin the work; None where there is nothing left to begin, as after a message was deleted.
Begin = Callable[[], Process | None]
# A work that has not ended after so many calls never will.
MOST_CALLS = 400


@dataclass
class Explored:
    """What was tried of one work: `points` at which it died, of which so many left worlds that differ."""

    name: str
    points: int = 0
    worlds: int = 0
    violations: list[str] = field(default_factory=list)


def explore(world: World, name: str, begin: Begin, *, crashes: int = 2) -> Explored:
    """
    Let the work die at every point, up to `crashes` times in a row, and see that it comes to what it comes to anyhow.

    Afterwards the world is where the work, undisturbed, has led it.
    """
    explored, before = Explored(name), moments.take(world)
    wrong = _to_its_end(world, begin)
    explored.violations += [f"{name}, undisturbed: {why}" for why in wrong]
    want, after = moments.essence(world), moments.take(world)
    seen, edge = {""}, [(before, "")]
    for _ in range(crashes):
        edge = [found for moment, path in edge for found in _after_a_crash(world, moment, path, begin, want, seen, explored)]
    moments.go_back(world, after)
    return explored


def explore_into(explored: list[Explored], world: World, name: str, begin: Begin) -> None:
    """Explore, and add what was tried to the list."""
    explored.append(explore(world, name, begin))


def message(world: World, queue: Queue, number: int) -> Begin:
    """The work on one message, as long as the queue still has it."""

    def begin() -> Process | None:
        found = [each for each in queue.waiting if each.number == number]
        return world.work_on(queue, found[0])[0] if found else None

    return begin


def webhook(world: World, number: int) -> Begin:
    """The delivery of one event, as long as Stripe has no answer to it."""

    def begin() -> Process | None:
        found = [each for each in world.webhooks.waiting if each.number == number]
        return world.receive(found[0]) if found else None

    return begin


def _after_a_crash(
    world: World, moment: Moment, path: str, begin: Begin, want: str, seen: set[str], explored: Explored
) -> Iterator[tuple[Moment, str]]:
    """Each world that one more crash leaves and that was not explored yet, explored."""
    for point in count():
        moments.go_back(world, moment)
        if not _dies_at(world, begin, point):
            return
        explored.points += 1
        left = moments.fingerprint(world)
        if left in seen:
            continue
        seen.add(left)
        explored.worlds += 1
        dead, died = moments.take(world), f"{path} died after call {point},"
        wrong = _to_its_end(world, begin)
        if moments.essence(world) != want:
            wrong.append("it came to something else")
        explored.violations += [f"{explored.name},{died} {why}" for why in wrong]
        yield dead, died


def _dies_at(world: World, begin: Begin, point: int) -> bool:
    """Begin, and die after that many calls; False if it had ended before."""
    process = begin()
    for _ in range(point - 1):
        if process is None or process.ended:
            return False
        world.step(process)
    if process is None or process.ended:
        return False
    world.step(process, DIED_AFTER if point else DIED)
    while not process.ended:
        world.step(process, DIED)
    world.advance(world.now() + VISIBILITY_SECONDS)
    return True


def _to_its_end(world: World, begin: Begin) -> list[str]:
    """Do the work undisturbed, checking after each step; what was broken."""
    promises = Promises(world)
    process = begin()
    for _ in range(MOST_CALLS):
        if process is None or process.ended:
            break
        world.step(process)
        promises.after_step()
    if process is not None and not process.done:
        promises.broken("it ends well", f"{process.failure!r}")
    return [f"{promise}: {why}" for promise, why in promises.violations]
