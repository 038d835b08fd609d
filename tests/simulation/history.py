"""Runs one history to its end, and shrinks one that broke a promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.holds import Reason
from bridge.model import TopicPartition
from tests.simulation.ledger import Event, Violation
from tests.simulation.plan import Plan
from tests.simulation.world import BEGAN, World

PATIENCE = 150.0
"""Seconds after everything was mended in which the rest has to be done."""
LOOK_EVERY = 5.0
STANDS_STILL = 25.0
"""Seconds in which, of the users whose events do not fail, one is served at least; more by what the rate needs."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a history went."""

    plan: Plan
    violation: str | None
    world: World


def run(plan: Plan, *, tell: bool = False) -> Told:
    """Let it happen; the violation is the first one."""
    world = World(plan, tell=tell)
    violation: str | None = None
    try:
        _live(world)
    except Violation as broken:
        violation = str(broken)
    except Exception as defect:
        violation = f"defect: {type(defect).__name__}: {defect}"
        if tell:
            raise
    return Told(plan, violation, world)


def _live(world: World) -> None:
    plan, agenda = world.plan, world.agenda
    hostages = Hostages(world)
    while agenda.now < BEGAN + plan.mended_at:
        agenda.run(min(BEGAN + plan.mended_at, agenda.now + LOOK_EVERY))
        hostages.look()
    requests = len(world.ledger.events) / (plan.settings.rate_limit or 1e9)
    end = agenda.now + PATIENCE + 2.0 * requests
    while agenda.now < end:
        agenda.run(agenda.now + LOOK_EVERY)
        hostages.look()
        if next(unfinished(world), None) is None:
            for process in world.living:
                process.check_deeply()
            return
    raise Violation("progress: " + "; ".join(list(unfinished(world))[:5]))


class Hostages:
    """Looks whether users whose events do not fail wait for those whose events do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._looks: list[tuple[float, set[Event], int]] = []
        """When, and which of their events were open then."""

    def look(self) -> None:
        world, now = self._world, self._world.agenda.now
        if world.plan.settings.ordering not in ("user", "none"):
            return  # Who shares a partition or a key with one that fails waits for it: the owner wants that.
        held = _held(world)
        # Users of one company wait for each other's steps, and so for one whose steps fail.
        together = {
            each.user for event in world.ledger.events if event.kind == "company" for each in event.entry.events
        }
        waiting = {
            event
            for event in world.ledger.events
            if not event.done
            and event.user is not None
            and not event.status
            and event.user not in together
            and event.entry.open
            and event.entry.log.partition not in held
            and not any(each.user in world.ledger.failed_once for each in event.entry.events)
        }
        opened = sum(not event.done for event in world.ledger.events)
        rate = world.plan.settings.rate_limit or 1e9
        for since, before, opened_then in self._looks:
            # All that was open then may be sent before it, also where little of that is left by now.
            patience = STANDS_STILL + 1.5 * max(opened, opened_then) / rate
            if since <= now - patience and world.is_calm(since) and before and before <= waiting:
                raise Violation(f"progress: none of {len(before)} events was sent in {now - since:.0f} s")
        self._looks.append((now, waiting, opened))


def unfinished(world: World) -> Iterator[str]:
    """What is neither done and committed, nor held by a rule."""
    held = _held(world)
    for partition, log in world.group.logs.items():
        if partition in held:
            continue
        lowest = log.first_open()
        if lowest is not None:
            yield f"{partition}/{lowest.offset} is open"
            continue
        committed = world.group.committed.get(partition)
        if committed is None or committed.offset < log.stable:
            position = committed.offset if committed else "nothing"
            yield f"{partition} is done up to {log.stable} and committed up to {position}"


def _held(world: World) -> set[TopicPartition]:
    """By the breaker, for a letter that fits nowhere, or for a position outside the log. An operator releases."""
    held: set[TopicPartition] = set()
    for process in world.living:
        for each, (reason, _) in process.thread.start_runner.held.items():
            if reason is not Reason.HELD_BY_OPERATOR:
                held.add(each)
        for partition in process.dispatcher.assignments:
            if partition.held or partition.topic.held:
                held.add(partition.tracker.partition)
    return held


def shrink(plan: Plan, violation: str) -> Told:
    """Fewer faults and fewer records that break the same promise, one step at a time."""
    promise = violation.partition(":")[0]
    found = run(plan)

    def try_with(smaller: Plan) -> bool:
        nonlocal found
        told = run(smaller)
        if told.violation is None or told.violation.partition(":")[0] != promise:
            return False
        found = told
        return True

    for fault in plan.faults:
        try_with(replace(found.plan, faults=tuple(each for each in found.plan.faults if each is not fault)))
    size = len(found.plan.records) // 2
    while size:
        start = 0
        while start < len(found.plan.records):
            records = found.plan.records
            if not try_with(replace(found.plan, records=records[:start] + records[start + size :])):
                start += size
        size //= 2
    return found
