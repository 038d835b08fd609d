"""What generated readers call: the parts of the wire format that are too long to be written out at every field.

All positions are those of the whole payload, behind which stand zero bytes, so that looking a byte too far is no
error: whatever goes wrong makes the positions wrong at the end, or raises any of `FAILURES`.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from bridge.decode.failures import Unusable
from bridge.decode.protobuf import wire
from bridge.decode.protobuf.reading import scalars
from bridge.decode.protobuf.wire import varint_of
from bridge.errors import Signal

PADDING: Final = b"\0" * 16
_HALF: Final = 1 << 63
_WHOLE: Final = 1 << 64
_HALF_32: Final = 1 << 31
_WHOLE_32: Final = 1 << 32
_MASK_32: Final = (1 << 32) - 1


class NeedsCareError(Signal):
    """A generated reader found what it does not read: a fault, or a message that is written in parts."""


class NoRoomError(Signal):
    """What a payload becomes would take more memory than it may."""

    def __init__(self, where: str, at: int) -> None:
        super().__init__(where)
        self.where = where
        """The field, or the message."""
        self.at = at


FAILURES: Final = (
    NeedsCareError,
    wire.WireError,
    IndexError,
    UnicodeDecodeError,
    struct.error,
    OverflowError,
    RecursionError,
    MemoryError,
)


def u64(data: bytes, first: int, pos: int) -> tuple[int, int]:
    """A number of which `first` is the first of several bytes, and `pos` the place of the second one."""
    b = data[pos]
    if b < 128:
        return first - 128 + b * 128, pos + 1
    c = data[pos + 1]
    if c < 128:
        return first - 16_512 + (b + c * 128) * 128, pos + 2
    d = data[pos + 2]
    if d < 128:
        return first - 2_113_664 + (b + (c + d * 128) * 128) * 128, pos + 3
    e = data[pos + 3]
    if e < 128:
        return first - 270_549_120 + (b + (c + (d + e * 128) * 128) * 128) * 128, pos + 4
    f = data[pos + 4]
    if f < 128:
        return first - 34_630_287_488 + (b + (c + (d + (e + f * 128) * 128) * 128) * 128) * 128, pos + 5
    return _long(data, pos - 1)


def _long(data: bytes, pos: int) -> tuple[int, int]:
    number = shift = 0
    for place in range(pos, pos + 10):
        byte = data[place]
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (_WHOLE - 1), place + 1
        shift += 7
    raise NeedsCareError


def sign64(number: int) -> int:
    """A number of 64 bits, the highest being its sign."""
    return number - _WHOLE if number >= _HALF else number


def sign32(number: int) -> int:
    """The lowest 32 bits of a number, the highest of them being the sign."""
    number &= _MASK_32
    return number - _WHOLE_32 if number >= _HALF_32 else number


def skipped(data: bytes, pos: int, end: int, depth: int) -> int:
    """The position behind a field that the schema does not have; `pos` is at its tag."""
    number, kind, pos = wire.tag(data, pos, end)
    return wire.skip(data, pos, end, number, kind, depth)


def two_numbers(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Of a Timestamp or Duration: seconds and nanoseconds."""
    seconds = nanos = 0
    while pos < end:
        t = data[pos]
        v = data[pos + 1]
        pos += 2
        if v > 127:
            v, pos = u64(data, v, pos)
        if t == 8:
            seconds = sign64(v)
        elif t == 16:
            nanos = sign32(v)
        else:
            raise NeedsCareError
    if pos != end:
        raise NeedsCareError
    return seconds, nanos


_SECONDS: Final[dict[bytes, str]] = {}
"""Times without their fraction by what is on the wire: records come one after the other, and share their second."""
_MOST_SECONDS: Final = 4096
_FRACTIONS: Final[dict[bytes, str]] = {}
"""Whole milliseconds by what is on the wire; more are not kept."""
_MILLIS: Final = tuple(f".{number:03d}Z" for number in range(1000))
_SECONDS_BYTES: Final = 6
"""Of a tag, and of every time from 1978 to 3058."""


def timestamp(data: bytes, pos: int, end: int) -> str | Unusable:
    """A google.protobuf.Timestamp."""
    behind = pos + _SECONDS_BYTES
    second = _SECONDS.get(data[pos:behind])
    if second is not None:
        if behind == end:
            return second + "Z"
        fraction = _FRACTIONS.get(data[behind:end])
        if fraction is not None:
            return second + fraction
    seconds, nanos = two_numbers(data, pos, end)
    text = scalars.timestamp(seconds, nanos)
    if second is not None and nanos % 1_000_000:
        return text  # its second is kept, and no more of it would be
    if text.__class__ is str and end >= behind and data[pos] == 8:
        _keep(data, pos, end, seconds, nanos)
    return text


def _keep(data: bytes, pos: int, end: int, seconds: int, nanos: int) -> None:
    """For the next record, where the parts are written as writers write them and no other way."""
    behind = pos + _SECONDS_BYTES
    if 0 < seconds >> 28 < 128 and data[pos + 1 : behind] == varint_of(seconds):
        if len(_SECONDS) >= _MOST_SECONDS:
            _SECONDS.clear()
        _SECONDS[data[pos:behind]] = str(scalars.timestamp(seconds, 0))[:-1]
        millis, rest = divmod(nanos, 1_000_000)
        if nanos and not rest and data[behind:end] == b"\x10" + varint_of(nanos):
            _FRACTIONS[data[behind:end]] = _MILLIS[millis]


def duration(data: bytes, pos: int, end: int) -> str | Unusable:
    """A google.protobuf.Duration."""
    seconds, nanos = two_numbers(data, pos, end)
    return scalars.duration(seconds, nanos)


Namespace = dict[str, Any]
