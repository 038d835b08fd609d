"""One letter on its way through the dispatcher."""

from __future__ import annotations

from bridge.mapping.mapper import CompiledMapping
from bridge.model import Outcomes, Request
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay import plan


class LetterInFlight:
    """Which events of a letter are sent, and which of them are through."""

    __slots__ = ("_accepted", "_numbers", "_open", "entry", "failures", "has_failed", "order", "recording", "requests")

    def __init__(self, order: int, entry: LetterEntry) -> None:
        self.order = order
        self.entry = entry
        self.recording = 0
        """Resolutions of it on their way."""
        self.failures = entry.standing.failures
        """Replays of it that failed; this one is counted once, however many of its events fail."""
        self.has_failed = False
        self._numbers: tuple[int, ...] = ()
        """The record's numbers of the events, by the dispatcher's numbers."""
        self._open: set[int] = set()
        self._accepted: set[int] = set(entry.standing.delivered)

    def map(self, mapping: CompiledMapping) -> Outcomes:
        """Its events under the present mapping, for the dispatcher."""
        letter, standing = self.entry
        record = contents.current(letter, standing)
        if record is None:
            raise ValueError(f"{letter.place}: has no origin")
        mapped = plan.of(letter, record, mapping, standing.delivered)
        self._numbers = tuple(number for number, _ in mapped.outcomes)
        self._open = {index for index, (_, outcome) in enumerate(mapped.outcomes) if isinstance(outcome, Request)}
        return tuple(outcome for _, outcome in mapped.outcomes)

    def accept(self, index: int) -> None:
        """The API accepted one of its events."""
        self._open.discard(index)
        self._accepted.add(self._numbers[index])

    def fail(self, index: int) -> None:
        """One of its events failed for good."""
        self._open.discard(index)
        self.failures += not self.has_failed
        self.has_failed = True

    @property
    def is_through(self) -> bool:
        """Whether none of its events is open."""
        return not self._open

    @property
    def is_delivered(self) -> bool:
        """Whether all of its events were accepted, now or earlier."""
        return not self._open and not self.has_failed

    @property
    def accepted(self) -> tuple[int, ...]:
        """The record's numbers of the events that were accepted, now or earlier."""
        return tuple(sorted(self._accepted))
