"""What generated readers read with: tables from bytes to what they mean, and functions for what is not in a table.

A reader takes its bytes from `io.BytesIO.read`, which costs less than half of a slice of bytes, and knows of itself
where it is. A dictionary turns one byte, or a few, into a number for less than arithmetic would. What is in no table is
a failure (KeyError), or rare and done by a function below. Everything that is cached is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

from bridge.decode.beyond_json import times, values
from bridge.decode.beyond_json.numbers import decimal_of
from bridge.errors import InvalidError

Read = Callable[[int], bytes]


class NotReadError(InvalidError):
    """The fast reader stops here. Says nothing: the careful one does."""


ZIGZAG: Final[Mapping[bytes, int | None]] = {
    bytes([byte]): (byte >> 1) ^ -(byte & 1) if byte < 128 else None for byte in range(256)
}
"""A number of one byte; None where it goes on."""
LENGTH: Final[Mapping[bytes, int | None]] = {
    bytes([byte]): byte >> 1 if byte < 128 and not byte & 1 else None for byte in range(256)
}
"""A length of one byte; None where it goes on or is negative."""
FEW: Final[Mapping[bytes, int]] = {bytes([byte]): byte >> 1 if byte in range(2, 14, 2) else 0 for byte in range(256)}
"""A length of 1 to 6; 0 for any other."""
BOOLEAN: Final[Mapping[bytes, bool]] = {b"\0": False, b"\1": True}
FIRST_IS_NULL: Final[Mapping[bytes, bool]] = {b"\0": False, b"\2": True}
"""Of a union of null and something: whether there is something."""
LAST_IS_NULL: Final[Mapping[bytes, bool]] = {b"\0": True, b"\2": False}

unpack_double: Final = Struct("<d").unpack
unpack_single: Final = Struct("<f").unpack
integer: Final = int.from_bytes


def index(names: tuple[str, ...]) -> dict[bytes, str]:
    """Of an enum whose numbers take one byte, or none."""
    return {bytes([2 * place]): name for place, name in enumerate(names[:64])}


# --- numbers of several bytes, the lowest seven bits first

_ABOVE_ZERO: Final = {bytes([128 | 2 * bits]): bits for bits in range(64)}
_BELOW_ZERO: Final = {bytes([129 | 2 * bits]): bits for bits in range(64)}
"""The first byte, without the bit that is the sign."""


def _next(shift: int) -> dict[bytes, int]:
    """One of the bytes behind it; below zero where it is not the last, as ``~`` has it."""
    return {bytes([byte]): byte << shift if byte < 128 else ~((byte & 0x7F) << shift) for byte in range(256)}


_SECOND, _THIRD, *_REST = (_next(shift) for shift in range(6, 62, 7))
_TENTH: Final = {b"\0": 0, b"\1": 1 << 62}


def long(byte: bytes, read: Read) -> int:
    """A number that begins with this byte and goes on. Raises KeyError where it does not end, or within 64 bits."""
    number = (_ABOVE_ZERO if byte in _ABOVE_ZERO else _BELOW_ZERO)[byte]
    more = _SECOND[read(1)]
    if more >= 0:
        number += more
    else:
        number += ~more
        more = _THIRD[read(1)]
        number += more if more >= 0 else _fourth(~more, read)
    return number if byte in _ABOVE_ZERO else ~number


def _fourth(number: int, read: Read) -> int:
    """From the fourth byte on, added to this."""
    for table in _REST:
        more = table[read(1)]
        if more >= 0:
            return number + more
        number += ~more
    return number + _TENTH[read(1)]


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
    if size is None:
        size = length(byte, read)
    content = read(size)
    if len(content) != size:
        raise NotReadError
    return decimal_of(content, scale)


# --- times, told by their bytes

_KEPT: Final = 8_192

MOMENT_0: Final[Mapping[bytes, int]] = {bytes([128 | 2 * bits]): bits for bits in range(64)}
"""The first byte of a moment since 1970 that goes on: six bits, and the sign."""
MOMENT_1, MOMENT_2, MOMENT_3, MOMENT_4, MOMENT_5 = (
    {bytes([128 | bits]): bits << shift for bits in range(128)} for shift in (6, 13, 20, 27, 34)
)
"""Those behind it."""
WINDOWS_MS: Final[dict[bytes, int]] = {}
"""The upper two of the six bytes that a moment in milliseconds has until 2039: windows of 37 hours."""
WINDOWS_US: Final[dict[bytes, int]] = {}
"""The upper two of the eight bytes of a moment in microseconds: windows of 25 days."""
MINUTES: Final[dict[int, str]] = {}
"""``2026-01-02T03:04:`` by minutes since 1970. Not by seconds: most topics have fewer events than one in a second."""
DAYS: Final[dict[bytes, Any]] = {}
"""``2026-01-02`` by three bytes: all days from 1992 to the year 4840."""
SECONDS: Final = times.SECONDS
MILLIS_Z: Final = ("Z", *(f".{millis:03}Z" for millis in range(1, 1_000)))
MILLIS: Final = ("", *(f".{millis:03}" for millis in range(1, 1_000)))
POINT_MILLIS: Final = tuple(f".{millis:03}" for millis in range(1_000))
MICROS_Z: Final = tuple(f"{micros:03}Z" for micros in range(1_000))
MICROS: Final = tuple(f"{micros:03}" for micros in range(1_000))


def minute_of(minute: int) -> str | None:
    """``2026-01-02T03:04:``, kept in `MINUTES` from now on; None outside the calendar."""
    days, minute_of_day = divmod(minute, 1_440)
    day = times.date_of(days)
    if day is None:
        return None
    text = day + times.CLOCK[minute_of_day]
    _keep(MINUTES, minute, text)
    return text


def moment_ms(taken: bytes, read: Any, zone: str) -> Any:
    """A moment of which six bytes were taken, and which no table knows yet."""
    moment, used = _again(taken, read)
    if used == 6 and moment >= 0:
        _keep(WINDOWS_MS, taken[4:], moment >> 27 << 27)
    minute, rest = divmod(moment, 60_000)
    begins = MINUTES.get(minute) or minute_of(minute)
    if begins is None:
        return values.NO_MOMENT
    return f"{begins}{SECONDS[rest // 1_000]}{(MILLIS_Z if zone else MILLIS)[rest % 1_000]}"


def moment_us(taken: bytes, read: Any, zone: str) -> Any:
    """The same, of eight bytes."""
    moment, used = _again(taken, read)
    if used == 8 and moment >= 0:
        _keep(WINDOWS_US, taken[6:], moment >> 41 << 41)
    minute, rest = divmod(moment, 60_000_000)
    begins = MINUTES.get(minute) or minute_of(minute)
    if begins is None:
        return values.NO_MOMENT
    millis, micros = divmod(rest, 1_000)
    second, millis = divmod(millis, 1_000)
    if micros:
        return f"{begins}{SECONDS[second]}{POINT_MILLIS[millis]}{(MICROS_Z if zone else MICROS)[micros]}"
    return f"{begins}{SECONDS[second]}{(MILLIS_Z if zone else MILLIS)[millis]}"


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
