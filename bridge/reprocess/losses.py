"""Losses as the records of all replicas tell them: read together, and written. Both wait for nobody but the brokers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.commands import command
from bridge.config.sections import Config
from bridge.formats.losses import Lost, ParsedLoss, decode, encode, is_one
from bridge.formats.resolutions import Author
from bridge.kafka.letters.resolution_writer import ResolutionWriter
from bridge.model import Record, TopicPartition
from bridge.ops.snapshot import RecordedLoss, RecordedLosses
from bridge.text.amounts import span

MOST: Final = 10_000
"""Losses that are kept in memory; of more, those that were read first."""
SHOWN: Final = 20
_PATIENCE: Final = 10.0
"""Seconds the brokers may take to acknowledge one."""

Key = tuple[TopicPartition, str, int]
"""Partition, topic id, first offset."""


@dataclass(slots=True)
class Losses:
    """A fold over such records: whoever reads them all knows the same."""

    group: str
    _found: dict[Key, ParsedLoss] = field(default_factory=dict)

    def take(self, records: Iterable[Record]) -> None:
        """Records of the topic; what is about dead letters is passed over."""
        for record in records:
            if is_one(record.key):
                written = decode(record.key, record.value, self.group)
                if written is not None:
                    self.note(written)

    def note(self, written: ParsedLoss) -> None:
        """One record, read or just written. A loss only grows."""
        lost = written.lost
        key = (lost.partition, lost.topic_id, lost.start)
        known = self._found.get(key)
        if known is None and len(self._found) >= MOST:
            return
        if known is None or (lost.stop or 0) >= (known.lost.stop or 0):
            self._found[key] = written

    @property
    def all(self) -> tuple[ParsedLoss, ...]:
        """All that are kept, in no order."""
        return tuple(self._found.values())

    def known(self, lost: Lost) -> ParsedLoss | None:
        """What is recorded of it so far."""
        return self._found.get((lost.partition, lost.topic_id, lost.start))

    def recorded(self, problem: str | None = None) -> RecordedLosses:
        """All together, no offset counted twice; `problem` is why something could not be recorded."""
        rows = sorted(self._found.values(), key=lambda each: -each.at)
        return RecordedLosses(
            at_most=sum(map(_union, _ranges(rows).values())),
            unknown=sum(each.lost.stop is None for each in rows),
            since=min((each.at for each in rows), default=None),
            shown=tuple(
                RecordedLoss(each.lost.partition, each.lost.start, each.lost.stop, each.lost.reason, each.at)
                for each in rows[:SHOWN]
            ),
            count=len(rows),
            problem=problem,
        )


def _ranges(rows: Iterable[ParsedLoss]) -> dict[tuple[TopicPartition, str], list[range]]:
    found: dict[tuple[TopicPartition, str], list[range]] = {}
    for each in rows:
        if each.lost.stop is not None:
            place = (each.lost.partition, each.lost.topic_id)
            found.setdefault(place, []).append(range(each.lost.start, each.lost.stop))
    return found


def _union(ranges: list[range]) -> int:
    """How many offsets lie in any of them: a loss that is found from two offsets is one loss."""
    count, reached = 0, 0
    for each in sorted(ranges, key=lambda each: each.start):
        count += max(0, each.stop - max(each.start, reached))
        reached = max(reached, each.stop)
    return count


class LossWriter:
    """Belongs to one thread; its producer is made for the first loss there is."""

    def __init__(self, config: Config, logger: logging.Logger, by: Author) -> None:
        self._config = config
        self._logger = logger
        self._by = by
        self._writer: ResolutionWriter | None = None

    def write(self, wanted: Sequence[Lost], partitions: int, at: float) -> tuple[list[ParsedLoss], str | None]:
        """What is recorded now, and why not all of it; `partitions` are those of the topic, `at` is in Unix seconds.

        Raises `client.ClientRefusedError` for properties that the client library does not take.
        """
        if not partitions:
            create = command("topics", "create")
            return [], f"the topic beside the dead-letter topic does not exist; run `{create}`"
        if self._writer is None:
            self._writer = ResolutionWriter(self._config, self._logger)
        written: list[ParsedLoss] = []
        problems: list[str] = []
        for lost in wanted:
            key, value = encode(lost, self._config.kafka.group_id, at, self._by)

            def done(problem: str | None, lost: Lost = lost) -> None:
                if problem is None:
                    written.append(ParsedLoss(lost, at))
                else:
                    problems.append(problem)

            # The same partition for the same key, or compaction would keep both.
            self._writer.write(lost.partition.partition % partitions, key, value, done)
        if not self._writer.flush(_PATIENCE):
            problems.append(f"no broker has acknowledged it within {span(_PATIENCE)}")
        return written, problems[0] if problems else None
