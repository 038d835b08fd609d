"""What really happened, and what may never happen: every promise is checked here, at the step that would break it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.formats import commit_mark, offset_map
from bridge.model import Delivered, Outcomes, Record, TopicPartition
from bridge.pipeline.budget.pacing import FILL
from bridge.pipeline.settings import DeliverySettings

if TYPE_CHECKING:
    from tests.simulation.api import Flight
    from tests.simulation.process import Process, Tracker

LAG_ROUNDS = 2
"""Commit intervals between a completion and the commit that says so: one to collect positions, one to commit them."""
LAG_EXTRA = 0.5
"""Seconds on top: the poll thread's own round, and the way to the coordinator."""


class Violation(AssertionError):  # noqa: N818 - it is what a history is found to be, not an error of the program
    """A promise was broken; the message says which, and where."""


@dataclass(slots=True, eq=False)
class Event:
    """One event of one record, whoever sends it."""

    number: int
    entry: Entry
    output: int
    user: str | None
    """None: nothing to send."""
    status: int
    """What the API always answers to it; 0: as it likes."""
    done: bool = False
    filtered: bool = False
    given_up: bool = False
    """Some process decided to write a letter of it: what follows it may go."""
    accepted: list[Flight] = field(default_factory=list)
    kind: str = "track"
    before: list[Event] = field(default_factory=list)
    """The steps before it."""
    automatic: bool = False
    """It is no event: the identify that the bridge itself sends before one."""

    def __str__(self) -> str:
        return f"{self.entry.log.partition}/{self.entry.offset}#{self.output} of {self.user}"


def _known_done_at(event: Event, tracker: Tracker) -> float | None:
    """When this assignment was told that the event was accepted; None: never."""
    if event.filtered:
        return 0.0
    told = [
        flight.answered_at
        for flight in event.accepted
        if flight.tracker is tracker and isinstance(flight.verdict, Delivered) and flight.answered_at is not None
    ]
    return min(told, default=None)


@dataclass(slots=True, eq=False)
class Entry:
    """One record in a log."""

    log: Log
    offset: int
    record: Record
    outcomes: Outcomes = ()
    has_elements: bool = False
    """Each of these is of an element of the record."""
    open: int = 0
    """Events that are neither accepted nor in the dead-letter topic."""
    too_large: bool = False
    schema: str = ""
    """Without which nothing of it can be said; empty: none."""
    events: list[Event] = field(default_factory=list)


class Log:
    """What stands in one partition of one topic, from its creation to its deletion."""

    def __init__(self, partition: TopicPartition, topic_id: str) -> None:
        self.partition = partition
        self.topic_id = topic_id
        self.first = 0
        self.end = 0
        self.leader_epoch = 0
        self.offsets: list[int] = []
        self.entries: list[Entry] = []
        self.created_at = float("-inf")
        self.markers: list[int] = []
        """Offsets of transactions' markers, ascending."""
        self.open_since: dict[int, int] = {}
        """By its number: the first offset of each transaction that is open."""
        self.loses = False
        """Records may be gone from it that were never read: an operator or a short retention was there."""
        self._floor = 0
        self.rewound_at = float("-inf")

    @property
    def stable(self) -> int:
        """The last stable offset: no reader of committed records sees what is at or above it."""
        return min(self.open_since.values(), default=self.end)

    def behind_markers(self, position: int) -> int:
        """Where a consumer is that read to this position, and then all markers up to the last stable offset."""
        below = bisect_left(self.markers, self.stable)
        return max(position, self.markers[below - 1] + 1) if below else position

    def take_out(self, entries: list[Entry]) -> None:
        """These were never committed: nobody reads them."""
        for entry in entries:
            entry.open = 0
            at = self.at(entry.offset)
            del self.entries[at], self.offsets[at]
        self._floor = 0

    def at(self, offset: int) -> int:
        """Index of the first record at or after this offset."""
        return bisect_left(self.offsets, offset)

    def first_open(self) -> Entry | None:
        """The lowest record that is not done."""
        entries = self.entries
        while self._floor < len(entries) and not entries[self._floor].open:
            self._floor += 1
        return entries[self._floor] if self._floor < len(entries) else None

    def skip(self, below: int) -> None:
        """Passed over on purpose: if these are sent at all, because somebody sets positions back, then late."""
        self.forgive(below)
        for entry in self.entries[: self.at(below)]:
            for event in entry.events:
                event.given_up = True

    def forgive(self, below: int) -> None:
        """Records below this offset are not this history's business, or gone with what held them."""
        for entry in self.entries[: self.at(below)]:
            entry.open = 0


