"""How many letters are open, kept up to date as both topics grow, in memory that no history makes larger.

What grows with history is in Kafka. Here is a table of open letters with a bound. Of what does not fit only that it is
there is known: the count is exact, or says that there may be more. A count that is no longer exact although everything
would fit is taken again from the topics.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from bridge.formats import resolutions
from bridge.formats.letters import parse
from bridge.formats.resolutions import ResolutionKind
from bridge.kafka import topic_ids
from bridge.kafka.letters.letter_log import whole
from bridge.model import LetterReason, LogRange, Record, TopicPartition
from bridge.reprocess.reading.fingerprints import NO_TIME, Filter, FingerprintTable, Kept, fingerprint
from bridge.reprocess.reading.selection import is_of_group

if TYPE_CHECKING:
    from collections.abc import Generator

    from bridge.kafka.letters.letter_log import Extent


OTHER: Final = "other"
"""Stands for the reasons of other programs, of which there is no end."""
MOST: Final = 300_000
"""Open letters that are counted exactly: 12 MiB."""
FEWEST: Final = 4_000
"""Of each reason, counted even where other reasons have taken all the room: a new trouble shows beside an old one."""
_REASONS: Final = (*LetterReason, OTHER)
_LABELS: Final = {reason: label for label, reason in enumerate(_REASONS)}


class OpenCount(NamedTuple):
    """What is open."""

    by_reason: Mapping[str, int]
    oldest_ms: int | None
    """When the oldest was written."""
    at_least: frozenset[str] = frozenset()
    """Reasons of which there may be more."""


class OpenLetters:
    """A fold over both topics.

    `take_all` feeds it a whole history, and later what is new: letters before resolutions, because a resolution of
    no letter is forgotten. That a new letter is of an event settled before is told by a filter, and not for certain.
    """

    def __init__(
        self,
        group: str,
        topic_id: str,
        reasons: Collection[str] | None = None,
        *,
        most: int = MOST,
        fewest: int = FEWEST,
    ) -> None:
        """`reasons`: no others are looked at."""
        self._group = group
        self._topic_id = topic_id
        self._reasons = reasons
        self._most = most
        self._fewest = fewest
        self._open = FingerprintTable()
        self._counts: Counter[str] = Counter()
        self._ended = Filter()
        self._beyond: set[str] = set()
        """Reasons of letters for which there was no room."""
        self._doubtful: set[str] = set()
        """Reasons of letters that may have been settled before they were written."""
        self._first: dict[int, int] = {}
        self._oldest: int | None = None
        self._oldest_is_known = True

    @property
    def is_full(self) -> bool:
        """Whether there is hardly room for another batch: a look at the resolutions may make some."""
        return 8 * len(self._open) >= 7 * self._most

    @property
    def is_crowded(self) -> bool:
        """Whether so little room is left, after a look at the resolutions, that another one is not worth it."""
        return 4 * len(self._open) >= 3 * self._most

    @property
    def wants_recount(self) -> bool:
        """Whether a count from the beginning would say more than this one."""
        return bool(self._doubtful) or (bool(self._beyond) and 4 * len(self._open) < 3 * self._most)

    def letters(self, records: Iterable[Record]) -> None:
        """New records of the dead-letter topic."""
        for record in records:
            letter = parse(record)
            if not is_of_group(letter, self._group) or (self._reasons and letter.reason not in self._reasons):
                continue
            reason = letter.reason if letter.reason in _LABELS else OTHER
            name = fingerprint(resolutions.identity(letter), resolutions.record_sha256(letter))
            if name in self._ended:
                self._doubtful.add(reason)
            elif self._has_room(reason) and FingerprintTable.can_hold(letter.place):
                written = letter.timestamp_ms if letter.timestamp_ms is not None else NO_TIME
                self._add(name, reason, Kept(letter.place, _LABELS[reason], written))
            elif name not in self._open:
                self._beyond.add(reason)

    def resolutions(self, records: Iterable[Record]) -> None:
        """Records of the resolutions topic, while there are letters of the same time still to come."""
        for name in self._endings(records):
            self._forget(name)

    def settled(self, records: Iterable[Record]) -> None:
        """The same once there are none: a letter that comes later may be of an event that was settled here."""
        for name in self._endings(records):
            self._forget(name)
            self._ended.add(name)

    def retained(self, logs: Mapping[TopicPartition, LogRange]) -> None:
        """Forget what retention removed."""
        first = {partition.partition: log.first for partition, log in logs.items()}
        if first != self._first:
            self._first = first
            for name in self._open.below(first):
                self._forget(name)

    def offsets(self) -> dict[int, array[int]]:
        """Of the open letters, by partition and in order."""
        return self._open.offsets()

    def backlog(self) -> OpenCount:
        """As of what was fed."""
        if not self._oldest_is_known:
            self._oldest, self._oldest_is_known = self._open.oldest(), True
        counts = {reason: count for reason, count in self._counts.items() if count}
        return OpenCount(counts, self._oldest, frozenset(self._beyond | self._doubtful))

    def _endings(self, records: Iterable[Record]) -> Iterator[int]:
        for record in records:
            written = resolutions.decode(record.key, record.value)
            if written is None or written.kind is not ResolutionKind.ENDED:
                continue
            if not topic_ids.differ(written.topic_id, self._topic_id):
                yield fingerprint(written.identity, written.record_sha256)

    def _has_room(self, reason: str) -> bool:
        return len(self._open) < self._most or self._counts[reason] < self._fewest

    def _add(self, name: int, reason: str, kept: Kept) -> None:
        if self._open.add(name, kept):
            self._counts[reason] += 1
            if kept.time != NO_TIME and self._oldest_is_known and (self._oldest is None or kept.time < self._oldest):
                self._oldest = kept.time

    def _forget(self, name: int) -> None:
        kept = self._open.remove(name)
        if kept is not None:
            self._counts[_REASONS[kept.label]] -= 1
            if kept.time == self._oldest:
                self._oldest_is_known = False


Read = Callable[[Mapping[TopicPartition, range]], "Generator[list[Record]]"]
"""As `LetterLog.read`."""


def take_all(read: Read, extent: Extent, into: OpenLetters) -> None:
    """All of both topics. Letters as long as there is room; when there is none, the resolutions, which make some.

    Where everything that has no resolution takes all the room, what is left is read once, for the reasons it has.
    """
    unread = whole(extent.letters)
    while unread:
        unread = _until_full(read, unread, into)
        if unread:
            for batch in read(whole(extent.resolutions)):
                into.resolutions(batch)
            if into.is_crowded:
                _feed(read(unread), into.letters)
                break
    _feed(read(whole(extent.resolutions)), into.settled)


def take_news(
    read: Read, letters: Mapping[TopicPartition, range], news: Mapping[TopicPartition, range], into: OpenLetters
) -> None:
    """What both topics got since."""
    _feed(read(letters), into.letters)
    _feed(read(news), into.settled)


def _feed(batches: Iterable[list[Record]], into: Callable[[list[Record]], None]) -> None:
    for batch in batches:
        into(batch)


def _until_full(read: Read, unread: Mapping[TopicPartition, range], into: OpenLetters) -> dict[TopicPartition, range]:
    """What is left."""
    following = {partition: offsets.start for partition, offsets in unread.items()}
    with closing(read(unread)) as batches:
        for batch in batches:
            into.letters(batch)
            for record in batch:
                following[TopicPartition(record.topic, record.partition)] = record.offset + 1
            if into.is_full:
                left = {p: range(following[p], offsets.stop) for p, offsets in unread.items()}
                return {p: offsets for p, offsets in left.items() if offsets}
    return {}
