"""Values out of a fuzzer's bytes: the same bytes give the same values, and every byte string gives some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads from the front; when the bytes are used up, everything is the smallest value of its kind."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """At least 0."""
        size = max(1, ((below - 1).bit_length() + 7) // 8)
        return int.from_bytes(self.take(size), "big") % below

    def one_of(self, values: Sequence[T]) -> T:
        """One of them."""
        return values[self.number(len(values))]

    def take(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def block(self) -> bytes:
        """Bytes of a length that the input says, at most 255."""
        return self.take(self.number(256))

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data))

    def __bool__(self) -> bool:
        return self._at < len(self._data)
