"""Google's own implementation as the judge: descriptors and values made at random, and what it reads of them."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import strategies as st

Kind = descriptor_pb2.FieldDescriptorProto
Draw = Callable[[st.SearchStrategy[Any]], Any]
SCALARS: Final = (
    Kind.TYPE_DOUBLE, Kind.TYPE_FLOAT, Kind.TYPE_INT64, Kind.TYPE_UINT64, Kind.TYPE_INT32, Kind.TYPE_FIXED64,
    Kind.TYPE_FIXED32, Kind.TYPE_BOOL, Kind.TYPE_STRING, Kind.TYPE_BYTES, Kind.TYPE_UINT32, Kind.TYPE_SFIXED32,
    Kind.TYPE_SFIXED64, Kind.TYPE_SINT32, Kind.TYPE_SINT64,
)  # fmt: skip
KEYS: Final = tuple(kind for kind in SCALARS if kind not in {Kind.TYPE_DOUBLE, Kind.TYPE_FLOAT, Kind.TYPE_BYTES})
MESSAGES: Final = ("M0", "M1", "M2")
PACKAGE: Final = "shop.v1"

_UNSIGNED: Final = {Kind.TYPE_UINT64: 64, Kind.TYPE_FIXED64: 64, Kind.TYPE_UINT32: 32, Kind.TYPE_FIXED32: 32}
_SIGNED: Final = {
    Kind.TYPE_INT64: 64, Kind.TYPE_SFIXED64: 64, Kind.TYPE_SINT64: 64,
    Kind.TYPE_INT32: 32, Kind.TYPE_SFIXED32: 32, Kind.TYPE_SINT32: 32,
}  # fmt: skip


# --- descriptors


@st.composite
def files(draw: st.DrawFn) -> descriptor_pb2.FileDescriptorProto:
    """Three messages that may hold each other and themselves, and an enum, in any syntax."""
    syntax = draw(st.sampled_from(["proto2", "proto3", "2023"]))
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package=PACKAGE)
    if syntax == "2023":
        file.syntax, file.edition = "editions", descriptor_pb2.EDITION_2023
        if draw(st.booleans()):
            file.options.features.field_presence = descriptor_pb2.FeatureSet.IMPLICIT
        if draw(st.booleans()):
            file.options.features.message_encoding = descriptor_pb2.FeatureSet.DELIMITED
        if draw(st.booleans()):
            file.options.features.repeated_field_encoding = descriptor_pb2.FeatureSet.EXPANDED
    else:
        file.syntax = syntax
    enum = file.enum_type.add(name="Status")
    for number, name in ((0, "NEW"), (1, "PAID"), (-3, "LOST"), (70000, "FAR")):
        enum.value.add(name=name, number=number)
    for name in MESSAGES:
        _fill(draw, file.message_type.add(name=name), syntax)
    return file


def _fill(draw: Draw, message: descriptor_pb2.DescriptorProto, syntax: str) -> None:
    numbers = draw(
        st.lists(st.integers(1, 40) | st.sampled_from([2047, 2048, 99999, (1 << 29) - 1]), max_size=7, unique=True)
    )
    numbers = [number for number in numbers if not 19000 <= number < 20000]
    if draw(st.booleans()):
        numbers.sort()
    for number in numbers:
        name = f"f{number}"
        form = draw(st.sampled_from(["plain", "plain", "repeated", "map", "oneof", "optional"]))
        if form == "map":
            _map(draw, message, name, number)
            continue
        field = message.field.add(name=name, number=number, label=Kind.LABEL_OPTIONAL)
        _type(draw, field)
        if form == "repeated":
            field.label = Kind.LABEL_REPEATED
            if field.type in SCALARS and field.type not in {Kind.TYPE_STRING, Kind.TYPE_BYTES} and syntax != "2023":
                field.options.packed = draw(st.booleans())
        elif form == "oneof":
            field.oneof_index = 0
        elif form == "optional":
            _optional(field, syntax)
    _declare_oneofs(message)


def _optional(field: descriptor_pb2.FieldDescriptorProto, syntax: str) -> None:
    if syntax == "proto3":
        field.proto3_optional = True
    elif syntax == "2023" and field.type != Kind.TYPE_MESSAGE:
        field.options.features.field_presence = descriptor_pb2.FeatureSet.EXPLICIT


def _declare_oneofs(message: descriptor_pb2.DescriptorProto) -> None:
    """Those of single fields come last."""
    if any(field.HasField("oneof_index") for field in message.field):
        message.oneof_decl.add(name="choice")
    for field in message.field:
        if field.proto3_optional:
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")


def _type(draw: Draw, field: descriptor_pb2.FieldDescriptorProto) -> None:
    field.type = draw(st.sampled_from(SCALARS) | st.sampled_from([Kind.TYPE_ENUM, Kind.TYPE_MESSAGE]))
    if field.type == Kind.TYPE_ENUM:
        field.type_name = f".{PACKAGE}.Status"
    elif field.type == Kind.TYPE_MESSAGE:
        field.type_name = f".{PACKAGE}.{draw(st.sampled_from(MESSAGES))}"


def _map(draw: Draw, message: descriptor_pb2.DescriptorProto, name: str, number: int) -> None:
    entry = message.nested_type.add(name=f"{name.title()}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=Kind.LABEL_OPTIONAL, type=draw(st.sampled_from(KEYS)))
    _type(draw, entry.field.add(name="value", number=2, label=Kind.LABEL_OPTIONAL))
    message.field.add(
        name=name,
        number=number,
        label=Kind.LABEL_REPEATED,
        type=Kind.TYPE_MESSAGE,
        type_name=f".{PACKAGE}.{message.name}.{entry.name}",
    )


def encoded(file: descriptor_pb2.FileDescriptorProto) -> str:
    """As a registry serializes it."""
    return b64encode(file.SerializeToString()).decode()


def classes(file: descriptor_pb2.FileDescriptorProto) -> dict[str, type[Message]]:
    """Its messages by their names without the package."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


