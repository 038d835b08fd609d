"""The partitions that are ours: their committed offsets on the way to the broker, and how they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bridge.counts import Tally
from bridge.formats import offset_map
from bridge.model import Disposition, Position
from bridge.pipeline.budget.pacing import KEEP_DEMAND
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.ports import Mapper, Positions
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.queues import Queues
from bridge.pipeline.retry import Evidence
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.tracing import RecordListeners
from bridge.pipeline.work import Entry, EventState, OpenElements, PartitionWork, Work

Tracker = OffsetTracker[Entry]
Positioned = Sequence[tuple[Tracker, Position]]
Drained = Callable[[Positioned], None]
# What is asked for every event: a member of an enum takes ten times as long to look up as a global.
_GONE, _DELIVERED = EventState.GONE, Disposition.DELIVERED

REFRESH_DEMAND = 1.5
"""Seconds after which a demand that did not change is published again, so that others keep believing it."""


@dataclass(slots=True, eq=False)
class Drain:
    """Partitions that leave together; their next owner waits for all of them."""

    partitions: list[PartitionWork]
    drained: Drained
    deadline: float
    """Monotonic seconds."""


class Assignments:
    """Owned partitions, and those that are leaving but still have something outside."""

    __slots__ = (
        "_drains", "_failing", "_partitions", "_queues", "_rest_follows", "_settings", "_tally", "_witnesses", "topics",
    )  # fmt: skip

    def __init__(
        self, tally: Tally, settings: DeliverySettings, failing: Failing, queues: Queues, mapper: Mapper
    ) -> None:
        self._failing, self._queues = failing, queues
        self._rest_follows = mapper.rest_follows
        self._partitions: dict[Tracker, PartitionWork] = {}
        self._drains: list[Drain] = []
        self._tally = tally
        self._settings = settings
        self.topics: dict[str, TopicLetters] = {}
        """By name, as far as they were ever ours: a held topic stays held when its partitions come back."""
        self._witnesses: dict[TopicLetters, Work] = {}
        """By topic, an event that could be delivered when `may_deliver` looked last. It goes with the row."""

    def __len__(self) -> int:
        return len(self._partitions)

    def __iter__(self) -> Iterator[PartitionWork]:
        return iter(self._partitions.values())

    def add(self, tracker: Tracker, now: float) -> PartitionWork:
        """Ours from now on."""
        name = tracker.partition.topic
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = TopicLetters(name, self._settings.hold_after_letters)
        partition = self._partitions[tracker] = PartitionWork(tracker, topic, now, self._rest_follows(name))
        return partition

    def map_by(self, mapper: Mapper) -> None:
        """See `Dispatcher.map_by`."""
        self._rest_follows = mapper.rest_follows
        for partition in self._partitions.values():
            partition.rest_follows = mapper.rest_follows(partition.topic.name)

    def get(self, tracker: Tracker) -> PartitionWork | None:
        """None once it is given up."""
        return self._partitions.get(tracker)

    def may_deliver(self, topic: TopicLetters) -> bool:
        """Whether any event of the topic may still be delivered.

        Found out from what is open whenever it is asked, which is rare, so that nothing has to keep count. What came
        last is looked at first: it lasts the longest, and until it is done there is no need to look at another.
        """
        witness = self._witnesses.get(topic)
        if witness is not None and witness.may_be_delivered:
            return True
        for partition in self._partitions.values():
            if partition.topic is topic:
                for entry in reversed(partition.tracker.open.values()):
                    for work in (entry,) if isinstance(entry, Work) else entry.works:
                        if work.may_be_delivered:
                            self._witnesses[topic] = work
                            return True
        self.forget_witness(topic)
        return False

    def forget_witness(self, topic: TopicLetters) -> None:
        """Nobody asks of this topic's row any more: an event that is done is not to be kept for it."""
        self._witnesses.pop(topic, None)

    def complete(self, work: Work, disposition: Disposition) -> None:
        """An event is done; with the last of its record's events the offset is complete."""
        work.state = _GONE
        fanout, partition, tally = work.fanout, work.partition, self._tally
        if fanout is not None:
            if fanout.has_elements:
                tally.elements -= 1
                partition.elements -= 1
                partition.dirty = True  # the committed map says which of them are done
            if not fanout.settle(work, disposition):
                return
            disposition = fanout.worst
        entry = partition.tracker.completed(work.record.offset)
        partition.dirty = True
        tally.buffered -= 1
        tally.buffered_bytes -= entry.size
        if disposition is _DELIVERED:
            tally.delivered += 1
        else:
            tally.dead_lettered += 1
        if entry.life is not None:
            entry.life.done(disposition)

    # --- leaving ----------------------------------------------------------------------------------

    def begin_drain(self, trackers: Sequence[Tracker], drained: Drained, now: float) -> list[PartitionWork]:
        """Start giving these up; nothing new of them may start."""
        leaving = [
            self._partitions[tracker]
            for tracker in trackers
            if tracker in self._partitions and tracker.life is TrackerState.LIVE
        ]
        for partition in leaving:
            partition.tracker.life = TrackerState.DRAINING
        self._drains.append(Drain(leaving, drained, now + self._settings.drain_timeout))
        return leaving

    def lose(self, trackers: Sequence[Tracker]) -> list[PartitionWork]:
        """These are gone already: whatever is outside can do nothing for them any more."""
        lost = [self._partitions[tracker] for tracker in trackers if tracker in self._partitions]
        for partition in lost:
            for drain in self._drains:
                if partition in drain.partitions:
                    drain.partitions.remove(partition)
            self._kill(partition)
        return lost

    def deadline(self) -> float | None:
        """When the next drain's time is over."""
        return min((drain.deadline for drain in self._drains), default=None)

    def finished_drains(self, now: float) -> list[Drain]:
        """Drains with nothing outside any more, or out of time. Each is returned once and must be finished."""
        if not self._drains:
            return []
        done = [d for d in self._drains if now >= d.deadline or not any(p.busy for p in d.partitions)]
        self._drains = [drain for drain in self._drains if drain not in done]
        return done

    def finish(self, drain: Drain, now: float, wall: float) -> None:
        """Take the final committed offsets, then make every later completion of these trackers meaningless."""
        final = [(p.tracker, self._position(p, now, wall)) for p in drain.partitions]
        for partition in drain.partitions:
            self._kill(partition)
        drain.drained(final)

    def _kill(self, partition: PartitionWork) -> None:
        tracker, tally = partition.tracker, self._tally
        tracker.life = TrackerState.DEAD
        self._partitions.pop(tracker, None)
        witness = self._witnesses.get(partition.topic)
        if witness is not None and witness.partition is partition:
            self.forget_witness(partition.topic)
        self._failing.forget(partition, tracker.open.values())
        tally.released += len(tracker.open)
        tally.buffered -= len(tracker.open)
        tally.buffered_bytes -= sum(entry.size for entry in tracker.open.values())
        tally.elements -= sum(len(entry.open) for entry in tracker.open.values() if isinstance(entry, OpenElements))
        lives = [entry.life for entry in tracker.open.values() if entry.life is not None]
        tracker.open.clear()
        for life in lives:
            life.given_up()

    # --- committed offsets ------------------------------------------------------------------------

    def positions(self, now: float, wall: float) -> list[tuple[Tracker, Position]]:
        """What to take to the broker now: partitions that moved, and those whose map or demand is worth a commit.

        Those that are leaving too: a crash may come before their drain is over.
        """
        out: list[tuple[Tracker, Position]] = []
        publish_demand = self._settings.is_shared_out
        of_users = {} if self._settings.shared_rate_limit else self._queues.ready_of_users()
        for partition in self._partitions.values():
            tracker = partition.tracker
            if partition.ready:
                users = of_users.get(partition, 0) if of_users else 0
                if users:
                    partition.users_waited_at = now
                if partition.ready > users:
                    partition.waited_at = now
            lowest = tracker.lowest_open
            if lowest != partition.last_lowest:
                partition.last_lowest = lowest
                partition.head_since = now
            elif not (partition.dirty or (publish_demand and self._demand_changed(partition, now))):
                continue
            out.append((tracker, self._position(partition, now, wall)))
        return out

    def _demand_changed(self, partition: PartitionWork, now: float) -> bool:
        """Of a budget that has a limit: of others nobody needs to know."""
        settings = self._settings
        limited = settings.rate_limit is not None, settings.users_rate_limit is not None
        is_old = now - partition.refreshed_at >= REFRESH_DEMAND
        return any(
            is_limited and (wants != published or (wants and is_old))
            for is_limited, wants, published in zip(
                limited, _wants(partition, now), partition.published_demand, strict=True
            )
        )

    def _position(self, partition: PartitionWork, now: float, wall: float) -> Position:
        tracker = partition.tracker
        wants = partition.published_demand = _wants(partition, now)
        demand = offset_map.Demand(max(1, partition.waiting) if wants[0] else 0, int(wall), of_users=wants[1])
        partition.dirty = False
        partition.refreshed_at = now
        # Until the first record of this assignment comes, what is known of it is what the last one knew.
        head = tracker.restored_head if tracker.next_offset == tracker.start else offset_map.Head()
        for entry in tracker.open.values():
            work = entry if isinstance(entry, Work) else entry.head
            head = offset_map.Head() if work is None else _head(work, now, wall)
            if isinstance(entry, OpenElements):
                head = replace(head, elements=entry.count, way=entry.way, done=entry.done)
            break
        return tracker.position(demand, head, offset_map.limit(max(1, len(self._partitions))))


