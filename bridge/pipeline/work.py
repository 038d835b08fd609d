"""What the dispatcher keeps per partition, per record with several events, and per event."""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

from bridge.model import (
    IDENTIFY,
    TRACK,
    DeadLetter,
    Disposition,
    Elements,
    Failed,
    Filtered,
    Record,
    Request,
    Route,
    element_of,
)
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.retry import Mark
from bridge.pipeline.schema_wait import SchemaWait
from bridge.pipeline.tracing import RecordLife

QueueKey: TypeAlias = "str | bytes | tuple[str, int] | None"
"""What must stay in order: a user, a key, a partition; None: nothing."""

NO_REQUEST: Final = Request(TRACK, "", "", b"", Route("", "", ""))
"""Stands where a record could not become a request. It is never sent."""


class EventState(enum.IntEnum):
    """Where one event stands. `GONE` is met only in queues that drop their entries lazily."""

    WAITING = 0
    """Behind the head of its key queue."""
    READY = 1
    """Head of its key queue, waiting for its turn and a permit."""
    IN_FLIGHT = 2
    PARKED = 3
    """Head of its key queue, waiting for the time of its next attempt."""
    WRITING = 4
    """On its way to the dead-letter topic."""
    SHELVED = 5
    """A dead letter that may not be written (yet), or a record of a held topic. Out of its key queue."""
    GONE = 6


DECODED: Final = 12
"""Times its size: what a record of JSON objects as usual takes while it is decoded."""
_WAITING: Final = EventState.WAITING
"""A member of an enum takes ten times as long to look up as a global, and this is asked for every event."""


class PartitionWork:
    """One assigned partition: its tracker and what of it is outside right now."""

    __slots__ = (
        "dirty", "elements", "head_since", "held", "last_lowest", "needs", "on_wire", "opening", "published_demand",
        "ready", "refreshed_at", "rest_follows", "topic", "tracker", "users_waited_at", "wait", "waited_at", "writing",
    )  # fmt: skip

    def __init__(
        self,
        tracker: OffsetTracker[Entry],
        topic: TopicLetters,
        now: float,
        rest_follows: bool = False,  # noqa: FBT001, FBT002 - a setting to keep
    ) -> None:
        self.tracker = tracker
        self.topic = topic
        self.rest_follows = rest_follows
        """Whether what comes behind an identify that is refused is sent nevertheless, as mapping says now."""
        self.on_wire: dict[Work, None] = {}
        """Requests without an answer yet, oldest first: a set's order would make no two runs alike."""
        self.ready = 0
        """Events that wait for nothing but their turn and a permit."""
        self.waited_at = float("-inf")
        """Monotonic time at which there last were such events of the events' budget."""
        self.users_waited_at = float("-inf")
        """The same of the budget that users and companies have for themselves."""
        self.writing = 0
        """Letters handed to the producer and not acknowledged."""
        self.held: str | None = None
        """Why only this partition waits, as a sentence."""
        self.needs: str | None = None
        """The schema at which admission stopped, until it is waited for."""
        self.opening: OpenElements | None = None
        """A record of which not all elements are open yet. What comes behind it waits."""
        self.elements = 0
        """Open elements, and those that are not open yet."""
        self.wait: SchemaWait | None = None
        """It stopped at a record of which the schema is not known yet."""
        self.dirty = True
        """What would be committed changed since it was last taken to the broker."""
        self.published_demand = False, False
        """Whether there was something to send of either budget, when that was last taken to the broker."""
        self.refreshed_at = float("-inf")
        self.last_lowest = tracker.lowest_open
        self.head_since = now
        """Monotonic time since which the lowest open offset has not moved."""

    @property
    def busy(self) -> bool:
        """Whether anything of it is outside: a drain waits for that."""
        return bool(self.on_wire) or self.writing > 0

    @property
    def waiting(self) -> int:
        """Records that more permits would help: what its share of the rate is computed from.

        Those that wait for the time of a retry, for the answer to an earlier event of their user, or on a shelf do
        not need any part of the rate; others may use it.
        """
        if not self.ready:
            return 0
        return max(1, len(self.tracker.open) + self.elements - len(self.on_wire) - self.writing)


