"""Many numbers behind one length."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import Any, Final

from bridge.decode.beyond_json.numbers import shortest
from bridge.decode.protobuf.reading import runtime
from bridge.decode.protobuf.reading.scalars import finite, signed
from bridge.decode.protobuf.reading.trees import HIGH, PER_VALUE, VARINTS
from bridge.decode.protobuf.schema.nodes import EnumNode, FieldNode, FieldType

Packed = Callable[[bytes, int, int, int, list[int] | None], list[Any]]
"""Reads the numbers from the second position to the third; the fourth is where the message around them ends. The last
is what memory is left, if that is counted."""

_FORMS: Final = {
    FieldType.DOUBLE: ("d", 8, finite),
    FieldType.FLOAT: ("f", 4, shortest),
    FieldType.FIXED64: ("Q", 8, None),
    FieldType.FIXED32: ("I", 4, None),
    FieldType.SFIXED64: ("q", 8, None),
    FieldType.SFIXED32: ("i", 4, None),
}
_AS_THEY_ARE: Final = {FieldType.INT64, FieldType.UINT64, FieldType.INT32, FieldType.UINT32}
"""Types of which a number of one byte is that byte."""


def packed_reader(field: FieldNode, target: Any) -> Packed:
    """For the numbers of one field."""
    type_ = field.type
    if type_ in _FORMS:
        return _fixed(field.name, *_FORMS[type_])
    if isinstance(target, EnumNode):
        names = dict(target.names)
        return _varints(field.name, lambda number: names.get(signed(number, 32), signed(number, 32)), as_they_are=False)
    return _varints(field.name, VARINTS[type_], as_they_are=type_ in _AS_THEY_ARE)


def _fixed(name: str, form: str, size: int, made: Callable[[float], Any] | None) -> Packed:
    def read(data: bytes, start: int, stop: int, end: int, room: list[int] | None) -> list[Any]:
        number, rest = divmod(stop - start, size)
        if rest or stop > end:
            raise runtime.NeedsCareError
        _take(room, number, name, start)
        values = unpack_from(f"<{number}{form}", data, start)
        return list(values) if made is None else [made(value) for value in values]

    return read


def _varints(name: str, made: Callable[[int], Any], *, as_they_are: bool) -> Packed:
    def read(data: bytes, start: int, stop: int, end: int, room: list[int] | None) -> list[Any]:
        if stop > end:
            raise runtime.NeedsCareError
        content = data[start:stop]
        if room is not None:
            _take(room, len(content.translate(None, HIGH)), name, start)
        if content.isascii():
            return list(content) if as_they_are else [made(byte) for byte in content]
        values = []
        pos = start
        while pos < stop:
            number = data[pos]
            pos += 1
            if number > 127:
                number, pos = runtime.u64(data, number, pos)
            values.append(made(number))
        if pos != stop:
            raise runtime.NeedsCareError
        return values

    return read


def _take(room: list[int] | None, numbers: int, name: str, at: int) -> None:
    if room is not None:
        room[0] -= PER_VALUE * numbers
        if room[0] < 0:
            raise runtime.NoRoomError(name, at)
