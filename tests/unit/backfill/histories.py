"""Records that are history, and what reads them: a log in memory, which may end in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bridge.backfill.manifest import BackfillSettings, Manifest, PlannedRange, PlannedTopic
from bridge.backfill.run_directory import RunDirectory
from bridge.backfill.writing.writer import HistoryWriter
from bridge.config.mapping_section import MappingConfig
from bridge.mapping.compile import compile_mapping
from bridge.mapping.history import HistoryMapper
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record, TopicPartition

TOPIC = "shop.orders"
MAPPING = {
    "user_id": "user_id",
    "max_age": "1h",
    "events": {
        "order.completed": {"event_name": "Order Completed", "metadata": {"amount": "data.amount"}},
        "order.viewed": "drop",
    },
}
"""`max_age` would leave all of it out, were it applied."""


class KilledError(Exception):
    """What ends a run in the middle."""


@dataclass
class Log:
    """Partitions of records, read until so many were handed out."""

    records: dict[int, list[Record]]
    left: int | None = None
    batch: int = 3

    def read(self, partition: TopicPartition, start: int, end: int) -> Iterator[Sequence[Record]]:
        wanted = [each for each in self.records[partition.partition] if start <= each.offset < end]
        for at in range(0, len(wanted), self.batch):
            batch = wanted[at : at + self.batch]
            if self.left is not None:
                if self.left < len(batch):
                    if self.left:
                        yield batch[: self.left]
                    raise KilledError
                self.left -= len(batch)
            yield batch


def record(offset: int, *, partition: int = 0, type_: str = "order.completed", **changes: object) -> Record:
    """One event; its time is a second after that of the record before."""
    event = {
        "type": type_,
        "id": f"e-{partition}-{offset}",
        "time": f"2024-07-28T08:{offset // 60:02}:{offset % 60:02}Z",
        "user_id": f"u{offset % 3}",
        "data": {"amount": offset},
    } | changes
    value = orjson.dumps({name: each for name, each in event.items() if each is not None})
    return Record(TOPIC, partition, offset, 1722156935874, None, value, ())


def mapper(mapping: object = MAPPING) -> HistoryMapper:
    """Of a mapping section."""
    found = compile_mapping(MappingConfig.model_validate(mapping))
    assert isinstance(found, CompiledMapping), found
    return HistoryMapper(found)


def planned(
    directory: RunDirectory, log: Log, *, file_bytes: int = 45_000_000, settings: BackfillSettings | None = None
) -> Manifest:
    """A plan of all of it, saved."""
    manifest = Manifest(
        bridge="1.0",
        created="2026-11-29T12:00:00Z",
        mapping_hash="0123456789abcdef",
        engine=3,
        cluster_id="",
        group="test",
        topics={TOPIC: PlannedTopic("", len(log.records))},
        ranges=tuple(
            PlannedRange(TOPIC, number, 0, max((each.offset + 1 for each in records), default=0), "all of it")
            for number, records in sorted(log.records.items())
        ),
        settings=settings or BackfillSettings(file_bytes=file_bytes),
    )
    with directory.created():
        directory.save(manifest)
    return manifest


def write(directory: RunDirectory, log: Log, *, segment: int = 4, mapping: object = MAPPING) -> Manifest:
    """As far as the log lets it."""
    writer = HistoryWriter(
        directory,
        directory.read(),
        mapper(mapping),
        log,
        lambda _done: None,
        lambda line, _record: line,
        segment=segment,
    )
    writer.write()
    return writer.manifest


def written(path: Path) -> dict[str, bytes]:
    """The files of rows, of hashes, and the rejects."""
    return {each.name: each.read_bytes() for each in path.iterdir() if each.suffix in {".ndjson", ".ids"}}