class Work:
    """One event of one record, from mapping to its disposition. Not a dataclass: one is built per event."""

    __slots__ = (
        "attempts", "counted", "due", "fanout", "first_at", "key", "last_at", "letter", "life", "mark", "next",
        "output", "partition", "record", "request", "size", "state", "step", "tail",
    )  # fmt: skip

    def __init__(
        self, partition: PartitionWork, record: Record, size: int, output: int, request: Request, key: QueueKey
    ) -> None:
        self.partition = partition
        self.record = record
        self.size = size
        """Bytes the record holds."""
        self.output = output
        """Which of the record's events, from 0."""
        self.request = request
        """`NO_REQUEST` where nothing can be sent: a dead letter from the start."""
        self.key = key
        self.next: Work | None = None
        self.tail: Work | None = None
        """The last of its key queue, kept only at the head; None where that is alone. Itself it would be a cycle:
        memory that only the garbage collector frees, event by event."""
        self.state = _WAITING
        self.fanout: Fanout | None = None
        self.step: RecordStep | None = None
        """Set where it is one of several steps of its record, or no event of a record at all."""
        self.attempts = 0
        """Requests started."""
        self.counted = 0
        """Failed attempts that count toward `max_attempts`."""
        self.first_at: float | None = None
        """Monotonic time of the first attempt."""
        self.last_at = 0.0
        self.due = 0.0
        """Monotonic time of the next attempt, while parked."""
        self.mark: Mark | None = None
        """Set by the first failure."""
        self.letter: DeadLetter | None = None
        self.life: RecordLife | None = None
        """Hears what becomes of its record; None: nobody does."""

    def __repr__(self) -> str:
        return f"Work({self.record.coordinates}#{self.output}, {self.state.name}, attempts={self.attempts})"

    @property
    def element(self) -> int | None:
        """Which of the record's elements it is of; None: it has none."""
        return element_of(self.output) if self.fanout is not None and self.fanout.has_elements else None

    @property
    def entry(self) -> Work | Fanout:
        """What is counted for it: its record, or itself where its record has elements, each of which counts."""
        fanout = self.fanout
        return self if fanout is None or fanout.has_elements else fanout

    @property
    def may_be_delivered(self) -> bool:
        """Whether it is sent or will be, and its answer still counts."""
        return (
            self.letter is None
            and self.state is not EventState.GONE
            and self.request is not NO_REQUEST
            and not (self.step is not None and self.step.has_letter)
            and self.partition.tracker.life is not TrackerState.DEAD
        )

    @property
    def who(self) -> str:
        """The user: failures are weighed per user, whatever the key queues keep in order."""
        return self.request.user_id


class RecordStep:
    """Where an event stands among the steps of its record: it goes once the one before it was accepted."""

    __slots__ = ("failed", "has_letter", "is_aside", "is_left", "number", "of", "rest_follows", "then", "waits")

    def __init__(self, number: int, of: int, *, rest_follows: bool = False) -> None:
        self.number = number
        """From 0, among the outcomes of its record or element."""
        self.of = of
        self.rest_follows = rest_follows
        """As the mapping said that made the step: another one may work by the time that it fails."""
        self.then: Work | None = None
        """The step behind it."""
        self.waits = False
        """For the one before it. It keeps its place in its key queue meanwhile."""
        self.failed: Failed | None = None
        """What it becomes when its turn comes, where it cannot become a request."""
        self.is_aside = False
        """What it waits for failed, or waits behind what failed: so does what waits behind it. See `queues.failing`."""
        self.has_letter = False
        """The one before it is a dead letter, written or not yet, and it goes with that one."""
        self.is_left = False
        """That letter left its key queue: whoever meets this one in a queue passes it over."""


class AutomaticIdentify(Work):
    """The identify that the bridge sends before a user's first event: no event of the record that it is sent for."""

    __slots__ = ("asked_by", "before")

    def __init__(self, asked_by: Work, body: bytes) -> None:
        event = asked_by.request
        request = Request(IDENTIFY, event.user_id, "", body, event.route)
        super().__init__(asked_by.partition, asked_by.record, 0, asked_by.output, request, None)
        self.step = RecordStep(0, 1)
        self.life = asked_by.life
        self.asked_by = [asked_by]
        """Events of the user that wait for it, the first one first."""
        self.before = asked_by.counted, asked_by.mark, asked_by.first_at
        """What was counted against the first event in an earlier assignment: an identify that fails adds to that."""
        self.counted, _, self.first_at = self.before  # its mark counts from what became of other events


