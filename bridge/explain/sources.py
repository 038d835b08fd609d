"""Where `explain` gets its facts: what it asks for, and what answers from a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bridge.config.fingerprint import mapping_number
from bridge.config.topics.consumed_topics import topics_of
from bridge.errors import Misuse
from bridge.explain.facts import Halt
from bridge.explain.fates import Retrying
from bridge.explain.places import LetterScan, Silent, scan_letters
from bridge.kafka.admin import sampler
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.kafka.letters.letter_log import LetterLog
from bridge.model import Record, TopicPartition

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config
    from bridge.formats.letters import Letter
    from bridge.kafka.admin.inspection import Cluster, Inspection
    from bridge.mapping.mapper import CompiledMapping


@dataclass(frozen=True, slots=True)
class ReplicasTold:
    """What the running replicas say: why partitions wait, and which events are tried again."""

    halts: Mapping[TopicPartition, Halt] = field(default_factory=dict)
    retrying: Mapping[tuple[TopicPartition, int, int], Retrying] = field(default_factory=dict)
    """By partition, offset, and number of the event."""
    silence: str = ""
    """Why nothing is known of other partitions: a sentence."""


class ExplainSources(Protocol):
    """All that is asked. Methods block, and raise `errors.BridgeError` with a sentence."""

    @property
    def group(self) -> str:
        """The consumer group."""

    @property
    def mapping(self) -> CompiledMapping:
        """Today's."""

    @property
    def mapping_number(self) -> int:
        """See `config.fingerprint.mapping_number`."""

    def is_consumed(self, topic: str) -> bool:
        """Whether `kafka.topics` takes it."""

    def partitions(self, topics: Sequence[str]) -> Sequence[TopicPartition]:
        """Of these topics; of none: of all that are consumed. Raises `Misuse` for one that is not there."""

    def offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, PartitionOffsets]:
        """Without those of which the brokers did not answer everything."""

    def first_at(self, partitions: Sequence[TopicPartition], epoch_ms: int) -> Mapping[TopicPartition, int | None]:
        """The offset of the first record at or after a time; None: there is none. Without what was not answered."""

    def read(self, wanted: Mapping[TopicPartition, range], *, uncommitted: bool = False) -> Iterator[Record]:
        """What is at these offsets; with `uncommitted` also what no bridge is given."""

    def letters(self, is_meant: Callable[[Letter], bool], progress: Silent) -> LetterScan:
        """Dead letters of this group, with what became of them, and the recorded losses."""

    def replicas(self) -> ReplicasTold:
        """What is running now says."""


class ClusterSources:
    """A cluster as it is when it is asked; joins no group, commits nothing."""

    def __init__(
        self,
        config: Config,
        mapping: CompiledMapping,
        connected: tuple[Inspection, Cluster],
        replicas: Callable[[], ReplicasTold],
        logger: logging.Logger,
    ) -> None:
        self._config = config
        self.mapping = mapping
        self.mapping_number = mapping_number(config.mapping, config.track.company_id_field)
        self.group = config.kafka.group_id
        self._inspection, self._cluster = connected
        self._consumed = topics_of(config.kafka)
        self.replicas = replicas
        self._logger = logger

    def is_consumed(self, topic: str) -> bool:
        """See `ExplainSources`."""
        return self._consumed.takes(topic)

    def partitions(self, topics: Sequence[str]) -> Sequence[TopicPartition]:
        """See `ExplainSources`."""
        there = self._cluster.topics
        for topic in topics:
            if topic not in there:
                raise Misuse(f"The cluster has no topic {topic} that this user may see.")
        names = topics or sorted(filter(self._consumed.takes, there))
        if not names:
            entries = ", ".join(self._consumed.entries)
            raise Misuse(f"The cluster has no topic of kafka.topics ({entries}) that this user may see.")
        return [TopicPartition(name, number) for name in names for number in range(there[name])]

    def offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, PartitionOffsets]:
        """See `ExplainSources`."""
        logs = self._inspection.logs(partitions)
        stable = self._inspection.readable_ends(partitions)
        commits = self._inspection.commits(partitions)
        ids = self._inspection.identities(sorted({each.topic for each in partitions}))
        return {
            each: PartitionOffsets(
                each, logs[each], stable.get(each, logs[each].end), commits[each], ids.get(each.topic)
            )
            for each in partitions
            if each in logs and each in commits
        }

    def first_at(self, partitions: Sequence[TopicPartition], epoch_ms: int) -> Mapping[TopicPartition, int | None]:
        """See `ExplainSources`."""
        return self._inspection.first_at(partitions, epoch_ms)

    def read(self, wanted: Mapping[TopicPartition, range], *, uncommitted: bool = False) -> Iterator[Record]:
        """See `ExplainSources`."""
        return sampler.read(self._config.kafka, wanted, self._logger, uncommitted=uncommitted)

    def letters(self, is_meant: Callable[[Letter], bool], progress: Silent) -> LetterScan:
        """See `ExplainSources`."""
        log = LetterLog(self._config.kafka, self._config.dead_letter.topic, self._logger)
        return scan_letters(log, self.group, is_meant, progress)
