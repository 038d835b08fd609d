"""Fakes of everything the pipeline sees of the outside.

They hold the ports' promises (exactly one answer, never from within the call) and check the pipeline's. Nothing here
is random or reads a real clock, so that one program of calls is one history.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, cast

from bridge.model import (
    COMPANY,
    IDENTIFY,
    MOST_ELEMENTS,
    TRACK,
    DeadLetter,
    Delivered,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    Forget,
    LetterReason,
    LetterRefused,
    Outcome,
    Outcomes,
    Position,
    Record,
    Reject,
    Request,
    RequestKind,
    Retry,
    Route,
    SchemaNeeded,
    Steps,
    TopicPartition,
    Unauthorized,
    Verdict,
    output_of,
)
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import AutomaticIdentify, Entry, PartitionWork, Work

Tracker = OffsetTracker[Entry]
Event = tuple[TopicPartition, int, int]
"""Partition, offset and output: one event of one record, whoever owns the partition."""
Api = Callable[[Work], "tuple[float, Verdict] | None"]
"""Seconds until the answer, and the answer; None: the test answers by itself."""
LetterTopic = Callable[[DeadLetter], "tuple[float, LetterRefused | None] | None"]

ROUTE = Route("test", "000000000000", "Tested")
FILTERED = Filtered(FilterReason.RULE, ROUTE)
FORGOTTEN = Filtered(FilterReason.FORGET, ROUTE)
EPOCH = 1_700_000_000.0
ACCEPTED = Delivered()
FAILED = Retry("server_error", "503", status=503)
CLOSED = Retry("connection", "closed by this side", ambiguous=True)
TIMED_OUT = Retry("timeout", "no answer within 10 s", ambiguous=True)
THROTTLED = Retry("rate_limited", "429", status=429)
REJECTED = Reject("Invalid input", 400)
UNWRITABLE = LetterRefused("broker transport failure")
TOO_LARGE = LetterRefused("the record does not fit", too_large=True)
OTHER = RequestKind("other", "/v1/other")
KINDS_BY_WORD = {"": TRACK, "identify": IDENTIFY, "company": COMPANY, "other": OTHER}


def unauthorized(key: int = 1) -> Unauthorized:
    return Unauthorized("Invalid API key", 401, key)


def event_of(work: Work) -> Event:
    record = work.record
    return TopicPartition(record.topic, record.partition), record.offset, work.output


def events_of_letter(letter: DeadLetter) -> list[Event]:
    """The event that failed, and the steps behind it that are left with it."""
    record = letter.record
    partition, step = TopicPartition(record.topic, record.partition), letter.step
    left = 1 if step is None or step.rest_sent else step.of - step.number
    apart = 1 if letter.element is None else MOST_ELEMENTS
    return [(partition, record.offset, letter.output + n * apart) for n in range(left)]


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
        end, at_once = self.now + seconds, 0
        while until is None or not until():
            if not self._agenda or self._agenda[0][0] > end:
                self.now = end
                return until is not None and until()
            when, _, call = heapq.heappop(self._agenda)
            at_once = at_once + 1 if when <= self.now else 0
            assert at_once < 100_000, "it goes on and on, and time does not"
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
        self.times: defaultdict[RequestKind, list[float]] = defaultdict(list)
        """Of requests, by kind."""
        self.kinds: list[tuple[str, str]] = []
        """Kind and user of each request, the bridge's own identifies among them."""
        self.accepted: list[Event] = []
        self.accepted_ever: set[Event] = set()
        self.accepted_here: set[tuple[PartitionWork, int, int]] = set()
        """In which assignment, offset and output."""
        self.identified: dict[str, list[float]] = {}
        """By user, when its identifies were accepted; those of all processes."""
        self.excused: set[str] = set()
        """Users whose events may come without an identify, because the API refused to identify them."""
        self.mapper: PlainMapper = cast("PlainMapper", None)
        self.lettered: set[Event] = set()
        """Events that the pipeline gave up on after an answer."""
        self.aborted = 0
        self.may_start: Callable[[], bool] = lambda: True
        """Whether this process is a member of the group, as far as it can know."""

    def send(self, work: Work, /) -> None:
        assert work not in self.on_wire, f"{work} is on the wire already"
        assert self.may_start(), "a woken process sends before it proved its membership"
        if work.key is not None:
            assert work.key not in self.on_wire.values(), f"two in flight for the lane {work.key!r}"
        assert work.request.body, "something is sent that never was a request"
        self._check_steps(work)
        self._check_user(work)
        self.on_wire[work] = work.key
        self.kinds.append((work.request.kind.name, work.who))
        assert len(self.on_wire) <= self._settings.max_in_flight
        self.sent.append((self._time.now, event_of(work), work.who))
        self.times[work.request.kind].append(self._time.now)
        answer = self.api(work)
        if answer is not None:
            seconds, verdict = answer
            self._time.after(seconds, partial(self._answer_unless_gone, work, verdict))

    def _check_steps(self, work: Work) -> None:
        """What is before it in its record was accepted in this very assignment, or may be passed over."""
        if work.step is None or isinstance(work, AutomaticIdentify):
            return
        record = work.record
        for output, word in self.mapper.steps_before(record, work.output):
            key = (work.partition, record.offset, output)
            given_up = (event_of(work)[0], record.offset, output) in self.lettered or word.endswith(":!")
            passed = given_up and self.mapper.sends_the_rest
            assert key in self.accepted_here or passed, f"{work} is sent before step {output} was accepted"

    def _check_user(self, work: Work) -> None:
        """A user's events come after an accepted identify, where that is asked for, and after it has settled."""
        settings, user = self._settings, work.who
        if work.request.kind is not TRACK:
            if isinstance(work, AutomaticIdentify):
                assert user not in self.mapper.forgotten, f"{user} is forgotten, and is identified all the same"
            return
        at = self.identified.get(user)
        if settings.unknown_users == "identify" and user not in self.excused | self.mapper.ever_forgotten:
            assert at, f"an event of {user} is sent before the user was identified"

    def abort(self, works: Iterable[Work], /) -> None:
        for work in works:
            self.aborted += 1
            self._time.after(0.0, partial(self._answer_unless_gone, work, CLOSED))

    def answer(self, work: Work, verdict: Verdict) -> None:
        """Answer one request now."""
        del self.on_wire[work]
        is_identify = work.request.kind is IDENTIFY
        if isinstance(verdict, Delivered):
            if is_identify:
                self.identified.setdefault(work.who, []).append(self._time.now)
            if not isinstance(work, AutomaticIdentify):
                if is_identify:
                    self.mapper.forgotten.discard(work.who)
                self.accepted.append(event_of(work))
                self.accepted_ever.add(event_of(work))
                self.accepted_here.add((work.partition, work.record.offset, work.output))
        elif is_identify and self.mapper.sends_the_rest:
            self.excused.add(work.who)
        self.dispatcher.answered(work, verdict)
        if work.letter is not None:
            self.lettered.add(event_of(work))
        self.dispatcher.pump()

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
            self.events.update(events_of_letter(letter))
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
        self.stopped_until = float("-inf")
        """When this process was last continued after it had been stopped."""
        self.proven = False
        self.paused_topics: list[str] = []
        self.paused: set[Tracker] = set()
        self.rereads: list[tuple[TopicPartition, int]] = []
        self.seek_takes = 0.01
        self.go_back: Callable[[Tracker, int], None] = lambda _, __: None

    def store(self, positions: Sequence[tuple[Tracker, Position]], /) -> None:
        for tracker, position in positions:
            if tracker.life is not TrackerState.DEAD:
                self._commit(tracker, position)

    def final(self, positions: Sequence[tuple[Tracker, Position]]) -> None:
        """What a drain hands over, in the revoke callback: the tracker was current until this moment."""
        for tracker, position in positions:
            self._commit(tracker, position)

    def _commit(self, tracker: Tracker, position: Position) -> None:
        self.verify(tracker.partition, position)
        self.committed[tracker.partition] = position

    def send_heartbeat(self) -> None:
        self.asked += 1
        issued_at = self._time.now
        if self.answers:
            self._time.after(0.002, partial(self.prove, issued_at))

    def prove(self, issued_at: float) -> None:
        """The coordinator acknowledged something that was issued at this time."""
        self.proven = self.proven or issued_at >= self.stopped_until
        self.dispatcher.heartbeat_answered(issued_at)

    def pause_topic(self, topic: str, /) -> None:
        self.paused_topics.append(topic)

    def pause_partition(self, tracker: Tracker, /) -> None:
        self.paused.add(tracker)

    def resume_partition(self, tracker: Tracker, /) -> None:
        self.paused.discard(tracker)

    def read_again(self, tracker: Tracker, offset: int, /) -> None:
        assert tracker in self.paused, "what is not paused goes on bringing records meanwhile"
        self.rereads.append((tracker.partition, offset))
        self._time.after(self.seek_takes, partial(self._went_back, tracker, offset))

    def _went_back(self, tracker: Tracker, offset: int) -> None:
        self.go_back(tracker, offset)
        self.dispatcher.reads_again(tracker)


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


