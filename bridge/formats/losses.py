"""Offsets that left a log before their records were done, and how they outlive the process which found them: as
records of the topic beside the dead-letter topic.

They are there and not with the committed offset, because the offset is what an operator sets after a loss, with
tools that know nothing of it. The topic is compacted, every replica reads it anyway, and readers of before ignore what
they do not know. A key names the group, the partition, its topic's id and the first offset that is gone, so that who
finds the same loss again (another replica, the next start) writes the same record; the value says how far it reaches.
schemas/lost-records.schema.json describes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.formats.resolutions import Author
from bridge.model import TopicPartition
from bridge.text import moments

VERSION: Final = 1
KIND: Final = "lost"
_BEGINS: Final = b'["lost",'
_LARGEST: Final = 2**63
PASSED: Final = "offset_set"
"""The reason where nothing was found lost: somebody set the committed offset past records that were not done."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What may be lost of one partition, found at one committed offset."""

    partition: TopicPartition
    topic_id: str
    """Of the topic in which the group had this offset, as the commit says; empty where it does not."""
    start: int
    """The first offset that was not done."""
    stop: int | None
    """Where the log begins now; None: nobody can tell how much is gone, because the topic is another one."""
    reason: str
    """Why the partition was held when it was found: a value of `holds.Reason`, of this version or of another one; or
    `PASSED`."""

    @property
    def at_most(self) -> int | None:
        """Records; None: not known."""
        return None if self.stop is None else self.stop - self.start


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
    return Lost(TopicPartition(topic, _offset(document["partition"])), topic_id, _offset(start), stop, reason)


def _offset(found: object) -> int:
    if type(found) is not int or not 0 <= found < _LARGEST:
        raise ValueError
    return found
