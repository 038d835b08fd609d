"""What becomes of the lines of a file that is sent: pure."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.model import DeadLetter, Failed, Outcomes, Record, Request
from bridge.reprocess.sending.traffic_log import cause_of


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

    __slots__ = ("_has_failed", "_open", "_was_sent", "line")

    def __init__(self, line: FileLine) -> None:
        self.line = line
        self._open: set[int] = set()
        self._has_failed = self._was_sent = False

    def mapped(self, outcomes: Outcomes) -> None:
        """These are its events, numbered by their place."""
        self._open = {index for index, each in enumerate(outcomes) if isinstance(each, Request | Failed)}

    def accept(self, index: int) -> None:
        """The API accepted this event."""
        self._open.discard(index)
        self._was_sent = True

    def fail(self, index: int) -> None:
        """It failed for good."""
        self._open.discard(index)
        self._has_failed = True

    @property
    def fate(self) -> LineFate | None:
        """None while an event is open."""
        if self._open:
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