class FakeEventLog:
    """Remembers what an operator would read, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.entries if entry[0] == name]

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.entries.append((name, *arguments))


class FakeRegistry:
    """Knows schemas, or does not know them yet; answers look-ups as long as it is up."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.dispatcher: Dispatcher = cast("Dispatcher", None)
        self.schemas: dict[str, bool] = {}
        """What it has, and whether that is a schema."""
        self.known: dict[str, bool] = {}
        """What was answered: what the mapper knows."""
        self.up = True
        self.takes = 0.01
        self.wanted: list[str] = []
        self.forgotten: list[str] = []
        self._open: set[str] = set()

    def want(self, reference: str, /) -> None:
        assert reference not in self._open, "one look-up per schema at a time"
        self.wanted.append(reference)
        self._open.add(reference)
        self._time.after(self.takes, partial(self._try, reference))

    def forget(self, reference: str, /) -> None:
        assert reference in self._open
        self.forgotten.append(reference)
        self._open.discard(reference)

    def _try(self, reference: str) -> None:
        if reference not in self._open:
            return
        if not self.up or reference not in self.schemas:
            self._time.after(1.0, partial(self._try, reference))
            return
        self._open.discard(reference)
        self.known[reference] = self.schemas[reference]
        self.dispatcher.looked_up(reference)


