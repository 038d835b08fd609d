"""A small world around one dispatcher: virtual time, logs, an API, a dead-letter topic and a group coordinator.

The fakes hold the ports' promises (exactly one answer, never from within the call) and check the pipeline's. Nothing
here is random or reads a real clock, so that one program of calls is one history.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from bridge.model import (
    DeadLetter,
    Delivered,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    LetterRefused,
    Outcome,
    Outcomes,
    Position,
    Prepared,
    Record,
    Reject,
    Retry,
    Route,
    TopicPartition,
    Unauthorized,
    Verdict,
)
from bridge.pipeline import offset_map
from bridge.pipeline.dispatcher import Dispatcher
from bridge.pipeline.offsets import Life, OffsetTracker
from bridge.pipeline.ports import Attempt
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, Work

Tracker = OffsetTracker[Entry]
Event = tuple[TopicPartition, int, int]
"""Partition, offset and output: one event of one record, whoever owns the partition."""
Api = Callable[[Work], "tuple[float, Verdict] | None"]
"""Seconds until the answer, and the answer; None: the test answers by itself."""
LetterTopic = Callable[[DeadLetter], "tuple[float, LetterRefused | None] | None"]

ROUTE = Route("test", "000000000000", "Tested")
FILTERED = Filtered(FilterReason.RULE, ROUTE)
EPOCH = 1_700_000_000.0
ACCEPTED = Delivered()
FAILED = Retry("server_error", "503", status=503)
CLOSED = Retry("connection", "closed by this side", ambiguous=True)
TIMED_OUT = Retry("timeout", "no answer within 10 s", ambiguous=True)
THROTTLED = Retry("rate_limited", "429", status=429)
REJECTED = Reject("Invalid input", 400)
UNWRITABLE = LetterRefused("broker transport failure")
TOO_LARGE = LetterRefused("the record does not fit", too_large=True)


def unauthorized(key: int = 1) -> Unauthorized:
    return Unauthorized("Invalid API key", 401, key)


class VirtualTime:
    """Both clocks, and what is going to happen."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall_offset = EPOCH
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wall_offset

    def at(self, when: float, call: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._agenda, (max(when, self.now), self._sequence, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now + seconds, call)

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let things happen for this long, or until the condition holds; returns whether it did."""
        end = self.now + seconds
        while until is None or not until():
            if not self._agenda or self._agenda[0][0] > end:
                self.now = end
                return until is not None and until()
            when, _, call = heapq.heappop(self._agenda)
            self.now = max(self.now, when)
            call()
        return True


class FakeAlarm:
    """Rings after the time asked for, or what ``rings_after`` makes of it, as real timers do."""

    def __init__(self, time: VirtualTime, ring: Callable[[], None], *, rings_after: Callable[[float], float]) -> None:
        self._time = time
        self._ring = ring
        self._rings_after = rings_after
        self._set: float | None = None
        self.rings = 0

    def at(self, when: float, /) -> None:
        assert when == when, "an alarm needs a time"  # noqa: PLR0124 - the one value that is not itself
        if self._set is not None and self._set <= when:
            return
        self._set = when
        self._time.after(self._rings_after(max(0.0, when - self._time.now)), lambda: self._fire(when))

    def _fire(self, when: float) -> None:
        if self._set == when:
            self._set = None
            self.rings += 1
            self._ring()


class FakeSink:
    """The API and the connections to it."""

    def __init__(self, time: VirtualTime, settings: DeliverySettings) -> None:
        self._time = time
        self._settings = settings
        self.api: Api = lambda _: (0.05, ACCEPTED)
        self.dispatcher: Dispatcher = cast("Dispatcher", None)
        self.on_wire: dict[Work, Any] = {}
        """By request, what it keeps in order."""
        self.sent: list[tuple[float, Event, str]] = []
        """Time, event and user of each request."""
        self.accepted: list[Event] = []
        self.accepted_ever: set[Event] = set()
        self.lettered: set[Event] = set()
        """Events that the pipeline gave up on after an answer."""
        self.aborted = 0

    def send(self, attempt: Attempt, /) -> None:
        work = cast("Work", attempt)
        assert work not in self.on_wire, f"{work} is on the wire already"
        if work.lane is not None:
            assert work.lane not in self.on_wire.values(), f"two in flight for the lane {work.lane!r}"
        self.on_wire[work] = work.lane
        assert len(self.on_wire) <= self._settings.max_in_flight
        self.sent.append((self._time.now, event_of(work), work.who or ""))
        answer = self.api(work)
        if answer is not None:
            seconds, verdict = answer
            self._time.after(seconds, partial(self._answer_unless_gone, work, verdict))

    def abort(self, attempts: Iterable[Attempt], /) -> None:
        for attempt in attempts:
            self.aborted += 1
            self._time.after(0.0, partial(self._answer_unless_gone, cast("Work", attempt), CLOSED))

    def answer(self, work: Work, verdict: Verdict) -> None:
        """Answer one request now."""
        del self.on_wire[work]
        if isinstance(verdict, Delivered):
            self.accepted.append(event_of(work))
            self.accepted_ever.add(event_of(work))
        self.dispatcher.answered(work, verdict)
        if work.letter is not None:
            self.lettered.add(event_of(work))

    def answer_all(self, verdict: Verdict) -> None:
        """Answer everything that is on the wire now."""
        for work in list(self.on_wire):
            if work in self.on_wire:
                self.answer(work, verdict)

    def _answer_unless_gone(self, work: Work, verdict: Verdict) -> None:
        if work in self.on_wire:
            self.answer(work, verdict)


class FakeLetters:
    """The dead-letter topic."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.topic: LetterTopic = lambda _: (0.01, None)
        self.dispatcher: Dispatcher = cast("Dispatcher", None)
        self.pending: dict[Work, DeadLetter] = {}
        self.written: list[DeadLetter] = []
        self.events: set[Event] = set()
        self.attempts = 0

    def write(self, letter: DeadLetter, token: object, /) -> None:
        work = cast("Work", token)
        assert work not in self.pending, f"the letter of {work} is being written already"
        self.pending[work] = letter
        self.attempts += 1
        receipt = self.topic(letter)
        if receipt is not None:
            seconds, refused = receipt
            self._time.after(seconds, partial(self.receipt, work, refused))

    def receipt(self, work: Work, refused: LetterRefused | None) -> None:
        """Answer one write now."""
        letter = self.pending.pop(work)
        if refused is None:
            self.written.append(letter)
            self.events.add(_event_of_letter(letter))
        self.dispatcher.letter_written(work, refused)


class FakePositions:
    """The group coordinator, as far as positions and membership go."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.dispatcher: Dispatcher = cast("Dispatcher", None)
        self.committed: dict[TopicPartition, Position] = {}
        self.verify: Callable[[TopicPartition, Position], None] = lambda _, __: None
        self.answers = True
        """Whether the coordinator answers, and so proves membership."""
        self.asked = 0
        self.paused_topics: list[str] = []
        self.paused: set[Tracker] = set()

    def store(self, positions: Sequence[tuple[Tracker, Position]], /) -> None:
        for tracker, position in positions:
            if tracker.life is not Life.DEAD:
                self._commit(tracker, position)

    def final(self, positions: Sequence[tuple[Tracker, Position]]) -> None:
        """What a drain hands over, in the revoke callback: the tracker was current until this moment."""
        for tracker, position in positions:
            self._commit(tracker, position)

    def _commit(self, tracker: Tracker, position: Position) -> None:
        self.verify(tracker.partition, position)
        self.committed[tracker.partition] = position

    def prove_membership(self) -> None:
        self.asked += 1
        issued_at = self._time.now
        if self.answers:
            self._time.after(0.002, lambda: self.dispatcher.membership_proven(issued_at))

    def pause_topic(self, topic: str, /) -> None:
        self.paused_topics.append(topic)

    def pause_partition(self, tracker: Tracker, /) -> None:
        self.paused.add(tracker)


class FakeCredentials:
    """A key file."""

    def __init__(self) -> None:
        self.generation = 1
        self.file = 1
        self.reads = 0

    def refresh(self) -> int:
        self.reads += 1
        self.generation = self.file
        return self.generation


class FakeJournal:
    """Remembers what an operator would read, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.entries if entry[0] == name]

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.entries.append((name, *arguments))


