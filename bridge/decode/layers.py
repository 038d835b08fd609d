"""What was put around a value and is undone before it is decoded: base64, compression, JSON inside of a JSON text.

Bounded: what a layer holds is inflated no further than a record may be large, whatever its first bytes promise.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final, Protocol

import orjson

from bridge.decode.failures import kind, undecodable
from bridge.decode.plain_json import MARK
from bridge.errors import InvalidError

LARGEST: Final = 20_000_000
"""Bytes that a layer may hold: as many as a record may have where `kafka.max_record_bytes` says nothing else."""

Undo = Callable[[bytes, int], bytes]
"""Takes one layer off, holding at most so many bytes. Raises `LayerError`."""

_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_BLANKS: Final = b" \t\r\n"
_GZIP: Final = 31
_ZLIB: Final = 15
"""What zlib calls window bits: they name the container, too."""
_FED: Final = 65_536
"""Bytes at a time."""
_MOST_PARTS: Final = 10_000
"""Pieces of compressed data in one value: each has a price, however small it is."""


class LayerError(InvalidError):
    """Bytes are not what a layer was said to be; reads as the end of a sentence that begins with "the value"."""


def undo(raw: bytes, layers: Sequence[str], largest: int = LARGEST) -> bytes:
    """The value inside of all layers, outermost first. Raises `MappingError` that names the layer."""
    for place, layer in enumerate(layers, start=1):
        try:
            raw = UNDO[layer](raw.removeprefix(MARK), largest)
        except LayerError as problem:
            inside = f" inside of {', '.join(layers[: place - 1])}" if place > 1 else ""
            raise undecodable(f"layers[{place - 1}], {layer}: the value{inside} {problem}") from None
    return raw


def missing_package(layers: Sequence[str]) -> str | None:
    """What has to be installed before these can be undone, as a sentence's end; None where nothing has."""
    if "zstd" in layers and _zstd() is None:
        return "zstd needs Python 3.14 or the package backports.zstd: pip install 'track-bridge[zstd]'"
    return None


def _base64(raw: bytes, largest: int) -> bytes:
    letters = raw.translate(_URL_SAFE, delete=_BLANKS).rstrip(b"=")
    if not letters:
        raise LayerError("is empty, not base64")
    if len(letters) // 4 * 3 > largest:
        raise _too_large(largest)
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        hint = "; where it is a JSON text in quotes, json_text comes first" if raw.lstrip()[:1] == b'"' else ""
        raise LayerError(f"is not base64{hint}") from None


def _gzip(raw: bytes, largest: int) -> bytes:
    """Members one after the other are one content, as gzip's own programs have it."""
    return _inflated(raw, largest, "gzip", _Zlib(_GZIP))


def _zlib(raw: bytes, largest: int) -> bytes:
    return _inflated(raw, largest, "zlib", _Zlib(_ZLIB), most=1)


def _unzstd(raw: bytes, largest: int) -> bytes:
    """Frames one after the other are one content."""
    zstd = _zstd()
    if zstd is None:
        raise LayerError("cannot be read here: zstd needs the package backports.zstd (track-bridge[zstd])")
    return _inflated(raw, largest, "zstd", _Zstd(zstd))


class _Codec(Protocol):
    """A kind of compressed data that ends by itself."""

    def machine(self) -> Any:
        """What inflates one of them; it has `eof` and `unused_data`."""

    def inflate(self, machine: Any, piece: bytes, most: int) -> bytes:
        """At most so many bytes more; ValueError for damaged data."""


class _Zlib:
    def __init__(self, container: int) -> None:
        self._container = container

    def machine(self) -> Any:
        return zlib.decompressobj(wbits=self._container)

    def inflate(self, machine: Any, piece: bytes, most: int) -> bytes:
        try:
            content: bytes = machine.decompress(piece, most)
        except zlib.error as damage:
            raise ValueError from damage
        return content


class _Zstd:
    def __init__(self, zstd: Any) -> None:
        self._zstd = zstd

    def machine(self) -> Any:
        return self._zstd.ZstdDecompressor()

    def inflate(self, machine: Any, piece: bytes, most: int) -> bytes:
        try:
            content: bytes = machine.decompress(piece, most)
        except self._zstd.ZstdError as damage:
            raise ValueError from damage
        return content


def _inflated(raw: bytes, largest: int, name: str, codec: _Codec, most: int = _MOST_PARTS) -> bytes:
    """All that is in one piece of compressed data after the other. It is fed bit by bit, because what comes behind the
    end of one is copied.
    """
    parts: list[bytes] = []
    size = at = ends = 0
    while at < len(raw):
        if ends == most:
            raise LayerError(
                f"has more than {most} pieces of {name}, one after the other" if most > 1 else _behind(raw, at)
            )
        machine = codec.machine()
        while not machine.eof:
            piece = raw[at : at + _FED]
            if not piece:
                raise LayerError(f"ends in the middle of its {name} data")
            at += len(piece)
            try:
                content = codec.inflate(machine, piece, largest - size + 1)
            except ValueError:
                raise LayerError(f"is not {name}, or is damaged") from None
            size += len(content)
            if size > largest:
                raise _too_large(largest)
            parts.append(content)
        at -= len(machine.unused_data)
        ends += 1
        if at < len(raw) and raw[at] == 0 and not raw[at:].strip(b"\0"):
            break  # some writers fill up their last block
    if not ends:
        raise LayerError(f"is empty, not {name}")
    return b"".join(parts)


def _behind(raw: bytes, at: int) -> str:
    return f"has {len(raw) - at} bytes after the end of its zlib data"


def _zstd() -> ModuleType | None:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _json_text(raw: bytes, _largest: int) -> bytes:
    """What a JSON text holds; never larger than the text."""
    try:
        text = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise LayerError("is not JSON; a JSON text is needed") from None
    if not isinstance(text, str):
        raise LayerError(f"is {kind(text)}; a JSON text is needed, which holds JSON")
    return text.encode("utf-8", "surrogatepass")


def _too_large(largest: int) -> LayerError:
    return LayerError(f"is larger than {largest} bytes once it is undone")


UNDO: Final[Mapping[str, Undo]] = {
    "base64": _base64,
    "gzip": _gzip,
    "zlib": _zlib,
    "zstd": _unzstd,
    "json_text": _json_text,
}
"""By the name that `mapping.layers` has for it."""