def chains_of(record: Record) -> list[list[str]]:
    """The words of the record: its events, each with the steps behind it; or those of its elements.

    The schema that it names, if it does, is left out, and that its elements make them.
    """
    text = (record.value or b"-").decode().rpartition("|")[2].removeprefix("[")
    return [each.split(">") for each in text.split("+")]


def has_elements(record: Record) -> bool:
    return (record.value or b"").rpartition(b"|")[2].startswith(b"[")


def outputs_of(record: Record) -> dict[int, str]:
    """The words of the record by the number of their event, in order."""
    return _outputs_of(record.value or b"-")


@lru_cache(maxsize=64)
def _outputs_of(value: bytes) -> dict[int, str]:
    record = Record("", 0, 0, None, None, value, ())
    chains = chains_of(record)
    if has_elements(record):
        return {output_of(n, step): word for n, chain in enumerate(chains) for step, word in enumerate(chain)}
    return dict(enumerate(word for chain in chains for word in chain))


def lane_of(word: str) -> str:
    """Whose order the event of this word is in."""
    user, _, kind = word.partition(":")
    return f"company:{user}" if kind == "company" else user


class FakeElements(Elements):
    """Each makes one event, or a chain of steps, and is asked for once, in order."""

    opened = 0

    def __init__(self, record: Record, outcomes: Sequence[Outcomes], way: int) -> None:
        super().__init__(len(outcomes), record.size, way)
        self._outcomes = outcomes

    def map(self, element: int, now: float) -> Outcomes:  # noqa: ARG002 - the port's signature
        assert element >= self.opened, "elements are opened in order, each once"
        self.opened = element + 1
        return self._outcomes[element]


class PlainMapper:
    """``ann`` is an event of user ann; ``ann+bob`` two events; ``-`` is filtered; ``!`` cannot be mapped.

    ``ann:identify>acme:company>ann`` are steps; ``ann:other`` is a request of another kind; ``ann:forget`` has ann
    forgotten; ``ann:!`` is an identify that cannot be mapped. ``id:7|ann`` needs a schema before it says anything;
    ``[ann+bob`` is a record of two elements, each of which may be steps.
    """

    def __init__(self, known: dict[str, bool] | None = None) -> None:
        self._known = {} if known is None else known
        self.way = 0
        """In which records of elements are taken apart."""
        self.sends_the_rest = False
        """What comes behind an identify that is refused."""
        self.forgotten: set[str] = set()
        """Users that records of this process asked to forget, and none asked to identify since then."""
        self.ever_forgotten: set[str] = set()

    def rest_follows(self, topic: str, /) -> bool:  # noqa: ARG002 - the port's signature
        return self.sends_the_rest

    def map(self, record: Record, now: float) -> Outcomes:  # noqa: ARG002 - the port's signature
        if b"|" in (record.value or b""):
            reference = (record.value or b"").decode().partition("|")[0]
            is_schema = self._known.get(reference)
            if is_schema is None:
                return (SchemaNeeded(reference),)
            if not is_schema:
                return (Failed(LetterReason.UNDECODABLE, f"the registry does not know {reference}"),)
        outcomes = {output: self.outcome(record, output, word) for output, word in outputs_of(record).items()}
        chains = chains_of(record)
        if has_elements(record):
            elements = [
                self._chain([outcomes[output_of(n, step)] for step in range(len(chain))])
                for n, chain in enumerate(chains)
            ]
            return (FakeElements(record, elements, self.way),)
        is_chain = any(len(chain) > 1 for chain in chains)
        return Steps(outcomes.values()) if is_chain else tuple(outcomes.values())

    @staticmethod
    def _chain(outcomes: Sequence[Outcome]) -> Outcomes:
        return Steps(outcomes) if len(outcomes) > 1 else tuple(outcomes)

    def outcome(self, record: Record, output: int, word: str) -> Outcome:
        if word == "-":
            return FILTERED
        user, _, kind = word.partition(":")
        if kind == "forget":
            self.forgotten.add(user)
            self.ever_forgotten.add(user)
            return Forget(user, FORGOTTEN)
        if user == "!" or kind == "!":
            name = IDENTIFY.name if kind else TRACK.name
            return Failed(LetterReason.UNMAPPABLE, "no such field", ROUTE, kind=name)
        body = f"{record.coordinates}#{output}".encode()
        return Request(KINDS_BY_WORD[kind], lane_of(word), "" if kind else "Tested", body, ROUTE)

    @staticmethod
    def steps_before(record: Record, output: int) -> list[tuple[int, str]]:
        """The steps before this one that do something."""
        outputs = outputs_of(record)
        element = output % MOST_ELEMENTS if has_elements(record) else None
        return [
            (other, word)
            for other, word in outputs.items()
            if other < output
            and (element is None or other % MOST_ELEMENTS == element)
            and word != "-"
            and not word.endswith(":forget")
        ]
