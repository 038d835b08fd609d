"""A hold that an operator put on a partition, and the note by which it travels with the committed offset.

Whoever holds a topic because it sends wrong things must not find it sending again after a restart, a kill or a
rebalance. So the hold is where every next owner of the partition looks anyway: in the metadata of its committed offset
(`commit_mark` says where there). Brokers that take hardly any metadata leave room for the bare letter, or for nothing:
then the hold lasts as long as the process.

A pause is a hold with an end. The end is a note of its own, behind the hold's: a version that does not know it passes
over it, and holds until somebody releases it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from bridge.formats import commit_mark
from bridge.text import moments
from bridge.text.printable import printable

LETTER: Final = "h"
BARE: Final = f"~!{LETTER}"
"""The note that says nothing more than that there is a hold."""
END_LETTER: Final = "u"
REASON_LIMIT: Final = 200
"""Bytes of the reason, in UTF-8: with the largest offset map it all fits into what brokers take by default."""
BY_LIMIT: Final = 64
"""Bytes of the user's name."""
_UNKNOWN: Final = "unknown"
_FIELDS: Final = 3
_LONGEST_END: Final = 13
"""Digits."""


@dataclass(frozen=True, slots=True)
class OperatorHold:
    """Who holds it, why, and since when."""

    reason: str
    by: str
    """The user who ran the command, as the command says."""
    since: int
    """Unix seconds; 0: not known."""
    until: int = 0
    """Unix seconds at which it ends by itself: then it is a pause. 0: never."""

    @property
    def note(self) -> str:
        """What to put into the metadata."""
        text = f"{self.since}\n{_cut(self.by, BY_LIMIT)}\n{_cut(self.reason, REASON_LIMIT)}"
        return BARE + base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=") + self._end

    @property
    def shortest_note(self) -> str:
        """The same without who, why and since when."""
        return BARE + self._end

    @property
    def _end(self) -> str:
        return f"~!{END_LETTER}{self.until}" if self.until else ""

    def is_over(self, now: float) -> bool:
        """Whether it has ended; `now` in Unix seconds."""
        return 0 < self.until <= now


def of_metadata(metadata: str | None) -> OperatorHold | None:
    """The hold that travels with a committed offset; a note that is damaged still holds."""
    text = commit_mark.note_of(metadata, LETTER)
    if text is None:
        return None
    end = commit_mark.note_of(metadata, END_LETTER) or ""
    # A damaged end is none: held too long is seen by somebody, sent too early is not.
    return _read(text, _moment(int(end)) if end.isascii() and end.isdigit() and len(end) < _LONGEST_END else 0)


def _read(text: str, until: int) -> OperatorHold:
    try:
        fields = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\n", _FIELDS - 1)
        since, by, reason = fields
        # It is shown to people, and whoever may commit for the group may have written it.
        return OperatorHold(printable(reason), printable(by), _moment(int(since)), until)
    except ValueError:
        return OperatorHold(_UNKNOWN, _UNKNOWN, 0, until)


def _moment(seconds: int) -> int:
    """Whoever can commit can write any number; one that no clock has ever shown says nothing."""
    return seconds if seconds > 0 and moments.utc(seconds) is not None else 0


def _cut(text: str, limit: int) -> str:
    """On one line and in at most `limit` bytes."""
    line = " ".join(text.split())
    return line.encode()[:limit].decode(errors="ignore")