def _wants(partition: PartitionWork, now: float) -> tuple[bool, bool]:
    """Whether it has something to send of the budget of events, and of that of users and companies."""
    return now - partition.waited_at < KEEP_DEMAND, now - partition.users_waited_at < KEEP_DEMAND


def _head(work: Work, now: float, wall: float) -> offset_map.Head:
    if work.mark is None or work.first_at is None:
        return offset_map.Head()
    return offset_map.Head(int((wall - (now - work.first_at)) * 1000), work.counted)


class OpenRecords:
    """What the dispatcher keeps of everything that is open: its parts decide on it, each on its own question."""

    __slots__ = ("assignments", "evidence", "failing", "listeners", "queues", "tally")

    def __init__(
        self,
        settings: DeliverySettings,
        mapper: Mapper,
        positions: Positions,
        read_on: Callable[[PartitionWork], None],
    ) -> None:
        """`read_on` has a partition read on, unless something holds it."""
        self.tally = Tally()
        self.listeners = RecordListeners()
        self.failing = Failing(settings, self.tally, positions, read_on)
        self.queues = Queues(self.failing, settings.max_in_flight)
        self.evidence = {kind: Evidence() for kind in self.queues.ready}
        """By kind: that events are accepted says nothing of an identify that is not."""
        self.assignments = Assignments(self.tally, settings, self.failing, self.queues, mapper)
