"""One partition, one assignment: which offsets are open, and hence how far the partition is done.

Only offsets that arrived are tracked, and of those only the open ones are kept. The committed offset is the lowest open
offset, or the one after the last that arrived. Gaps between records (compaction, transactions) then need no code; of a
gap behind the last record, which no record will ever tell, `nothing_in` is told.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import sub
from typing import Any, Generic, TypeVar

from bridge.formats import offset_map
from bridge.model import Position, TopicPartition


class OpenSpans:
    """Half-open spans of open offsets, ascending: what the offset map is written from, several times a second.

    Tens of thousands may be open, and looking at all of them each time would keep the event loop from the answers that
    come meanwhile: the spans are kept, and a look costs what has changed since the last one. What never arrived,
    between two offsets that are open, belongs to no span.
    """

    __slots__ = ("_seen", "_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._seen = 0
        """The offset from which on nothing was looked at yet."""

    @property
    def last(self) -> tuple[int, int] | None:
        """The highest span."""
        return (self._starts[-1], self._stops[-1]) if self._starts else None

    def lengths(self) -> Iterator[int]:
        """Of each span and of the gap behind it, in turn, up to the last span: without a step of Python for any."""
        starts, stops = self._starts, self._stops
        following = islice(starts, 1, None)
        return chain.from_iterable(zip(map(sub, stops, starts), map(sub, following, stops), strict=False))

    def update(self, still_open: dict[int, Any], completed: Sequence[int], until: int) -> None:
        """Take in what happened since the last call: what was completed, in any order, and what arrived.

        `still_open` ascends, and `until` is the offset after the last one that arrived.
        """
        lowest = next(iter(still_open), until)
        self._drop_below(lowest)
        for offset in completed:
            if offset > lowest:
                self._remove(offset)
        self._append(reversed(still_open))
        self._seen = until

    def _drop_below(self, lowest: int) -> None:
        """Most of what completes is at the low end, and needs no search for each."""
        starts, stops = self._starts, self._stops
        gone = bisect_right(stops, lowest)
        del starts[:gone], stops[:gone]
        if starts and starts[0] < lowest:
            starts[0] = lowest

    def _remove(self, offset: int) -> None:
        starts, stops = self._starts, self._stops
        at = bisect_right(starts, offset) - 1
        if at < 0 or offset >= stops[at]:
            return  # it came and went since the last look
        begins, ends = starts[at] == offset, stops[at] == offset + 1
        if begins and ends:
            del starts[at], stops[at]
        elif begins:
            starts[at] = offset + 1
        elif ends:
            stops[at] = offset
        else:
            starts.insert(at + 1, offset + 1)
            stops.insert(at, offset)

    def _append(self, from_the_end: Iterable[int]) -> None:
        seen = self._seen
        arrived: list[int] = []
        for offset in from_the_end:
            if offset < seen:
                break
            arrived.append(offset)
        starts, stops = self._starts, self._stops
        for offset in reversed(arrived):
            if stops and stops[-1] == offset:
                stops[-1] = offset + 1
            else:
                starts.append(offset)
                stops.append(offset + 1)


T = TypeVar("T")


class TrackerState(enum.Enum):
    """A tracker's states, in order; there is no way back."""

    LIVE = "live"
    DRAINING = "draining"
    """Being revoked: nothing new starts, what is in flight may finish and be committed."""
    DEAD = "dead"
    """The partition may be another's: a completion does nothing to offsets any more."""


