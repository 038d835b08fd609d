"""Reads a value byte by byte and knows at each where it is: what the fast reader could not read is read again here.

It says which field begins at which byte and what is wrong with it. It also reads what the fast reader refuses though it
may be written so; the two agree on everything else.
"""

from __future__ import annotations

from typing import Any, Final

from bridge.decode.avro.nodes import (
    AvroArray,
    AvroEnum,
    AvroFixed,
    AvroMap,
    AvroNode,
    AvroPrimitive,
    AvroRecord,
    AvroSchema,
    AvroUnion,
    AvroUse,
)
from bridge.decode.avro.tables import unpack_double, unpack_single
from bridge.decode.avro.weights import MOST_DEEP, Weights, room_of
from bridge.decode.beyond_json import values
from bridge.decode.beyond_json.binary import base64_of
from bridge.decode.beyond_json.numbers import NOT_FINITE, shortest
from bridge.errors import InvalidError

_LONGEST_NUMBER: Final = 10
"""Bytes of 64 bits, seven in each."""
_MOST: Final = 2**64
_LONGEST_PATH: Final = 200
MOST_VALUES: Final = 10_000
"""That are read to find a fault, which takes 20 ms. What the fast reader cannot read is no value, wherever that is."""


class AvroBytesError(InvalidError):
    """Why bytes are no value of a schema, as the end of a sentence: ``field order.lines[].sku: … at byte 17``."""


