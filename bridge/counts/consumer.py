"""What the poll thread counts; written by that thread alone, read by whoever exports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.formats.losses import Lost
from bridge.model import TopicPartition


@dataclass(slots=True)
class SourceCounts:
    """Totals since the process started."""

    last_poll: float = 0.0
    """Monotonic time at which the thread was last seen alive; fresh also while it waits for a drain."""
    records: int = 0
    """Handed over to the event loop."""
    dropped_records: int = 0
    """Came from the client's queue after their partition was gone; the next owner reads them."""
    commits: int = 0
    committed_at: float | None = None
    """Monotonic time at which a commit was last acknowledged."""
    commit_errors: Counter[str] = field(default_factory=Counter)
    """By `CommitTrouble`."""
    refused_positions: int = 0
    """Positions that came for a partition no longer assigned, here or in the client."""
    assignments: int = 0
    """Rounds of the group that gave partitions (or none) to this member."""
    revocations: int = 0
    losses: int = 0
    """Rounds in which partitions were lost without being asked for."""
    forced_drains: int = 0
    """Drains that did not finish in time: what was in flight is sent again by the next owner."""
    pauses: int = 0
    """Times that everything was paused because no slot came free for a second."""
    possibly_lost: int = 0
    """Offsets between positions and the starts of their logs, where retention was faster: at most so many are lost."""
    lost: Mapping[tuple[TopicPartition, str, int], Lost] = field(default_factory=dict)
    """The same by partition, topic id and first offset, also where nobody knows how many; replaced whole."""
    poll_interval_exceeded: int = 0