class OffsetTracker(Generic[T]):
    """The open records of one partition for the time of one assignment.

    Each assignment gets a new object and every completion carries the object it belongs to, so a late answer of an
    earlier assignment can reach nothing that is ever committed. `T` is what the owner keeps per open record.
    """

    __slots__ = (
        "_completed",
        "_done_ranges",
        "_spans",
        "leader_epoch",
        "life",
        "next_offset",
        "open",
        "partition",
        "restored_head",
        "restored_until",
        "start",
        "stored",
        "topic_id",
    )  # fmt: skip

    def __init__(
        self,
        partition: TopicPartition,
        start: int,
        *,
        topic_id: str = "",
        leader_epoch: int | None = None,
        restored: offset_map.OffsetMap | None = None,
    ) -> None:
        self.partition = partition
        self.start = start
        self.topic_id = topic_id
        self.leader_epoch = leader_epoch
        self.life = TrackerState.LIVE
        self.next_offset = start
        """The offset after the last one that arrived, or after the gap behind it."""
        self.open: dict[int, T] = {}
        """Open offsets in ascending order: they arrive that way, and a dict keeps it at O(1) for each removal."""
        self.stored: Position | None = None
        """What `position` returned when it was last taken to the broker."""
        self._spans = OpenSpans()
        self._completed: list[int] = []
        """Since the spans were last brought up to date, which each `position` does."""
        self._done_ranges: Sequence[range] = restored.done if restored else ()
        self.restored_until = self._done_ranges[-1].stop if self._done_ranges else start
        """The end of what an earlier assignment may have completed; from here on nothing needs to be asked."""
        self.restored_head = restored.head if restored else offset_map.Head()
        """Belongs to the record at `start` and to no other."""

    def __repr__(self) -> str:
        return (
            f"OffsetTracker({self.partition}, {self.life.value}, lowest_open={self.lowest_open}, open={len(self.open)})"
        )

    @property
    def lowest_open(self) -> int:
        """The committed offset: everything below it is complete."""
        for offset in self.open:
            return offset
        position = self.next_offset
        for done in self._done_ranges:
            if position in done:
                position = done.stop
        return position

    @property
    def done_above(self) -> int:
        """Offsets above the committed one at which nothing is left to do: what is complete there, or has no record."""
        end = max(self.next_offset, self.restored_until)
        not_arrived = sum(stop - start for start, stop in self._not_arrived())
        return end - self.lowest_open - len(self.open) - not_arrived

    def already_done(self, offset: int) -> bool:
        """Whether an earlier assignment completed this offset, as the committed map says."""
        if offset >= self.restored_until:
            return False
        return any(offset in done for done in self._done_ranges)

    def arrived(self, offset: int, entry: T) -> None:
        """A record came that is not complete yet."""
        if offset < self.next_offset:
            raise ValueError(f"{self.partition}: offset {offset} arrived after {self.next_offset - 1}")
        self.next_offset = offset + 1
        self.open[offset] = entry

    def passed(self, offset: int) -> None:
        """A record came and was complete at once (filtered, already done)."""
        if offset < self.next_offset:
            raise ValueError(f"{self.partition}: offset {offset} arrived after {self.next_offset - 1}")
        self.next_offset = offset + 1

    def nothing_in(self, start: int, stop: int, leader_epoch: int | None) -> None:
        """No record is at these offsets (half-open), nor will ever be; `leader_epoch` is of what precedes `stop`.

        It counts only where everything below `start` has arrived here. Records may have been handed over and not been
        taken, because their topic or partition is held: then `start` is above what arrived, and a position moved to
        `stop` would skip them. Where a later record came first there is nothing left to move.
        """
        if start <= self.next_offset < stop:
            self.next_offset = stop
            self.leader_epoch = leader_epoch

    def completed(self, offset: int) -> T:
        """An open record is delivered, filtered or in the dead-letter topic. KeyError if it is not open."""
        entry = self.open.pop(offset)
        self._completed.append(offset)
        return entry

    def runs(self) -> Iterator[int]:
        """Alternating lengths from the lowest open offset on: open, done, open, …, done.

        Beyond the last record that arrived stands what an earlier assignment completed: a crash soon after a
        restart must not send that again.
        """
        self._spans.update(self.open, self._completed, self.next_offset)
        self._completed.clear()
        return chain(self._spans.lengths(), self._last_runs())

    def _last_runs(self) -> Iterator[int]:
        """From the last span of open offsets on."""
        end = max(self.next_offset, self.restored_until)
        spans = chain(filter(None, [self._spans.last]), self._not_arrived())
        start, stop = next(spans, (end, end))
        for following, until in chain(spans, [(end, end)]):
            if following > stop:
                yield stop - start
                yield following - stop
                start = following
            stop = until

    def _not_arrived(self) -> Iterator[tuple[int, int]]:
        """Half-open spans of offsets that have not arrived, where a later one is done."""
        at = self.next_offset
        for done in self._done_ranges:
            if done.stop > at:
                if done.start > at:
                    yield at, done.start
                at = done.stop

    def position(self, demand: offset_map.Demand, head: offset_map.Head, max_length: int) -> Position:
        """What to commit now."""
        lowest = self.lowest_open
        text = offset_map.encode(
            lowest,
            self.runs(),
            leader_epoch=self.leader_epoch,
            topic_id=self.topic_id,
            demand=demand,
            head=head,
            max_length=max_length,
        )
        return Position(lowest, text, self.leader_epoch)
