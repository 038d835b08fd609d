"""What generated readers read with: tables from bytes to what they mean, and functions for what is not in a table.

A reader takes its bytes from `io.BytesIO.read`, which costs less than half of a slice of bytes, and knows of itself
where it is. A dictionary turns one byte, or a few, into a number for less than arithmetic would. What is in no table is
a failure (KeyError), or rare and done by a function below. Everything that is cached is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

from bridge.decode.avro import values
from bridge.errors import InvalidError

Read = Callable[[int], bytes]

END: Final = b"\xff"
"""Is put behind every value. What reads too far takes it away, and then it is missed."""


class NotReadError(InvalidError):
    """The fast reader stops here. Says nothing: the careful one does."""


ZIGZAG: Final[Mapping[bytes, int | None]] = {
    bytes([byte]): (byte >> 1) ^ -(byte & 1) if byte < 128 else None for byte in range(256)
}
"""A number of one byte; None where it goes on."""
LENGTH: Final[Mapping[bytes, int]] = {
    bytes([byte]): byte >> 1 if byte < 128 and not byte & 1 else -1 for byte in range(256)
}
"""A length of one byte; -1 where it goes on or is negative."""
BOOLEAN: Final[Mapping[bytes, bool]] = {b"\0": False, b"\1": True}
FIRST_IS_NULL: Final[Mapping[bytes, bool]] = {b"\0": False, b"\2": True}
"""Of a union of null and something: whether there is something."""
LAST_IS_NULL: Final[Mapping[bytes, bool]] = {b"\0": True, b"\2": False}

unpack_double: Final = Struct("<d").unpack
integer: Final = int.from_bytes


def index(names: tuple[str, ...]) -> dict[bytes, str]:
    """Of an enum whose numbers take one byte, or none."""
    return {bytes([2 * place]): name for place, name in enumerate(names[:64])}


# --- numbers of several bytes, the lowest seven bits first

_GOES_ON: Final = {bytes([128 | bits]): bits for bits in range(128)}
_PLACES: Final = tuple(
    ({bytes([bits]): bits << shift for bits in range(128)}, {bytes([128 | bits]): bits << shift for bits in range(128)})
    for shift in range(7, 63, 7)
)
"""Of the second to the ninth byte: where it is the last one, and where it is not."""
_LAST: Final = {b"\0": 0, b"\1": 1 << 63}
"""Of the tenth."""
(_END_2, _MORE_2), (_END_3, _MORE_3), *_REST = _PLACES


def long(byte: bytes, read: Read) -> int:
    """A number that begins with this byte and goes on. Raises KeyError where it does not end, or within 64 bits."""
    number = _GOES_ON[byte]
    byte = read(1)
    if byte in _END_2:
        number += _END_2[byte]
        return (number >> 1) ^ -(number & 1)
    number += _MORE_2[byte]
    byte = read(1)
    if byte in _END_3:
        number += _END_3[byte]
        return (number >> 1) ^ -(number & 1)
    number += _MORE_3[byte]
    for end, more in _REST:
        byte = read(1)
        if byte in end:
            number += end[byte]
            break
        number += more[byte]
    else:
        number += _LAST[read(1)]
    return (number >> 1) ^ -(number & 1)


def length(byte: bytes, read: Read) -> int:
    """As `long`, of what cannot be negative."""
    number = long(byte, read)
    if number < 0:
        raise NotReadError
    return number


def count(byte: bytes, read: Read) -> int:
    """Of items in a block, where it is not a few of them. A negative one is followed by the size of the block."""
    number = ZIGZAG[byte]
    if number is None:
        number = long(byte, read)
    if number < 0:
        skip_long(read)
        number = -number
    return number


def skip_long(read: Read) -> None:
    """Past one number."""
    byte = read(1)
    if ZIGZAG[byte] is None:
        long(byte, read)


# --- decimals

SIGN: Final = (0, *(1 << 8 * size - 1 for size in range(1, 7)))
"""By bytes: from where on a number stands for one below 0."""
SPAN: Final = (0, *(1 << 8 * size for size in range(1, 7)))
"""What is to be taken off it then. Six bytes have 15 digits, which every double keeps apart."""


def decimal(byte: bytes, read: Read, scale: int) -> Any:
    """One of many digits, or of none."""
    size = LENGTH[byte]
    content = read(length(byte, read) if size < 0 else size)
    return values.decimal_of(content, scale)


# --- times, told by their bytes

_KEPT: Final = 8_192
_MINUTE: Final = 60

MOMENT_0: Final[Mapping[bytes, int]] = {bytes([128 | 2 * bits]): bits for bits in range(64)}
"""The first byte of a moment since 1970 that goes on: six bits, and the sign."""
MOMENT_1, MOMENT_2, MOMENT_3, MOMENT_4 = (
    {bytes([128 | bits]): bits << shift for bits in range(128)} for shift in (6, 13, 20, 27)
)
"""Those behind it."""
WINDOWS_MS: Final[dict[bytes, int]] = {}
"""The upper three of the six bytes that a moment in milliseconds has until 2039: windows of 17 minutes."""
WINDOWS_US: Final[dict[bytes, int]] = {}
"""The upper three of the eight bytes of a moment in microseconds: windows of five hours."""
MINUTES: Final[dict[int, str]] = {}
"""``2026-01-02T03:04:`` by minutes since 1970. Not by seconds: most topics have fewer events than one in a second."""
DAYS: Final[dict[bytes, Any]] = {}
"""``2026-01-02`` by three bytes: all days from 1992 to the year 4840."""
SECONDS: Final = tuple(f"{second:02}" for second in range(_MINUTE))
MILLIS_Z: Final = ("Z", *(f".{millis:03}Z" for millis in range(1, 1_000)))
MILLIS: Final = ("", *(f".{millis:03}" for millis in range(1, 1_000)))
POINT_MILLIS: Final = tuple(f".{millis:03}" for millis in range(1_000))
MICROS_Z: Final = tuple(f"{micros:03}Z" for micros in range(1_000))
MICROS: Final = tuple(f"{micros:03}" for micros in range(1_000))


def moment_ms(taken: bytes, read: Any, zone: str) -> Any:
    """A moment of which six bytes were taken, and which no table knows yet."""
    moment, used = _again(taken, read)
    if used == 6 and moment >= 0:
        _keep(WINDOWS_MS, taken[3:], moment >> 20 << 20)
        _keep_minute(moment // (1_000 * _MINUTE))
    return values.moment_of(moment, 1_000, zone)


def moment_us(taken: bytes, read: Any, zone: str) -> Any:
    """The same, of eight bytes."""
    moment, used = _again(taken, read)
    if used == 8 and moment >= 0:
        _keep(WINDOWS_US, taken[5:], moment >> 34 << 34)
        _keep_minute(moment // (1_000_000 * _MINUTE))
    return values.moment_of(moment, 1_000_000, zone)


def day(taken: bytes, read: Any) -> Any:
    """The same, of a date and three bytes."""
    days, used = _again(taken, read)
    text = values.date_of(days)
    if used == 3:
        _keep(DAYS, taken, text)
    return text


def _again(taken: bytes, read: Any) -> tuple[int, int]:
    """A number of which so many bytes were taken, be they its own or too many or too few; and how many it has."""
    stream = read.__self__
    begun = stream.seek(-len(taken), 1)
    byte = read(1)
    number = ZIGZAG[byte]
    if number is None:
        number = long(byte, read)
    return number, stream.tell() - begun


def _keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    if len(table) >= _KEPT:
        table.clear()
    table[key] = value


def _keep_minute(minute: int) -> None:
    text = values.second_of(minute * _MINUTE)
    if text is not None:
        _keep(MINUTES, minute, text[:-2])
