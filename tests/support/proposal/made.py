"""What topics are made with."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.decode.protocol import NO_SCHEMAS, Schema, Schemas
from bridge.model import Header, Record

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PEOPLE = ("Ada", "Bela", "Cleo", "Dana", "Emil", "Fay", "Gus", "Hana", "Ines", "Jon", "Kim", "Leo")


@dataclass(frozen=True)
class Right:
    """What a record should become; by hand."""

    event_name: str
    user_id: str
    occurred_at: datetime
    event_id: str | None = None
    """None: topic/partition/offset."""


@dataclass(frozen=True)
class Topic:
    name: str
    records: tuple[Record, ...]
    right: tuple[tuple[Right, ...], ...]
    """Of each record; empty: nothing is sent."""
    schemas: Schemas


class Maker:
    """Deterministic: the same topic each time."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.chance = random.Random(seed)  # noqa: S311 - made-up records
        self.records: list[Record] = []
        self.right: list[tuple[Right, ...]] = []

    def when(self, number: int) -> datetime:
        return START + timedelta(seconds=37 * number, milliseconds=self.chance.randrange(1000))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def add(
        self,
        value: Any,
        *right: Right,
        key: Any = None,
        headers: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> None:
        content = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
        own: tuple[Header, ...] = tuple((name, text.encode()) for name, text in (headers or {}).items())
        stored = round(((at or START) + timedelta(milliseconds=40)).timestamp() * 1000)
        encoded = (
            key
            if isinstance(key, bytes) or key is None
            else key.encode()
            if isinstance(key, str)
            else json.dumps(key).encode()
        )
        number = len(self.records)
        self.records.append(Record(self.name, number % 3, number // 3, stored, encoded, content, own))
        self.right.append(right)

    def done(self, schemas: Mapping[str, Schema] | None = None) -> Topic:
        return Topic(self.name, tuple(self.records), tuple(self.right), schemas or NO_SCHEMAS)


def iso(moment: datetime, *, millis: bool = True) -> str:
    return moment.isoformat(timespec="milliseconds" if millis else "seconds").replace("+00:00", "Z")


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


Make = Callable[[], Topic]
