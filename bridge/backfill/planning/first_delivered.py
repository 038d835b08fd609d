"""Whether the time that somebody gives for the first record which the bridge delivered can be that: pure.

The time at which the bridge was started is at hand, and often another one: with `start_from: earliest` it began with
what was years old, and all of that would be there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.backfill.planning.bounds import Bound, TimeBound
from bridge.config.keys.scalars import StartAge, StartFrom, StartPoint, StartTime

if TYPE_CHECKING:
    from bridge.backfill.planning.ranges import PartitionFacts


def contradictions(live_since: Bound | None, start_from: StartFrom, facts: Sequence[PartitionFacts]) -> list[str]:
    """Sentences; none where no bridge has begun on these partitions."""
    if not isinstance(live_since, TimeBound) or not any(each.has_worked or each.is_unclear for each in facts):
        return []
    if start_from is StartPoint.EARLIEST:
        why = "all that there was"
    elif isinstance(start_from, StartTime) and start_from.epoch_ms < live_since.epoch_ms:
        why = "everything since the time that it names"
    else:
        return []
    begins = "earliest" if start_from is StartPoint.EARLIEST else "before that time"
    sentence = (
        f"kafka.start_from is {begins}: a bridge that began by it has delivered {why}, also what is older than "
        f"--live-since {live_since}, and that is no history. Where it began elsewhere, say the offset of the first "
        "record that it delivered, or give the configuration that it began with."
    )
    return [sentence]


def notes(live_since: Bound | None, start_from: StartFrom) -> list[str]:
    """What cannot be told from the configuration, as sentences."""
    if not isinstance(live_since, TimeBound) or not isinstance(start_from, StartAge):
        return []
    sentence = (
        "kafka.start_from is an age: a bridge that began by it has delivered also what was that old when it was "
        f"started. Is the first record that it delivered of {live_since}?"
    )
    return [sentence]
