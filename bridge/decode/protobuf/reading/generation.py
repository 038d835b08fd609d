"""Readers of messages as source text: one straight way through the fields in the order in which writers write them.

Each message has two functions. `read` expects its fields in order, compares one byte for each and so takes whatever
is missing for missing; where that does not come out at the end, `rest` goes on from there in any order. Both are made
when they are first needed. Whatever else there is, faults above all, ends in `runtime.NeedsCareError`.

Only names of the schema go into the text, as Python literals. Of a positions' run: see `runtime`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from bridge.decode.failures import Unusable
from bridge.decode.protobuf.reading import runtime, scalars
from bridge.decode.protobuf.reading.packed import packed_reader
from bridge.decode.protobuf.reading.trees import FREE, PER_BYTE, PER_VALUE, TreeReader, memory_of
from bridge.decode.protobuf.reading.unusable import NOT_FINITE
from bridge.decode.protobuf.reading.values import Values, default, is_well_known, key_text
from bridge.decode.protobuf.schema.nodes import EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import DEEPEST, FIXED32, FIXED64, GROUP, LENGTH, VARINT

_WIDEST: Final = 300
"""Fields of a message; one with more is read with care, since nobody writes all of them in order."""

_VARINTS: Final = {
    FieldType.INT64: "if {0} > 0x7FFFFFFFFFFFFFFF: {0} = sign64({0})",
    FieldType.UINT64: "",
    FieldType.INT32: "if {0} > 0x7FFFFFFF: {0} = sign32({0})",
    FieldType.UINT32: "if {0} > 0xFFFFFFFF: {0} &= 0xFFFFFFFF",
    FieldType.BOOL: "",
    FieldType.SINT32: "if {0} > 0xFFFFFFFF: {0} &= 0xFFFFFFFF",
    FieldType.SINT64: "",
    FieldType.ENUM: "if {0} > 0x7FFFFFFF: {0} = sign32({0})",
}
"""What is to be done with a number of several bytes."""
_FIXED: Final = {
    FieldType.DOUBLE: ("<d", 8),
    FieldType.FLOAT: ("<f", 4),
    FieldType.FIXED64: ("<Q", 8),
    FieldType.FIXED32: ("<I", 4),
    FieldType.SFIXED64: ("<q", 8),
    FieldType.SFIXED32: ("<i", 4),
}
_TIMES: Final = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}

Lines = list[str]


@dataclass(frozen=True, slots=True)
class _Typed:
    """A field as it is generated for."""

    field: FieldNode
    target: Any
    place: int
    """Among the fields of its message, in the order of their numbers."""

    @property
    def is_map(self) -> bool:
        return self.field.repeated and isinstance(self.target, MessageNode) and self.target.is_map_entry

    def is_packed(self, tag: int) -> bool:
        """Whether a tag says that there are many numbers behind one length."""
        return self.field.repeated and tag & 7 == LENGTH and self.wire != LENGTH

    @property
    def wire(self) -> int:
        if self.field.type in _VARINTS:
            return VARINT
        if self.field.type in _FIXED:
            return FIXED64 if _FIXED[self.field.type][1] == 8 else FIXED32
        return GROUP if self.field.type is FieldType.GROUP else LENGTH


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
            "shortest": scalars.shortest,
            "lenient": scalars.lenient,
            "base64_of": scalars.base64_of,
            "key_text": key_text,
            "NOT_FINITE": NOT_FINITE,
            "u64": runtime.u64,
            "sign32": runtime.sign32,
            "sign64": runtime.sign64,
            **{f"unpack_{form[1:]}": scalars.unpacker(form) for form, _ in _FIXED.values()},
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

    def _fields_of(self, message: MessageNode) -> list[_Typed]:
        ordered = sorted(message.fields, key=lambda field: field.number)
        return [_Typed(*self._pool.field(message, field), place) for place, field in enumerate(ordered)]

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

    def _as_declared(self, message: MessageNode, fields: Sequence[_Typed]) -> list[_Typed]:
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

    def _kept(self, typed: _Typed, fields: Sequence[_Typed], tag: int) -> Lines:
        """How the value ``x`` gets into the object that is there, in any order."""
        field, name = typed.field, repr(typed.field.name)
        if typed.is_map:
            return [f"made[{name}][{_key(typed)}] = e1"]
        if field.repeated:
            return [f"made[{name}].{'extend' if typed.is_packed(tag) else 'append'}(x)"]
        lines = [f"made[{other.field.name!r}] = None" for other in self._rivals(typed, fields)]
        if isinstance(typed.target, MessageNode):
            lines.insert(0, f"if made[{name}] is not None: raise NeedsCareError")
        return [*lines, f"made[{name}] = x"]

    def _rivals(self, typed: _Typed, fields: Sequence[_Typed]) -> list[_Typed]:
        oneof = typed.field.oneof
        if oneof is None:
            return []
        return [other for other in fields if other.field.oneof == oneof and other is not typed]

    # --- fields in order

    def _straight(self, typed: _Typed, fields: Sequence[_Typed], next_tag: str) -> Lines:
        field, value = typed.field, f"v{typed.place}"
        if not field.repeated:
            (tag, body), *_ = self._ways(typed)
            lines = [f" if {_is_tag(tag)}:", *_indented(body(value, _size(tag)))]
            lines += [f"  v{other.place} = None" for other in self._rivals(typed, fields) if other.place < typed.place]
            lines += [f"  {next_tag}", " else:"]
            return [*lines, f"  {value} = {'None' if field.explicit else repr(default(field, typed.target))}"]
        lines = [f" {value} = {'{}' if typed.is_map else '[]'}"]
        for tag, body in self._ways(typed):
            if typed.is_packed(tag):
                lines += [f" if {_is_tag(tag)}:", *_indented(body("x", _size(tag))), f"  {value}.extend(x)"]
            else:
                lines += [
                    f" while {_is_tag(tag)}:",
                    *_indented(body("x", _size(tag))),
                    *self._taken(PER_VALUE, field.name, "  "),
                ]
                lines.append(f"  {value}[{_key(typed)}] = e1" if typed.is_map else f"  {value}.append(x)")
            lines.append(f"  {next_tag}")
        return lines

    def _map_entry(self, entry: MessageNode, skip: str) -> Lines:
        """Sets ``e0`` and ``e1`` to key and value. Where only one of the two is written, the other is its default."""
        lines = [*_length(skip), "stop = pos", "pos = start", "t = data[pos] if pos < stop else 0"]
        for typed in self._fields_of(entry):
            (tag, body), *_ = self._ways(typed)
            value = f"e{typed.place}"
            if isinstance(typed.target, MessageNode):
                nothing = self._message_call(typed.target).replace("start, pos", "stop, stop")
            else:
                nothing = repr(default(typed.field, typed.target))
            lines += [f"if {_is_tag(tag)}:", *(f" {line}" for line in body(value, _size(tag)))]
            if typed.place == 0:
                lines.append(" t = data[pos] if pos < stop else 0")
            lines += ["else:", f" {value} = {nothing}"]
        return [*(line.replace("depth + 1", "depth + 2") for line in lines), "if pos != stop: raise NeedsCareError"]

    # --- one value

    def _ways(self, typed: _Typed) -> list[tuple[int, Callable[[str, str], Lines]]]:
        """The tags that a field may be written with, and what reads its value then.

        That is given the variable to set, and how many bytes the tag has that are before ``pos`` yet, if any.
        """
        field = typed.field
        own = field.number << 3 | typed.wire
        ways: list[tuple[int, Callable[[str, str], Lines]]] = [(own, lambda into, skip: self._value(typed, into, skip))]
        if field.repeated and typed.wire in {VARINT, FIXED64, FIXED32}:
            packed = field.number << 3 | LENGTH
            ways.append((packed, lambda into, skip: self._packed(typed, into, skip)))
        return ways

    def _value(self, typed: _Typed, into: str, skip: str) -> Lines:
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
        lines = _length(skip)
        if isinstance(target, MessageNode):
            return [*lines, f"{into} = {self._message_call(target)}"]
        return [*lines, *_text(field, into)]

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
        if _VARINTS[field.type]:
            lines.append("  " + _VARINTS[field.type].format(into))
        if field.type is FieldType.BOOL:
            lines.append(f"{into} = {into} != 0")
        elif field.type in {FieldType.SINT32, FieldType.SINT64}:
            lines.append(f"{into} = {into} >> 1 ^ -({into} & 1)")
        elif isinstance(target, EnumNode):
            lines.append(f"{into} = {self._given_name(dict(target.names))}.get({into}, {into})")
        return lines

    def _fixed(self, field: FieldNode, into: str, skip: str) -> Lines:
        form, size = _FIXED[field.type]
        ahead = f"pos + {skip}" if skip else "pos"
        lines = [f"{into}, = unpack_{form[1:]}(data, {ahead})", f"pos += {size + int(skip or 0)}"]
        if field.type is FieldType.DOUBLE:
            lines.append(f"if {into} * 0.0 != 0.0: {into} = NOT_FINITE")
        elif field.type is FieldType.FLOAT:
            lines.append(f"{into} = shortest({into})")
        return lines

    def _packed(self, typed: _Typed, into: str, skip: str) -> Lines:
        name = self._given_name(packed_reader(typed.field, typed.target))
        room = "room" if self._counted else "None"
        return [*_length(skip), f"{into} = {name}(data, start, pos, end, {room})"]

    def _given_name(self, value: Any) -> str:
        name = f"given_{next(self._given)}"
        self._names[name] = value
        return name


def _text(field: FieldNode, into: str) -> Lines:
    """Cut out of a text that has a character for each byte: half of the cost of decoding, where all are ASCII."""
    if field.type is FieldType.BYTES:
        return [f"{into} = base64_of(data[start:pos])"]
    others = "data[start:pos].decode()" if field.verified else "lenient(data[start:pos])"
    return [f"{into} = text[start:pos]", f"if not {into}.isascii(): {into} = {others}"]


def _is_tag(tag: int) -> str:
    """Whether ``t`` and the bytes behind it are that tag."""
    first, *others = runtime.varint_of(tag)
    return f"t == {first}" + "".join(f" and data[pos + {at}] == {byte}" for at, byte in enumerate(others, 1))


def _size(tag: int) -> str:
    return str(len(runtime.varint_of(tag)))


def _key(typed: _Typed) -> str:
    """The key of a map's entry as JSON has it."""
    is_text = any(field.number == 1 and field.type is FieldType.STRING for field in typed.target.fields)
    return "e0" if is_text else "key_text(e0)"


def _indented(lines: Lines) -> Lines:
    return [f"  {line}" for line in lines]


def _length(skip: str) -> Lines:
    """Sets ``start`` to where the content begins, and ``pos`` to where it ends."""
    at = f"pos + {skip}" if skip else "pos"
    behind = int(skip or 0) + 1
    return [
        f"n = data[{at}]",
        f"start = pos + {behind}",
        "if n > 127: n, start = u64(data, n, start)",
        "pos = start + n",
    ]


def smallest_to_count(pool: Pool, message: MessageNode) -> int:
    """The size from which on a payload is read by a reader that counts: no smaller one can take too much memory.

    The dearest that can be written with two bytes is an empty message, and an element of a list with one.
    """
    dearest = max(memory_of(one) + PER_VALUE for one in pool.reached(message))
    return FREE * 2 // dearest


Value = dict[str, Any] | Unusable
