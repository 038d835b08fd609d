"""Losses that outlive the process which found them: records of the topic beside the dead-letter topic.

They stand there and not with the committed offset, because the offset is what an operator sets anew after a loss, with
tools that know nothing of it. The topic is compacted, every replica reads it anyway, and readers of before ignore what
they do not know. A key names the group, the partition, its topic's id and the first offset that is gone, so that who
finds the same loss again (another replica, the next start) writes the same record; the value says how far it reaches.
schemas/lost-records.schema.json describes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from bridge.formats.lost import Lost
from bridge.formats.resolutions import Author
from bridge.model import Record, TopicPartition
from bridge.ops.snapshot import RecordedLoss, RecordedLosses
from bridge.text import moments

VERSION: Final = 1
KIND: Final = "lost"
_BEGINS: Final = b'["lost",'
MOST: Final = 10_000
"""Losses that are kept in memory; of more, those that were read first."""
SHOWN: Final = 20
_LARGEST: Final = 2**63

Key = tuple[TopicPartition, str, int]
"""Partition, topic id, first offset."""


@dataclass(frozen=True, slots=True)
class ParsedLoss:
    """One record, understood."""

    lost: Lost
    at: float
    """Unix seconds at which it was found last."""


def is_one(key: bytes | None) -> bool:
    """Whether a record of the topic is about a loss, and not about a dead letter."""
    return key is not None and key.startswith(_BEGINS)


def encode(lost: Lost, group: str, at: float, by: Author) -> tuple[bytes, bytes]:
    """Key and value of the record to write."""
    partition = lost.partition
    document = {
        "version": VERSION,
        "kind": KIND,
        "group": group,
        "topic": partition.topic,
        "partition": partition.partition,
        "topic_id": lost.topic_id,
        "from": lost.start,
        "to": lost.stop,
        "reason": lost.reason,
        "at": round(at, 3),
        "by": {"command": by.command, "user": by.user, "host": by.host},
    }
    key = [KIND, group, partition.topic, partition.partition, lost.topic_id, lost.start]
    return orjson.dumps(key), orjson.dumps(document)


def decode(key: bytes | None, value: bytes | None, group: str) -> ParsedLoss | None:
    """None for what is of another group, foreign, damaged or newer: it says nothing."""
    if not is_one(key) or value is None:
        return None
    try:
        document = orjson.loads(value)
        if type(document) is not dict or document["version"] != VERSION or document["group"] != group:
            return None
        lost, at = _lost(document), document["at"]
        if type(at) not in (int, float) or not 0 <= at <= moments.LAST:
            return None
    except (ValueError, LookupError):
        return None
    return ParsedLoss(lost, float(at)) if encode(lost, group, at, _NOBODY)[0] == key else None


_NOBODY: Final = Author("", "", "")


def _lost(document: dict[str, Any]) -> Lost:
    """Raises `ValueError` or `LookupError` for anything else than `encode` writes."""
    topic, topic_id, start, stop = document["topic"], document["topic_id"], document["from"], document["to"]
    reason = document["reason"]
    if type(topic) is not str or type(topic_id) is not str or type(reason) is not str:
        raise ValueError
    if stop is not None and _offset(stop) <= _offset(start):
        raise ValueError
    return Lost(
        TopicPartition(topic, _offset(document["partition"])),
        topic_id,
        _offset(start),
        stop,
        reason,
    )


def _offset(found: object) -> int:
    if type(found) is not int or not 0 <= found < _LARGEST:
        raise ValueError
    return found


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
