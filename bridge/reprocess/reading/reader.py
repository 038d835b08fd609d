"""Both topics read once, letter by letter, each with what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing

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
        """Go on from where the last call ended, to the end as it was when this was made, or as it is by now."""
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
