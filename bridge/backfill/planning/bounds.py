"""Where ranges begin and end, as it is said on the command line."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from bridge.config.keys import scalars
from bridge.model import TopicPartition

_LARGEST: Final = 2**63 - 1


class LogBound(enum.StrEnum):
    """A place that every partition has."""

    EARLIEST = "earliest"
    """The log's start."""
    LATEST = "latest"
    """The last stable offset: what open transactions hold cannot be read."""
    GROUP = "group"
    """The committed offset of the bridge's group."""


@dataclass(frozen=True, slots=True)
class TimeBound:
    """The first record whose Kafka timestamp is at or after it; where there is none, as `LogBound.LATEST`."""

    epoch_ms: int
    text: str

    def __str__(self) -> str:
        return self.text


Bound = LogBound | TimeBound | int
OffsetsAtTimes = dict[TimeBound, dict[TopicPartition, int | None]]
"""What the brokers say of each time: the offset, None where the log has no such record."""


def parse(text: str) -> Bound:
    """An offset, ``earliest``, ``latest``, or a time. `ValueError` continues the option's name."""
    if text in {LogBound.EARLIEST, LogBound.LATEST}:
        return LogBound(text)
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST:
        return int(text)
    if text[:4].isdigit() and text[4:5] == "-":
        return TimeBound(round(scalars.instant(text) * 1000), text)
    raise ValueError(
        f"must be an offset, earliest, latest, or a time with its zone such as 2026-01-31T00:00:00Z, not "
        f"{scalars.shown(text)}"
    )


def said(bound: Bound) -> str:
    """For people: ``the log's start``, ``offset 17``."""
    match bound:
        case LogBound.EARLIEST:
            return "the log's start"
        case LogBound.LATEST:
            return "the last stable offset"
        case LogBound.GROUP:
            return "the group's committed offset"
        case TimeBound():
            return str(bound)
        case _:
            return f"offset {bound}"
