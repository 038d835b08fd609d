"""Sends the lines of a file through the dispatcher that live events go through: same order, guards, retries and budget.

The file is one partition to the dispatcher, its lines are the offsets. The budget is shared as replays share it: the
sending declares its rate as a member of their group, and nothing is sent before running bridges can know of it, nor
while the membership is not proven. What fails for good is handed to whoever keeps it; no dead letter is written.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.model import DeadLetter, Delivered, Elements, Failed, Outcomes, Record, Request, TopicPartition
from bridge.pipeline.work import Work
from bridge.reprocess.sending.events_in_flight import EventsInFlight, rest_was_sent
from bridge.reprocess.sending.side_traffic import SideTraffic, Tracker, Wiring
from bridge.reprocess.sending.traffic_log import SendingLog, cause_of

if TYPE_CHECKING:
    from bridge.mapping.mapper import CompiledMapping


@dataclass(frozen=True, slots=True)
class FileLine:
    """One record of the file."""

    number: int
    """Of the line in the file, or of the element of its array, from 1."""
    text: str
    """As it stands in the file."""
    record: Record


class LineFate(enum.StrEnum):
    """What became of one line."""

    ACCEPTED = "accepted"
    """The API accepted every event of it."""
    LEFT_OUT = "left_out"
    """A rule of the mapping leaves it out."""
    REJECTED = "rejected"
    """An event of it failed for good, or cannot be made."""


class LineInFlight:
    """One line on its way: which of its events are open."""

    __slots__ = ("_events", "_has_failed", "_was_sent", "line")

    def __init__(self, line: FileLine) -> None:
        self.line = line
        self._events = EventsInFlight()
        self._has_failed = self._was_sent = False

    def map(self, mapping: CompiledMapping, now: float) -> Outcomes:
        """Its events, for the dispatcher."""
        record = self.line.record
        outcomes = mapping.map(record, now)
        elements = outcomes[0]
        parts: Iterable[Outcomes] = (outcomes,)
        if isinstance(elements, Elements):
            parts = (elements.map(element, now) for element in range(elements.count))
        self._events = EventsInFlight(parts, record.size, counts=(Request, Failed))
        return self._events.outcomes

    def accept(self, output: int) -> None:
        """The API accepted this event."""
        self._events.accept(output)
        self._was_sent = True

    def fail(self, output: int, *, rest_sent: bool = False) -> None:
        """It failed for good, and the steps behind it with it, unless these are sent nevertheless."""
        self._events.fail(output, rest_sent=rest_sent)
        self._has_failed = True

    @property
    def fate(self) -> LineFate | None:
        """None while an event is open."""
        if self._events.are_open:
            return None
        if self._has_failed:
            return LineFate.REJECTED
        return LineFate.ACCEPTED if self._was_sent else LineFate.LEFT_OUT


@dataclass(slots=True)
class SendTally:
    """Filled while a file is sent."""

    lines: Sequence[FileLine]
    fates: Counter[LineFate] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of events that failed, by reason and status."""
    last_accepted: int | None = None
    """The greatest number of a line that was accepted."""
    requests: int = 0
    ambiguous: int = 0
    """Requests whose answer never came and which were sent again."""
    stopped: str | None = None
    """Why it ended before its end, as a sentence."""
    interrupted: bool = False
    refused: bool = False
    """It ended because the cluster does not let it share the budget."""
    _through: int = 0
    _ahead: set[int] = field(default_factory=set)

    def settle(self, place: int, line: FileLine, fate: LineFate) -> None:
        """The line at this place of `lines` is through."""
        self.fates[fate] += 1
        if fate is LineFate.ACCEPTED:
            self.last_accepted = max(line.number, self.last_accepted or 0)
        self._ahead.add(place)
        while self._through in self._ahead:
            self._ahead.discard(self._through)
            self._through += 1

    def failed(self, letter: DeadLetter) -> None:
        """One event failed for good."""
        self.reasons[cause_of(letter)] += 1

    @property
    def done(self) -> int:
        """Lines that are through."""
        return self.fates.total()

    @property
    def left(self) -> int:
        """Lines that are not."""
        return len(self.lines) - self.done

    @property
    def next_line(self) -> int | None:
        """The first line that is not through; every line before it is. None: all are."""
        return self.lines[self._through].number if self._through < len(self.lines) else None


