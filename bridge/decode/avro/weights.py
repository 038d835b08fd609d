"""What a value may hold beyond the bytes that it takes, and which schemas say that there is no end to it."""

from __future__ import annotations

from typing import Final

from bridge.decode.avro.nodes import (
    AvroArray,
    AvroFixed,
    AvroMap,
    AvroNode,
    AvroPrimitive,
    AvroRecord,
    AvroSchema,
    AvroUnion,
    AvroUse,
)
from bridge.decode.beyond_json.meanings import Meaning

MOST_DEEP: Final = 128
"""Values of recursive types within each other that are read."""
MOST_NESTED: Final = 64
"""Records, lists and maps within each other, by the schema alone."""
MOST_STRUCTURE: Final = 100_000
"""What one value may hold in lists and maps, however few bytes it takes: see `Weights`."""
BYTES_OF_ONE: Final = 5
"""A larger value may hold more, in proportion."""


def room_of(size: int) -> int:
    """How much a value of so many bytes may hold."""
    return max(MOST_STRUCTURE, size // BYTES_OF_ONE)


class Weights:
    """What items of lists and maps weigh, in memory or in time, beyond the bytes that they take.

    At the least 1; a list as much, a record or map 2, an entry of a map 1 more, and 5 what is shown otherwise than it
    is stored, which takes the time of five. A million empty records take no byte at all, a million booleans a megabyte,
    records with one boolean each a hundred times that. Whatever the bytes are, reading them takes time and memory in
    proportion to them.
    """

    def __init__(self, schema: AvroSchema) -> None:
        self._schema = schema
        self._of_records: dict[str, int] = {}

    def problem(self) -> str | None:
        """Why no value should be read by this schema, whatever the bytes: a sentence's end."""
        heights: dict[str, int] = {}
        for name, record in self._schema.records.items():  # what a record uses was read before it
            heights[name] = 1 + max((_height(node, heights) for _, node in record.fields), default=0)
            if heights[name] > MOST_NESTED:
                return f"it is nested deeper than {MOST_NESTED}"
            if self.record(record) > MOST_STRUCTURE:
                return f"each value of it would hold more than {MOST_STRUCTURE} others"
        return None

    def item(self, node: AvroNode) -> int:
        """Of each item of a list; a map adds 1."""
        return self._held(node) or 1

    def record(self, record: AvroRecord) -> int:
        """Of a record with all that is always in it. A recursive one within it counts when it is come to."""
        known = self._of_records.get(record.name)
        if known is None:
            known = 2 + sum(self._held(node) for _, node in record.fields)
            self._of_records[record.name] = known
        return known

    def _held(self, node: AvroNode) -> int:
        match node:
            case AvroArray():
                return 1
            case AvroMap():
                return 2
            case AvroUnion(branches=branches):
                return max(map(self._held, branches))
            case AvroPrimitive(kind="float") | AvroPrimitive(meaning=Meaning()) | AvroFixed():
                return 5
            case AvroUse():
                record = self._schema.record(node)
                return 0 if record.is_recursive else self.record(record)
            case _:
                return 0


def _height(node: AvroNode, heights: dict[str, int]) -> int:
    match node:
        case AvroUse(name=name):
            return heights.get(name, 0)
        case AvroArray(items=items) | AvroMap(items=items):
            return 1 + _height(items, heights)
        case AvroUnion(branches=branches):
            return max(_height(branch, heights) for branch in branches)
        case _:
            return 0
