"""The Kafka client of one process, and the thread that polls it: the real positions and starts, on a made-up client."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.formats import commit_mark
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.holding import Holding
from bridge.kafka.consumer.assignment.reading_again import ReadingAgain
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.end_offsets import EndOffsets
from bridge.kafka.consumer.poll_loop import SERVE
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_policy import StartFacts
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.consumption import Consumption, Positioned, Tracker
from bridge.kafka.consumer.thread.hand_over import HandOver
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.kafka.partitions import from_client, to_client
from bridge.model import LogRange, Position, Record, TopicPartition
from tests.simulation.group import TIMED_OUT, Member
from tests.simulation.ledger import End, Log
from tests.support.kafka import contexts

if TYPE_CHECKING:
    from tests.simulation.process import Process

OFFSET_END: Final = -1
STATE: Final = -172
POLL: Final = 0.1
UPKEEP: Final = 1.0
LOOK: Final = 0.2
"""Seconds between two looks at a drain."""
THREAD_HOP: Final = 0.0005
"""Seconds from one thread to the other."""

EVERYTHING = ConsumedTopics(["^."], Reading.SEARCHED)
SILENT = logging.getLogger("simulation")
SILENT.setLevel(logging.CRITICAL + 1)
SILENT.propagate = False


class Hops(HandOver):
    """From the poll thread into the loop, in order."""

    def __init__(self, process: Process) -> None:
        self.consumption = cast("Consumption", process)
        self._process = process

    def tell(self, method: Callable[..., object], *arguments: Any) -> None:
        if method == self._process.started:
            method(*arguments)  # What is checked by it has to be known before the commit that follows.
            return
        self._process.after(THREAD_HOP, method, *arguments)

    def wait(self, done: Event, seconds: float, meanwhile: Callable[[], None]) -> bool:
        """Whoever drains is called back; only what is over already is asked about."""
        del seconds, meanwhile
        return done.is_set()


class Questions(Lookup):
    """To the brokers; answered at once."""

    def __init__(self, process: Process, settled: Settled) -> None:
        self._process = process
        self._settled = settled

    def find(
        self, partitions: Sequence[TopicPartition], *, time_ms: int | None, budget: float
    ) -> dict[TopicPartition, StartFacts]:
        del time_ms, budget
        if self._process.cut:
            return {partition: StartFacts() for partition in partitions}
        found = self._process.world.group.find(partitions)
        if not any(
            facts.position_known and facts.position is None and not facts.topic_started for facts in found.values()
        ):
            return found
        settled = self._settled.look(1.0)
        return {partition: replace(facts, group_settled=settled) for partition, facts in found.items()}

    def ranges(self, partitions: Sequence[TopicPartition], budget: float) -> dict[TopicPartition, LogRange]:
        del budget
        logs = self._process.world.group.logs
        return {p: LogRange(logs[p].first, logs[p].end) for p in partitions if p in logs}


class Client:
    """As much of confluent_kafka's `Consumer` as the source uses, with its ownership check on stored offsets."""

    def __init__(self, process: Process) -> None:
        self.member: Member | None = None
        self.next: dict[TopicPartition, int] = {}
        self.ended: dict[TopicPartition, int] = {}
        """Where the end of a partition was last reported."""
        self.handed: dict[TopicPartition, int] = {}
        self.reading: dict[TopicPartition, Log | None] = {}
        self.paused: set[TopicPartition] = set()
        self.on_commit: Callable[[KafkaError | None, list[ClientPartition]], None]
        self.commit_failed = False
        self._tried_at = -1.0
        self._stored: dict[TopicPartition, ClientPartition] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._process = process

    def incremental_assign(self, partitions: list[ClientPartition]) -> None:
        logs = self._process.world.group.logs
        for each in partitions:
            partition = from_client(each)
            log = self.reading[partition] = logs.get(partition)
            self.next[partition] = each.offset if each.offset >= 0 else (log.end if log else 0)
            self._stored.pop(partition, None)
            self._committed.pop(partition, None)
            self.ended.pop(partition, None)

    def incremental_unassign(self, partitions: list[ClientPartition]) -> None:
        for each in partitions:
            partition = from_client(each)
            self.next.pop(partition, None)
            self.handed.pop(partition, None)
            self.reading.pop(partition, None)
            self._stored.pop(partition, None)

    def seek(self, each: ClientPartition) -> None:
        partition = from_client(each)
        if partition not in self.next:
            raise KafkaException(KafkaError(STATE))
        self.next[partition] = each.offset
        self.ended.pop(partition, None)
        self.handed.pop(partition, None)  # librdkafka #3567

    def position(self, partitions: list[ClientPartition]) -> list[ClientPartition]:
        """After the last record handed out, and the markers behind it; what compaction took is not seen."""
        found = []
        for each in partitions:
            partition = from_client(each)
            log, position = self.reading.get(partition), self.handed.get(partition, -1001)
            if log is not None and position >= 0 and log.at(position) == log.at(log.stable):
                position = log.behind_markers(position)
            found.append(to_client(partition, position, log.leader_epoch if log is not None else None))
        return found

    def list_topics(self, timeout: float) -> SimpleNamespace:
        self._ask(timeout)
        topics: dict[str, dict[int, None]] = {}
        for topic, number in self._process.world.group.logs:
            topics.setdefault(topic, {})[number] = None
        return SimpleNamespace(topics={name: SimpleNamespace(partitions=numbers) for name, numbers in topics.items()})

    def committed(self, partitions: list[ClientPartition], timeout: float) -> list[SimpleNamespace]:
        self._ask(timeout)
        known = self._process.world.group.committed
        found = [(each, known.get(from_client(each))) for each in partitions]
        return [
            SimpleNamespace(
                topic=each.topic,
                partition=each.partition,
                offset=-1001 if position is None else position.offset,
                metadata=None if position is None else position.metadata,
                error=None,
            )
            for each, position in found
        ]

    def _ask(self, timeout: float) -> None:
        assert timeout > 0
        if self._process.cut or self._process.world.group.unreadable:
            raise KafkaException(KafkaError(TIMED_OUT))

    def get_watermark_offsets(self, each: ClientPartition, *, cached: bool) -> tuple[int, int]:
        assert cached
        log = self.reading.get(from_client(each))
        return (-1, -1) if log is None else (log.first, log.end)

    def pause(self, partitions: list[ClientPartition]) -> None:
        self.paused.update(map(from_client, partitions))

    def resume(self, partitions: list[ClientPartition]) -> None:
        self.paused.difference_update(map(from_client, partitions))

    def store_offsets(self, offsets: list[ClientPartition]) -> None:
        for each in offsets:
            partition = from_client(each)
            if partition not in self.next:
                raise KafkaException(KafkaError(STATE))
            self._stored[partition] = each

    def commit(self, offsets: list[ClientPartition], asynchronous: bool) -> list[ClientPartition]:  # noqa: FBT001 - theirs
        if asynchronous:
            self._send(offsets)
            return []
        process, group = self._process, self._process.world.group
        group.flush(process)
        # Who tries again slept meanwhile, for longer than the unsettled moment after a rebalance.
        again, self._tried_at = self._tried_at == process.monotonic(), process.monotonic()
        code = TIMED_OUT if process.cut else group.apply(self.member, self._what(offsets), process.name, again=again)
        self.commit_failed = code != 0
        if code:
            raise KafkaException(KafkaError(code))
        return offsets

    def periodic_commit(self) -> None:
        """What the client does by itself: only what was stored above its last commit, and not during a rebalance."""
        if self._process.thread.draining:
            return
        new = [each for p, each in self._stored.items() if each.offset > self._committed.get(p, -1)]
        if new:
            self._send(new)

    def _send(self, offsets: list[ClientPartition]) -> None:
        for each in offsets:
            partition = from_client(each)
            self._committed[partition] = each.offset  # Also a lower one: from there on it commits what is above it.
        process = self._process

        def answered(code: int) -> None:
            if code:
                for each in offsets:
                    self._committed.pop(from_client(each), None)
            error = KafkaError(code) if code else None
            process.thread.callback(lambda: self.on_commit(error, offsets))

        process.world.group.commit(self.member, self._what(offsets), answered, process)

    def _what(self, offsets: list[ClientPartition]) -> list[tuple[TopicPartition, int, str, int | None, Log | None]]:
        out: list[tuple[TopicPartition, int, str, int | None, Log | None]] = []
        for each in offsets:
            partition = from_client(each)
            out.append((partition, each.offset, each.metadata or "", each.leader_epoch, self.reading.get(partition)))
        return out


