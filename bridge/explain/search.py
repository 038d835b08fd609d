"""Looks for records by what is in them: the newest first, within bounds, and says how far it came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.explain.explanation import Searched, SearchedPartition
from bridge.explain.places import Silent
from bridge.explain.questions import ById, ByUser, SearchBounds
from bridge.explain.sources import ExplainSources
from bridge.kafka.admin import sampler
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.subjects import Subject, subjects
from bridge.model import LogRange, Record, TopicPartition

MOST_RECORDS: Final = 20
"""That are explained of those found, the newest."""
_SLICE: Final = 20_000
"""Records of all partitions that are read in one go: the newest slice before the one below it."""


@dataclass(slots=True)
class Found:
    """Records that match, each with the elements that do; None: it has none."""

    records: deque[tuple[Record, tuple[int, ...] | None]] = field(default_factory=deque)
    count: int = 0
    unreadable: int = 0

    def add(self, record: Record, elements: tuple[int, ...] | None) -> None:
        """Keeps it, as long as there is room: what comes first is the newest."""
        self.count += 1
        if len(self.records) < MOST_RECORDS:
            self.records.append((record, elements))


Matches = Callable[[Record], tuple[int, ...] | bool | None]
"""The elements that match; true or false for a record without elements; None: nobody can tell."""


def matcher(mapping: CompiledMapping, question: ById | ByUser) -> Matches:
    """Whether a record is meant, by what the mapping reads of it."""

    def is_meant(subject: Subject) -> bool:
        if isinstance(question, ById):
            return subject.event_id == question.event_id
        return question.user in subject.users

    def matches(record: Record) -> tuple[int, ...] | bool | None:
        found = list(subjects(mapping, record))
        if not found:
            return None if record.value is not None else False
        if found[0].element is None:
            return is_meant(found[0])
        return tuple(each.element for each in found if each.element is not None and is_meant(each)) or False

    return matches


def search(
    sources: ExplainSources,
    bounds: SearchBounds,
    matches: Matches,
    progress: Silent,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Found, Searched]:
    """Reads topics backwards, slice by slice; `clock` counts seconds."""
    began = clock()
    offsets = sources.offsets(sources.partitions(bounds.topics))
    logs = _logs(sources, bounds, offsets)
    shares = sampler.shares(logs, bounds.records, sampler.End.NEWEST)
    found = Found()
    reached = {partition: share.stop for partition, share in shares.items()}
    read = 0
    out_of_time = False
    for wanted in _slices(shares):
        matched: list[tuple[Record, tuple[int, ...] | None]] = []
        for record in sources.read(wanted):
            read += 1
            if not read % 1000:
                progress(read)
            _look(record, matches, matched, found)
            if clock() - began > bounds.seconds:
                out_of_time = True
                break
        for record, elements in sorted(matched, key=lambda each: -(each[0].timestamp_ms or 0)):
            found.add(record, elements)
        if out_of_time:
            break
        reached |= {partition: each.start for partition, each in wanted.items()}
    looked_at = tuple(
        SearchedPartition(
            partition,
            reached.get(partition, log.end),
            shares[partition].stop if partition in shares else log.end,
            log.first,
            log.end,
        )
        for partition, log in sorted(logs.items())
    )
    searched = Searched(looked_at, read, clock() - began, found.unreadable, out_of_time=out_of_time, found=found.count)
    return found, searched


def _look(
    record: Record,
    matches: Matches,
    matched: list[tuple[Record, tuple[int, ...] | None]],
    found: Found,
) -> None:
    result = matches(record)
    if result is None:
        found.unreadable += 1
    elif result is True:
        matched.append((record, None))
    elif result:
        matched.append((record, result))


def _logs(
    sources: ExplainSources, bounds: SearchBounds, offsets: Mapping[TopicPartition, PartitionOffsets]
) -> dict[TopicPartition, LogRange]:
    """What may be searched of each: what can be read, and is not older than was asked for."""
    logs = {partition: LogRange(each.log.first, each.stable) for partition, each in offsets.items()}
    if bounds.since_ms is None or not logs:
        return logs
    first = sources.first_at(list(logs), bounds.since_ms)
    return {
        partition: LogRange(log.end if at is None else min(max(at, log.first), log.end), log.end)
        for partition, log in logs.items()
        if partition in first
        for at in (first[partition],)
    }


def _slices(shares: Mapping[TopicPartition, range]) -> Iterator[dict[TopicPartition, range]]:
    """From the end of each share to its start."""
    if not shares:
        return
    size = max(1, _SLICE // len(shares))
    for above in range(0, max(map(len, shares.values())), size):
        wanted = {
            partition: range(max(share.start, share.stop - above - size), share.stop - above)
            for partition, share in shares.items()
            if share.stop - above > share.start
        }
        if wanted:
            yield wanted