class Sending:
    """One file, on the loop's thread. `run` it once. Is the `side_traffic.Cargo`."""

    def __init__(
        self,
        lines: Sequence[FileLine],
        wiring: Wiring,
        *,
        letters_end: Mapping[int, int],
        rejected: Callable[[FileLine, DeadLetter], None],
    ) -> None:
        """`letters_end` are the ends of the dead-letter topic's partitions, whose claims carry the declaration.

        ``rejected`` keeps an event that failed for good, before it counts as through.
        """
        self.tally = SendTally(lines)
        self.traffic = SideTraffic(wiring, self, self.tally, SendingLog, letters_topic=wiring.config.dead_letter.topic)
        self._mapping, self._budget, self._clock = wiring.mapping, wiring.budget, wiring.clock
        self._progress = wiring.progress
        self._rest_follows = all(map(wiring.mapping.rest_follows, {line.record.topic for line in lines}))
        self._letters_end = letters_end
        self._rejected = rejected
        self._next = 0
        """The place of the next line to hand over."""
        self._in_flight: dict[int, LineInFlight] = {}
        """By place."""
        self._tracker = Tracker(TopicPartition("file", 0), 0)
        self._is_taken = False
        self._is_paused = False

    async def run(self) -> SendTally:
        """Everything that can be sent. Raises what a defect raised."""
        async with self.traffic.ticking():
            # What is on the wire still gets its answer, or is left: leaving waits for `unclaim`.
            await self.traffic.membership(self._letters_end, lambda: not self.tally.left)
        return self.tally

    def interrupt(self) -> None:
        """Stop, because somebody wants it."""
        self.tally.interrupted = True
        self.traffic.stop("interrupted")

    # --- claims, which only carry the declaration ----------------------------------------------------

    def claimed(self, partitions: Sequence[int]) -> None:
        """One of them is enough."""
        if partitions and not self._is_taken:
            self._is_taken = True
            self.traffic.dispatcher.assigned([self._tracker])
            self.feed()

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:  # noqa: ARG002 - the port's
        """The file is nobody else's, but the declaration is taken back."""
        self._undeclare()
        if not self.traffic.has_ended or not self._is_taken:
            done()
            return

        def drained(_positions: object) -> None:
            done()

        self._is_taken = False
        self.traffic.dispatcher.revoke([self._tracker], drained)

    def lost(self, partitions: Sequence[int]) -> None:  # noqa: ARG002 - the port's
        """The declaration may not count any more."""
        self._undeclare()

    def _undeclare(self) -> None:
        """Nothing goes before all can know of the next declaration: at once, not from the next tick on."""
        self._budget.begin()
        self.traffic.pace(self._clock.monotonic())

    def refused(self, sentence: str) -> None:
        """The cluster does not let it share the budget."""
        self.tally.refused = True
        self.traffic.stop(sentence.rstrip("."))

    # --- lines in --------------------------------------------------------------------------------------

    def feed(self) -> None:
        """See `Cargo`."""
        dispatcher = self.traffic.dispatcher
        records, size = dispatcher.room()
        while self._next < len(self.tally.lines) and records > 0 and size > 0 and self._is_feeding:
            place, self._next = self._next, self._next + 1
            line = self.tally.lines[place]
            self._in_flight[place] = LineInFlight(line)
            record = line.record
            numbered = Record("file", 0, place, record.timestamp_ms, record.key, record.value, record.headers)
            dispatcher.accept(self._tracker, [numbered])
            self._settle(place)  # At once where no event is made of it.
            records, size = dispatcher.room()
        self.traffic.wake()

    @property
    def _is_feeding(self) -> bool:
        return self._is_taken and not self._is_paused and not self.traffic.has_ended

    def pause(self, partition: int) -> None:  # noqa: ARG002 - the port's
        """See `Cargo`."""
        self._is_paused = True

    def resume(self, partition: int) -> None:  # noqa: ARG002 - the port's
        """See `Cargo`."""
        self._is_paused = False

    def map(self, record: Record, now: float) -> Outcomes:
        """See `Cargo`: the line's own record, of which the dispatcher has only the number."""
        return self._in_flight[record.offset].map(self._mapping, now)

    def rest_follows(self, topic: str, /) -> bool:  # noqa: ARG002 - all lines are one partition
        """See `Cargo`: where it does for the topics of all lines; else a line ends at what is refused, and says so."""
        return self._rest_follows

    # --- what comes of them ----------------------------------------------------------------------------

    def accepted(self, work: Work, verdict: Delivered, heard: Callable[[], None]) -> None:  # noqa: ARG002 - the port's
        """See `Cargo`."""
        self._in_flight[work.record.offset].accept(work.output)
        self._settle(work.record.offset)
        heard()

    def failed(self, letter: DeadLetter, work: Work, heard: Callable[[], None]) -> None:
        """See `Cargo`: what failed is kept beside the file."""
        place = work.record.offset
        self._rejected(self._in_flight[place].line, letter)
        self.tally.failed(letter)
        self._in_flight[place].fail(work.output, rest_sent=rest_was_sent(letter))
        self.traffic.later(self._settle, place)
        heard()

    def _settle(self, place: int) -> None:
        """Count a line that is through, once."""
        line = self._in_flight.get(place)
        if line is None or line.fate is None:
            return
        del self._in_flight[place]
        self.tally.settle(place, line.line, line.fate)
        self._progress(self.tally.done)
        self.traffic.wake()