class Reached:
    """The client's message that a partition has come to its end."""

    def __init__(self, partition: TopicPartition, offset: int) -> None:
        self.topic = lambda: partition.topic
        self.partition = lambda: partition.partition
        self.offset = lambda: offset


class Ends(EndOffsets):
    """Asks nobody: the brokers answer about ends only to who is paused or behind."""

    def _ask(self, entries: Iterable[PartitionState]) -> dict[ClientPartition, Any]:
        del entries
        return {}


class PollThread:
    """`consumer.poll_loop` and `assignment.rebalance`, without a thread: what they wait for calls them back."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.client = Client(process)
        self.hops = Hops(process)
        plan = process.world.plan
        context = contexts.context(
            self.client,
            self.hops,
            kafka=contexts.kafka(plan.start_from).model_copy(
                update={"commit_interval": plan.commit_interval, "drain_timeout": plan.settings.drain_timeout}
            ),
            logger=SILENT,
            clock=process.monotonic,
        )
        self.table, self.pauses = context.partitions, context.pauses
        self.commits = Commits(context, sleep=lambda _: None)
        self.client.on_commit = self.commits.answered
        self.settled = Settled(context, EVERYTHING)
        self.start_runner = StartRunner(context, Questions(process, self.settled), self.commits)
        self.drains = Draining(context, self.commits)
        self.holding = Holding(context, self.drains, self.start_runner, self.commits)
        self.reading_again = ReadingAgain(context)
        self.end_offsets = Ends(context, wall=process.wall)
        self.draining = False
        self.closing = False
        self._last: dict[TopicPartition, Tracker] = {}
        """Of a stop: who was drained."""
        self._callbacks: deque[Callable[[], None]] = deque()
        self._orders: deque[Callable[[], None]] = deque()
        self._handed = 0
        self._upkeep_at = 0.0
        self._due = float("inf")

    # --- waking up ----------------------------------------------------------------------------------

    def wake(self, seconds: float) -> None:
        when = self.process.monotonic() + seconds
        if when < self._due - 1e-9:
            self._due = when
            self.process.after(seconds, self._ring, when)

    def _ring(self, when: float) -> None:
        if when == self._due:
            self._due = float("inf")
            self._round()

    def callback(self, call: Callable[[], None]) -> None:
        """The client has something to say, at the next poll."""
        self._callbacks.append(call)
        self.wake(0.002)

    def order(self, call: Callable[[], None]) -> None:
        self._orders.append(call)
        self.wake(0.05)

    # --- one round ----------------------------------------------------------------------------------

    def _round(self) -> None:
        if self._is_draining():
            return
        now = self.process.monotonic()
        while self._orders:
            self._orders.popleft()()
        self.end_offsets.step()
        self.commits.take_offered()
        self.holding.carry_on()
        self.commits.refresh()
        if now >= self._upkeep_at and not self.closing:
            self._upkeep_at = now + UPKEEP
            self.end_offsets.upkeep()
            self.reading_again.carry_on()
            if self.table and self.settled.step():
                self.commits.sign(self.settled.subscription)
            self.start_runner.recheck()
        while self._callbacks:
            self._callbacks.popleft()()
            if self._is_draining():
                return
        if self.closing:
            self._leave()
            return
        more = self._fetch()
        # An explicit commit that came too soon is tried at the next poll; the real loop polls all the time.
        self.wake(POLL if more or any(entry.refresh for entry in self.table) else UPKEEP)

    def _is_draining(self) -> bool:
        return self.draining

    def _fetch(self) -> bool:
        """Hand over what there is room for; whether there may be more."""
        process = self.process
        room, size = process.dispatcher.room()
        room = min(room - self._handed, 500)
        more = False
        for entry in self.table:
            log = self.client.reading.get(entry.partition)
            if log is None or entry.tracker is None or entry.partition in self.client.paused:
                continue
            position = self.client.next[entry.partition]
            if not log.first <= position <= log.end:
                self.start_runner.hold(entry, Reason.OUT_OF_RANGE, "out of range")
                self.pauses.apply([entry])
                continue
            start, stop = log.at(position), log.at(log.stable)
            if start == stop:
                self._reach_end(entry.partition, log)
                continue
            if room <= 0 or size <= 0 or log.partition not in process.world.group.logs:
                more = True
                continue
            records = [each.record for each in log.entries[start : min(stop, start + room)]]
            more = more or start + room < stop
            room -= len(records)
            self._handed += len(records)
            self.client.next[entry.partition] = entry.next_offset = records[-1].offset + 1
            self.client.handed[entry.partition] = entry.next_offset
            self.hops.tell(self._deliver, entry.tracker, records, log.leader_epoch)
        return more

    def _reach_end(self, partition: TopicPartition, log: Log) -> None:
        if self.client.ended.get(partition) != log.stable:
            self.client.ended[partition] = self.client.next[partition] = log.stable
            self.end_offsets.reached(cast("Any", Reached(partition, log.stable)))

    def _deliver(self, tracker: Tracker, records: list[Record], leader_epoch: int) -> None:
        tracker.leader_epoch = leader_epoch
        self.process.dispatcher.accept(tracker, records)
        self._handed -= len(records)

    # --- rebalances ---------------------------------------------------------------------------------

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.start_runner.assign(partitions)

    def revoke(self, partitions: list[TopicPartition], then: Callable[[], None] | None = None) -> None:
        """Drain, commit, give up."""
        self.drains.step()
        if not self.drains.drained:
            self.draining = True
            self.commits.keep_up()
            self.process.after(LOOK, self._revoke_when_drained, partitions, then)
            return
        self.drains.finish_begun(())
        entries = [entry for p in partitions if (entry := self.table.get(p)) is not None]
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        self.draining = True

        def drained(final: Positioned) -> None:
            self.process.after(THREAD_HOP, self._drained, partitions, entries, trackers, final, then)

        if trackers:
            self.commits.before_drain()
            self.hops.tell(self.process.revoke, trackers, drained)
            self.process.after(LOOK, self._meanwhile)
        else:
            drained([])

    def _revoke_when_drained(self, partitions: list[TopicPartition], then: Callable[[], None] | None) -> None:
        self.draining = False
        self.revoke(partitions, then)

    def _meanwhile(self) -> None:
        if self.draining:
            self.commits.keep_up()
            self.process.after(LOOK, self._meanwhile)

    def _drained(
        self,
        partitions: list[TopicPartition],
        entries: list[PartitionState],
        trackers: list[Tracker],
        final: Sequence[tuple[Tracker, Position]],
        then: Callable[[], None] | None,
    ) -> None:
        self.client.commit_failed = False
        self.commits.finish(final, entries)
        now, ends = self.process.monotonic(), self.process.world.ledger.ends
        for tracker in trackers:
            ends.setdefault(tracker, End("drained", now, not self.client.commit_failed))
        self._end_of_the_last(entries)
        self._forget(entries)
        self.client.incremental_unassign([entry.client_partition() for entry in entries])
        if self.client.member is not None:
            self.process.reach(lambda member: self.process.world.group.returned(member, partitions))
        self.draining = False
        if then is not None:
            then()
        else:
            self.wake(0.0)

    def lost(self) -> None:
        """The group went on without this process; it joins again."""
        entries = list(self.table)
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        self.hops.tell(self.process.lost, trackers)
        self._forget(entries)
        self.client.incremental_unassign([entry.client_partition() for entry in entries])
        self.client.member = None

    def _forget(self, entries: list[PartitionState]) -> None:
        self.table.remove(entries)
        self.start_runner.forget(entries)

    def _leave(self) -> None:
        if not self.drains.stopping:
            self._last = {entry.partition: entry.tracker for entry in self.table if entry.tracker is not None}
            self.drains.stop()
        if self.drains.is_stopped():
            self._close()
        else:
            self.wake(SERVE)

    def _close(self) -> None:
        self.closing = False
        self.revoke([entry.partition for entry in self.table], self.process.left)

    def _end_of_the_last(self, entries: list[PartitionState]) -> None:
        """Of what a stop drained: whether the brokers have what it would have committed."""
        now, world = self.process.monotonic(), self.process.world
        for entry in entries:
            last, stored = self._last.get(entry.partition), world.group.committed.get(entry.partition)
            if last is not None:
                there = stored and (stored.offset, commit_mark.unmarked(stored.metadata))
                wanted = entry.position and (entry.position.offset, entry.position.metadata)
                world.ledger.ends.setdefault(last, End("stopped", now, there == wanted))
