"""A cluster in memory: logs with gaps, letters as bytes, and what replicas say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.errors import Misuse
from bridge.explain.places import LetterScan, Silent
from bridge.explain.sources import ReplicasTold
from bridge.formats.letters import Letter, parse
from bridge.formats.resolutions import identity
from bridge.kafka.admin.committed import Committed
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.mapping.mapper import CompiledMapping
from bridge.model import LogRange, Record, TopicPartition
from bridge.reprocess.losses import Losses
from bridge.reprocess.reading.ledger import LetterLedger
from bridge.reprocess.reading.selection import LetterEntry
from tests.support.reprocess.letters import GROUP


@dataclass
class FakeCluster:
    """Implements `ExplainSources`: everything is what a test put there."""

    mapping: CompiledMapping
    records: dict[TopicPartition, list[Record]] = field(default_factory=dict)
    aborted: set[tuple[TopicPartition, int]] = field(default_factory=set)
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    first: dict[TopicPartition, int] = field(default_factory=dict)
    stable: dict[TopicPartition, int] = field(default_factory=dict)
    letter_records: list[Record] = field(default_factory=list)
    letters_problem: str | None = None
    told: ReplicasTold = field(default_factory=ReplicasTold)
    reads: list[Mapping[TopicPartition, range]] = field(default_factory=list)
    mapping_number: int = 7
    group: str = GROUP
    not_consumed: frozenset[str] = frozenset()
    meanwhile: Callable[[], None] | None = None
    """What happens once, between the questions for offsets and for dead letters, whichever is asked first."""

    def write(self, *values: bytes | None, topic: str = "orders", partition: int = 0) -> None:
        """Appends records, a second after each other."""
        log = self.records.setdefault(TopicPartition(topic, partition), [])
        for value in values:
            offset = len(log)
            log.append(Record(topic, partition, offset, 1_767_323_045_000 + 1000 * offset, b"k", value, ()))

    def is_consumed(self, topic: str) -> bool:
        return topic not in self.not_consumed

    def partitions(self, topics: Sequence[str]) -> Sequence[TopicPartition]:
        there = {each.topic for each in self.records}
        for topic in topics:
            if topic not in there:
                raise Misuse(f"The cluster has no topic {topic} that this user may see.")
        return sorted(each for each in self.records if not topics or each.topic in topics)

    def offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, PartitionOffsets]:
        found = {each: self._offsets(each) for each in partitions if each in self.records}
        self._happens()
        return found

    def _happens(self) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()

    def _offsets(self, partition: TopicPartition) -> PartitionOffsets:
        end = len(self.records[partition])
        at = self.committed.get(partition)
        found = None if at is None else Committed(at, "", self.mapping_number)
        log = LogRange(self.first.get(partition, 0), end)
        return PartitionOffsets(partition, log, self.stable.get(partition, end), found, "")

    def first_at(self, partitions: Sequence[TopicPartition], epoch_ms: int) -> Mapping[TopicPartition, int | None]:
        return {
            each: next((r.offset for r in self.records[each] if (r.timestamp_ms or 0) >= epoch_ms), None)
            for each in partitions
        }

    def read(self, wanted: Mapping[TopicPartition, range], *, uncommitted: bool = False) -> Iterator[Record]:
        self.reads.append(wanted)
        for partition, offsets in wanted.items():
            for offset in offsets:
                if uncommitted or (partition, offset) not in self.aborted:
                    yield self.records[partition][offset]

    def letters(self, is_meant: Callable[[Letter], bool], progress: Silent) -> LetterScan:
        progress(len(self.letter_records))
        if self.letters_problem is not None:
            return LetterScan(self.letters_problem)
        found = [letter for each in self.letter_records if is_meant(letter := parse(each))]
        ledger = LetterLedger("", about={identity(letter) for letter in found})
        entries = [LetterEntry(letter, ledger.standing(letter)) for letter in found]
        self._happens()
        return LetterScan(None, len(self.letter_records), None, entries, Losses(self.group))

    def replicas(self) -> ReplicasTold:
        return self.told
