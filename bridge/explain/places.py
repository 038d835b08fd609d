"""What Kafka has of some records: what is at their offsets, how far the group is, their dead letters, their losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.explain.facts import LettersKnown, RecordPresence
from bridge.formats.letters import Letter, parse
from bridge.formats.losses import ParsedLoss
from bridge.formats.resolutions import identity
from bridge.kafka import topic_ids
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.kafka.letters.letter_log import LetterLog, LetterLogError, whole
from bridge.model import Record, TopicPartition
from bridge.reprocess.losses import Losses
from bridge.reprocess.reading.ledger import LetterLedger
from bridge.reprocess.reading.selection import LetterEntry, is_of_group

if TYPE_CHECKING:
    from bridge.kafka.letters.letter_log import Extent

Place = tuple[TopicPartition, int]
Silent = Callable[[int], None]


@dataclass(slots=True)
class LetterScan:
    """The dead letters that are meant, and all that is recorded as lost: one pass over both topics."""

    problem: str | None = None
    """Why they could not be read: a sentence."""
    count: int = 0
    """Letters that were looked at."""
    whole_since: float | None = None
    """See `LettersKnown.whole_since`."""
    entries: list[LetterEntry] = field(default_factory=list)
    losses: Losses | None = None

    def of(self, place: Place, timestamp_ms: int | None) -> LettersKnown:
        """Those of one record. One with another timestamp is of an earlier topic of the same name."""
        partition, offset = place
        found = tuple(
            entry
            for entry in self.entries
            if (origin := entry.letter.origin) is not None
            and (origin.topic, origin.partition, origin.offset) == (partition.topic, partition.partition, offset)
            and (timestamp_ms is None or origin.timestamp_ms is None or origin.timestamp_ms == timestamp_ms)
        )
        return LettersKnown(found, self.problem, self.whole_since)

    def lost(self, place: Place, topic_id: str | None) -> tuple[ParsedLoss, ...]:
        """What is recorded of one offset of a log."""
        if self.losses is None:
            return ()
        partition, offset = place
        return tuple(
            each
            for each in self.losses.all
            if each.lost.partition == partition
            and each.lost.start <= offset < (each.lost.stop or 0)
            and not topic_ids.differ(each.lost.topic_id, topic_id or "")
        )


def scan_letters(log: LetterLog, group: str, is_meant: Callable[[Letter], bool], progress: Silent) -> LetterScan:
    """Reads all dead letters, and what became of those that are meant. What cannot be read is said in the result."""
    found = LetterScan()
    try:
        extent = log.extent()
        letters = _letters(log, extent, group, is_meant, found, progress)
        ledger = LetterLedger(extent.topic_id, about={identity(letter) for letter in letters})
        losses = Losses(group)
        for batch in log.read(whole(extent.resolutions)):
            ledger.take(batch)
            losses.take(batch)
        found.losses = losses
        found.entries = [LetterEntry(letter, ledger.standing(letter)) for letter in letters]
    except LetterLogError as error:
        found.problem = str(error)
    return found


def _letters(
    log: LetterLog,
    extent: Extent,
    group: str,
    is_meant: Callable[[Letter], bool],
    found: LetterScan,
    progress: Silent,
) -> list[Letter]:
    letters: dict[object, Letter] = {}
    oldest: dict[int, float] = {}
    for batch in log.read(whole(extent.letters), progress):
        found.count += len(batch)
        for record in batch:
            letter = parse(record)
            if record.timestamp_ms is not None:
                oldest.setdefault(record.partition, record.timestamp_ms / 1000)
            if is_of_group(letter, group) and is_meant(letter):
                letters.setdefault(identity(letter), letter)  # after a crash there may be two of one event
    cut = [partition.partition for partition, log_range in extent.letters.items() if log_range.first > 0]
    found.whole_since = max((oldest.get(number, math.inf) for number in cut), default=None)
    return list(letters.values())


def presence(
    offset: int, offsets: PartitionOffsets | None, record: Record | None, uncommitted: Record | None
) -> RecordPresence:
    """What is at an offset, from the log's bounds and from what was read there, with and without open transactions."""
    if record is not None:
        return RecordPresence.THERE
    if offsets is None:
        return RecordPresence.UNREADABLE
    if offset < offsets.log.first:
        return RecordPresence.GONE
    if offset >= offsets.log.end:
        return RecordPresence.NOT_YET
    if offset >= offsets.stable:
        return RecordPresence.OPEN_TRANSACTION
    return RecordPresence.NO_RECORD if uncommitted is None else RecordPresence.ABORTED
