"""What gzip made, unpacked piece by piece: it may be larger than memory, and a little of it may unpack to very much."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from bridge.errors import Misuse

_WITH_HEADER: Final = 31
"""What zlib calls the form of gzip."""
_PIECE: Final = 1 << 16


def unpacked(called: str, packed: Iterable[bytes], most: int | None = None) -> Iterator[bytes]:
    """Text up to each newline, with it. Raises `Misuse` for what is damaged, cut off, or unpacks to more than `most`
    bytes.
    """
    size = 0
    begun: list[bytes] = []
    """Of a line whose end did not come yet."""
    for piece in _pieces(called, packed):
        size += len(piece)
        if most is not None and size > most:
            raise Misuse(f"{called} unpacks to more than {most / 1e6:g} MB, which is too much at once: split it.")
        first, *lines = piece.split(b"\n")
        begun.append(first)
        for line in lines:
            yield b"".join(begun) + b"\n"
            begun = [line]
    if rest := b"".join(begun):
        yield rest


def _pieces(called: str, packed: Iterable[bytes]) -> Iterator[bytes]:
    """Of all members one after the other, as ``cat a.gz b.gz`` makes them."""
    reader = zlib.decompressobj(_WITH_HEADER)
    is_open = False
    try:
        for piece in packed:
            given = piece
            while given:
                is_open = True
                yield reader.decompress(given, _PIECE)
                given = reader.unconsumed_tail
                if reader.eof:
                    given, is_open = reader.unused_data, False
                    reader = zlib.decompressobj(_WITH_HEADER)
        yield reader.flush()
    except zlib.error as error:
        raise Misuse(f"{called} is compressed with gzip, and damaged: make it again.") from error
    if is_open:
        raise Misuse(f"{called} is compressed with gzip, and ends too early: make it again.")
