"""Runs one history to its end, and shrinks one that broke a promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.model import TopicPartition
from tests.simulation.ledger import Violation
from tests.simulation.plan import Plan
from tests.simulation.world import World

PATIENCE = 150.0
"""Seconds after everything was mended in which the rest has to be done."""
LOOK_EVERY = 5.0
BEGAN = 1000.0


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
    agenda.run(BEGAN + plan.mended_at)
    requests = len(world.ledger.events) / (plan.settings.rate_limit or 1e9)
    end = agenda.now + PATIENCE + 2.0 * requests
    while agenda.now < end:
        agenda.run(agenda.now + LOOK_EVERY)
        if next(unfinished(world), None) is None:
            for process in world.living:
                process.check_deeply()
            return
    raise Violation("progress: " + "; ".join(list(unfinished(world))[:5]))


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
    """By the breaker, for a letter that fits nowhere, or for a position outside the log."""
    held: set[TopicPartition] = set()
    for process in world.living:
        held.update(process.thread.starting.held)
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
