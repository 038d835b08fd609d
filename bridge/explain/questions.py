"""What is asked: about one record by its place, or about all that have an id or are of a user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bridge.model import TopicPartition

_PLACE: Final = re.compile(r"([A-Za-z0-9._-]{1,249})[/:](\d{1,9})[/:](\d{1,18})", re.ASCII)
DEFAULT_RECORDS: Final = 100_000
DEFAULT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class AtOffset:
    """The record at this place."""

    partition: TopicPartition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """How far a search goes: the newest records first."""

    records: int = DEFAULT_RECORDS
    """At most so many are read, of all partitions together."""
    seconds: float = DEFAULT_SECONDS
    """For at most so long."""
    since_ms: int | None = None
    """None older than this, by Kafka's timestamp (Unix milliseconds)."""
    topics: tuple[str, ...] = ()
    """Empty: all that are consumed."""


@dataclass(frozen=True, slots=True)
class ById:
    """Events with this id, see `mapping.event_id`."""

    event_id: str
    bounds: SearchBounds = SearchBounds()


@dataclass(frozen=True, slots=True)
class ByUser:
    """Events of this user; ``company:<id>`` names a company."""

    user: str
    bounds: SearchBounds = SearchBounds()


Question = AtOffset | ById | ByUser


def parse_place(text: str) -> AtOffset:
    """From ``TOPIC/PARTITION/OFFSET``. Raises `ValueError` with a sentence."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} names no record: write TOPIC/PARTITION/OFFSET, as shop.orders/3/17")
    return AtOffset(TopicPartition(found[1], int(found[2])), int(found[3]))
