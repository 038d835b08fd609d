"""Reads a message with every rule there is, and says of what breaks one which field it is and at which byte.

The generated readers (`generation`) are for what writers write; whatever else there is comes here: a message written
in two parts that have to be merged, and every failure. What both can read, they read alike; a property test holds them
to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.decode.beyond_json.numbers import shortest
from bridge.decode.protobuf import wire
from bridge.decode.protobuf.reading.scalars import DOUBLE, FLOAT, finite, lenient, signed, unzigzag
from bridge.decode.protobuf.schema.nodes import EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import DEEPEST, WireError

Tree = dict[int, Any]
"""What a message holds, by field number: values, lists of them, trees of messages. Bytes are bytes yet."""

FREE: Final = 20_000_000
"""Bytes of memory that any record may take when it is decoded."""
PER_BYTE: Final = 10
"""And so many more for each byte of it: what a message takes in memory may be many times what it is written with."""

TOO_MUCH: Final = f"decoded it would take more than {FREE // 1_000_000} MB and {PER_BYTE} bytes for each of its own"
MOST_FIELDS: Final = 500_000
"""Values that are looked at one by one; each takes some microseconds."""
PER_VALUE: Final = 64
"""Bytes of memory for each value of a list: a number, a short text, a reference to it."""
HIGH: Final = bytes(range(128, 256))
"""Bytes that are not the last of a varint."""

VARINTS: Final[Mapping[FieldType, Callable[[int], Any]]] = {
    FieldType.INT64: lambda number: signed(number, 64),
    FieldType.UINT64: lambda number: number,
    FieldType.INT32: lambda number: signed(number, 32),
    FieldType.UINT32: lambda number: number & 0xFFFFFFFF,
    FieldType.BOOL: lambda number: number != 0,
    FieldType.SINT32: lambda number: unzigzag(number & 0xFFFFFFFF),
    FieldType.SINT64: unzigzag,
    FieldType.ENUM: lambda number: signed(number, 32),
}
"""What the number on the wire stands for, by the field's type."""
_FIXED: Final[Mapping[FieldType, tuple[int, Callable[[bytes], Any]]]] = {
    FieldType.DOUBLE: (8, lambda content: finite(DOUBLE.unpack(content)[0])),
    FieldType.FLOAT: (4, lambda content: shortest(FLOAT.unpack(content)[0])),
    FieldType.FIXED64: (8, lambda content: int.from_bytes(content, "little")),
    FieldType.FIXED32: (4, lambda content: int.from_bytes(content, "little")),
    FieldType.SFIXED64: (8, lambda content: int.from_bytes(content, "little", signed=True)),
    FieldType.SFIXED32: (4, lambda content: int.from_bytes(content, "little", signed=True)),
}
_WIRE_NAMES: Final = ("a varint", "8 bytes", "bytes with a length", "a group", "the end of a group", "4 bytes")


def wire_type(type_: FieldType) -> int:
    """How one value of a type is written."""
    if type_ in VARINTS:
        return wire.VARINT
    if type_ in _FIXED:
        return wire.FIXED64 if _FIXED[type_][0] == 8 else wire.FIXED32
    return wire.GROUP if type_ is FieldType.GROUP else wire.LENGTH


def can_be_packed(type_: FieldType) -> bool:
    """Whether many values may be written behind one length."""
    return wire_type(type_) in {wire.VARINT, wire.FIXED64, wire.FIXED32}


def memory_of(message: MessageNode) -> int:
    """Bytes that a message without any content takes when it is decoded, about: an entry for each of its fields."""
    return 100 + 40 * len(message.fields) + 60 * sum(field.repeated for field in message.fields)


