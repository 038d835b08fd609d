"""Writes the fast reader of one schema as Python source.

One function reads a value, field by field, into local names, and puts them into an object at the end. A record that is
used in several places, or within itself, is a function of its own; so is what would be indented too deeply.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final

from bridge.decode.avro import leaves, tables
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
from bridge.decode.avro.weights import BYTES_OF_ONE, MOST_DEEP, MOST_STRUCTURE, Weights
from bridge.decode.beyond_json import values
from bridge.decode.beyond_json.binary import base64_of, uuid_of
from bridge.decode.beyond_json.numbers import NOT_FINITE, decimal_of, shortest

FastRead = Callable[[bytes, int], Any]
"""Given bytes and where in them the value begins. Raises anything for what it cannot read."""

_DEEPEST: Final = 12
"""Blocks within each other; Python has room for 20 of those that loop."""
_IN_ONE_DISPLAY: Final = 15
"""Names in the display of an object: of so many it is built in one step, of more it is not."""
_OF_ONE_BYTE: Final = 64
_NULL: Final = AvroPrimitive("null")
_MOST_INLINE: Final = 12
"""Types of a union that are told apart one after the other, and not by a table of functions."""
_FROM_TABLES: Final = """
    BOOLEAN DAYS FEW FIRST_IS_NULL LAST_IS_NULL LENGTH MICROS MICROS_Z MILLIS MILLIS_Z MINUTES
    MOMENT_0 MOMENT_1 MOMENT_2 MOMENT_3 MOMENT_4 MOMENT_5 NotReadError POINT_MILLIS SECONDS SIGN SPAN
    WINDOWS_MS WINDOWS_US ZIGZAG count day decimal integer length long minute_of moment_ms moment_us unpack_double
    unpack_single
"""
_FROM_VALUES: Final = """
    big_decimal_of decimal_of_parts duration_of moment_of span_of time_of
