"""Both topics read once, letter by letter, each with what became of it: all of them, or open ones in portions."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

from bridge.formats.letters import Letter, parse
from bridge.formats.resolutions import identity
from bridge.kafka.letters.letter_log import Extent, LetterLog, whole
from bridge.model import Record, TopicPartition
from bridge.reprocess.reading.ledger import Endings, LetterLedger, Once
from bridge.reprocess.reading.selection import LetterEntry

Progress = Callable[[int], None]


def _silent(_count: int) -> None:
    """Nobody watches."""


class LetterReader:
    """One look at both topics: as they were when it was made."""

    def __init__(self, log: LetterLog, endings: Endings = Endings.WHOLE) -> None:
        """Asks how far the topics reach; raises `LetterLogError`."""
        self._log = log
        self.extent: Extent = log.extent()
        self.ledger = LetterLedger(self.extent.topic_id, endings=endings)
        self.once = Once()
        self._resolutions_read: dict[TopicPartition, int] = {
            partition: spans.first for partition, spans in self.extent.resolutions.items()
        }

    def entries(self, progress: Progress = _silent) -> Iterator[LetterEntry]:
        """Every letter once, partition by partition in order. Raises `LetterLogError`."""
        with closing(self._log.read(whole(self.extent.letters), progress)) as batches:
            next(batches, None)  # The letters are fetched from here on, while the resolutions are read.
            self.read_resolutions()
            yield from self._entries(batches)

    def read_resolutions(self, extent: Extent | None = None) -> None:
        """Continue where the last call ended, to the end as it was when this was made, or as it is by now."""
        logs = (extent or self.extent).resolutions
        wanted = {
            partition: range(max(self._resolutions_read.get(partition, log.first), log.first), log.end)
            for partition, log in logs.items()
        }
        for batch in self._log.read(wanted):
            self.ledger.take(batch)
        self._resolutions_read |= {partition: log.end for partition, log in logs.items()}

    def catch_up(self) -> None:
        """Read what was resolved since. Raises `LetterLogError`."""
        self.read_resolutions(self._log.extent())

    def at(self, place_range: Mapping[TopicPartition, range]) -> Sequence[Letter]:
        """The letters at these offsets, whatever became of them."""
        return [parse(record) for batch in self._log.read(place_range) for record in batch]

    def _entries(self, batches: Iterable[Sequence[Record]]) -> Iterator[LetterEntry]:
        standing_of, is_new = self.ledger.standing_of, self.once.is_new
        for batch in batches:
            for record in batch:
                letter = parse(record)
                name = identity(letter)
                if is_new(name):
                    yield LetterEntry(letter, standing_of(name, letter))


PORTION: Final = 2_000
"""Letters of one portion."""
PORTION_BYTES: Final = 16 * 2**20
"""Of their records, and the last one more."""

Offsets = Mapping[int, "array[int]"]
"""Of letters, by partition of their topic, each in order."""


def take_portion(
    log: LetterLog, waiting: Offsets, most: int = PORTION
) -> tuple[LetterReader, list[LetterEntry], Offsets]:
    """The first of those that wait, what became of each by now, and those that wait then. Raises `LetterLogError`.

    As many of each partition: letters of one user are in one, and what is behind them in it waits as long as they.
    """
    reader = LetterReader(log)
    share = max(1, most // max(1, len(waiting)))
    wanted = {partition: offsets[:share] for partition, offsets in waiting.items() if offsets}
    letters, reached = _read(log, reader.extent.topic, wanted)
    reader.ledger = LetterLedger(reader.extent.topic_id, about={identity(letter) for letter in letters})
    reader.read_resolutions()
    entries = [LetterEntry(letter, reader.ledger.standing(letter)) for letter in letters]
    left = {partition: _above(offsets, reached.get(partition, -1)) for partition, offsets in waiting.items()}
    return reader, entries, {partition: offsets for partition, offsets in left.items() if offsets}


def _read(log: LetterLog, topic: str, wanted: Offsets) -> tuple[list[Letter], dict[int, int]]:
    """The letters, and by partition the offset up to which all of them are here."""
    sought = {(partition, offset) for partition, offsets in wanted.items() for offset in offsets}
    spans = {TopicPartition(topic, number): range(offsets[0], offsets[-1] + 1) for number, offsets in wanted.items()}
    letters: list[Letter] = []
    reached: dict[int, int] = {}
    size = 0
    with closing(log.read(spans)) as batches:
        for batch in batches:
            for record in batch:
                reached[record.partition] = record.offset
                if (record.partition, record.offset) in sought:
                    letters.append(parse(record))
                    size += record.size
            if size > PORTION_BYTES:
                return letters, reached
    return letters, {number: offsets[-1] for number, offsets in wanted.items()}


def _above(offsets: array[int], reached: int) -> array[int]:
    return array("q", (each for each in offsets if each > reached))