@dataclass(frozen=True, slots=True)
class End:
    """How an assignment ended."""

    kind: str
    at: float
    committed: bool = False


class Budget:
    """What was sent of the kinds of requests that share a rate, by all processes together."""

    def __init__(self, limit: float | None) -> None:
        self._limit = None if limit is None else round(limit * 60)
        self._sent: deque[tuple[float, Process]] = deque()

    def sent(self, now: float, process: Process) -> None:
        """Whatever becomes of the request.

        While shares move between replicas each may begin a minute with one request saved up. What is left unused of the
        limit covers that for five replicas from 340 a minute on; below that a minute may see one more for each.
        """
        if self._limit is None:
            return
        sent = self._sent
        sent.append((now, process))
        while sent[0][0] <= now - 60.0:
            sent.popleft()
        if len(sent) > self._limit:
            senders = len({each for _, each in sent})
            if len(sent) > int(FILL * self._limit) + senders:
                raise Violation(f"rate: {len(sent)} requests of {senders} within 60 s, the limit is {self._limit}")


class Ledger:
    def __init__(self, settings: DeliverySettings, commit_interval: float, *, rest_follows: bool) -> None:
        self.events: list[Event] = []
        self.ends: dict[Tracker, End] = {}
        self.evicted: dict[Process, float] = {}
        """Processes that the group went on without, and when it last did."""
        self.held: set[TopicPartition] = set()
        """Partitions that an operator was told are held, and that nobody was asked to release since."""
        self.kicked_until = float("-inf")
        """Until then a member may be none any more without having heard of it."""
        self.troubled: list[tuple[float, float]] = []
        """Times in which commits may come late or not at all, through no fault of the bridge."""
        self.stalled: list[tuple[float, float]] = []
        """Times in which a rebalance of the classic protocol held commits up."""
        self.duplicates = 0
        self.accepted = 0
        self.failed_once: set[str] = set()
        """Users whose events failed for a reason of their own at some time."""
        self.identified: set[str] = set()
        """Users of whom an identify was accepted."""
        self.excused: set[str] = set()
        """Those whose identify was refused, where the rest is sent nevertheless."""
        self._settings, self._rest_follows = settings, rest_follows
        self._ordered = settings.ordering in ("user", "partition")
        self._events = Budget(settings.rate_limit)
        self._users = self._events if settings.shared_rate_limit else Budget(settings.identify_rate_limit)
        self._latest: dict[tuple[Log, str], Event] = {}
        self._lag = LAG_ROUNDS * commit_interval + LAG_EXTRA
        self.unauthorized: defaultdict[Process, int] = defaultdict(int)

    # --- requests -----------------------------------------------------------------------------------

    def sent(self, flight: Flight, now: float) -> None:
        """A request starts: the steps before it were accepted in this assignment, and its user was identified."""
        event = flight.event
        (self._events if event.kind == "track" else self._users).sent(now, flight.process)
        for step in event.before:
            known = _known_done_at(step, flight.tracker) is not None
            if not known and not (self._rest_follows and step.given_up and step.kind == "identify"):
                raise Violation(f"steps: {event} is sent before {step} was accepted")
        asked = self._settings.unknown_users == "identify" and event.kind == "track"
        if asked and event.user not in self.identified | self.excused:
            raise Violation(f"users: {event} is sent before its user was identified")

    def refused(self, event: Event) -> None:
        """An identify failed, maybe for good."""
        if self._rest_follows and event.user is not None:
            self.excused.add(event.user)

    def take(self, flight: Flight, now: float) -> None:
        """The API accepts an event, whether or not anybody hears of it."""
        event = flight.event
        if event.kind == "identify" and event.user is not None:
            self.identified.add(event.user)
        if event.automatic:
            return
        self.accepted += 1
        if event.accepted:
            self.duplicates += 1
            for earlier in event.accepted:
                self._explain(event, earlier, flight, now)
        else:
            self._check_order(event)
        event.accepted.append(flight)
        self.finish(event)

    def finish(self, *events: Event) -> None:
        """Accepted, or in the dead-letter topic."""
        for event in events:
            if not event.done:
                event.done = True
                event.entry.open -= event.entry.open > 0

    def is_known_done(self, log: Log) -> bool:
        """Whether whoever sent these events heard of each acceptance: otherwise it goes on trying, and rightly."""
        return all(
            isinstance(flight.verdict, Delivered) and flight.answered_at is not None
            for entry in log.entries
            for event in entry.events
            for flight in event.accepted[-1:]
        )

    def _check_order(self, event: Event) -> None:
        if not self._ordered or event.given_up or event.user is None:
            return
        key = (event.entry.log, event.user)
        latest = self._latest.get(key)
        if latest is not None and (latest.entry.offset, latest.output) > (event.entry.offset, event.output):
            raise Violation(f"order: {event} was overtaken by {latest}")
        self._latest[key] = event

    def _explain(self, event: Event, earlier: Flight, flight: Flight, now: float) -> None:
        """A duplicate is allowed where nobody could know, or where a crash came before the next commit."""
        known_at = self._known_at(event, earlier, flight)
        if known_at is None or event.entry.log.rewound_at >= known_at:
            return
        end = self._end_of(earlier)
        if end is None:
            raise Violation(f"duplicate: {event} was sent again by the assignment that knew it was accepted")
        if end.kind in ("drained", "stopped"):
            if end.committed:
                raise Violation(f"duplicate: {event} was accepted before an orderly drain, and sent again after it")
            if end.kind == "stopped" and not any(since < end.at < until for since, until in self.troubled):
                raise Violation(f"duplicate: {event} was accepted before a stop that did not have it committed")
            return
        troubled = any(
            since < end.at and known_at - self._lag < until for since, until in (*self.troubled, *self.stalled)
        )
        if end.at - known_at > self._lag and not troubled:
            raise Violation(
                f"duplicate: {event} was known to be done {end.at - known_at:.2f} s before the {end.kind} of "
                f"{earlier.process.name}, more than {self._lag:.2f} s, and sent again {now - end.at:.2f} s after it"
            )

    def _known_at(self, event: Event, earlier: Flight, flight: Flight) -> float | None:
        """When the earlier assignment knew that the record was done; None: it did not, or the later one could not."""
        if flight.sent_at < self.kicked_until:
            return None  # Put out of the group with its session unspent: it had no way to know.
        if earlier.answered_at is None or not isinstance(earlier.verdict, Delivered):
            return None
        if flight.sent_at < earlier.answered_at:
            return None  # It was on its way already: a request that hung, and was taken after another took its place.
        known = [_known_done_at(sibling, earlier.tracker) for sibling in event.entry.events]
        told = [at for at in known if at is not None]
        # A record is done when all its events are: until then the map cannot say it of one of them.
        return max(told) if len(told) == len(known) else None

    def _end_of(self, flight: Flight) -> End | None:
        """How the assignment that sent this ended; None: it goes on."""
        end = self.ends.get(flight.tracker)
        if end is None and flight.process.dead:
            return End("crash", flight.process.died_at)
        if end is None and flight.process in self.evicted:
            return End("eviction", self.evicted[flight.process])
        return end

    # --- commits ------------------------------------------------------------------------------------

    def committed(self, log: Log, offset: int, metadata: str, leader_epoch: int | None, who: str) -> None:
        """The coordinator takes a position."""
        lowest = log.first_open()
        if lowest is not None and offset > lowest.offset:
            raise Violation(f"commit: {who} committed {log.partition}@{offset}, past the open record {lowest.offset}")
        found = offset_map.decode(commit_mark.unmarked(metadata))
        if found is None or (found.base, found.topic_id, found.leader_epoch) != (
            offset,
            log.topic_id,
            -1 if leader_epoch is None else leader_epoch,
        ):
            return  # Somebody else's map: nobody may believe it, so it may say what it likes.
        for done in found.done:
            for entry in log.entries[log.at(done.start) : log.at(done.stop)]:
                if entry.open:
                    raise Violation(f"commit: {who} calls the open record {log.partition}/{entry.offset} done")
