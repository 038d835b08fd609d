"""A broken promise, for a person."""

from __future__ import annotations

from tests.simulation.history import run, shrink
from tests.simulation.plan import Plan

LINES = 150


def report(broken: Plan, violation: str) -> str:
    """For a person: the promise, how to see it again, and the timeline of the smallest history found."""
    told = shrink(broken, violation)
    lines = timeline(told.plan)
    left_out = max(0, len(lines) - LINES)
    faults = "\n".join(map(str, told.plan.faults)) or "none"
    return (
        f"seed {broken.seed}: {violation}\n"
        f"replay: python -m tests.simulation {broken.seed}\n\n"
        f"shrunk from {len(broken.faults)} faults and {len(broken.records)} records to {len(told.plan.faults)} and "
        f"{len(told.plan.records)}: {told.violation}\n"
        f"{told.plan.settings}, {told.plan.processes} processes, topics {told.plan.topics}, "
        f"commits every {told.plan.commit_interval} s\nfaults:\n{faults}\n\n"
        + (f"... {left_out} lines before\n" if left_out else "")
        + "\n".join(lines[-LINES:])
    )


def timeline(smallest: Plan) -> list[str]:
    """The timeline."""
    return run(smallest, tell=True).world.timeline.lines
