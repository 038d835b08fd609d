"""Values of the headers that make a record a dead letter: bytes that others wrote, and must not be trusted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from bridge.model import FailedStep

LONGEST_TEXT: Final = 1024
T = TypeVar("T")
_LARGEST: Final = 2**63
_MOST_PARTITIONS: Final = 2**31
"""What Kafka's clients can hold: a larger number, asked for on the cluster, would be a defect in our own hands."""
_MOST_STEPS: Final = 1_000_000
"""Far more than any rule has."""
_RESTS: Final[Mapping[bytes | None, bool]] = {None: False, b"open": False, b"sent": True}
_TOPIC_NAME: Final = re.compile(rb"[A-Za-z0-9._-]{1,249}")


@lru_cache(maxsize=256)
def topic_of(value: bytes) -> str:
    """One text for all letters of a topic."""
    if _TOPIC_NAME.fullmatch(value) is None:
        raise ValueError
    return value.decode("ascii")


def digits_of(value: bytes) -> int:
    """A number that Kafka may have written, see `LetterHeaders.number`. Raises ValueError, as all of these."""
    if not value.isdigit() or len(value) > 19:
        raise ValueError
    number = int(value)
    if number >= _LARGEST:
        raise ValueError
    return number


def partition_of(value: bytes) -> int:
    """A number that a partition can have."""
    number = digits_of(value)
    if number >= _MOST_PARTITIONS:
        raise ValueError
    return number


def _big_endian(value: bytes) -> int:
    number = int.from_bytes(value, "big", signed=True)
    if len(value) not in (4, 8) or number < 0:
        raise ValueError
    return number


def _small_big_endian(value: bytes) -> int:
    number = _big_endian(value)
    if number >= _MOST_PARTITIONS:
        raise ValueError
    return number


def failed_step(step: bytes, rest: bytes | None, automatic: bytes | None) -> FailedStep:
    """From ``2/3``, and whether those behind it were sent; a rest that is not told is not sent yet."""
    number, _, of = step.partition(b"/")
    place, steps = digits_of(number), digits_of(of)
    if not 1 <= place <= steps <= _MOST_STEPS:
        raise ValueError
    return FailedStep(place - 1, steps, _RESTS[rest], automatic is not None)


def text_of(value: bytes | None) -> str | None:
    """UTF-8 text."""
    return None if value is None else value.decode()


def time_of(value: bytes | None) -> int | None:
    """Milliseconds from ISO 8601 text, or from their digits where they are of no calendar (microseconds, mostly)."""
    if value is None:
        return None
    if value[:1] == b"-" or value.isdigit():
        return -digits_of(value[1:]) if value[:1] == b"-" else digits_of(value)
    return round(datetime.fromisoformat(value.decode()).timestamp() * 1000)


class LetterHeaders:
    """Reads headers by name and notes those that are there and illegible."""

    __slots__ = ("damaged", "named")

    def __init__(self, named: Mapping[str, bytes | None]) -> None:
        self.named = named
        self.damaged: list[str] = []

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str | None:
        """UTF-8 text, bounded: others write whole stack traces."""
        return self._read(name, lambda value: value.decode()[:longest])

    def topic(self, name: str) -> str | None:
        """A name that a topic can have: it is asked for on the cluster."""
        return self._read(name, topic_of)

    def partition(self, name: str) -> int | None:
        """Decimal digits of a number that a partition can have."""
        return self._read(name, partition_of)

    def number(self, name: str) -> int | None:
        """Decimal digits, as this bridge and Kafka Connect write numbers."""
        return self._read(name, digits_of)

    def binary(self, name: str) -> int | None:
        """A big-endian integer of four or eight bytes, as Spring writes numbers."""
        return self._read(name, _big_endian)

    def binary_partition(self, name: str) -> int | None:
        """The same of a number that a partition can have."""
        return self._read(name, _small_big_endian)

    def time(self, name: str) -> int | None:
        """Milliseconds since 1970, see `time_of`."""
        return self._read(name, time_of)

    def step(self, name: str, rest: str, automatic: str) -> FailedStep | None:
        """See `failed_step`: of three headers."""
        named = self.named
        return self._read(name, lambda value: failed_step(value, named.get(rest), named.get(automatic)))

    def _read(self, name: str, convert: Callable[[bytes], T]) -> T | None:
        value = self.named.get(name)
        if value is None:
            return None
        try:
            return convert(value)
        except (ValueError, LookupError, OverflowError):
            self.damaged.append(name)
            return None