class Fanout:
    """A record that became several events: complete when all of them are."""

    __slots__ = ("life", "size", "works", "worst")

    has_elements = False
    """Whether they are of elements of the record, and not of the routes of one."""

    def __init__(self, works: dict[Work, None], size: int) -> None:
        self.works = works
        """Those that are not done, in their order."""
        self.size = size
        self.worst = Disposition.FILTERED
        self.life: RecordLife | None = None
        """Hears what becomes of the record; None: nobody does."""

    @property
    def head(self) -> Work | None:
        """The first event that is not done: what is said of the record is said of it. None: it is not open yet."""
        return next(iter(self.works), None)

    def settle(self, work: Work, disposition: Disposition) -> bool:
        """One event is done; True when it was the last. A dead letter among them names the record's disposition."""
        if _RANK[disposition] > _RANK[self.worst]:
            self.worst = disposition
        del self.works[work]
        return not self.works


class OpenElements(Fanout):
    """A record of many records, opened as far as there was room: complete when all of its elements are.

    Only open events are kept: however many elements it has, what it takes is bounded.
    """

    __slots__ = (
        "count", "elements", "first_filtered", "next", "open", "partition", "raw", "record", "rest_follows", "resumed",
        "way",
    )  # fmt: skip

    has_elements = True

    def __init__(self, partition: PartitionWork, record: Record, elements: Elements, most: int) -> None:
        """`most` bytes are counted for it beside its own, so that one large record leaves others something."""
        self.open: dict[Work, None] = {}
        """Oldest first."""
        self.raw = max(record.size, elements.size)
        """Bytes of the record as it is, or as it is where everything around it is undone."""
        super().__init__(self.open, max(self.raw, min(DECODED * self.raw, most)))
        self.partition = partition
        self.record = record
        self.count, self.way = elements.count, elements.way
        self.rest_follows = partition.rest_follows
        """As the mapping said that took it apart: all of its elements are of that one, whenever they are opened."""
        self.elements: Elements | None = elements
        """Kept decoded until all are open."""
        self.next = 0
        """The first element that is not open yet."""
        self.first_filtered: Filtered | None = None
        """What the record counts as where nothing is made of any element."""
        self.resumed = False
        """The attempts that an earlier assignment made were counted: they were of the first event that was open."""

    @property
    def unopened(self) -> int:
        """Elements that are not open yet."""
        return self.count - self.next

    @property
    def done(self) -> tuple[range, ...]:
        """Elements of which nothing is left to do, ascending."""
        found, at = [], 0
        for work in self.open:  # in the order of their elements
            element = element_of(work.output)
            if element > at:
                found.append(range(at, element))
            at = element + 1
        if self.next > at:
            found.append(range(at, self.next))
        for before in self.done_before:
            if before.stop <= self.next:
                continue
            if found and found[-1].stop >= before.start:
                found[-1] = range(found[-1].start, before.stop)
            else:
                found.append(range(max(before.start, self.next), before.stop))
        return tuple(found)

    @property
    def done_before(self) -> tuple[range, ...]:
        """The elements that an earlier assignment completed, as the committed map says."""
        tracker = self.partition.tracker
        head = tracker.restored_head
        if self.record.offset != tracker.start or (head.elements, head.way) != (self.count, self.way):
            return ()  # nothing is done, or the record is taken apart in another way than it was
        return head.done

    def skip(self, done: range) -> None:
        """The next element was done by an earlier assignment, and more of these."""
        self.next = min(done.stop, self.count)

    def let_go(self) -> int:
        """All are open: what it was decoded to is not needed any more. Returns the bytes that it counts less."""
        less, self.size, self.elements = self.size - self.raw, self.raw, None
        return less

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return not self.open and not self.unopened

    def settle(self, work: Work, disposition: Disposition) -> bool:
        """See `Fanout.settle`."""
        if _RANK[disposition] > _RANK[self.worst]:
            self.worst = disposition
        del self.open[work]
        return self.is_done


Entry: TypeAlias = "Work | Fanout"
_RANK = {Disposition.ALREADY_DONE: 0, Disposition.FILTERED: 0, Disposition.DELIVERED: 1, Disposition.DEAD_LETTERED: 2}