"""
_GIVEN: Final[dict[str, Any]] = {
    **{name: getattr(tables, name) for name in _FROM_TABLES.split()},
    **{name: getattr(values, name) for name in _FROM_VALUES.split()},
    "BytesIO": BytesIO,
    "NOT_FINITE": NOT_FINITE,
    "base64_of": base64_of,
    "decimal_of": decimal_of,
    "shortest": shortest,
    "uuid_of": uuid_of,
}
"""What the text may name."""
_NAME: Final = re.compile(r"\b[A-Za-z_]\w*")


def fast_reader(schema: AvroSchema, name: str) -> FastRead:
    """Compiles it; `name` says in a traceback whose reader it is."""
    source = _ReaderSource(schema)
    text = source.text()
    names = {**_GIVEN, **source.symbols}
    exec(compile(text, f"<avro {name!a}>", "exec"), names)  # noqa: S102 - the text is made here, of literals
    read: FastRead = names["read_value"]
    return read


class _ReaderSource:
    """The text that is compiled. In it ``read`` takes bytes, and ``room`` is what lists may still hold."""

    def __init__(self, schema: AvroSchema) -> None:
        self._schema = schema
        self._weights = Weights(schema)
        self._used = Counter(use.name for use in _uses(schema))
        self._functions: list[list[str]] = []
        self._records: dict[str, str] = {}
        """The functions of records, by their names in the schema."""
        self._names = 0
        self._has_room = False
        self.symbols: dict[str, Any] = {}
        """Tables of enums, by the names that the text has for them."""

    def text(self) -> str:
        """All functions; ``read_value`` is the one to call."""
        body = self._read(self._schema.root, "value", 1, is_last=True)
        whole = [
            "def read_value(raw, start):",
            "    read = BytesIO(raw).read",
            "    if start: read(start)",
            *([f"    room = {self._room()}"] if self._has_room or self._functions else []),
            "    deep = 0",
            *[f"    {line}" for line in body],
            "    if read(1): raise NotReadError",
            "    return value",
        ]
        if not self._functions:  # then a number does, which costs less than a list that holds it
            whole = [line.replace("room[0]", "room") for line in whole]
        self._functions.append(whole)
        return "\n".join(line for lines in self._functions for line in _with_locals(lines)) + "\n"

    def _room(self) -> str:
        """In nearly every value it is the least that there may be."""
        room = f"{MOST_STRUCTURE} if len(raw) < {MOST_STRUCTURE * BYTES_OF_ONE} else len(raw) // {BYTES_OF_ONE}"
        return f"[{room}]" if self._functions else room

    def _name(self, of: str) -> str:
        self._names += 1
        return f"{of}{self._names}"

    # --- one value: lines that end with it under a name
    # Bytes that end too early make a text shorter, and nothing else would notice where it is the last of all.

    def _read(  # noqa: PLR0911 - one for each kind of type
        self, node: AvroNode, target: str, depth: int, *, is_last: bool
    ) -> list[str]:
        """`is_last`: there may be no more bytes behind it."""
        if depth > _DEEPEST and isinstance(node, AvroArray | AvroMap | AvroUnion | AvroUse):
            return [f"{target} = {self._part(node)}(read, room, deep)"]
        match node:
            case AvroPrimitive():
                return leaves.primitive_lines(node, target, is_last=is_last)
            case AvroFixed():
                return leaves.fixed_lines(node, target)
            case AvroEnum(symbols=symbols):
                return self._enum(symbols, target)
            case AvroUnion(branches=branches):
                return self._union(branches, target, depth, is_last=is_last)
            case AvroArray(items=items):
                return self._list(items, target, depth)
            case AvroMap(items=items):
                return self._map(items, target, depth)
            case AvroUse():
                return self._use(self._schema.record(node), target, depth, is_last=is_last)

    def _enum(self, symbols: tuple[str, ...], target: str) -> list[str]:
        name = self._name("symbols_")
        if len(symbols) <= _OF_ONE_BYTE:
            self.symbols[name] = tables.index(symbols)
            return [f"{target} = {name}[read(1)]"]
        self.symbols[name] = symbols
        return [*leaves.long_lines("at"), "if at < 0: raise NotReadError", f"{target} = {name}[at]"]

    def _union(self, branches: tuple[AvroNode, ...], target: str, depth: int, *, is_last: bool) -> list[str]:
        if len(branches) == 2 and _NULL in branches and branches[0] != branches[1]:
            table, other = ("FIRST_IS_NULL", branches[1]) if branches[0] == _NULL else ("LAST_IS_NULL", branches[0])
            inner = self._read(other, target, depth + 1, is_last=is_last)
            return [f"if {table}[read(1)]:", *_indented(inner), f"else: {target} = None"]
        lines = leaves.long_lines("at")
        if len(branches) > _MOST_INLINE:
            functions = ", ".join(self._part(branch) for branch in branches)
            return [*lines, "if at < 0: raise NotReadError", f"{target} = ({functions})[at](read, room, deep)"]
        for place, branch in enumerate(branches):
            inner = self._read(branch, target, depth + 1, is_last=is_last)
            lines += [f"{'el' if place else ''}if at == {place}:", *_indented(inner)]
        return [*lines, "else: raise NotReadError"]

    def _list(self, items: AvroNode, target: str, depth: int) -> list[str]:
        found, item = self._name("list_"), self._name("item_")
        inner = [*self._read(items, item, depth + 2, is_last=False), f"{found}.append({item})"]
        return [f"{found} = []", *self._blocks(inner, self._weights.item(items)), f"{target} = {found}"]

    def _map(self, items: AvroNode, target: str, depth: int) -> list[str]:
        found, name, item = self._name("map_"), self._name("name_"), self._name("item_")
        inner = [
            *leaves.string_lines(name, is_last=False),
            *self._read(items, item, depth + 2, is_last=False),
            f"{found}[{name}] = {item}",
        ]
        return [f"{found} = {{}}", *self._blocks(inner, 1 + self._weights.item(items)), f"{target} = {found}"]

    def _blocks(self, inner: list[str], weight: int) -> list[str]:
        most = self._name("count_")
        lines = ["byte = read(1)", f"{most} = ZIGZAG[byte]"]
        lines.append(f"if {most} is None or {most} < 0: {most} = count(byte, read)")
        lines.append(f"if not {most}: break")
        lines += self._spend(f"{most} * {weight}" if weight > 1 else most)
        return ["while True:", *_indented([*lines, f"for _ in range({most}):", *_indented(inner)])]

    def _spend(self, weight: str) -> list[str]:
        self._has_room = True
        return [f"room[0] -= {weight}", "if room[0] < 0: raise NotReadError"]

    # --- records

    def _use(self, record: AvroRecord, target: str, depth: int, *, is_last: bool) -> list[str]:
        if record.is_recursive or self._used[record.name] > 1:
            return [f"{target} = {self._function(record)}(read, room, deep)"]
        return self._record(record, target, depth, is_last=is_last)

    def _record(self, record: AvroRecord, target: str, depth: int, *, is_last: bool) -> list[str]:
        lines: list[str] = []
        names: list[tuple[str, str]] = []
        ending = len(record.fields) - 1
        while ending > 0 and _may_take_nothing(record.fields[ending][1]):
            ending -= 1
        for place, (name, node) in enumerate(record.fields):
            if node == _NULL:
                names.append((name, "None"))
                continue
            local = self._name("v")
            lines += self._read(node, local, depth, is_last=is_last and place >= ending)
            names.append((name, local))
        first = ", ".join(f"{name!r}: {local}" for name, local in names[:_IN_ONE_DISPLAY])
        if record.is_decimal:
            return [*lines, f"{target} = decimal_of_parts({{{first}}})"]
        lines.append(f"{target} = {{{first}}}")
        return lines + [f"{target}[{name!r}] = {local}" for name, local in names[_IN_ONE_DISPLAY:]]

    def _function(self, record: AvroRecord) -> str:
        known = self._records.get(record.name)
        if known is None:
            known = self._records[record.name] = self._name("record_")
            lines = []
            if record.is_recursive:
                lines += ["deep += 1", f"if deep > {MOST_DEEP}: raise NotReadError"]
                lines += self._spend(str(self._weights.record(record)))
            self._add(known, [*lines, *self._record(record, "value", 1, is_last=True)])
        return known

    def _part(self, node: AvroNode) -> str:
        """A function of its own."""
        name = self._name("part_")
        self._add(name, self._read(node, "value", 1, is_last=True))
        return name

    def _add(self, name: str, lines: list[str]) -> None:
        self._functions.append([f"def {name}(read, room, deep):", *_indented([*lines, "return value"])])


def _with_locals(lines: list[str]) -> list[str]:
    """A function whose tables are defaults of its arguments: what is local is found at once."""
    named = [name for name in dict.fromkeys(_NAME.findall(" ".join(lines))) if name in _GIVEN]
    return [lines[0].replace("):", "".join(f", {name}={name}" for name in named) + "):"), *lines[1:]]


def _uses(schema: AvroSchema) -> Iterator[AvroUse]:
    ahead = [schema.root, *(node for record in schema.records.values() for _, node in record.fields)]
    while ahead:
        node = ahead.pop()
        match node:
            case AvroUse():
                yield node
            case AvroArray(items=items) | AvroMap(items=items):
                ahead.append(items)
            case AvroUnion(branches=branches):
                ahead.extend(branches)
            case _:
                pass


def _may_take_nothing(node: AvroNode) -> bool:
    """Whether a value may have no bytes, as far as can be told without looking into records."""
    return node == _NULL or isinstance(node, AvroUse) or (isinstance(node, AvroFixed) and node.size == 0)


def _indented(lines: list[str]) -> list[str]:
    return [f" {line}" for line in lines]
