"""Partitions that wait for a schema: each stops at its record, in order, while the others flow.

What was handed over behind that record is kept for a moment, within half the buffer's bounds: nearly every look-up is
answered before it is over, and costs nothing but that moment. Where it takes longer, or more comes than may be kept,
the partition is paused and nothing is kept; once the schema is known it is read again from the record on. So a registry
that is away for hours costs no memory, and takes no room from partitions that need none of its schemas.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bridge.pipeline.dispatch.opening import Admit, Opening
from bridge.pipeline.ports import Arrival, Positions, SchemaLookups
from bridge.pipeline.schema_wait import AwaitedSchema, NothingIn, SchemaWait, place, weight
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import PartitionWork

KEPT_FOR: Final = 0.5
"""Seconds. A pause costs what was prefetched, and up to `fetch.wait.max.ms` until the next record comes."""
TURN: Final = 0.004
"""Seconds that what was kept may keep the event loop from everything else, when it is taken in."""
ASK_AGAIN: Final = 1.0
"""Seconds until a schema is asked for again that was looked up and is not known all the same."""


class SchemaWaits:
    """All of them. Each schema is looked up once, however many partitions wait for it."""

    __slots__ = (
        "_admit", "_again", "_answered", "_looked_up", "_lookups", "_max_bytes", "_max_records", "_opening",
        "_positions", "_resume", "_waiting", "_waits", "records", "size",
    )  # fmt: skip

    def __init__(
        self,
        settings: DeliverySettings,
        admit: Admit,
        opening: Opening,
        lookups: SchemaLookups,
        positions: Positions,
        resume: Callable[[PartitionWork], None],
    ) -> None:
        """`admit` takes in what was kept, and `opening` the gaps in it, and all of it while no more may be decoded.

        `resume` has a partition read on, unless something else holds it.
        """
        self._max_records, self._max_bytes = settings.max_buffered // 2, settings.max_buffered_bytes // 2
        self._admit, self._opening = admit, opening
        self._lookups = lookups
        self._positions = positions
        self._resume = resume
        self._waits: dict[PartitionWork, SchemaWait] = {}
        self._waiting: dict[str, dict[PartitionWork, None]] = {}
        """By reference that is being looked up, or will be asked for again: who waits for it."""
        self._looked_up: deque[PartitionWork] = deque()
        """What was kept of these is taken in now."""
        self._answered: dict[PartitionWork, tuple[int, str, float]] = {}
        """The record a partition waited at last, for what, and when that was over: to come back to it at once is no
        progress. Later it is: a decision that a registry does not know a schema is forgotten after a while, and the
        partition may have had to wait for room."""
        self._again: dict[str, float] = {}
        """By reference: the monotonic time at which it is asked for again."""
        self.records = self.size = 0
        """What is kept of all."""

    # --- what comes while a partition waits -----------------------------------------------------------

    def begin(self, partition: PartitionWork, records: Sequence[Arrival], now: float) -> None:
        """The first of these needs a schema, which `PartitionWork.needs` names."""
        partition.wait = self._waits[partition] = wait = SchemaWait()
        self._want(partition, wait, records[0], now)
        self.arrived(partition, wait, records)

    def arrived(self, partition: PartitionWork, wait: SchemaWait, records: Sequence[Arrival]) -> None:
        """These come behind what it waits for."""
        if wait.unread:
            return
        size = weight(records)
        if self.records + len(records) > self._max_records or self.size + size > self._max_bytes:
            self._let_go(partition, wait)
            return
        wait.parts.append(records)
        self._keep(wait, len(records), size)

    # --- what ends it ---------------------------------------------------------------------------------

    def looked_up(self, reference: str, now: float) -> None:
        """The look-up is over: mapping knows now what there is to know of it."""
        for partition in self._waiting.pop(reference, ()):
            self._answered[partition] = (self._waits[partition].offset, reference, now)
            self._go_on(partition)

    def try_again(self) -> None:
        """Another mapping works now, which may need another schema, or none: no look-up of this one is waited for."""
        self._answered.clear()
        for reference, partitions in list(self._waiting.items()):
            if self._again.pop(reference, None) is None:
                self._lookups.forget(reference)
            del self._waiting[reference]
            for partition in partitions:
                self._go_on(partition)

    def _go_on(self, partition: PartitionWork) -> None:
        """Its record is mapped once more."""
        wait = self._waits[partition]
        wait.needs = None
        if wait.unread:
            self._positions.read_again(partition.tracker, partition.tracker.next_offset)
        else:
            self._looked_up.append(partition)

    @property
    def looked_up_for(self) -> bool:
        """Whether there is something to `take_in`."""
        return bool(self._looked_up)

    def reads_again(self, partition: PartitionWork) -> None:
        """What arrives of it from now on begins where it stopped."""
        wait = self._waits.get(partition)
        if wait is not None and wait.unread and wait.needs is None:
            self._end(partition)
            self._resume(partition)

    def take_in(self, until: float, monotonic: Callable[[], float]) -> bool:
        """What was kept of those that were looked up for; False where `until` (monotonic) came before its end."""
        while self._looked_up:
            partition = self._looked_up[0]
            wait = self._waits.get(partition)
            if wait is None or wait.needs is not None or wait.unread:
                self._looked_up.popleft()
                continue
            if partition.held is not None:
                self._keep(wait, -wait.records, -wait.size)
                wait.parts.clear()
            while wait.parts and wait.needs is None:
                if partition.opening is None and monotonic() >= until:
                    return False  # what comes behind many records in one goes there at once, so that its order is kept
                if self._opening and partition not in self._opening and not self._opening.may_decode:
                    self._leave_to_opening(partition, wait)
                else:
                    self._take_part(partition, wait, until, monotonic)
            self._looked_up.popleft()
            if not wait.parts:
                self._end(partition)
        return True

    def _take_part(
        self, partition: PartitionWork, wait: SchemaWait, until: float, monotonic: Callable[[], float]
    ) -> None:
        part = wait.parts.popleft()
        if isinstance(part, NothingIn):
            self._opening.nothing_in(partition, part)
            return
        through = self._admit(partition, part, until)
        self._keep(wait, -through, -weight(part[:through]))
        if through < len(part):
            wait.parts.appendleft(part[through:])
        if partition.needs is not None:
            self._want(partition, wait, part[through], monotonic())

    def _leave_to_opening(self, partition: PartitionWork, wait: SchemaWait) -> None:
        """It may hold many records in one, as others that waited for this schema: there is no room to find out."""
        self._opening.begin(partition, ())
        while wait.parts:
            part = wait.parts.popleft()
            if isinstance(part, NothingIn):
                self._opening.nothing_in(partition, part)
            else:
                self._keep(wait, -len(part), -weight(part))
                self._opening.arrived(partition, part)

    # --- time -----------------------------------------------------------------------------------------

    def due(self) -> float | None:
        """When to call `wake`, in monotonic seconds."""
        kept = (wait.kept_until for wait in self._waits.values() if wait.needs is not None and not wait.unread)
        return min([*kept, *self._again.values()], default=None)

    def wake(self, now: float) -> None:
        """What takes long is not kept any more; what was not known when it was looked up is asked for again."""
        for partition, wait in self._waits.items():
            if wait.needs is not None and not wait.unread and now >= wait.kept_until:
                self._let_go(partition, wait)
        for reference in [reference for reference, due in self._again.items() if now >= due]:
            del self._again[reference]
            if self._waiting.get(reference):
                self._lookups.want(reference)
            else:
                self._waiting.pop(reference, None)

    # --- leaving --------------------------------------------------------------------------------------

    def drop(self, leaving: Iterable[PartitionWork]) -> None:
        """What was kept of these is dropped unread: their committed offset stays below it."""
        for partition in leaving:
            self._answered.pop(partition, None)
            wait = self._waits.get(partition)
            if wait is None:
                continue
            if wait.needs is not None:
                waiting = self._waiting[wait.needs]
                del waiting[partition]
                if not waiting and wait.needs not in self._again:
                    self._lookups.forget(wait.needs)
                    del self._waiting[wait.needs]
            self._end(partition)

    def awaited(self) -> list[AwaitedSchema]:
        """Who waits for what."""
        return [
            AwaitedSchema(partition.tracker.partition, wait.needs, wait.since, wait.offset, wait.timestamp_ms)
            for partition, wait in self._waits.items()
            if wait.needs is not None
        ]

    # --- steps ----------------------------------------------------------------------------------------

    def _want(self, partition: PartitionWork, wait: SchemaWait, record: Arrival, now: float) -> None:
        reference, partition.needs = partition.needs, None
        if reference is None:
            return
        wait.needs, wait.since, wait.kept_until = reference, now, now + KEPT_FOR
        wait.offset, wait.timestamp_ms = place(record)
        waiting = self._waiting.get(reference)
        if waiting is not None:
            waiting[partition] = None
            return
        self._waiting[reference] = {partition: None}
        offset, answered, at = self._answered.get(partition, (-1, "", now))
        if (offset, answered) == (wait.offset, reference) and now - at < ASK_AGAIN:
            self._again[reference] = now + ASK_AGAIN
        else:
            self._lookups.want(reference)

    def _let_go(self, partition: PartitionWork, wait: SchemaWait) -> None:
        self._keep(wait, -wait.records, -wait.size)
        wait.parts.clear()
        wait.unread = True
        self._positions.pause_partition(partition.tracker)
        if wait.needs is None:
            self._positions.read_again(partition.tracker, partition.tracker.next_offset)

    def _keep(self, wait: SchemaWait, records: int, size: int) -> None:
        wait.records += records
        wait.size += size
        self.records += records
        self.size += size

    def _end(self, partition: PartitionWork) -> None:
        wait = self._waits.pop(partition)
        self._keep(wait, -wait.records, -wait.size)
        partition.wait = None
