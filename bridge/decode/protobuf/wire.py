"""The wire format, read with care: whatever is wrong is said with the byte where it is.

Source: protobuf.dev, "Encoding". A field is a tag (number and wire type) and what the wire type says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.errors import InvalidError

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
GROUP: Final = 3
GROUP_END: Final = 4
FIXED32: Final = 5

DEEPEST: Final = 100
"""Messages inside each other; what every implementation of Protobuf takes by default."""
_VARINT_BYTES: Final = 10
_TAG_BYTES: Final = 5
_MASK: Final = (1 << 64) - 1


class WireError(InvalidError):
    """Bytes that are no message. The message of it says what is wrong; never what the bytes hold."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why = why
        self.at = at
        """The byte, counted from the first one of what was given."""
        self.path: list[str] = []
        """The fields that lead there, innermost first: whoever reads a field adds its name on the way out."""


def varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """An unsigned number of at most 64 bits, and the position behind it."""
    number = shift = 0
    for place in range(pos, min(pos + _VARINT_BYTES, end)):
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & _MASK, place + 1
        shift += 7
    if end - pos < _VARINT_BYTES:
        raise WireError("the bytes end inside of a number", end)
    raise WireError("a number has more than 10 bytes", pos)


def varint_of(number: int) -> bytes:
    """A number as it is written, with the fewest bytes."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def tag(data: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """Field number, wire type, and the position behind them."""
    value, behind = varint(data, pos, end)
    number, kind = value >> 3, value & 7
    if behind - pos > _TAG_BYTES or value >= 1 << 32:
        raise WireError("a field number is beyond all that may be used", pos)
    if number == 0:
        raise WireError("a field has the number 0, which none may have", pos)
    if kind > FIXED32:
        raise WireError(f"field number {number} has the wire type {kind}, which does not exist", pos)
    return number, kind, behind


def length(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Where the bytes of a field begin and where they end."""
    size, start = varint(data, pos, end)
    if size > end - start:
        raise WireError(f"a length of {size} bytes, where {end - start} are left", pos)
    return start, start + size


def fixed(pos: int, end: int, size: int) -> int:
    """The position behind a number of so many bytes."""
    if end - pos < size:
        raise WireError(f"the bytes end inside of a number of {size} bytes", end)
    return pos + size


def skip(data: bytes, pos: int, end: int, number: int, kind: int, depth: int) -> int:
    """The position behind the content of a field that nobody reads; `pos` is behind its tag."""
    if kind == VARINT:
        return varint(data, pos, end)[1]
    if kind == LENGTH:
        return length(data, pos, end)[1]
    if kind == FIXED64:
        return fixed(pos, end, 8)
    if kind == FIXED32:
        return fixed(pos, end, 4)
    if kind == GROUP:
        return _skip_group(data, pos, end, number, depth + 1)
    raise WireError(f"the end of group {number} without its beginning", pos)


def _skip_group(data: bytes, pos: int, end: int, group: int, depth: int) -> int:
    start = pos
    if depth > DEEPEST:
        raise WireError(f"messages are nested deeper than {DEEPEST}", pos)
    while pos < end:
        at = pos
        number, kind, pos = tag(data, pos, end)
        if kind == GROUP_END:
            if number != group:
                raise WireError(f"the end of group {number} inside of group {group}", at)
            return pos
        pos = skip(data, pos, end, number, kind, depth)
    raise WireError(f"group {group} has no end", start)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field of a message with its number: numbers of varints, and the bytes of everything else but groups."""
    pos, end = 0, len(data)
    while pos < end:
        number, kind, pos = tag(data, pos, end)
        if kind == VARINT:
            value, pos = varint(data, pos, end)
            yield number, value
        elif kind == LENGTH:
            start, pos = length(data, pos, end)
            yield number, data[start:pos]
        else:
            start, pos = pos, skip(data, pos, end, number, kind, 0)
            if kind != GROUP:
                yield number, data[start:pos]
