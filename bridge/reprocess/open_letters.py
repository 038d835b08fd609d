"""How many letters are open, kept up to date as both topics grow: what metrics need without reading them each time.

One number per open letter is remembered (a hash of what names its event), with its reason and time; what is settled,
or was removed by retention, is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from bridge.kafka import topic_ids
from bridge.kafka.starts import LogRange
from bridge.model import LetterReason, Record, TopicPartition
from bridge.reprocess import resolutions
from bridge.reprocess.letters import Place, parse
from bridge.reprocess.resolutions import Kind
from bridge.reprocess.selection import is_of_group

OTHER: Final = "other"
"""Stands for the reasons of other programs, of which there is no end."""
_KNOWN: Final = frozenset(LetterReason)


class _Open(NamedTuple):
    place: Place
    reason: str
    timestamp_ms: int | None


class Backlog(NamedTuple):
    """What is open."""

    by_reason: Mapping[str, int]
    oldest_ms: int | None
    """When the oldest was written."""


class OpenLetters:
    """A fold that only ever sees what is new. Feed it letters and resolutions in any order."""

    def __init__(self, group: str, topic_id: str) -> None:
        self._group = group
        self._topic_id = topic_id
        self._open: dict[int, _Open] = {}
        self._ended: set[int] = set()

    def letters(self, records: Iterable[Record]) -> None:
        """New records of the dead-letter topic."""
        for record in records:
            letter = parse(record)
            name = hash(resolutions.identity(letter))
            if name not in self._ended and name not in self._open and is_of_group(letter, self._group):
                reason = letter.reason if letter.reason in _KNOWN else OTHER
                self._open[name] = _Open(letter.place, reason, letter.timestamp_ms)

    def resolutions(self, records: Iterable[Record]) -> None:
        """New records of the resolutions topic."""
        for record in records:
            written = resolutions.decode(record.key, record.value)
            if written is None or written.kind is not Kind.ENDED:
                continue
            if topic_ids.differ(written.topic_id, self._topic_id):
                continue
            name = hash(written.identity)
            self._ended.add(name)
            self._open.pop(name, None)

    def retained(self, logs: Mapping[TopicPartition, LogRange]) -> None:
        """Forget what retention removed."""
        first = {partition.partition: log.first for partition, log in logs.items()}
        gone = [name for name, each in self._open.items() if each.place.offset < first.get(each.place.partition, 0)]
        for name in gone:
            del self._open[name]

    def backlog(self) -> Backlog:
        """As of what was fed."""
        times = [each.timestamp_ms for each in self._open.values() if each.timestamp_ms is not None]
        return Backlog(Counter(each.reason for each in self._open.values()), min(times, default=None))
