"""Records that hold many records: opened bit by bit, as there is room for their events.

A record of ten thousand elements would be as many events at once. So its partition stops at it, in order, as it does at
a record whose schema is not known; what was handed over behind it waits here, and nothing more is read of the partition
until its last element is open. Others flow: these records never take more than half the buffer, nor a turn of the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from bridge.counts import Tally
from bridge.pipeline.dispatch.admission import Admission
from bridge.pipeline.ports import Arrival, Positions
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.schema_wait import NothingIn, weight
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import PartitionWork

Admit = Callable[[PartitionWork, Sequence[Arrival], float], int]
"""Takes records in; returns how many it is through with, one at least. None begins after a time (monotonic)."""


class Opening:
    """All partitions that stopped at such a record."""

    __slots__ = (
        "_admission", "_admit", "_failing", "_half", "_max", "_max_bytes", "_positions", "_resume", "_tally",
        "_waiting", "records", "size",
    )  # fmt: skip

    def __init__(
        self,
        settings: DeliverySettings,
        admission: Admission,
        tally: Tally,
        failing: Failing,
        positions: Positions,
        admit: Admit,
        resume: Callable[[PartitionWork], None],
    ) -> None:
        """`admit` takes in what comes behind; `resume` has a partition read on, unless something else holds it."""
        self._max_bytes = settings.max_buffered_bytes
        self._max, self._half = settings.max_buffered, max(1, settings.max_buffered // 2)
        self._admission = admission
        self._tally = tally
        self._failing = failing
        self._positions = positions
        self._admit = admit
        self._resume = resume
        self._waiting: dict[PartitionWork, _Behind] = {}
        """Longest first."""
        self.records = self.size = 0
        """What is kept of all."""

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, partition: PartitionWork) -> bool:
        return partition in self._waiting

    def begin(self, partition: PartitionWork, records: Sequence[Arrival]) -> None:
        """The partition stopped at `PartitionWork.opening`, and these come behind it; or it waits for `may_decode`."""
        self._waiting[partition] = _Behind()
        self.arrived(partition, records)

    def arrived(self, partition: PartitionWork, records: Sequence[Arrival]) -> None:
        """These come behind all that waits."""
        behind = self._waiting.get(partition)
        if records and behind is not None:
            behind.parts.append(records)
            self._keep(behind, len(records), weight(records))

    def nothing_in(self, partition: PartitionWork, gap: NothingIn) -> None:
        """Nor is there a record at these offsets behind all that arrived."""
        behind = self._waiting.get(partition)
        if behind is not None:
            behind.parts.append(gap)
        else:
            partition.tracker.nothing_in(*gap)

    @property
    def may_decode(self) -> bool:
        """Whether there are bytes left for another record of many: each is decoded before its size is known."""
        return self._tally.taking_room[1] < self._max_bytes

    def advance(self, until: float, monotonic: Callable[[], float]) -> bool:
        """Open what there is room for; False where `until` (monotonic) came before that was all."""
        for partition, behind in list(self._waiting.items()):
            if not self._go_on(partition, behind, until, monotonic):
                self._pause_all()
                return False
        self._pause_all()
        return True

    def drop(self, leaving: Iterable[PartitionWork]) -> None:
        """These are not ours any more: their committed offset stays at the record or below it."""
        for partition in leaving:
            if partition in self._waiting:
                self._forget(partition)

    # --- steps ----------------------------------------------------------------------------------------

    def _go_on(self, partition: PartitionWork, behind: _Behind, until: float, monotonic: Callable[[], float]) -> bool:
        """As `advance`, of one partition."""
        while partition.opening is not None or behind.parts:
            if partition.held is not None or partition.topic.held:
                # What was read of it is dropped unread; its committed offset stays at the record.
                self._forget(partition)
                return True
            if partition.opening is not None:
                if not self._has_room(partition):
                    return True
                if monotonic() >= until:
                    return False
                self._open(partition)
            elif partition.wait is None and not self.may_decode:
                return True
            elif partition.wait is None and monotonic() >= until:
                return False  # what a schema is waited for before goes there at once, so that its order is kept
            else:
                self._take_part(partition, behind, until)
        del self._waiting[partition]
        if behind.is_paused:
            self._resume(partition)
        return True

    def _open(self, partition: PartitionWork) -> None:
        opening = partition.opening
        if opening is None:
            return
        self._admission.open_next(opening)
        if not opening.unopened:
            partition.opening = None
            self._admission.all_open(opening)

    def _has_room(self, partition: PartitionWork) -> bool:
        """The buffer's bound is everybody's, and half of it is the most; but each partition has one event open."""
        opening, tally = partition.opening, self._tally
        if opening is not None and partition.elements == opening.unopened:
            return True
        if partition in self._failing.paused:
            return False
        return tally.elements - tally.elements_aside < self._half and tally.taking_room[0] < self._max

    def _take_part(self, partition: PartitionWork, behind: _Behind, until: float) -> None:
        part = behind.parts.popleft()
        if isinstance(part, NothingIn):
            if partition.wait is None:
                partition.tracker.nothing_in(*part)
            else:
                partition.wait.nothing_in(part)
            return
        self._keep(behind, -len(part), -weight(part))
        through = self._admit(partition, part, until)
        rest = part[through:]
        if rest:
            behind.parts.appendleft(rest)
            self._keep(behind, len(rest), weight(rest))

    def _pause_all(self) -> None:
        """What waits for longer than a turn is not read on: what would come had to be kept, too."""
        for partition, behind in self._waiting.items():
            if not behind.is_paused:
                behind.is_paused = True
                self._positions.pause_partition(partition.tracker)

    def _forget(self, partition: PartitionWork) -> None:
        behind = self._waiting.pop(partition)
        self._keep(behind, -behind.records, -behind.size)

    def _keep(self, behind: _Behind, records: int, size: int) -> None:
        behind.records += records
        behind.size += size
        self.records += records
        self.size += size


class _Behind:
    """What came behind such a record, in order."""

    __slots__ = ("is_paused", "parts", "records", "size")

    def __init__(self) -> None:
        self.parts: deque[Sequence[Arrival] | NothingIn] = deque()
        self.records = self.size = 0
        self.is_paused = False
