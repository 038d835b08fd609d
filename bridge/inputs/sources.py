"""Lines of a file, of standard input or of an upload, read as they are asked for: a file may be larger than memory."""

from __future__ import annotations

import io
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from bridge.errors import Misuse
from bridge.inputs.gzipped import unpacked

STDIN: Final = "-"
_WIDE: Final = (BOM_UTF16_LE, BOM_UTF16_BE, b"{\0", b"[\0", b"\0{", b"\0[")
"""How a text in UTF-16 or UTF-32 begins, with a byte order mark or as JSON without one."""
_GZIP: Final = b"\x1f\x8b"
_SAID_AT_ONCE: Final = 20


def name(source: str) -> str:
    """As messages call it."""
    return "standard input" if source == STDIN else source


def content(source: str) -> bytes:
    """All of it, byte for byte. Raises `Misuse` for what cannot be read."""
    return b"".join(_chunks(source))


def chunks(source: str) -> Iterator[bytes]:
    """Text up to each newline, with it, without a byte order mark; of what gzip made: what is in it.

    Raises `Misuse` also for other encodings.
    """
    return _as_text(name(source), _chunks(source))


def chunks_of(called: str, content: bytes, most: int | None = None) -> Iterator[bytes]:
    """The same of a content that is there already, and unpacked may have `most` bytes."""
    return _as_text(called, iter(io.BytesIO(content)), most)


def _as_text(called: str, found: Iterator[bytes], most: int | None = None) -> Iterator[bytes]:
    first = next(found, b"")
    if first.startswith(_GZIP):
        found = unpacked(called, chain([first], found), most)
        first = next(found, b"")
    if first.startswith(_WIDE):
        raise Misuse(f"{called} is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8).")
    yield first.removeprefix(BOM_UTF8)  # Editors put it there; it is no part of JSON.
    yield from found


def lines(texts: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, without their ends, with their numbers from 1; `texts` are `chunks`."""
    number = 0
    for text in texts:
        for line in text.splitlines():
            number += 1
            if line.strip():
                yield number, line


def refusal(source: str, problems: Iterable[tuple[int, str]]) -> Misuse:
    """What is wrong with some lines, each with its number: as many as a person reads at once."""
    found = list(islice(problems, _SAID_AT_ONCE + 1))
    said = [f"{name(source)}, line {number}: {problem}." for number, problem in found[:_SAID_AT_ONCE]]
    return Misuse("\n".join([*said, *["… and more."][: len(found) - len(said)]]))


def _chunks(source: str) -> Iterator[bytes]:
    if source == STDIN:
        yield from sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield from file
    except OSError as error:
        raise Misuse(f"{source} cannot be read: {error.strerror}.") from error
