"""One process of the bridge: the real pipeline, with everything around it made up."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from bridge.formats import commit_mark
from bridge.holds import Reason
from bridge.kafka.consumer.starts.start_policy import StartReason
from bridge.model import (
    Elements,
    Failed,
    Filtered,
    LetterReason,
    Outcomes,
    Record,
    SchemaNeeded,
    TopicPartition,
)
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.work import NO_REQUEST, Entry, EventState, Work
from bridge.service.watches.rate_view import INTERVAL, shares_of, view_of
from tests.simulation import ledger
from tests.simulation.agenda import EPOCH
from tests.simulation.api import Letters, Sink
from tests.simulation.client import PollThread
from tests.simulation.group import Member, Request
from tests.simulation.ledger import End, Event, Violation
from tests.simulation.plan import HEARTBEAT
from tests.simulation.registry import Lookups

if TYPE_CHECKING:
    from bridge.kafka.consumer.thread.consumption import Gap, Started
    from bridge.pipeline.dispatch.assignments import Drained
    from tests.simulation.world import World

Tracker = OffsetTracker[Entry]
UNDECODABLE = Failed(LetterReason.UNDECODABLE, "the registry does not know its schema")
TICK = 0.5
GAP = 2.0 + TICK
"""Seconds of standstill that a process cannot miss."""
PARTITIONS_EVERY = 30.0


class SimulatedElements(Elements):
    """The elements of a record, each of which makes one event."""

    def __init__(self, entry: ledger.Entry) -> None:
        super().__init__(len(entry.outcomes), entry.record.size)
        self._outcomes = entry.outcomes

    def map(self, element: int, now: float) -> Outcomes:
        """See `Elements`."""
        del now
        return (self._outcomes[element],)


class Process:
    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"p{number}"
        self.dead = self.frozen = self.cut = self.stopping = False
        self.died_at = 0.0
        self.waiting: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self.wire_free_at = 0.0
        self.commits_on_wire: list[Request] = []
        self.wall_offset = EPOCH
        self.unproven_since: float | None = None
        """When it woke up from a stop that was long enough to be noticed; None after its membership was proven."""
        self.outside_until: dict[Tracker, float] = {}
        """By assignment: when the last request or letter of it came back."""
        self._notices: deque[Callable[[], None]] = deque()
        """What the coordinator said and this process has not heard yet."""
        self.credentials = Credentials(world)
        self.sink = Sink(self, world.api)
        self.letters = Letters(self)
        self.thread = PollThread(self)
        self.lookups = Lookups(self, world.registry)
        settings = world.plan.settings
        self.dispatcher = Dispatcher(
            settings,
            mapper=cast("Any", self),
            sink=self.sink,
            letters=self.letters,
            positions=cast("Any", self),
            credentials=self.credentials,
            event_log=cast("Any", Journal(self)),
            clock=self,
            alarm=Alarm(self),
            rng=random.Random(world.plan.seed * 1000 + number),  # noqa: S311 - repeatable on purpose
            lookups=self.lookups,
        )
        self._shares = shares_of(self.dispatcher, world.plan.commit_interval)
        self._partitions = 0
        self._partitions_until = 0.0
        self._woken_at = 0.0
        self._every(TICK, self._tick)
        self._every(world.plan.commit_interval, self._store)
        self._every(world.plan.commit_interval, self.thread.client.periodic_commit)
        if self._shares:
            self._every(INTERVAL, self._look)
        self.after(0.1, self._join)

    # --- time, as the dispatcher and the threads see it -----------------------------------------------

    def monotonic(self) -> float:
        return self.world.agenda.now

    def wall(self) -> float:
        return self.world.agenda.now + self.wall_offset

    def after(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        self.world.agenda.after(seconds, self, call, *arguments)

    def _every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            self.after(seconds, again)
            call()

        self.after(seconds, again)

    # --- membership -----------------------------------------------------------------------------------

    def _join(self) -> None:
        if self.stopping:
            return
        if self.cut:
            self.after(1.0, self._join)
        else:
            self.thread.client.member = self.world.group.join(self)

    def told(self, what: str, partitions: list[TopicPartition]) -> None:
        """The coordinator's wish arrives with a heartbeat, and is served at a poll."""
        member = self.thread.client.member

        def serve() -> None:
            if self.thread.client.member is not member:
                return
            if self.world.timeline.on:
                self.world.timeline.note(self.name, f"{what} {', '.join(map(str, partitions))}")
            if what == "assign":
                self.thread.assign(partitions)
            else:
                self.thread.revoke(partitions)

        self._notices.append(serve)
        self.after(self.world.group_rng.uniform(0.005, 0.3), self._hear)

    def _hear(self) -> None:
        """In the order in which they were said."""
        if self.cut:
            self.after(0.5, self._hear)
            return
        while self._notices:
            self.thread.callback(self._notices.popleft())

    def reach(self, call: Callable[[Member], None]) -> None:
        """Tell the coordinator, as soon as it can be reached."""
        member = self.thread.client.member
        if member is None:
            return
        if self.cut:
            self.after(0.5, self._reach_again, call, member)
        else:
            self.world.agenda.after(0.002, None, call, member)

    def _reach_again(self, call: Callable[[Member], None], member: Member) -> None:
        if self.thread.client.member is member:
            self.reach(call)

    def hear_of_eviction(self) -> None:
        """The next heartbeat says that this member is none any more."""
        member = self.thread.client.member

        def serve() -> None:
            if member is not None and self.thread.client.member is member:
                if self.world.timeline.on:
                    self.world.timeline.note(self.name, "lost everything: it is no member any more")
                self.thread.lost()
                self.after(0.3, self._join)

        def heard() -> None:
            if self.cut:
                self.after(0.5, heard)
            elif member is not None and member.number not in self.world.group.members:
                self.thread.callback(serve)

        self.after(self.world.group_rng.uniform(0.0, HEARTBEAT), heard)

    # --- faults ---------------------------------------------------------------------------------------

    def kill(self) -> None:
        """kill -9: what is on the wire goes on without it."""
        self.dead = True
        self.died_at = self.monotonic()
        if self.thread.client.member is not None:
            self.world.group.silence(self.thread.client.member)

    def freeze(self) -> None:
        self.frozen = True
        if self.thread.client.member is not None:
            self.world.group.silence(self.thread.client.member)

    def thaw(self, stood: float) -> None:
        self.frozen = False
        if stood > GAP:
            self.unproven_since = self.monotonic()
        self._woken_at = self.monotonic()
        waiting, self.waiting = self.waiting, []
        for call, arguments in waiting:
            self.after(0.0, call, *arguments)
        self._reconnect()

    def cut_off(self) -> None:
        """The coordinator cannot be reached."""
        self.cut = True
        if self.thread.client.member is not None:
            self.world.group.silence(self.thread.client.member)

    def reconnect(self) -> None:
        self.cut = False
        self._reconnect()

    def _reconnect(self) -> None:
        member = self.thread.client.member
        if member is None or self.cut or self.frozen or self.dead:
            return
        if member.number in self.world.group.members:
            self.world.group.speak(member)
        else:
            self.hear_of_eviction()

    def stop(self) -> None:
        """SIGTERM."""
        if not self.stopping:
            self.stopping = True
            self.dispatcher.stop()
            self.thread.closing = True
            self.thread.wake(0.0)

    def left(self) -> None:
        """The poll thread is through with closing."""
        if self.thread.client.member is not None and not self.cut:
            self.world.group.leave(self.thread.client.member)
        elif self.thread.client.member is not None:
            self.world.group.silence(self.thread.client.member)
        self.dead = True
        self.died_at = self.monotonic()
        if self.world.timeline.on:
            self.world.timeline.note(self.name, "stopped")

    # --- what the service does ------------------------------------------------------------------------

    def _tick(self) -> None:
        self.dispatcher.tick()
        self._apply()

    def _store(self) -> None:
        self.check_deeply()
        positions = self.dispatcher.positions()
        if positions:
            self.thread.commits.offer(positions)
            self.thread.wake(0.05)

    def _apply(self) -> None:
        if self._shares:
            now, mine = self.monotonic(), self.dispatcher.mine()
            for budget, share in self._shares.items():
                budget.pacer.set_rate(share.rate(now, mine), now)
            self.dispatcher.pump()

    def _look(self) -> None:
        if self.cut:
            return
        self.after(self.world.group_rng.uniform(0.002, 0.05), self._seen, self.monotonic())

    def _seen(self, asked_at: float) -> None:
        group = self.world.group
        if asked_at >= self._partitions_until:
            self._partitions = len(group.logs)
            self._partitions_until = asked_at + PARTITIONS_EVERY
        metadata = {p: commit_mark.unmarked(position.metadata) for p, position in group.committed.items()}
        for share in self._shares.values():
            share.observe(view_of(asked_at, self._partitions, metadata))
        self._apply()

    # --- Consumption: what the poll thread brings -----------------------------------------------------

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        self.dispatcher.assigned(trackers)
        if trackers:
            self._changed()

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        began = self.monotonic()

        def done(final: Any) -> None:
            self._check_drain(trackers, began)
            drained(final)
            self._changed()

        self.dispatcher.revoke(trackers, done)

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        for tracker in trackers:
            self.world.ledger.ends.setdefault(tracker, End("standstill", self.monotonic()))
        self.revoke(trackers, drained)

    def start_over(self, topic: str) -> None:
        self.dispatcher.start_over(topic)

    def lost(self, trackers: Sequence[Tracker]) -> None:
        for tracker in trackers:
            self.world.ledger.ends.setdefault(tracker, End("lost", self.monotonic()))
        self.dispatcher.lost(trackers)
        self._changed()

    def heartbeat_answered(self, issued_at: float) -> None:
        if self.unproven_since is not None and issued_at >= self.unproven_since:
            self.unproven_since = None
        self.dispatcher.heartbeat_answered(issued_at)

    def commit_failed(self, detail: str) -> None: ...

    def session_lasts(self, seconds: float) -> None:
        self.dispatcher.membership.lasts(seconds)

    def started(self, starts: Sequence[Started]) -> None:
        group = self.world.group
        for start in starts:
            log = group.logs.get(start.partition)
            if log is None:
                continue
            if self.world.timeline.on:
                self.world.timeline.note(self.name, f"{start.partition} starts at {start.offset}: {start.why}")
            if start.why == StartReason.NEW_TOPIC and log.created_at <= group.settled_at:
                raise Violation(f"start: {start.partition} is older than the group, and is read as a new one")
            if start.why == StartReason.START_FROM:
                if any(commit_mark.subscription_of(each.metadata) for each in group.committed.values()):
                    raise Violation(f"start: {start.partition} is newer than the group, and is read as an old one")
                log.skip(start.offset)

    def passed(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            self.dispatcher.passed(*gap)

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float = 0.0) -> None:
        log = self.world.group.logs.get(partition)
        if reason is Reason.OUT_OF_RANGE and log is not None and not log.loses:
            raise Violation(f"start: {partition} is held, and nothing is gone from it that was not done: {detail}")
        if self.world.timeline.on:
            self.world.timeline.note(self.name, f"{partition} held: {reason}")
        del detail, seconds

    def partition_released(self, partition: TopicPartition, reason: Reason | None = None) -> None:
        if self.world.timeline.on:
            self.world.timeline.note(self.name, f"{partition} released: {reason}")

    def source_failed(self, error: Exception) -> None:
        raise error

    def _changed(self) -> None:
        self._apply()
        if self._shares:
            self.after(0.2, self._look)

    # --- Positions: what the dispatcher asks of the poll thread ---------------------------------------

    def send_heartbeat(self) -> None:
        self.thread.commits.send_heartbeat()
        self.thread.wake(0.05)

    def pause_topic(self, topic: str, /) -> None:
        thread = self.thread

        def pause() -> None:
            thread.pauses.topics.add(topic)
            thread.pauses.apply(thread.table)

        thread.order(pause)

    def pause_partition(self, tracker: Tracker, /) -> None:
        thread = self.thread

        def pause() -> None:
            entry = thread.table.of(tracker)
            if entry is not None:
                entry.ordered_pause = True
                thread.pauses.apply([entry])

        thread.order(pause)

    def resume_partition(self, tracker: Tracker, /) -> None:
        thread = self.thread

        def resume() -> None:
            entry = thread.table.of(tracker)
            if entry is not None:
                entry.ordered_pause = False
                thread.pauses.apply([entry])

        thread.order(resume)

    def read_again(self, tracker: Tracker, offset: int, /) -> None:
        self.thread.order(lambda: self.thread.reading_again.begin(tracker, offset))

    def reads_again(self, tracker: Tracker) -> None:
        self.dispatcher.reads_again(tracker)

    # --- Mapper ---------------------------------------------------------------------------------------

    def map(self, record: Record, now: float) -> Outcomes:
        del now
        entry = self.world.entries[int(record.value or b"")]
        if entry.schema and not self.lookups.known.get(entry.schema):
            if entry.schema not in self.lookups.known:
                return (SchemaNeeded(entry.schema),)
            return tuple(outcome if isinstance(outcome, Filtered) else UNDECODABLE for outcome in entry.outcomes)
        return (SimulatedElements(entry),) if entry.has_elements else entry.outcomes

    def rest_follows(self, topic: str, /) -> bool:
        del topic
        return self.world.plan.rest_follows

    def looked_up(self, reference: str) -> None:
        self.dispatcher.looked_up(reference)

    # --- what must always be so -----------------------------------------------------------------------

    def about_to_send(self, event: Event) -> None:
        if self.unproven_since is not None:
            raise Violation(f"zombie: {self.name} woke up and sends {event} before its membership was proven")
        group = self.world.group
        owner = group.owner.get(event.entry.log.partition)
        if owner is not None and owner.process is not self and self.world.ledger.kicked_until < self.monotonic():
            raise Violation(f"zombie: {self.name} sends {event}, which is {owner.process.name}'s")

    def check(self) -> None:
        """After everything that happens here."""
        dispatcher = self.dispatcher
        tally = dispatcher.tally
        done = tally.delivered + tally.filtered + tally.dead_lettered + tally.already_done + tally.released
        if tally.consumed != done + tally.buffered:
            raise Violation(f"accounting: {self.name} is off by {tally.gap}")
        self.world.most_behind = max(self.world.most_behind, tally.behind)
        counted = sum(governor.in_flight for governor in dispatcher.governors.values())
        if counted != len(self.sink.on_wire):
            raise Violation(f"accounting: {self.name} counts {counted} requests on the wire")

    def check_deeply(self) -> None:
        """Now and then: the counters against what they count."""
        dispatcher, tally = self.dispatcher, self.dispatcher.tally
        opened = size = 0
        sendable = dict.fromkeys(dispatcher.topics, 0)
        for partition in dispatcher.assignments:
            for entry in partition.tracker.open.values():
                opened += 1
                size += entry.size
                for work in (entry,) if isinstance(entry, Work) else entry.works:
                    left = work.step is not None and work.step.has_letter
                    open_ = work.letter is None and work.state is not EventState.GONE and not left
                    if work.request is not NO_REQUEST and open_:
                        sendable[work.record.topic] += 1
        kept = dispatcher.schemas
        counted = sum(each.wait.records for each in dispatcher.assignments if each.wait is not None)
        if kept.records != counted or kept.records > dispatcher.settings.max_buffered // 2:
            raise Violation(
                f"accounting: {self.name} keeps {kept.records} records for schemas, {counted} of what it has"
            )
        behind = dispatcher.failing.count()
        if (tally.behind, tally.behind_bytes) != behind:
            raise Violation(f"accounting: {self.name} counts {tally.behind} records behind others, there are {behind}")
        if (opened, size) != (dispatcher.tally.buffered, dispatcher.tally.buffered_bytes):
            raise Violation(
                f"accounting: {self.name} counts {dispatcher.tally.buffered} open records, there are {opened}"
            )
        for name, topic in dispatcher.topics.items():
            if dispatcher.assignments.may_deliver(topic) != (sendable[name] > 0):
                raise Violation(
                    f"accounting: {self.name} does not see that {sendable[name]} of {name} may be delivered"
                )

    def _check_drain(self, trackers: Sequence[Tracker], began: float) -> None:
        now = self.monotonic()
        outside = max([began, self._woken_at, *(self.outside_until.get(tracker, 0.0) for tracker in trackers)])
        still_outside = any(flight.tracker in trackers for flight in self.sink.on_wire.values()) or any(
            work.partition.tracker in trackers for work in self.letters.pending
        )
        if now > outside + 0.01 and not still_outside:
            raise Violation(f"drain: {self.name} waited {now - outside:.3f} s for nothing that was outside")
        if now > max(began + self.world.plan.settings.drain_timeout, self._woken_at) + 0.1:
            raise Violation(f"drain: {self.name} took {now - began:.2f} s")


class Alarm:
    """Stands at the earliest time asked for; rings a little late, as timers do."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._set = float("inf")

    def at(self, when: float, /) -> None:
        if when < self._set:
            self._set = when
            late = self._process.world.timers_rng.random() * 0.002
            self._process.after(when - self._process.monotonic() + late, self._ring, when)

    def _ring(self, when: float) -> None:
        if when == self._set:
            self._set = float("inf")
            self._process.dispatcher.pump()


class Credentials:
    """The key file, as one process last read it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.generation = world.key_file

    def refresh(self) -> int:
        self.generation = self._world.key_file
        return self.generation


class Journal:
    """What an operator would read, in the timeline."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        process = self._process
        if not process.world.timeline.on:
            return _nothing
        return lambda *details: process.world.timeline.note(process.name, f"{name} {details}")


def _nothing(*details: object) -> None:
    del details
