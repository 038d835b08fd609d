"""A dead-letter topic and its resolutions without a broker, for what reads them through `LetterLog`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.kafka.letters.letter_log import Extent
from bridge.model import LogRange, Record, TopicPartition
from tests.support.reprocess.letters import Written

TOPIC = "letters"


@dataclass
class LogInMemory:
    """Both topics, of two partitions."""

    letters: dict[int, list[Record]] = field(default_factory=lambda: {0: [], 1: []})
    resolutions: dict[int, list[Record]] = field(default_factory=lambda: {0: [], 1: []})
    first: int = 0
    topic_id: str = "a"
    topic: str = TOPIC
    reads: list[int] = field(default_factory=list)
    """How many letters each read brought."""

    def write(self, *written: Written) -> None:
        for each in written:
            log = self.letters[each.partition % 2]
            log.append(each.record(len(log))._replace(partition=each.partition % 2))

    def extent(self) -> Extent:
        def logs(name: str, of: Mapping[int, list[Record]], first: int) -> dict[TopicPartition, LogRange]:
            return {TopicPartition(name, number): LogRange(first, len(log)) for number, log in of.items()}

        resolutions = f"{TOPIC}.resolutions"
        return Extent(
            TOPIC, self.topic_id, logs(TOPIC, self.letters, self.first), logs(resolutions, self.resolutions, 0), True
        )

    def read(
        self, wanted: Mapping[TopicPartition, range], progress: Callable[[int], None] = lambda _count: None
    ) -> Iterator[list[Record]]:
        yield []
        count = 0
        for partition, offsets in wanted.items():
            of = self.letters if partition.topic == TOPIC else self.resolutions
            batch = of[partition.partition][offsets.start : offsets.stop]
            count += len(batch)
            progress(count)
            if partition.topic == TOPIC:
                self.reads.append(len(batch))
            yield batch