class PlainMapper:
    """``ann`` is an event of user ann; ``ann+bob`` two events; ``-`` is filtered; ``!`` cannot be mapped."""

    def map(self, record: Record, now: float) -> Outcomes:  # noqa: ARG002 - the port's signature
        words = (record.value or b"-").decode().split("+")
        return tuple(self._outcome(record, output, word) for output, word in enumerate(words))

    @staticmethod
    def _outcome(record: Record, output: int, word: str) -> Outcome:
        if word == "-":
            return FILTERED
        if word == "!":
            return Failed(LetterReason.UNMAPPABLE, "no such field", ROUTE)
        return Prepared(word, "Tested", f"{record.coordinates}#{output}".encode(), ROUTE)


@dataclass(slots=True, eq=False)
class Log:
    """What stands in one partition. Offsets may have gaps."""

    records: list[Record] = field(default_factory=list)
    end: int = 0
    verified: int = 0
    """Records, from the first, that are below a committed position and were found to be done."""

    def append(self, partition: TopicPartition, value: str, key: bytes | None, gap: int) -> Record:
        timestamp_ms = int(EPOCH * 1000)
        record = Record(*partition, self.end + gap, timestamp_ms, key, value.encode(), ())
        self.records.append(record)
        self.end = record.offset + 1
        return record


