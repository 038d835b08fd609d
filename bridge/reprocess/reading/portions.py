"""Open letters in portions, each in the order of its topic: how many there are makes no difference to memory."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from contextlib import closing
from typing import Final

from bridge.formats.letters import Letter, parse
from bridge.formats.resolutions import identity
from bridge.kafka.letters.letter_log import LetterLog
from bridge.model import TopicPartition
from bridge.reprocess.reading.ledger import LetterLedger
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.selection import LetterEntry

MOST: Final = 2_000
"""Letters of one portion."""
MOST_BYTES: Final = 16 * 2**20
"""Of their records, and the last one more."""

Offsets = Mapping[int, "array[int]"]
"""Of letters, by partition of their topic, each in order."""


def take(log: LetterLog, waiting: Offsets, most: int = MOST) -> tuple[LetterReader, list[LetterEntry], Offsets]:
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
            if size > MOST_BYTES:
                return letters, reached
    return letters, {number: offsets[-1] for number, offsets in wanted.items()}


def _above(offsets: array[int], reached: int) -> array[int]:
    return array("q", (each for each in offsets if each > reached))
