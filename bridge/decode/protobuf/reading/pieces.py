"""The pieces that the source text of a reader is made of: what is written for a field by its type and its tag.

All lines share the names of `generation`: ``data``, ``text``, ``pos``, ``end``, and ``start`` of what has a length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.protobuf.reading.trees import wire_type
from bridge.decode.protobuf.schema.nodes import FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.wire import LENGTH, varint_of

NARROWED: Final = {
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
FIXED: Final = {
    FieldType.DOUBLE: ("<d", 8),
    FieldType.FLOAT: ("<f", 4),
    FieldType.FIXED64: ("<Q", 8),
    FieldType.FIXED32: ("<I", 4),
    FieldType.SFIXED64: ("<q", 8),
    FieldType.SFIXED32: ("<i", 4),
}
"""How a number of fixed size is unpacked, and that size."""
Lines = list[str]


@dataclass(frozen=True, slots=True)
class TypedField:
    """A field as it is generated for."""

    field: FieldNode
    target: Any
    place: int
    """Among the fields of its message, in the order of their numbers."""

    @property
    def is_map(self) -> bool:
        """Whether its values are entries of a map."""
        return self.field.repeated and isinstance(self.target, MessageNode) and self.target.is_map_entry

    def is_packed(self, tag: int) -> bool:
        """Whether a tag says that there are many numbers behind one length."""
        return self.field.repeated and tag & 7 == LENGTH and self.wire != LENGTH

    @property
    def wire(self) -> int:
        """The wire type of one value."""
        return wire_type(self.field.type)


def text_lines(field: FieldNode, into: str) -> Lines:
    """Cut out of a text that has a character for each byte: half of the cost of decoding, where all are ASCII."""
    if field.type is FieldType.BYTES:
        return [f"{into} = base64_of(data[start:pos])"]
    others = "data[start:pos].decode()" if field.verified else "lenient(data[start:pos])"
    return [f"{into} = text[start:pos]", f"if not {into}.isascii(): {into} = {others}"]


def is_tag(tag: int) -> str:
    """Whether ``t`` and the bytes behind it are that tag."""
    first, *others = varint_of(tag)
    return f"t == {first}" + "".join(f" and data[pos + {at}] == {byte}" for at, byte in enumerate(others, 1))


def size_of(tag: int) -> str:
    """How many bytes a tag takes."""
    return str(len(varint_of(tag)))


def key_of(typed: TypedField) -> str:
    """The key of a map's entry as JSON has it."""
    is_text = any(field.number == 1 and field.type is FieldType.STRING for field in typed.target.fields)
    return "e0" if is_text else "key_text(e0)"


def indented(lines: Lines) -> Lines:
    """Within a branch of a function."""
    return [f"  {line}" for line in lines]


def length_lines(skip: str) -> Lines:
    """Sets ``start`` to where the content begins, and ``pos`` to where it ends."""
    at = f"pos + {skip}" if skip else "pos"
    behind = int(skip or 0) + 1
    return [
        f"n = data[{at}]",
        f"start = pos + {behind}",
        "if n > 127: n, start = u64(data, n, start)",
        "pos = start + n",
    ]
