"""The letters of a replay: where each of them is, and how it ended. Pure.

::

    waiting ──claimed──▶ next ──send──▶ in flight ──▶ through
       ▲                                    │
       └────── its partition was given up ──┘

A letter that was in flight when its partition was given up is a stray as well: its last answers may still come, and
what was accepted is recorded all the same.
"""

from __future__ import annotations

import enum
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bridge.formats.letters import LetterPlace
from bridge.formats.resolutions import Attempted, Author
from bridge.mapping.mapper import CompiledMapping
from bridge.model import TRACK, DeadLetter, Outcomes
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.mapped_letter import of
from bridge.reprocess.sending.events_in_flight import EventsInFlight


class LetterResult(enum.StrEnum):
    """What became of one letter in this replay."""

    REPLAYED = "replayed"
    FAILED_AGAIN = "failed_again"
    ELSEWHERE = "elsewhere"
    """Another replay, or a discard, was there first."""
    LEFT = "left"
    """Still as it was."""


@dataclass(slots=True)
class ReplayOutcome:
    """Filled while the replay runs."""

    results: Counter[LetterResult] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Of those that failed again, by reason and status."""
    unrecorded: list[LetterPlace] = field(default_factory=list)
    """Accepted by the API, and not recorded: another replay would send them again."""
    stopped: str | None = None
    """Why it ended before its end, as a sentence."""
    interrupted: bool = False
    requests: int = 0
    ambiguous: int = 0
    """Requests whose answer never came and which were sent again."""

    @property
    def done(self) -> int:
        """Letters that are through."""
        return self.results.total()


class LetterInFlight:
    """Which events of a letter are sent, and which of them are through."""

    __slots__ = (
        "_accepted", "_events", "_last_failure", "_numbers", "entry", "failed_at", "failures", "has_failed", "number",
        "order", "recording",
    )  # fmt: skip

    def __init__(self, number: int, order: int, entry: LetterEntry) -> None:
        self.number = number
        """The dispatcher's: the offset of its record."""
        self.order = order
        self.entry = entry
        self.recording = 0
        """Resolutions of it on their way."""
        self.failures = entry.standing.failures
        """Replays of it that failed; this one is counted once, however many of its events fail."""
        self.has_failed = False
        self.failed_at = 0
        """The record's number of the event that failed last."""
        self._numbers: tuple[int, ...] = ()
        """The record's numbers of the events, by their places."""
        self._events = EventsInFlight()
        self._last_failure: Attempted | None = None
        """Of this replay, as it was written down."""
        self._accepted: set[int] = set(entry.standing.delivered)

    def map(self, mapping: CompiledMapping) -> Outcomes:
        """Its events under the present mapping, for the dispatcher."""
        letter, standing = self.entry
        record = contents.current(letter, standing)
        if record is None:
            raise ValueError(f"{letter.place}: has no origin")
        mapped = of(letter, record, mapping, standing.delivered, standing.failed_event)
        self._numbers = tuple(number for number, _ in mapped.outcomes)
        self._events = EventsInFlight((part.given() for part in mapped.parts), record.size)
        return self._events.outcomes

    def accept(self, output: int) -> None:
        """The API accepted one of its events."""
        self._accepted.add(self._numbers[self._events.accept(output)])

    def fail(self, output: int, *, rest_sent: bool = False) -> None:
        """One of its events failed for good; the steps behind it are sent nevertheless, or stay with it."""
        self.failed_at = self._numbers[self._events.fail(output, rest_sent=rest_sent)]
        self.failures += not self.has_failed
        self.has_failed = True

    def failure(self, letter: DeadLetter, at: float, author: Author) -> Attempted:
        """What to write down of the event that has just failed; ``at`` in Unix seconds."""
        self._last_failure = Attempted(
            self.failures,
            self.accepted,
            at,
            author,
            letter.reason.value,
            letter.message,
            letter.status,
            letter.error_code,
            None if letter.route is None else letter.route.hash,
            None if letter.kind == TRACK.name else letter.kind,
            None if letter.step is None or letter.step.automatic else self.failed_at,
        )
        return self._last_failure

    def progress(self, at: float, author: Author) -> Attempted:
        """What to write down of an event that was accepted and does not end the letter.

        It takes the place of what was written before: what failed in this replay, why and when is said in it again.
        """
        if self._last_failure is None:
            return Attempted(self.failures, self.accepted, at, author)
        return self._last_failure._replace(delivered=self.accepted)

    @property
    def is_through(self) -> bool:
        """Whether none of its events is open, and everything about it is written down."""
        return not self._events.are_open and not self.recording

    @property
    def is_delivered(self) -> bool:
        """Whether all of its events were accepted, now or earlier."""
        return not self._events.are_open and not self.has_failed

    @property
    def accepted(self) -> tuple[int, ...]:
        """The record's numbers of the events that were accepted, now or earlier."""
        return tuple(sorted(self._accepted))


