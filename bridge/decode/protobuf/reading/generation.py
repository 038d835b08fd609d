"""Readers of messages as source text: one straight way through the fields in the order in which writers write them.

Each message has two functions. `read` expects its fields in order, compares one byte for each and so takes whatever
is missing for missing; where that does not come out at the end, `rest` goes on from there in any order. Both are made
when they are first needed. Whatever else there is, faults above all, ends in `runtime.NeedsCareError`.

Only names of the schema go into the text, as Python literals. Of a positions' run: see `runtime`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

from bridge.decode.beyond_json.binary import base64_of
from bridge.decode.beyond_json.numbers import NOT_FINITE, shortest
from bridge.decode.protobuf.reading import runtime, scalars
from bridge.decode.protobuf.reading.packed import packed_reader
from bridge.decode.protobuf.reading.pieces import (
    FIXED,
    NARROWED,
    Lines,
    TypedField,
    indented,
    is_tag,
    key_of,
    length_lines,
    size_of,
    text_lines,
)
from bridge.decode.protobuf.reading.trees import FREE, PER_BYTE, PER_VALUE, TreeReader, can_be_packed, memory_of
from bridge.decode.protobuf.reading.values import Values, default, is_well_known, key_text
from bridge.decode.protobuf.schema.nodes import EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import DEEPEST, FIXED32, FIXED64, GROUP, LENGTH, VARINT

_WIDEST: Final = 300
"""Fields of a message; one with more is read with care, since nobody writes all of them in order."""

_TIMES: Final = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}


Read = Callable[[bytes, int], Any]
"""Reads the message that begins at a position of the bytes, and goes on to their end. Raises any of
`runtime.FAILURES` for what has to be read carefully."""


def generated_reader(pool: Pool, message: MessageNode, *, counted: bool) -> Read:
    """`counted`: what it makes in memory is bounded; needed for large payloads only, see `smallest_to_count`."""
    root = _MessageSource(pool, message, counted=counted).root
    padding = runtime.PADDING

    def read(raw: bytes, start: int) -> Any:
        data = raw + padding
        return root(data, data.decode("latin-1"), start, len(raw), 1)

    def count_and_read(raw: bytes, start: int) -> Any:
        data, size = raw + padding, len(raw)
        return root(data, data.decode("latin-1"), start, size, 1, [FREE + PER_BYTE * size])

    return count_and_read if counted else read


class _MessageSource:
    """The functions of one reader; each is compiled when it is first called."""

    def __init__(self, pool: Pool, message: MessageNode, *, counted: bool) -> None:
        self._pool = pool
        self._counted = counted
        self._numbers: dict[str, int] = {}
        self._messages: list[MessageNode] = []
        self._texts: set[str] = set()
        self._given = count()
        self._signature = "data, text, pos, end, depth" + (", room" if counted else "")
        self._arguments = "data, text, start, pos, depth + 1" + (", room" if counted else "")
        self._names: runtime.Namespace = {
            "NeedsCareError": runtime.NeedsCareError,
            "NoRoomError": runtime.NoRoomError,
            "skipped": runtime.skipped,
            "timestamp": runtime.timestamp,
            "duration": runtime.duration,
            "shortest": shortest,
            "lenient": scalars.lenient,
            "base64_of": base64_of,
            "key_text": key_text,
            "NOT_FINITE": NOT_FINITE,
            "u64": runtime.u64,
            "sign32": runtime.sign32,
            "sign64": runtime.sign64,
            **{f"unpack_{form[1:]}": scalars.unpacker(form) for form, _ in FIXED.values()},
        }
        name = self._function_of(message)
        if name in self._texts:
            # Behind the whole payload stand zero bytes, which are no tag: there the end needs no looking for.
            name = self._compile("root", self._read_text(message, is_root=True))
        self.root: Callable[..., Any] = self._names[name]

    # --- functions

    def _function_of(self, message: MessageNode) -> str:
        """The name of the function that reads a message; it is compiled when it is first called."""
        known = self._numbers.get(message.name)
        if known is None:
            known = self._numbers[message.name] = len(self._messages)
            self._messages.append(message)
            if is_well_known(message) or len(message.fields) > _WIDEST:
                self._names[f"read_{known}"] = self._carefully(message)
            else:
                self._later(f"read_{known}", lambda: self._read_text(message))
                self._later(f"rest_{known}", lambda: self._rest_text(message))
        return f"read_{known}"

    def _later(self, name: str, text: Callable[[], str]) -> None:
        def first(*arguments: Any) -> Any:
            return self._names[self._compile(name, text())](*arguments)

        self._names[name] = first
        self._texts.add(name)

    def _compile(self, name: str, text: str) -> str:
        exec(compile(text, f"<protobuf {name}>", "exec"), self._names)  # noqa: S102 - the text is made here, of literals
        return name

    def _carefully(self, message: MessageNode) -> Callable[..., Any]:
        pool = self._pool

        def read(data: bytes, _text: str, pos: int, end: int, depth: int, room: list[int] | None = None) -> Any:
            tree = TreeReader(pool, data, room).read(message, pos, end, depth)
            return Values(pool).value_of(message, tree, depth)

        return read

    def _group_of(self, message: MessageNode, number: int) -> str:
        pool, name = self._pool, f"group_{next(self._given)}"

        def read(data: bytes, pos: int, end: int, depth: int, room: list[int] | None = None) -> tuple[Any, int]:
            tree, pos = TreeReader(pool, data, room).group(message, number, pos, end, depth)
            return Values(pool).value_of(message, tree, depth), pos

        self._names[name] = read
        return name

    def _fields_of(self, message: MessageNode) -> list[TypedField]:
        ordered = sorted(message.fields, key=lambda field: field.number)
        return [TypedField(*self._pool.field(message, field), place) for place, field in enumerate(ordered)]

    def _read_text(self, message: MessageNode, *, is_root: bool = False) -> str:
        fields = self._fields_of(message)
        number = self._numbers[message.name]
        name = "root" if is_root else f"read_{number}"
        tag = "t = data[pos]" if is_root else "t = data[pos] if pos < end else 0"
        lines = [f"def {name}({self._signature}):", *self._entrance(message, is_root=is_root), f" {tag}"]
        for typed in fields:
            lines += self._straight(typed, fields, tag)
        made = ", ".join(f"{typed.field.name!r}: v{typed.place}" for typed in self._as_declared(message, fields))
        lines += [
            " if pos == end:",
            f"  return {{{made}}}",
            f" return rest_{number}({self._signature}, {{{made}}})",
        ]
        return "\n".join(lines)

    def _as_declared(self, message: MessageNode, fields: Sequence[TypedField]) -> list[TypedField]:
        by_number = {typed.field.number: typed for typed in fields}
        return [by_number[field.number] for field in message.fields]

    def _entrance(self, message: MessageNode, *, is_root: bool) -> Lines:
        lines = [] if is_root else [f" if depth > {DEEPEST}: raise NeedsCareError"]
        return lines + self._taken(memory_of(message), message.name, " ")

    def _taken(self, memory: int, where: str, indent: str) -> Lines:
        if not self._counted:
            return []
        return [f"{indent}room[0] -= {memory}", f"{indent}if room[0] < 0: raise NoRoomError({where!r}, pos)"]

    def _rest_text(self, message: MessageNode) -> str:
        fields = self._fields_of(message)
        lines = [
            f"def rest_{self._numbers[message.name]}({self._signature}, made):",
            " while pos < end:",
            "  before = pos",
            "  t = data[pos]",
            "  pos += 1",
            "  if t > 127: t, pos = u64(data, t, pos)",
        ]
        word = "if"
        for typed in fields:
            for tag, body in self._ways(typed):
                lines.append(f"  {word} t == {tag}:")
                lines += [f"   {line}" for line in body("x", "")]
                if typed.field.repeated and not typed.is_packed(tag):
                    lines += self._taken(PER_VALUE, typed.field.name, "   ")
                lines += [f"   {line}" for line in self._kept(typed, fields, tag)]
                word = "elif"
        known = self._given_name({typed.field.number for typed in fields})
        lines += [
            f"  {'else' if word == 'elif' else 'if True'}:",
            f"   if t >> 3 in {known}: raise NeedsCareError",
            "   pos = skipped(data, before, end, depth)",
            " if pos != end: raise NeedsCareError",
            " return made",
        ]
        return "\n".join(lines)

    def _kept(self, typed: TypedField, fields: Sequence[TypedField], tag: int) -> Lines:
        """How the value ``x`` gets into the object that is there, in any order."""
        field, name = typed.field, repr(typed.field.name)
        if typed.is_map:
            return [f"made[{name}][{key_of(typed)}] = e1"]
        if field.repeated:
            return [f"made[{name}].{'extend' if typed.is_packed(tag) else 'append'}(x)"]
        lines = [f"made[{other.field.name!r}] = None" for other in self._rivals(typed, fields)]
        if isinstance(typed.target, MessageNode):
            lines.insert(0, f"if made[{name}] is not None: raise NeedsCareError")
        return [*lines, f"made[{name}] = x"]

    def _rivals(self, typed: TypedField, fields: Sequence[TypedField]) -> list[TypedField]:
        oneof = typed.field.oneof
        if oneof is None:
            return []
        return [other for other in fields if other.field.oneof == oneof and other is not typed]

    # --- fields in order

    def _straight(self, typed: TypedField, fields: Sequence[TypedField], next_tag: str) -> Lines:
        field, value = typed.field, f"v{typed.place}"
        if not field.repeated:
            (tag, body), *_ = self._ways(typed)
            lines = [f" if {is_tag(tag)}:", *indented(body(value, size_of(tag)))]
            lines += [f"  v{other.place} = None" for other in self._rivals(typed, fields) if other.place < typed.place]
            lines += [f"  {next_tag}", " else:"]
            return [*lines, f"  {value} = {'None' if field.explicit else repr(default(field, typed.target))}"]
        lines = [f" {value} = {'{}' if typed.is_map else '[]'}"]
        for tag, body in self._ways(typed):
            if typed.is_packed(tag):
                lines += [f" if {is_tag(tag)}:", *indented(body("x", size_of(tag))), f"  {value}.extend(x)"]
            else:
                lines += [
                    f" while {is_tag(tag)}:",
                    *indented(body("x", size_of(tag))),
                    *self._taken(PER_VALUE, field.name, "  "),
                ]
                lines.append(f"  {value}[{key_of(typed)}] = e1" if typed.is_map else f"  {value}.append(x)")
            lines.append(f"  {next_tag}")
        return lines

    def _map_entry(self, entry: MessageNode, skip: str) -> Lines:
        """Sets ``e0`` and ``e1`` to key and value. Where only one of the two is written, the other is its default."""
        lines = [*length_lines(skip), "stop = pos", "pos = start", "t = data[pos] if pos < stop else 0"]
        for typed in self._fields_of(entry):
            (tag, body), *_ = self._ways(typed)
            value = f"e{typed.place}"
            if isinstance(typed.target, MessageNode):
                nothing = self._message_call(typed.target).replace("start, pos", "stop, stop")
            else:
                nothing = repr(default(typed.field, typed.target))
            lines += [f"if {is_tag(tag)}:", *(f" {line}" for line in body(value, size_of(tag)))]
            if typed.place == 0:
                lines.append(" t = data[pos] if pos < stop else 0")
            lines += ["else:", f" {value} = {nothing}"]
        return [*(line.replace("depth + 1", "depth + 2") for line in lines), "if pos != stop: raise NeedsCareError"]

    # --- one value

    def _ways(self, typed: TypedField) -> list[tuple[int, Callable[[str, str], Lines]]]:
        """The tags that a field may be written with, and what reads its value then.

        That is given the variable to set, and how many bytes the tag has that are before ``pos`` yet, if any.
        """
        field = typed.field
        own = field.number << 3 | typed.wire
        ways: list[tuple[int, Callable[[str, str], Lines]]] = [(own, lambda into, skip: self._value(typed, into, skip))]
        if field.repeated and can_be_packed(field.type):
            packed = field.number << 3 | LENGTH
            ways.append((packed, lambda into, skip: self._packed(typed, into, skip)))
        return ways

    def _value(self, typed: TypedField, into: str, skip: str) -> Lines:
        field, target = typed.field, typed.target
        if typed.wire == VARINT:
            return self._varint(field, target, into, skip)
        if typed.wire in {FIXED64, FIXED32}:
            return self._fixed(field, into, skip)
        if typed.wire == GROUP:
            room = ", room" if self._counted else ""
            name = self._group_of(target, field.number)
            ahead = f"pos + {skip}" if skip else "pos"
            return [f"{into}, pos = {name}(data, {ahead}, end, depth + 1{room})"]
        if typed.is_map:
            return self._map_entry(target, skip)
        lines = length_lines(skip)
        if isinstance(target, MessageNode):
            return [*lines, f"{into} = {self._message_call(target)}"]
        return [*lines, *text_lines(field, into)]

    def _message_call(self, message: MessageNode) -> str:
        if message.name in _TIMES:
            return f"{_TIMES[message.name]}(data, start, pos)"
        return f"{self._function_of(message)}({self._arguments})"

    def _varint(self, field: FieldNode, target: Any, into: str, skip: str) -> Lines:
        ahead = (
            [f"{into} = data[pos + {skip}]", f"pos += {int(skip) + 1}"] if skip else [f"{into} = data[pos]", "pos += 1"]
        )
        lines = [
            *ahead,
            f"if {into} > 127:",
            " n = data[pos]",
            " if n < 128:",
            f"  {into} += n * 128 - 128",
            "  pos += 1",
            " else:",
            f"  {into}, pos = u64(data, {into}, pos)",
        ]
        if NARROWED[field.type]:
            lines.append("  " + NARROWED[field.type].format(into))
        if field.type is FieldType.BOOL:
            lines.append(f"{into} = {into} != 0")
        elif field.type in {FieldType.SINT32, FieldType.SINT64}:
            lines.append(f"{into} = {into} >> 1 ^ -({into} & 1)")
        elif isinstance(target, EnumNode):
            lines.append(f"{into} = {self._given_name(dict(target.names))}.get({into}, {into})")
        return lines

    def _fixed(self, field: FieldNode, into: str, skip: str) -> Lines:
        form, size = FIXED[field.type]
        ahead = f"pos + {skip}" if skip else "pos"
        lines = [f"{into}, = unpack_{form[1:]}(data, {ahead})", f"pos += {size + int(skip or 0)}"]
        if field.type is FieldType.DOUBLE:
            lines.append(f"if {into} * 0.0 != 0.0: {into} = NOT_FINITE")
        elif field.type is FieldType.FLOAT:
            lines.append(f"{into} = shortest({into})")
        return lines

    def _packed(self, typed: TypedField, into: str, skip: str) -> Lines:
        name = self._given_name(packed_reader(typed.field, typed.target))
        room = "room" if self._counted else "None"
        return [*length_lines(skip), f"{into} = {name}(data, start, pos, end, {room})"]

    def _given_name(self, value: Any) -> str:
        name = f"given_{next(self._given)}"
        self._names[name] = value
        return name


def smallest_to_count(pool: Pool, message: MessageNode) -> int:
    """The size from which on a payload is read by a reader that counts: no smaller one can take too much memory.

    The dearest that can be written with two bytes is an empty message, and an element of a list with one.
    """
    dearest = max(memory_of(one) + PER_VALUE for one in pool.reached(message))
    return FREE * 2 // dearest
