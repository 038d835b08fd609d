"""``track-bridge backfill plan --ranges-of``: the ranges of an earlier run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import Misuse

if TYPE_CHECKING:
    from bridge.backfill.manifest import Manifest
    from bridge.backfill.planning.cluster import HistoryCluster
    from bridge.backfill.planning.ranges import RangeDecision
    from bridge.cli.frame import startup


@contextmanager
def earlier_run(folder: Path, given: dict[str, Any]) -> Generator[Manifest]:
    """Its manifest; nobody works on it meanwhile. `given` has the options that would choose other ranges.

    Raises `Misuse` where one of them was given, `RunDirectoryError` where there is no run.
    """
    from bridge.backfill.run_directory import RunDirectory

    named = [option for option, value in given.items() if value]
    if named:
        raise Misuse(f"--ranges-of takes the ranges of {folder} as they are: leave {' and '.join(named)} out.")
    directory = RunDirectory(folder)
    directory.read()  # What is no run directory is not locked either.
    with directory.locked():
        yield directory.read()


def decided_again(
    start: startup.LoadedConfiguration, inspection: Any, there: Any, earlier: Manifest, *, cut: bool
) -> tuple[HistoryCluster, RangeDecision]:
    """Raises `Misuse` with all that is refused."""
    from dataclasses import replace

    from bridge.backfill.planning import cluster as clusters
    from bridge.backfill.planning import earlier as earlier_runs
    from bridge.backfill.planning import plan as plans
    from bridge.backfill.planning import ranges

    found = clusters.look(inspection, there, [each for each in earlier.topics if each in there.topics])
    notes = plans.refuse_other_topics(earlier, found.id, found.topics)
    facts = found.chosen([each.of for each in earlier.ranges])
    decision = earlier_runs.decide_again(earlier, start.config.kafka.group_id, facts, cut=cut)
    refusals = [*decision.refusals, *ranges.uncovered(decision.cuts, found.facts)]
    if refusals:
        raise Misuse("\n".join([*refusals, "No plan was made."]))
    return found, replace(decision, notes=tuple(notes))
