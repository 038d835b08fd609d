"""Users whose events fail: what waits behind them is counted apart, so that it cannot fill the buffer of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.counts import Tally
from bridge.pipeline.ports import Positions
from bridge.pipeline.retry import OTHERS_NEEDED
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, OpenElements, PartitionWork, QueueKey, Work

ONE_USER = 4
"""Times `max_buffered`: records that may wait behind one user."""
ALL_USERS = 5
"""Times `max_buffered`: behind all of them. They take at most half of `max_buffered_bytes`."""
SIP = 2 * OTHERS_NEEDED
"""Events over a bound that a partition may bring in one go, where others have to be heard to judge those that fail."""
SIPS = 25
"""How many of them there may be above the bound, at least: more than any event has attempts that count."""
_ROOM = 64
"""Records that are handed over at a time while a bound is near, or each pause would come much too late."""


class Failing:
    """Key queues whose head failed, until nothing is left in them. Over the bounds their partitions pause.

    A queue stays here after its head got through at last: it may hold more than the buffer has room for.
    """

    __slots__ = (
        "_all", "_aside", "_bytes", "_held", "_one", "_over", "_positions", "_read_on", "_room", "_tally", "_tight",
        "is_head", "lengths", "paused",
    )  # fmt: skip

    def __init__(
        self, settings: DeliverySettings, tally: Tally, positions: Positions, read_on: Callable[[PartitionWork], None]
    ) -> None:
        """`read_on` has a partition read on, unless something else holds it."""
        self._one, self._all = ONE_USER * settings.max_buffered, ALL_USERS * settings.max_buffered
        self._bytes = settings.max_buffered_bytes // 2
        self._room = max(1, min(_ROOM, settings.max_buffered // 4))
        self._tally = tally
        self._positions = positions
        self._read_on = read_on
        self.lengths: dict[QueueKey | Work, int] = {}
        """Events per queue, its head included; an event without a key is a queue of its own."""
        self._held: dict[Entry, int] = {}
        """Open records, and how many of their events are in such queues."""
        self.paused: dict[PartitionWork, QueueKey | Work] = {}
        """Partitions of which nothing more is taken, and the key of the queue that was too long."""
        self._over: dict[PartitionWork, int] = {}
        """Events that a partition may still bring although a bound is reached."""
        self._tight = False
        """A bound was reached lately."""
        self._aside: list[Work] = []
        """Steps that wait for what is in such a queue, until their own queues are such as well."""
        self.is_head: Callable[[Work], bool] = lambda _: False
        """Whether nothing of its key is before an event."""

    def __contains__(self, work: Work) -> bool:
        return (work if work.key is None else work.key) in self.lengths

    def behind(self, work: Work) -> int:
        """Events that wait behind this one."""
        return max(0, self.lengths.get(work if work.key is None else work.key, 1) - 1)

    def begin(self, head: Work) -> None:
        """The head of a key queue failed, or waits for something that did: the step before it, its user's identify."""
        self._begin(head)
        while self._aside:
            self._begin(self._aside.pop())

    def _begin(self, head: Work) -> None:
        key = head if head.key is None else head.key
        if key in self.lengths:
            return
        count = 0
        work: Work | None = head
        while work is not None:
            if work.step is None or not work.step.is_left:
                self._hold(work)
            count += 1
            work = work.next
        self.lengths[key] = count

    def push(self, work: Work) -> None:
        """An event was queued in such a queue; over a bound its partition pauses."""
        key = work.key
        count = self.lengths[key] = self.lengths[key] + 1
        self._hold(work)
        while self._aside:
            self._begin(self._aside.pop())
        tally = self._tally
        if count > self._one or tally.behind > self._all or tally.behind_bytes > self._bytes:
            self._pause(work.partition, key)

    def leave(self, work: Work) -> None:
        """An event left its queue, or is not ours any more."""
        key = work if work.key is None else work.key
        count = self.lengths.get(key)
        if count is None:
            return
        if count > 1:
            self.lengths[key] = count - 1
        else:
            del self.lengths[key]
        if work.step is None or not work.step.is_left:
            self._let_go(work)

    def let_go(self, work: Work) -> None:
        """A step is left with a dead letter from here on: it keeps its place, and its record may be done before."""
        if work in self:
            self._let_go(work)

    def _let_go(self, work: Work) -> None:
        entry: Entry = work.entry
        events = self._held.get(entry)
        if events is None:
            return  # Its record was released already, and only the answer was still out.
        if events > 1:
            self._held[entry] = events - 1
        else:
            self._release(entry)

    def forget(self, partition: PartitionWork, entries: Iterable[Entry]) -> None:
        """These open records of the partition are not ours any more."""
        self.paused.pop(partition, None)
        self._over.pop(partition, None)
        if self._held:
            for entry in entries:
                works = (entry,) if isinstance(entry, Work) else entry.works
                for work in works:
                    if work.key is None:
                        self.lengths.pop(work, None)
                for each in works if isinstance(entry, OpenElements) else (entry,):
                    if each in self._held:
                        self._release(each)

    def count(self) -> tuple[int, int]:
        """Open records and bytes in such queues, counted each time."""
        return len(self._held), sum(entry.size for entry in self._held)

    def room(self, free: int) -> int:
        """How many of so many free places may be filled now."""
        return min(free, self._room) if self._tight else free

    def review(self) -> None:
        """Read on where there is room again."""
        if not self._tight:
            return
        for partition, key in list(self.paused.items()):
            if self._fits(key, self._room):
                self._resume(partition)
        if not self.paused and self._tally.behind <= self._all // 2 and self._tally.behind_bytes <= self._bytes // 2:
            self._tight = max(self.lengths.values(), default=0) > self._one // 2

    def sip(self) -> None:
        """A failure would say something if others had been heard: read a little further, although it is too much."""
        tally = self._tally
        most = self._all + max(self._all // 2, SIPS * SIP)
        if self.paused and tally.behind <= most and 2 * tally.behind_bytes <= 3 * self._bytes:
            partition = next(iter(self.paused))
            self._over[partition] = SIP
            self._resume(partition)

    def _fits(self, key: QueueKey | Work, more: int) -> bool:
        tally = self._tally
        return (
            self.lengths.get(key, 0) + more <= self._one
            and tally.behind + more <= self._all
            and tally.behind_bytes <= self._bytes - self._bytes // 8
        )

    def _pause(self, partition: PartitionWork, key: QueueKey | Work) -> None:
        over = self._over.get(partition, 0)
        if over:
            self._over[partition] = over - 1
        elif partition not in self.paused:
            self.paused[partition] = key
            self._tight = True
            self._positions.pause_partition(partition.tracker)

    def _resume(self, partition: PartitionWork) -> None:
        del self.paused[partition]
        self._read_on(partition)

    def _hold(self, work: Work) -> None:
        entry: Entry = work.entry
        events = self._held.get(entry, 0)
        self._held[entry] = events + 1
        if not events:
            self._count(entry, 1)
        step = None if work.step is None else work.step.then
        while step is not None and step.step is not None:
            step.step.is_aside = True
            if step.key is not None and self.is_head(step):
                self._aside.append(step)
            step = step.step.then

    def _release(self, entry: Entry) -> None:
        del self._held[entry]
        self._count(entry, -1)

    def _count(self, entry: Entry, sign: int) -> None:
        tally = self._tally
        tally.behind += sign
        tally.behind_bytes += sign * entry.size
        if isinstance(entry, Work) and entry.fanout is not None:
            tally.elements_aside += sign