# --- values


def _scalar(draw: Draw, field: Any) -> Any:
    kind = field.type
    if kind in _UNSIGNED:
        return draw(st.integers(0, 300) | st.integers(0, (1 << _UNSIGNED[kind]) - 1))
    if kind in _SIGNED:
        half = 1 << _SIGNED[kind] - 1
        return draw(st.integers(-300, 300) | st.integers(-half, half - 1))
    return draw(_OTHERS[kind])


_OTHERS: Final[dict[Any, st.SearchStrategy[Any]]] = {
    Kind.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    Kind.TYPE_FLOAT: st.floats(allow_nan=False, allow_infinity=False, width=32),
    Kind.TYPE_BOOL: st.booleans(),
    Kind.TYPE_STRING: st.text(max_size=6) | st.just("x" * 200),
    Kind.TYPE_BYTES: st.binary(max_size=6),
    Kind.TYPE_ENUM: st.sampled_from([0, 1, -3, 70000]),
}


def fill(draw: Draw, message: Message, depth: int = 0) -> None:
    """Sets some of the fields of a message."""
    fields: list[Any] = list(message.DESCRIPTOR.fields)
    for field in fields:
        if not draw(st.booleans()) or (depth == 2 and field.message_type is not None):
            continue
        content = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _fill_map(draw, content, field, depth)
        elif field.is_repeated:
            for _ in range(draw(st.integers(0, 3))):
                if field.message_type is None:
                    content.append(_scalar(draw, field))
                else:
                    fill(draw, content.add(), depth + 1)
        elif field.message_type is None:
            setattr(message, field.name, _scalar(draw, field))
        else:
            content.SetInParent()
            fill(draw, content, depth + 1)


def _fill_map(draw: Draw, content: Any, field: Any, depth: int) -> None:
    key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    for _ in range(draw(st.integers(0, 2))):
        if value.message_type is None:
            content[_scalar(draw, key)] = _scalar(draw, value)
        else:
            fill(draw, content[_scalar(draw, key)], depth + 1)


# --- what is to be seen


def seen(message: Message) -> dict[str, Any]:
    """A message as expressions see it, by way of Google's reading of it."""
    return {field.name: _seen_field(message, field) for field in message.DESCRIPTOR.fields}


def _seen_field(message: Message, field: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        content = getattr(message, field.name)
        return {_key(key): _seen_value(content[key], value) for key in content}
    if field.is_repeated:
        return [_seen_value(one, field) for one in getattr(message, field.name)]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _seen_value(getattr(message, field.name), field)


def _key(key: Any) -> str:
    return {True: "true", False: "false"}[key] if isinstance(key, bool) else str(key)


def _seen_value(value: Any, field: Any) -> Any:
    if field.message_type is not None:
        return seen(value)
    if field.enum_type is not None:
        found = field.enum_type.values_by_number.get(value)
        return value if found is None else found.name
    if field.type == Kind.TYPE_BYTES:
        return b64encode(value).decode()
    if field.type == Kind.TYPE_FLOAT:
        return shortest(value)
    return value


def shortest(value: float) -> float:
    """The fewest digits that are this float of 32 bits."""
    for digits in range(1, 9):  # those below the least normal one have fewer than 6
        text = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", text) == struct.pack("<f", value):
                return text
        except OverflowError:
            continue
    return float(f"{value:.9g}")


# --- what is written otherwise than writers write it


def shuffled(draw: Draw, content: bytes) -> bytes:
    """The fields of a message in another order; those that share a number keep theirs."""
    fields = split(content)
    order = draw(st.permutations(sorted({number for number, _ in fields})))
    return b"".join(part for wanted in order for number, part in fields if number == wanted)


def split(content: bytes) -> list[tuple[int, bytes]]:
    """The outermost fields, each with its tag."""
    found, pos = [], 0
    while pos < len(content):
        start = pos
        tag, pos = _varint(content, pos)
        pos = _behind(content, pos, tag)
        found.append((tag >> 3, content[start:pos]))
    return found


def _behind(content: bytes, pos: int, tag: int) -> int:
    match tag & 7:
        case 0:
            return _varint(content, pos)[1]
        case 1:
            return pos + 8
        case 2:
            length, pos = _varint(content, pos)
            return pos + length
        case 3:
            while True:
                inner, pos = _varint(content, pos)
                if inner & 7 == 4:
                    return pos
                pos = _behind(content, pos, inner)
        case _:
            return pos + 4


def _varint(content: bytes, pos: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[pos]
        number |= (byte & 127) << shift
        pos += 1
        shift += 7
        if byte < 128:
            return number, pos
