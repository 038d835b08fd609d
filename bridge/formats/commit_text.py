"""The text that goes along with a commit: written as long as the brokers take it, and read by whoever comes next.

It is the offset map, notes and a mark (`offset_map`, `operator_hold`, `commit_mark`), and no JSON: no schema has it.

They refuse more than `offset.metadata.max.bytes` (4096 by default) with OFFSET_METADATA_TOO_LARGE and do not say what
they would take. So what was refused is halved until it passes: first the map is cut at its far end, then it is left
out, then the mark too. Each step costs duplicates after a crash, and never an event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from bridge.formats import commit_mark, offset_map, operator_hold
from bridge.formats.operator_hold import OperatorHold
from bridge.limiter import News

_MARKS: Final = 1000
"""Where every character counts a mark need only differ from those that may still be on their way."""


_SHORT: Final = len(commit_mark.marked("", _MARKS - 1))
"""Characters of the longest short mark."""
_ENOUGH: Final = 150
"""Characters from which on the long mark takes no room that the map would need more."""


class CommitMetadata(NamedTuple):
    """What the text says."""

    offset_map: str
    """As `offset_map.decode` takes it."""
    mapping: int | None
    """The number of the mapping that the committing process works by; None where it does not say."""
    subscription: int | None
    """Under which subscription the group is known to have settled; None where nothing says it."""
    hold: OperatorHold | None
    """That an operator holds the partition."""
    is_beginning: bool = False
    """See `commit_mark.is_beginning`."""


def read(text: str | None) -> CommitMetadata:
    """Of any text: what this version does not know says nothing."""
    return CommitMetadata(
        commit_mark.unmarked(text),
        commit_mark.mapping_of(text),
        commit_mark.subscription_of(text),
        operator_hold.of_metadata(text),
        commit_mark.is_beginning(text),
    )


class CommitText:
    """Belongs to the poll thread."""

    def __init__(self, mapping: int | None = None) -> None:
        """`mapping` is the number of the mapping that every commit names, where there is room; see `name_mapping`."""
        self._mapping = mapping
        self._former: int | None = None
        """The one before it: the answer to a commit that named it may still be on its way."""
        self.subscription: int | None = None
        """Under which the group has settled, as far as is known: see `settled`."""
        self.longest: int | None = None
        """Characters that are taken, as far as is known; None: nothing was ever refused."""
        self._limit = News()

    def name_mapping(self, mapping: int) -> None:
        """Commits name this one from now on."""
        if mapping != self._mapping:
            self._former, self._mapping = self._mapping, mapping

    def of(
        self, metadata: str, number: int | None, subscription: int | None = None, hold: OperatorHold | None = None
    ) -> str:
        """What to commit for this metadata; `number` marks an explicit commit.

        `subscription` is what an earlier owner left, for as long as this one knows nothing better. `hold` travels
        along: what it needs is taken from the map, because a repeated event is better than one that was not to be sent.
        """
        known = self.subscription or subscription
        if hold is not None:
            return self._with_hold(metadata, number, known, hold)
        if self.longest is None:
            if number is None and (self._mapping is None or not metadata) and known is None:
                return metadata
            return commit_mark.marked(metadata, number or 0, self._mapping, known)
        if known is not None and self.longest >= _ENOUGH:
            mark = commit_mark.marked("", number or 0, self._mapping, known)
        else:
            mark = "" if number is None else commit_mark.marked("", number % _MARKS)
        if len(mark) > self.longest:
            return ""
        return offset_map.shortened(metadata, self.longest - len(mark)) + mark

    @property
    def keeps_holds(self) -> bool:
        """Whether there is room for a hold at all."""
        return self.longest is None or len(operator_hold.BARE) + _SHORT <= self.longest

    def keeps(self, hold: OperatorHold) -> bool:
        """Whether there is room for this one, with its end."""
        return self.longest is None or len(hold.shortest_note) + _SHORT <= self.longest

    def _with_hold(self, metadata: str, number: int | None, known: int | None, hold: OperatorHold) -> str:
        long = commit_mark.marked("", number or 0, self._mapping, known)
        if self.longest is None:
            return metadata + hold.note + long
        short = commit_mark.marked("", (number or 0) % _MARKS)
        for note, mark in ((hold.note, long), (hold.note, short), (hold.shortest_note, short), ("", short)):
            room = self.longest - len(note) - len(mark)
            if room >= 0:
                return offset_map.shortened(metadata, room) + note + mark
        return ""

    def carries(self, text: str | None, number: int) -> bool:
        """Whether this text, of an answered commit, is marked with the number; also where no mark fits."""
        if self._former is not None and commit_mark.has(text, number, self._former):
            return True
        if self.longest is None:
            return commit_mark.has(text, number, self._mapping)
        short = commit_mark.marked("", number % _MARKS)
        full = commit_mark.has(text, number, self._mapping)
        return full or commit_mark.has(text, number % _MARKS) or len(short) > self.longest

    def refused(self, texts: Iterable[str | None]) -> bool:
        """These were too long. False where nothing can be left out any more."""
        longest = max((len(text or "") for text in texts), default=0)
        if longest == 0:
            return False
        self.longest = longest // 2 if self.longest is None else min(self.longest, longest // 2)
        self._limit.admit(None)
        return True

    def taken(self) -> str | None:
        """A commit passed: the sentence about the brokers' limit, once where there is one."""
        if not self._limit.admit(self.longest):
            return None
        return (
            f"the brokers refuse commit metadata of more than some {self.longest} characters "
            "(offset.metadata.max.bytes, 4096 by default): less of what is done above a stuck event is kept, and a "
            "crash or a rebalance may send that again. Set offset.metadata.max.bytes to 4096"
        )
