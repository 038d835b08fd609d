"""Which letters would go out after a newer event of their user was delivered.

Nobody keeps what was delivered to whom; but it is in the source topics, between a letter's record and the group's
committed offset. Only the same partition is looked at: that is where a user's events are, wherever order matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bridge.formats.letters import LetterPlace
from bridge.mapping.mapper import CompiledMapping
from bridge.model import LogRange, Record, TopicPartition
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry

MOST: int = 1_000_000
"""Records looked at in one partition; letters further back are not judged."""


@dataclass(slots=True)
class Staleness:
    """What was found."""

    stale: set[LetterPlace] = field(default_factory=set)
    unknown: set[LetterPlace] = field(default_factory=set)


class Search:
    """Looks for newer events of the users of these letters."""

    def __init__(self, entries: Iterable[LetterEntry], mapping: CompiledMapping) -> None:
        self._mapping = mapping
        self.found = Staleness()
        self._open: dict[TopicPartition, list[tuple[int, frozenset[str], LetterPlace]]] = {}
        self._letters: set[tuple[str, int, int]] = set()
        """Records that are letters themselves were not delivered."""
        for letter, standing in entries:
            record = contents.current(letter, standing)
            if record is None or letter.origin is None:
                self.found.unknown.add(letter.place)
                continue
            users = contents.users(mapping, record)
            partition = TopicPartition(record.topic, record.partition)
            self._open.setdefault(partition, []).append((record.offset, users, letter.place))
            self._letters.add((record.topic, record.partition, record.offset))

    @property
    def partitions(self) -> list[TopicPartition]:
        """Of the source topics."""
        return sorted(self._open)

    def spans(
        self, logs: Mapping[TopicPartition, LogRange], positions: Mapping[TopicPartition, int | None]
    ) -> dict[TopicPartition, range]:
        """What to read: from the earliest letter to what the group has done, as far as that is still there."""
        wanted: dict[TopicPartition, range] = {}
        for partition, letters in self._open.items():
            log, position = logs.get(partition), positions.get(partition)
            if log is None or position is None:
                self.found.unknown.update(place for _, _, place in letters)
                continue
            end = min(position, log.end)
            first = max(log.first, end - MOST)
            self.found.unknown.update(place for offset, _, place in letters if offset + 1 < first)
            earliest = min(offset for offset, _, _ in letters) + 1
            if max(first, earliest) < end:
                wanted[partition] = range(max(first, earliest), end)
        return wanted

    def look(self, records: Iterable[Record]) -> None:
        """Records of the source topics."""
        for record in records:
            letters = self._open.get(TopicPartition(record.topic, record.partition))
            if not letters or (record.topic, record.partition, record.offset) in self._letters:
                continue
            users = contents.users(self._mapping, record)
            if not users:
                continue
            older = [each for each in letters if each[0] < record.offset and each[1] & users]
            if older:
                self.found.stale.update(place for _, _, place in older)
                gone = {place for _, _, place in older}
                letters[:] = [each for each in letters if each[2] not in gone]
