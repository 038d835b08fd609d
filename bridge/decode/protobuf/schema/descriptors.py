"""FileDescriptorProto and FileDescriptorSet, read by hand: they are Protobuf themselves, and little of them is needed.

What is not needed (services, options of others, source text) is skipped. Raises `DescriptorError` only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bridge.decode.protobuf.schema.features import Features, features_of, overridden
from bridge.decode.protobuf.schema.nodes import DescriptorError, EnumNode, FieldNode, FieldType, FileNode, MessageNode
from bridge.decode.protobuf.wire import WireError, fields

_DEEPEST: Final = 64
"""Messages declared inside of each other."""
_LARGEST_NUMBER: Final = (1 << 29) - 1
_FILE_FEATURES, _MESSAGE_FEATURES, _FIELD_FEATURES = 50, 12, 21
_MAP_ENTRY: Final = 7
_REPEATED: Final = 3
_MINUS: Final = 1 << 63

Found = dict[int, list[int | bytes]]


def file_of(content: bytes) -> FileNode:
    """A FileDescriptorProto."""
    try:
        found = _found(content)
        package = _text(found, 2)
        features = overridden(features_of(_text(found, 12), _number(found, 14)), _parts(found, 8), _FILE_FEATURES)
        return FileNode(
            _text(found, 1),
            package,
            tuple(_decoded(name) for name in _parts(found, 3)),
            tuple(_message(part, package, features, 1) for part in _parts(found, 4)),
            tuple(_enum(part, package) for part in _parts(found, 5)),
        )
    except WireError as fault:
        raise DescriptorError(f"it is no file descriptor: {fault.why} at byte {fault.at} of a part of it") from None


def files_of(content: bytes) -> tuple[FileNode, ...]:
    """A FileDescriptorSet, as `protoc --descriptor_set_out` writes it."""
    try:
        parts = _parts(_found(content), 1)
    except WireError as fault:
        raise DescriptorError(f"it is no set of file descriptors: {fault.why} at byte {fault.at}") from None
    if not parts:
        raise DescriptorError("it holds no file descriptor")
    return tuple(file_of(part) for part in parts)


def _message(content: bytes, scope: str, features: Features, depth: int) -> MessageNode:
    if depth > _DEEPEST:
        raise DescriptorError(f"messages are declared deeper than {_DEEPEST} inside of each other")
    found = _found(content)
    name = _joined(scope, _name(found, "a message"))
    options = _parts(found, 7)
    features = overridden(features, options, _MESSAGE_FEATURES)
    is_entry = any(number == _MAP_ENTRY and value for option in options for number, value in fields(option))
    read = tuple(_field(part, name, features, in_map=is_entry) for part in _parts(found, 2))
    _check_numbers(name, read)
    if is_entry and (len(read) != 2 or {one.number for one in read} != {1, 2} or any(one.repeated for one in read)):
        raise DescriptorError(f"{name} is said to be a map's entry and has not a key and a value")
    return MessageNode(
        name,
        read,
        tuple(_message(part, name, features, depth + 1) for part in _parts(found, 3)),
        tuple(_enum(part, name) for part in _parts(found, 4)),
        is_entry,
    )


def _check_numbers(message: str, read: Sequence[FieldNode]) -> None:
    numbers: dict[int, str] = {}
    for one in read:
        if not 0 < one.number <= _LARGEST_NUMBER:
            raise DescriptorError(f"the field {message}.{one.name} has the number {one.number}, which none may have")
        if one.number in numbers:
            raise DescriptorError(f"{message} has two fields with the number {one.number}")
        numbers[one.number] = one.name
    if len({one.name for one in read}) < len(read):
        raise DescriptorError(f"{message} has two fields with one name")


def _field(content: bytes, message: str, features: Features, *, in_map: bool) -> FieldNode:
    found = _found(content)
    name = _name(found, f"a field of {message}")
    features = overridden(features, _parts(found, 8), _FIELD_FEATURES)
    try:
        type_ = FieldType(_number(found, 5))
    except ValueError:
        raise DescriptorError(f"the field {message}.{name} has a type that does not exist") from None
    if type_ is FieldType.MESSAGE and features.delimited and not in_map:
        type_ = FieldType.GROUP  # that of a map is turned back where it is known to be one
    repeated = _number(found, 4) == _REPEATED
    oneof = _number(found, 9) if 9 in found else None
    explicit = not repeated and not in_map and (features.explicit or oneof is not None)
    return FieldNode(
        name,
        _number(found, 3),
        type_,
        _text(found, 6),
        repeated,
        explicit or (type_ in {FieldType.MESSAGE, FieldType.GROUP} and not repeated and not in_map),
        oneof,
        features.verified,
    )


def _enum(content: bytes, scope: str) -> EnumNode:
    found = _found(content)
    names: dict[int, str] = {}
    for part in _parts(found, 2):
        value = _found(part)
        number = _number(value, 2)
        names.setdefault(number - (1 << 64) if number >= _MINUS else number, _name(value, "a value of an enum"))
    return EnumNode(_joined(scope, _name(found, "an enum")), names)


# --- parts


def _found(content: bytes) -> Found:
    found: Found = defaultdict(list)
    for number, value in fields(content):
        found[number].append(value)
    return found


def _parts(found: Found, number: int) -> list[bytes]:
    parts = [part for part in found.get(number, ()) if isinstance(part, bytes)]
    if len(parts) < len(found.get(number, ())):
        raise DescriptorError("it is no file descriptor: a number where a text or a message belongs")
    return parts


def _text(found: Found, number: int) -> str:
    parts = _parts(found, number)
    return _decoded(parts[-1]) if parts else ""


def _name(found: Found, what: str) -> str:
    name = _text(found, 1)
    if not name:
        raise DescriptorError(f"{what} has no name")
    return name


def _decoded(part: bytes) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError:
        raise DescriptorError("it is no file descriptor: a name is not UTF-8") from None


def _number(found: Found, number: int) -> int:
    value = found[number][-1] if number in found else 0
    if isinstance(value, bytes):
        raise DescriptorError("it is no file descriptor: bytes where a number belongs")
    return value


def _joined(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name