class LetterQueue:
    """The letters that are not through, by partition of the dead-letter topic, in the order of sending."""

    def __init__(self, entries: Iterable[LetterEntry]) -> None:
        """`entries` in the order of sending."""
        self._waiting: dict[int, list[tuple[int, LetterEntry]]] = {}
        """A heap for each partition, by order."""
        for order, entry in enumerate(entries):
            self._waiting.setdefault(entry.letter.place.partition, []).append((order, entry))
        self._claimed: set[int] = set()
        self._paused: set[int] = set()
        """Partitions of which too much waits behind users whose events fail."""
        self._in_flight: dict[int, LetterInFlight] = {}
        """By number, as the strays are."""
        self._strays: dict[int, LetterInFlight] = {}
        self._number = 0

    # --- partitions ---------------------------------------------------------------------------------

    def claim(self, partition: int) -> None:
        """What waits of it may be sent."""
        self._claimed.add(partition)

    def release(self, partitions: Sequence[int]) -> None:
        """Nothing more of these is sent: what waits belongs to whoever claims the partition next; perhaps to us."""
        self._claimed.difference_update(partitions)
        self._paused.difference_update(partitions)

    def give_up(self, partitions: Sequence[int]) -> None:
        """`release`, where that was not done before the drain, and the same for what was sent and not to its end."""
        self.release(partitions)
        gone = [each for each in self._in_flight.values() if each.entry.letter.place.partition in partitions]
        for each in gone:
            self._strays[each.number] = self._in_flight.pop(each.number)
            waiting = self._waiting.setdefault(each.entry.letter.place.partition, [])
            heapq.heappush(waiting, (each.order, each.entry))

    def pause(self, partition: int) -> None:
        """Nothing of it is next until it is resumed."""
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """It takes its turns again."""
        self._paused.discard(partition)

    # --- letters ------------------------------------------------------------------------------------

    def next(self) -> tuple[int, LetterEntry] | None:
        """The first of what may be sent, with its order; it waits no more."""
        ready = [waiting for each in self._claimed - self._paused if (waiting := self._waiting.get(each))]
        return heapq.heappop(min(ready, key=lambda waiting: waiting[0][0])) if ready else None

    def send(self, order: int, entry: LetterEntry) -> LetterInFlight:
        """It goes to the dispatcher."""
        self._number += 1
        sent = self._in_flight[self._number] = LetterInFlight(self._number, order, entry)
        return sent

    def sent(self, number: int) -> LetterInFlight:
        """In flight, or a stray."""
        return self._in_flight.get(number) or self._strays[number]

    def take_through(self, sent: LetterInFlight) -> bool:
        """Whether it is through, told once. One whose partition was given up is counted when it comes up again."""
        return sent.is_through and self._in_flight.pop(sent.number, None) is not None

    def drop(self, is_settled: Callable[[LetterEntry], bool]) -> int:
        """Forget those that wait and are settled; how many."""
        before = sum(map(len, self._waiting.values()))
        # What is left of a sorted heap is one.
        self._waiting = {
            partition: sorted((each for each in waiting if not is_settled(each[1])), key=lambda each: each[0])
            for partition, waiting in self._waiting.items()
        }
        return before - sum(map(len, self._waiting.values()))

    @property
    def is_idle(self) -> bool:
        """Whether nothing of the claimed partitions waits, and nothing at all is in flight."""
        return not self._in_flight and not any(self._waiting.get(each) for each in self._claimed)