def event_of(work: Work) -> Event:
    record = work.record
    return TopicPartition(record.topic, record.partition), record.offset, work.output


def _event_of_letter(letter: DeadLetter) -> Event:
    record = letter.record
    return TopicPartition(record.topic, record.partition), record.offset, letter.output


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
        self.settings = settings or DeliverySettings(rate_limit=None)
        self.time: VirtualTime = beside.time if beside else VirtualTime()
        self.sink = FakeSink(self.time, self.settings)
        self.letters = FakeLetters(self.time)
        self.positions = FakePositions(self.time)
        self.credentials = FakeCredentials()
        self.journal = FakeJournal()
        self.positions.verify = self._verify
        self.logs: dict[TopicPartition, Log] = beside.logs if beside else defaultdict(Log)
        if beside:
            self.positions.committed = beside.positions.committed
            self.sink.accepted_ever = beside.sink.accepted_ever
            self.letters.events = beside.letters.events
        self.owned: dict[TopicPartition, Tracker] = {}
        self._next: dict[Tracker, int] = {}
        """Index in the log of the next record to hand over."""
        self.drained: list[tuple[float, list[tuple[Tracker, Position]]]] = []
        self.alarm = FakeAlarm(self.time, self._pump, rings_after=rings_after)
        self.dispatcher = Dispatcher(
            self.settings,
            mapper=PlainMapper(),
            sink=self.sink,
            letters=self.letters,
            positions=self.positions,
            credentials=self.credentials,
            journal=self.journal,
            clock=self.time,
            alarm=self.alarm,
            rng=random.Random(seed),  # noqa: S311 - repeatable on purpose
        )
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
            self.dispatcher.membership_proven(self.now)
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
        assert dispatcher.governor.in_flight == len(self.sink.on_wire)
        entries = [entry for partition in dispatcher.assignments for entry in partition.tracker.open.values()]
        assert tally.buffered == len(entries)
        assert tally.buffered_bytes == sum(entry.size for entry in entries)

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
        if decoded.done:
            for record in log.records[log.verified :]:
                if any(record.offset in done for done in decoded.done):
                    self._verify_done(partition, record)

    def _verify_done(self, partition: TopicPartition, record: Record) -> None:
        missing = self.unfinished(partition, record)
        assert not missing, f"committed as done, but is not: {record.coordinates}, events {missing}"

    def unfinished(self, partition: TopicPartition, record: Record) -> list[int]:
        """Outputs of a record that are neither accepted nor in the dead-letter topic."""
        words = (record.value or b"-").decode().split("+")
        accepted, lettered = self.sink.accepted_ever, self.letters.events
        return [
            output
            for output, word in enumerate(words)
            if word != "-"
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
        return (record.value or b"").decode().split("+")[output]

    def works(self, partition: TopicPartition) -> list[Work]:
        """The open events of a partition of ours, one of each record."""
        owned = self.dispatcher.assignments.get(self.owned[partition])
        assert owned is not None
        return [entry if isinstance(entry, Work) else entry.head for entry in owned.tracker.open.values()]

    def is_held(self) -> bool:
        """Whether the 401 guard holds everything."""
        return self.dispatcher.governor.key.held

    @property
    def users_sent(self) -> list[str]:
        return [user for _, _, user in self.sink.sent]