class TreeReader:
    """Reads one payload, or a part of it; made for it."""

    def __init__(self, pool: Pool, data: bytes, room: list[int] | None = None) -> None:
        """`room` is the memory that is left, where others read of the same payload."""
        self._pool = pool
        self._data = data
        self._left = MOST_FIELDS
        self._room = [FREE + PER_BYTE * len(data)] if room is None else room

    def read(self, message: MessageNode, start: int, end: int, depth: int = 1) -> Tree:
        """The tree of a message that takes these bytes. Raises `WireError`."""
        tree: Tree = {}
        self._message(message, start, end, depth, tree, None)
        return tree

    def group(self, message: MessageNode, number: int, start: int, end: int, depth: int) -> tuple[Tree, int]:
        """The tree of a message that is written as a group, and the position behind its end."""
        tree: Tree = {}
        return tree, self._message(message, start, end, depth, tree, number)

    def _message(self, message: MessageNode, pos: int, end: int, depth: int, tree: Tree, group: int | None) -> int:
        """Reads into a tree until `end`, or until the end of the group; returns the position behind it."""
        if depth > DEEPEST:
            raise WireError(f"messages are nested deeper than {DEEPEST}", pos)
        self._take(memory_of(message), pos)
        data, start = self._data, pos
        known = {field.number: field for field in message.fields}
        while pos < end:
            at = pos
            number, kind, pos = wire.tag(data, pos, end)
            if kind == wire.GROUP_END and number == group:
                return pos
            field = known.get(number)
            if field is None:
                pos = wire.skip(data, pos, end, number, kind, depth)
                continue
            try:
                pos = self._field(message, field, kind, pos, end, depth, tree, at)
            except WireError as fault:
                fault.path.append(field.name)
                raise
        if group is not None:
            raise WireError(f"group {group} has no end", start)
        return pos

    def _field(
        self, message: MessageNode, field: FieldNode, kind: int, pos: int, end: int, depth: int, tree: Tree, at: int
    ) -> int:
        self._count(1, at)
        field, target = self._pool.field(message, field)
        expected = wire_type(field.type)
        number = field.number
        if kind != expected:
            if field.repeated and kind == wire.LENGTH and can_be_packed(field.type):
                return self._packed(field, target, pos, end, tree)
            raise WireError(f"it is written as {_WIRE_NAMES[kind]}, where its type needs {_WIRE_NAMES[expected]}", at)
        if field.repeated:
            self._take(PER_VALUE, pos)
            values = tree.setdefault(number, [])
            try:
                value, pos = self._value(field, target, pos, end, depth, {})
            except WireError as fault:
                fault.path.append(f"[{len(values)}]")
                raise
            values.append(value)
            return pos
        if field.oneof is not None:
            for rival in message.fields:
                if rival.oneof == field.oneof and rival.number != number:
                    tree.pop(rival.number, None)
        value, pos = self._value(field, target, pos, end, depth, tree.get(number))
        tree[number] = value
        return pos

    def _value(self, field: FieldNode, target: Any, pos: int, end: int, depth: int, before: Any) -> tuple[Any, int]:
        """One value, and the position behind it. A message is merged into the one that was there `before`."""
        data, type_ = self._data, field.type
        if type_ in VARINTS:
            number, behind = wire.varint(data, pos, end)
            return self._number(type_, target, number), behind
        if type_ in _FIXED:
            size, read = _FIXED[type_]
            behind = wire.fixed(pos, end, size)
            return read(data[pos:behind]), behind
        if type_ is FieldType.GROUP:
            tree = before if isinstance(before, dict) else {}
            return tree, self._message(target, pos, end, depth + 1, tree, field.number)
        start, behind = wire.length(data, pos, end)
        if type_ is FieldType.MESSAGE:
            tree = before if isinstance(before, dict) else {}
            self._message(target, start, behind, depth + 1, tree, None)
            return tree, behind
        if type_ is FieldType.BYTES:
            return data[start:behind], behind
        return self._text(field, start, behind), behind

    def _text(self, field: FieldNode, start: int, end: int) -> Any:
        content = self._data[start:end]
        if not field.verified:
            return lenient(content)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise WireError("the string is not UTF-8", start + error.start) from None

    def _number(self, type_: FieldType, target: Any, number: int) -> Any:
        value = VARINTS[type_](number)
        return target.names.get(value, value) if isinstance(target, EnumNode) else value

    def _packed(self, field: FieldNode, target: Any, pos: int, end: int, tree: Tree) -> int:
        start, behind = wire.length(self._data, pos, end)
        values = tree.setdefault(field.number, [])
        size = _FIXED[field.type][0] if field.type in _FIXED else 0
        many = (behind - start) // size if size else len(self._data[start:behind].translate(None, HIGH))
        self._take(PER_VALUE * many, start)
        self._count(many, start)
        place = start
        while place < behind:
            try:
                value, place = self._value(field, target, place, behind, 0, None)
            except WireError as fault:
                fault.path.append(f"[{len(values)}]")
                raise
            values.append(value)
        return behind

    def _count(self, values: int, at: int) -> None:
        self._left -= values
        if self._left < 0:
            raise WireError(
                f"something is not as writers write it, and what it is was not found in the first {MOST_FIELDS} fields,"
                " up to that",
                at,
            )

    def _take(self, memory: int, at: int) -> None:
        self._room[0] -= memory
        if self._room[0] < 0:
            raise WireError(TOO_MUCH, at)
