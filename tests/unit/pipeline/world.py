"""A small world around one dispatcher: virtual time, logs, an API, a dead-letter topic and a group coordinator."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from bridge.formats import offset_map
from bridge.model import Position, Record, TopicPartition
from bridge.pipeline.budget.membership import GAP
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, OpenElements, Work
from tests.unit.pipeline.fakes import (
    EPOCH,
    Event,
    FakeAlarm,
    FakeCredentials,
    FakeEventLog,
    FakeLetters,
    FakePositions,
    FakeRegistry,
    FakeSink,
    PlainMapper,
    Tracker,
    VirtualTime,
    lane_of,
    outputs_of,
)


@dataclass(slots=True, eq=False)
class Log:
    """What stands in one partition. Offsets may have gaps."""

    records: list[Record] = field(default_factory=list)
    end: int = 0
    verified: int = 0
    """Records, from the first, that are below a committed position and were found to be done."""
    found_done: set[int] = field(default_factory=set)
    """Offsets that a map called done, rightly: what was accepted or is a dead letter stays so."""

    def append(self, partition: TopicPartition, value: str, key: bytes | None, gap: int) -> Record:
        timestamp_ms = int(EPOCH * 1000)
        record = Record(*partition, self.end + gap, timestamp_ms, key, value.encode(), ())
        self.records.append(record)
        self.end = record.offset + 1
        return record


def works_of(entry: Entry) -> list[Work]:
    """The events of an open record; those that are open, where it has elements."""
    return [entry] if isinstance(entry, Work) else list(entry.works)


class World:
    """One process with its surroundings. `run` lets time pass; nothing else does."""

    def __init__(
        self,
        settings: DeliverySettings | None = None,
        *,
        seed: int = 0,
        commit_every: float | None = 0.2,
        rings_after: Callable[[float], float] = lambda delay: delay,
        beside: World | None = None,
    ) -> None:
        """``beside`` another process of the same group: they share the time, the logs and the committed positions."""
        self.settings = settings or DeliverySettings.model_construct(rate_limit=None)
        self.time: VirtualTime = beside.time if beside else VirtualTime()
        self.sink = FakeSink(self.time, self.settings)
        self.letters = FakeLetters(self.time)
        self.positions = FakePositions(self.time)
        self.credentials = FakeCredentials()
        self.event_log = FakeEventLog()
        self.positions.verify = self._verify
        self.positions.go_back = self._go_back
        self.registry = FakeRegistry(self.time)
        self.sink.may_start = lambda: self.positions.proven
        self.logs: dict[TopicPartition, Log] = beside.logs if beside else defaultdict(Log)
        if beside:
            self.positions.committed = beside.positions.committed
            self.sink.accepted_ever = beside.sink.accepted_ever
            self.letters.events = beside.letters.events
            self.sink.identified = beside.sink.identified
        self.owned: dict[TopicPartition, Tracker] = {}
        self._next: dict[Tracker, int] = {}
        """Index in the log of the next record to hand over."""
        self.drained: list[tuple[float, list[tuple[Tracker, Position]]]] = []
        self.alarm = FakeAlarm(self.time, self._pump, rings_after=rings_after)
        self.mapper = self.sink.mapper = PlainMapper(self.registry.known)
        self.dispatcher = Dispatcher(
            self.settings,
            mapper=self.mapper,
            sink=self.sink,
            letters=self.letters,
            positions=self.positions,
            credentials=self.credentials,
            event_log=self.event_log,
            clock=self.time,
            alarm=self.alarm,
            rng=random.Random(seed),  # noqa: S311 - repeatable on purpose
            lookups=self.registry,
        )
        if self.settings.rate_limit is None:
            self.dispatcher.set_rate(None, self.now)
        self.registry.dispatcher = self.dispatcher
        self.sink.dispatcher = self.letters.dispatcher = self.positions.dispatcher = self.dispatcher
        self._every(0.5, self.dispatcher.tick)
        if commit_every is not None:
            self._every(commit_every, self.commit)

    # --- time ---------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self.time.now

    def run(self, seconds: float = 0.0) -> None:
        """Let this much time pass."""
        self.time.run(seconds)
        self.check()

    def run_until(self, condition: Callable[[], bool], within: float = 600.0) -> None:
        """Let time pass until this is so; fails when it does not come."""
        assert self.time.run(within, condition), f"did not happen within {within} s"
        self.check()

    def stop_process(self, seconds: float) -> None:
        """SIGSTOP and SIGCONT: time passes for everybody else; answers wait in the sockets."""
        self.time.now += seconds
        if seconds > GAP:
            self.positions.stopped_until, self.positions.proven = self.now, False

    def _pump(self) -> None:
        self.dispatcher.pump()

    def _every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            call()
            self.time.after(seconds, again)

        self.time.after(seconds, again)

    # --- partitions ---------------------------------------------------------------------------------

    def write(self, partition: TopicPartition, *values: str, key: bytes | None = None, gap: int = 0) -> None:
        """Somebody produces these."""
        for value in values:
            self.logs[partition].append(partition, value, key, gap)

    def assign(self, *partitions: TopicPartition, prove: bool = True) -> list[Tracker]:
        """Each from its committed position, less what the map there says is done."""
        trackers = []
        leaving = {partition.tracker.partition for partition in self.dispatcher.assignments}
        for partition in partitions:
            assert partition not in leaving, "the group waits for the drain before it assigns anew"
            committed = self.positions.committed.get(partition, Position(0, "", None))
            found = offset_map.trusted(
                offset_map.decode(committed.metadata),
                offset=committed.offset,
                leader_epoch=committed.leader_epoch,
                topic_id="id",
            )
            tracker: Tracker = OffsetTracker(
                partition, committed.offset, topic_id="id", leader_epoch=committed.leader_epoch, restored=found
            )
            self.owned[partition] = tracker
            records = self.logs[partition].records
            self._next[tracker] = next(
                (i for i, record in enumerate(records) if record.offset >= committed.offset), len(records)
            )
            trackers.append(tracker)
        self.dispatcher.assigned(trackers)
        if prove:
            self.positions.prove(self.now)
        return trackers

    def deliver(self, partition: TopicPartition, most: int | None = None) -> int:
        """The poll thread hands over what there is room for; returns how many records."""
        tracker = self.owned[partition]
        if tracker in self.positions.paused or partition.topic in self.positions.paused_topics:
            return 0
        room = self.dispatcher.room()
        records = self.logs[partition].records
        start = self._next.get(tracker, 0)
        free = max(0, room[0]) if room[1] > 0 else 0
        count = min(len(records) - start, free, most if most is not None else len(records))
        self._next[tracker] = start + count
        if count:
            self.dispatcher.accept(tracker, records[start : start + count])
        return count

    def _go_back(self, tracker: Tracker, offset: int) -> None:
        records = self.logs[tracker.partition].records
        self._next[tracker] = next((i for i, each in enumerate(records) if each.offset >= offset), len(records))

    def feed(self, partition: TopicPartition, *values: str, key: bytes | None = None) -> None:
        """Produced, and handed over at once."""
        if partition not in self.owned:
            self.assign(partition)
        self.write(partition, *values, key=key)
        self.deliver(partition)

    def revoke(self, *partitions: TopicPartition) -> None:
        """Orderly: these move to another member once they are drained."""
        trackers = [self.owned.pop(partition) for partition in partitions]
        self.dispatcher.revoke(trackers, self._drained)

    def lose(self, *partitions: TopicPartition) -> None:
        """The group went on without this member."""
        self.dispatcher.lost([self.owned.pop(partition) for partition in partitions])

    def commit(self) -> None:
        """What happens at each commit interval."""
        self.positions.store(self.dispatcher.positions())

    def _drained(self, final: Sequence[tuple[Tracker, Position]]) -> None:
        self.drained.append((self.now, list(final)))
        self.positions.final(final)

    # --- what must always be so ---------------------------------------------------------------------

    def check(self) -> None:
        dispatcher = self.dispatcher
        tally = dispatcher.tally
        assert tally.gap == 0, f"the accounting is off by {tally.gap}"
        assert sum(governor.in_flight for governor in dispatcher.governors.values()) == len(self.sink.on_wire)
        entries = [entry for partition in dispatcher.assignments for entry in partition.tracker.open.values()]
        assert tally.buffered == len(entries)
        assert tally.buffered_bytes == sum(entry.size for entry in entries)
        assert tally.elements == sum(len(entry.open) for entry in entries if isinstance(entry, OpenElements))
        held = dispatcher.failing._held  # what leaks there is seen nowhere else
        assert set(held) <= {each for entry in entries for each in (entry, *works_of(entry))}, "counted apart, and gone"
        assert tally.behind == len(held)
        keyless = {each for each in dispatcher.failing.lengths if isinstance(each, Work)}
        assert keyless <= {work for entry in entries for work in works_of(entry)}, (
            "a queue apart of an event that is gone"
        )
        for partition in dispatcher.assignments:
            of_elements = [each for each in partition.tracker.open.values() if isinstance(each, OpenElements)]
            assert partition.elements == sum(len(each.open) + each.unopened for each in of_elements)

    def _verify(self, partition: TopicPartition, position: Position) -> None:
        """A committed position passes nothing that is open, and its map calls nothing done that is not."""
        log = self.logs[partition]
        before = self.positions.committed.get(partition)
        assert before is None or position.offset >= before.offset, f"{partition}: the position went back"
        decoded = offset_map.decode(position.metadata)
        assert decoded is not None
        assert len(position.metadata) <= offset_map.BROKER_LIMIT
        while log.verified < len(log.records) and log.records[log.verified].offset < position.offset:
            self._verify_done(partition, log.records[log.verified])
            log.verified += 1
        if decoded.head.done:
            head = next(record for record in log.records if record.offset == position.offset)
            done = {element for each in decoded.head.done for element in each}
            assert not done & set(self.unfinished(partition, head)), "elements are committed as done, and are not"
        if decoded.done:
            for run in decoded.done:
                first = bisect_left(log.records, run.start, lo=log.verified, key=attrgetter("offset"))
                for record in islice(log.records, first, None):
                    if record.offset >= run.stop:
                        break
                    if record.offset not in log.found_done:
                        self._verify_done(partition, record)
                        log.found_done.add(record.offset)

    def _verify_done(self, partition: TopicPartition, record: Record) -> None:
        missing = self.unfinished(partition, record)
        assert not missing, f"committed as done, but is not: {record.coordinates}, events {missing}"

    def unfinished(self, partition: TopicPartition, record: Record) -> list[int]:
        """Outputs of a record that are neither accepted nor in the dead-letter topic."""
        accepted, lettered = self.sink.accepted_ever, self.letters.events
        return [
            output
            for output, word in outputs_of(record).items()
            if word != "-"
            and not word.endswith(":forget")
            and (partition, record.offset, output) not in accepted
            and (partition, record.offset, output) not in lettered
        ]

    def all_finished(self) -> bool:
        return not any(
            self.unfinished(partition, record) for partition, log in self.logs.items() for record in log.records
        )

    def check_order(self) -> None:
        """Per partition and user, no event was accepted for the first time after a later one was.

        Events that were given up on are not part of the order: what follows them may go.
        """
        latest: dict[tuple[TopicPartition, str], tuple[int, int]] = {}
        seen: set[Event] = set()
        for event in self.sink.accepted:
            if event in seen or event in self.sink.lettered:
                continue
            seen.add(event)
            partition, offset, output = event
            user = self._user(event)
            before = latest.get((partition, user), (-1, -1))
            assert before < (offset, output), f"{event} of {user} was overtaken by {before}"
            latest[partition, user] = (offset, output)

    def _user(self, event: Event) -> str:
        partition, offset, output = event
        record = next(record for record in self.logs[partition].records if record.offset == offset)
        return lane_of(outputs_of(record)[output])

    def works(self, partition: TopicPartition) -> list[Work]:
        """The open events of a partition of ours, one of each record."""
        owned = self.dispatcher.assignments.get(self.owned[partition])
        assert owned is not None
        heads = (entry if isinstance(entry, Work) else entry.head for entry in owned.tracker.open.values())
        return [head for head in heads if head is not None]

    def is_held(self) -> bool:
        """Whether the 401 guard holds everything."""
        return self.dispatcher.key.held

    @property
    def users_sent(self) -> list[str]:
        return [user for _, _, user in self.sink.sent]