class CarefulReader:
    """One reading of one value."""

    def __init__(self, schema: AvroSchema, raw: bytes, start: int, most: int = MOST_VALUES) -> None:
        """`start` is where in `raw` the value begins, `most` how many values are read."""
        self._schema = schema
        self._weights = Weights(schema)
        self._raw = raw
        self._at = start
        self._path: list[str] = []
        self._deep = 0
        self._room = room_of(len(raw))
        self._most = self._left = most

    def read(self) -> Any:
        """The whole value. Raises `AvroBytesError`."""
        try:
            value = self._value(self._schema.root)
        except RecursionError:
            self._path.clear()
            raise self._wrong("nested deeper than can be read", self._at) from None
        if self._at != len(self._raw):
            left = len(self._raw) - self._at
            raise self._wrong(f"{left} more bytes follow the value, which ends", self._at)
        return value

    def _wrong(self, what: str, at: int) -> AvroBytesError:
        path = "".join(self._path).removeprefix(".")
        if len(path) > _LONGEST_PATH:
            path = f"{path[:_LONGEST_PATH]}…"
        return AvroBytesError(f"{f'field {path}: ' if path else ''}{what} at byte {at}")

    def _value(self, node: AvroNode) -> Any:  # noqa: PLR0911 - one for each kind of type
        self._left -= 1
        if self._left < 0:
            raise self._wrong(f"what cannot be read is behind the first {self._most} values, which end", self._at)
        match node:
            case AvroPrimitive():
                return self._primitive(node)
            case AvroUse():
                return self._record(self._schema.record(node))
            case AvroUnion(branches=branches):
                return self._value(branches[self._place(len(branches), "a union's branch")])
            case AvroEnum(symbols=symbols):
                return symbols[self._place(len(symbols), "a symbol's number")]
            case AvroFixed(size=size, meaning=meaning):
                at, content = self._at, self._bytes(size, f"{size} bytes")
                return base64_of(content) if meaning is None else self._meant(content, meaning, at)
            case AvroArray(items=items):
                return self._list(items)
            case AvroMap(items=items):
                return self._map(items)

    def _primitive(self, node: AvroPrimitive) -> Any:
        at, stored, meaning = self._at, self._stored(node), node.meaning
        if meaning is not None:
            return self._meant(stored, meaning, at)
        return base64_of(stored) if node.kind == "bytes" else stored

    def _stored(self, node: AvroPrimitive) -> Any:  # noqa: PLR0911 - one for each primitive type
        match node.kind:
            case "null":
                return None
            case "boolean":
                return self._boolean()
            case "int" | "long":
                return self._long()
            case "float":
                return shortest(unpack_single(self._bytes(4, "a float of 4 bytes"))[0])
            case "double":
                number = unpack_double(self._bytes(8, "a double of 8 bytes"))[0]
                return NOT_FINITE if number - number else number
            case "bytes":
                return self._block("bytes")
            case "string":
                return self._string()

    def _meant(self, stored: Any, meaning: Any, at: int) -> Any:
        try:
            return values.meant(stored, meaning)
        except (ValueError, IndexError):
            raise self._wrong(f"bytes that are no {meaning.kind}", at) from None

    # --- what is written

    def _bytes(self, size: int, what: str) -> bytes:
        at = self._at
        left = len(self._raw) - at
        if size > left:
            raise self._wrong(f"{what} where {left} are left", at)
        self._at = at + size
        return self._raw[at : at + size]

    def _long(self) -> int:
        begun, raw = self._at, self._raw
        number = shift = 0
        for place in range(begun, begun + _LONGEST_NUMBER):
            if place >= len(raw):
                raise self._wrong("the end of the bytes where a number should be or continue", len(raw))
            number |= (raw[place] & 0x7F) << shift
            if raw[place] < 0x80:
                if number >= _MOST:
                    break
                self._at = place + 1
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise self._wrong("a number of more than 64 bits", begun)

    def _place(self, count: int, what: str) -> int:
        at, number = self._at, self._long()
        if not 0 <= number < count:
            raise self._wrong(f"{what} that is not among its {count}", at)
        return number

    def _boolean(self) -> bool:
        at = self._at
        content = self._bytes(1, "a boolean of 1 byte")
        if content[0] > 1:
            raise self._wrong("a boolean that is neither 0 nor 1", at)
        return content[0] == 1

    def _block(self, what: str) -> bytes:
        at, size = self._at, self._long()
        if size < 0:
            raise self._wrong(f"a negative length of {what}", at)
        left = len(self._raw) - self._at
        if size > left:
            raise self._wrong(f"{what} of {size} bytes where {left} are left", at)
        self._at += size
        return self._raw[self._at - size : self._at]

    def _string(self) -> str:
        at = self._at
        content = self._block("a string")
        try:
            return content.decode()
        except UnicodeDecodeError as broken:
            begun = self._at - len(content)
            raise self._wrong(f"a string that begins at byte {at} and is not UTF-8", begun + broken.start) from None

    # --- what has parts

    def _record(self, record: AvroRecord) -> Any:
        deep = record.is_recursive
        if deep:
            self._enter(record)
        value: dict[str, Any] = {}
        for name, node in record.fields:
            self._path.append(f".{name}")
            value[name] = self._value(node)
            self._path.pop()
        self._deep -= deep
        return values.decimal_of_parts(value) if record.is_decimal else value

    def _enter(self, record: AvroRecord) -> None:
        self._deep += 1
        if self._deep > MOST_DEEP:
            at, self._path = self._at, self._path[:8]
            raise self._wrong(f"more than {MOST_DEEP} values of recursive types within each other", at)
        self._take(self._weights.record(record), self._at)

    def _list(self, items: AvroNode) -> list[Any]:
        found: list[Any] = []
        weight = self._weights.item(items)
        self._path.append("[]")
        while count := self._count(weight):
            for _ in range(count):
                found.append(self._value(items))  # noqa: PERF401 - a comprehension would keep nothing of a failure
        self._path.pop()
        return found

    def _map(self, items: AvroNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        weight = 1 + self._weights.item(items)
        self._path.append("[]")
        while count := self._count(weight):
            for _ in range(count):
                name = self._string()
                found[name] = self._value(items)
        self._path.pop()
        return found

    def _count(self, weight: int) -> int:
        """Of the items in the next block; a negative one is followed by the block's size in bytes."""
        at, count = self._at, self._long()
        if count < 0:
            count = -count
            self._long()
        self._take(count * weight, at)
        return count

    def _take(self, weight: int, at: int) -> None:
        self._room -= weight
        if self._room < 0:
            raise self._wrong("more items in lists and maps than a value of so many bytes may hold", at)
