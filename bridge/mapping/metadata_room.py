"""What one event's metadata may take, counted while an object is flattened into it and not afterwards.

A name is repeated in every leaf below it: one long key over many leaves would be a thousand times the record's size.
"""

from __future__ import annotations

from typing import Any, Final

from bridge.decode.failures import MappingError, invalid

LEAST: Final = 5
"""Bytes of JSON that a field needs besides its name: two quotes, a colon, a value, a comma."""
MOST_NAMES: Final = 20_000
"""Dotted names that one event's metadata may have been made of, those included that were left out."""
WORTH_COUNTING: Final = 10_000
"""Bytes of fields from which on they are counted; fewer are measured when they are all there."""
_LONG_NAME: Final = 250
"""A name counts once more for so many characters."""


class MetadataRoom:
    """The room that is left in the metadata of one route."""

    __slots__ = ("_left", "_limit", "_names", "out")

    def __init__(self, out: dict[str, Any], limit: int) -> None:
        self.out = out
        self._limit = limit
        self._left = limit
        self._names = MOST_NAMES
        for name in out:
            self.fill(name)

    def check_prefix(self, prefix: str) -> None:
        """Refuses a name below which no leaf could fit."""
        if len(prefix) > self._limit:
            raise self._full()

    def look_at(self, name: str) -> None:
        """Counts a name, whatever becomes of it."""
        self._names -= 1 + len(name) // _LONG_NAME
        if self._names < 0:
            raise invalid(f"the metadata is made of more than {MOST_NAMES} names")

    def fill(self, name: str) -> None:
        """Counts a field that is in the metadata now."""
        self._left -= len(name) + LEAST
        if self._left < 0:
            raise self._full()

    def _full(self) -> MappingError:
        return beyond(self._limit)


def beyond(limit: int) -> MappingError:
    """The failure of metadata that is certainly larger, without its size."""
    return invalid(f"the metadata has more than {limit} bytes as JSON, which is metadata_limit")
