"""Records as `kcat -J` writes them, one JSON object each.

Shape: ``{"topic", "partition", "offset", "tstype", "ts", "broker", "headers", "key", "payload"}``, of which headers may
be missing; headers are one flat list of names and values; key and payload are text or null, or JSON with ``-s``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bridge.model import Header, Record

_ALWAYS: Final = frozenset({"topic", "partition", "offset", "payload"})
_EVER: Final = _ALWAYS | {"tstype", "ts", "broker", "headers", "key", "key_error", "payload_error"}


def record(text: bytes, topic: str | None) -> Record | None:
    """The record, of `topic` where one is given; None for what is anything else: an object with other members is an
    event of somebody's own.
    """
    if b'"payload"' not in text or b'"offset"' not in text:
        return None
    try:
        found = _read(text)
    except ValueError:
        return None
    if type(found) is not dict or not _ALWAYS <= found.keys() <= _EVER:
        return None
    name, partition, offset, stamp = found["topic"], found["partition"], found["offset"], found.get("ts")
    if type(name) is not str or type(partition) is not int or type(offset) is not int:
        return None
    known = stamp if type(stamp) is int and stamp >= 0 else None
    flat = found.get("headers")
    headers = _headers(flat) if type(flat) is list else ()
    return Record(topic or name, partition, offset, known, _bytes(found.get("key")), _bytes(found["payload"]), headers)


def _read(text: bytes) -> Any:
    """With all digits, should the payload be JSON. `ValueError` for what is none."""
    from bridge.decode import exact_json
    from bridge.decode.failures import MappingError

    try:
        return exact_json.read(text)
    except MappingError as error:
        raise ValueError(str(error)) from error


def _bytes(value: Any) -> bytes | None:
    from bridge.decode import exact_json

    if value is None:
        return None
    return value.encode() if isinstance(value, str) else exact_json.encoded(value)


def _headers(flat: Sequence[Any]) -> tuple[Header, ...]:
    return tuple((str(name), _bytes(value)) for name, value in zip(flat[::2], flat[1::2], strict=False))
