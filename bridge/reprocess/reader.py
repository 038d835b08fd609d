"""Both topics read once, letter by letter, each with what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bridge.kafka.letter_log import Extent, LetterLog, whole
from bridge.model import TopicPartition
from bridge.reprocess.ledger import Ledger, Once
from bridge.reprocess.letters import Letter, parse
from bridge.reprocess.selection import Entry

Progress = Callable[[int], None]


def _silent(_count: int) -> None:
    """Nobody watches."""


class Reader:
    """One look at both topics: as they were when it was made."""

    def __init__(self, log: LetterLog) -> None:
        """Asks how far the topics reach; raises `LetterLogError`."""
        self._log = log
        self.extent: Extent = log.extent()
        self.ledger = Ledger(self.extent.topic_id)
        self.once = Once()
        self._resolutions_read: dict[TopicPartition, int] = {
            partition: spans.first for partition, spans in self.extent.resolutions.items()
        }

    def entries(self, progress: Progress = _silent) -> Iterator[Entry]:
        """Every letter once, partition by partition in order. Raises `LetterLogError`."""
        self.read_resolutions()
        yield from self._entries(whole(self.extent.letters), progress)

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

    def _entries(self, spans: Mapping[TopicPartition, range], progress: Progress) -> Iterator[Entry]:
        standing, is_new = self.ledger.standing, self.once.is_new
        for batch in self._log.read(spans, progress):
            for record in batch:
                letter = parse(record)
                if is_new(letter):
                    yield Entry(letter, standing(letter))
