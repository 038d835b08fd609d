"""Debezium's change events: what tells one change from all others, when it was made, and what is no change at all.

The envelope stays as it is (``before``, ``after``, ``source``, ``op``, ``ts_ms``); beside it are put, where nothing has
their names: ``id``, of this one change and not of its row; ``time``, of the commit; ``operation``, ``op`` as a word. A
value without an envelope (an outbox's payload, a row that was flattened) is as it was.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError, Unusable, unmappable
from bridge.model import Filtered, FilterReason, Record

OPERATIONS: Final = {"c": "create", "u": "update", "d": "delete", "r": "read", "t": "truncate", "m": "message"}

_HEARTBEAT: Final = Filtered(FilterReason.HEARTBEAT)
_TRANSACTION: Final = Filtered(FilterReason.TRANSACTION)
_SCHEMA_CHANGE: Final = Filtered(FilterReason.SCHEMA_CHANGE)
_TRUNCATE: Final = Filtered(FilterReason.TRUNCATE)

_CLOCKS: Final = frozenset({"ts_ms", "ts_us", "ts_ns"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# --- values that are not there

PLACEHOLDER: Final = "__debezium_unavailable_value"
"""Stands for what the database did not tell again because it had not changed (TOAST, LOBs), unless the connector was
given another one."""
_AS_BYTES: Final = base64.b64encode(PLACEHOLDER.encode()).decode()
_AS_TEXT: Final = frozenset({PLACEHOLDER, _AS_BYTES, f'{{"{PLACEHOLDER}":"{PLACEHOLDER}"}}'})
"""Of a text, of bytes, of hstore as JSON."""
_AS_LISTS: Final = ([PLACEHOLDER], [_AS_BYTES], list(PLACEHOLDER.encode()))
"""In an array of numbers, as an array of text has it whole, and hstore as key and value."""

_WHAT: Final = "a value that Debezium does not have (__debezium_unavailable_value)"
UNAVAILABLE: Final = Unusable(
    _WHAT,
    lambda: unmappable(
        f"{_WHAT}: the column had not changed, and the database does not tell large values again; "
        "REPLICA IDENTITY FULL makes it, or map another column"
    ),
)


def is_unavailable(value: Any) -> bool:
    """Whether it is such a placeholder, or what `without_placeholders` put in its place."""
    kind = value.__class__
    if kind is str:
        return value in _AS_TEXT
    if kind is dict:
        return PLACEHOLDER in value
    return value is UNAVAILABLE or (kind is list and value in _AS_LISTS)


def without_placeholders(value: Any) -> Any:
    """The same value, changed in place, with `UNAVAILABLE` where a placeholder was."""
    match value:
        case str():
            return UNAVAILABLE if value in _AS_TEXT else value
        case dict():
            if PLACEHOLDER in value:
                return UNAVAILABLE
            for name, inner in value.items():
                kind = inner.__class__
                if kind is str or kind is dict or kind is list:
                    value[name] = without_placeholders(inner)
            return value
        case list():
            if value in _AS_LISTS:
                return UNAVAILABLE
            for place, inner in enumerate(value):
                if inner.__class__ is dict or inner.__class__ is list:
                    value[place] = without_placeholders(inner)
            return value
        case _:
            return value


# --- the envelope


def change(value: dict[str, Any], record: Record, *, exact: bool) -> dict[str, Any] | Filtered:
    """The value as expressions see it, or why nobody wants it."""
    op, source = value.get("op"), value.get("source")
    if not isinstance(op, str) or not _is_envelope(source, value):
        return _no_change(value) or without_placeholders(value)
    if op == "t":
        return _TRUNCATE
    _read_texts(value, ("before", "after", "patch", "filter"), exact=exact)
    if value.get("updateDescription").__class__ is dict:
        _read_texts(value["updateDescription"], ("updatedFields",), exact=exact)
    for name in ("before", "after"):
        value[name] = without_placeholders(value.get(name))
    source = source or {}
    identifier = change_id(op, source, record.key)
    if identifier is not None:
        value.setdefault("id", identifier)
    moment = _time(source.get("ts_ms")) or _time(value.get("ts_ms"))
    if moment is not None:
        value.setdefault("time", moment)
    value.setdefault("operation", OPERATIONS.get(op, op))
    return value


def _is_envelope(source: Any, value: dict[str, Any]) -> bool:
    """And not a flattened row that has columns of these names: a row's `source` is no object."""
    return source.__class__ is dict or (source is None and ("after" in value or "before" in value))


def _no_change(value: dict[str, Any]) -> Filtered | None:
    names = value.keys()
    if names and names <= _CLOCKS:
        return _HEARTBEAT
    if value.get("status") in ("BEGIN", "END") and "id" in names and "event_count" in names:
        return _TRANSACTION
    if "source" in names and ("ddl" in names or "tableChanges" in names):
        return _SCHEMA_CHANGE
    return None


def _read_texts(value: dict[str, Any], names: tuple[str, ...], *, exact: bool) -> None:
    """MongoDB's documents are texts that hold JSON."""
    for name in names:
        if value.get(name).__class__ is str:
            value[name] = _inside(value[name], exact=exact)


def _inside(text: str, *, exact: bool) -> Any:
    """A text that holds none is what it is."""
    raw = text.encode("utf-8", "surrogatepass")
    try:
        return exact_json.decode(raw, exact=exact or exact_json.may_be_inexact(raw))
    except (orjson.JSONDecodeError, MappingError):
        return text


def _time(millis: Any) -> str | None:
    if millis.__class__ is not int or millis <= 0:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


# --- which change it is


def change_id(op: str, source: dict[str, Any], key: bytes | None) -> str | None:
    """What no other change has, and the same change has again when a connector repeats it after a restart.

    The position in the database's log, and the row by its key: rows that were written together may share a position.
    None where that does not tell it: without a key, or where no position is known that is a change's own. Then the
    record's own place in Kafka tells it.
    """
    position = _POSITIONS.get(str(source.get("connector")))
    where = None if position is None or key is None else position(source)
    if where is None:
        return None
    row = blake2b(key or b"", digest_size=8).hexdigest()
    # All rows of a snapshot may share one position: those of two databases differ in nothing but the database's name.
    table = ".".join(str(source[name]) for name in ("name", "db", "schema", "table") if source.get(name))
    return f"{table}:{where}:{op}:{row}"


def _of(*names: str) -> Callable[[dict[str, Any]], str | None]:
    """All of these, of which the first must be there."""

    def position(source: dict[str, Any]) -> str | None:
        if source.get(names[0]) is None:
            return None
        return "/".join(str(source[name]) for name in names if source.get(name) is not None)

    return position


def _of_binlog(source: dict[str, Any]) -> str | None:
    # A snapshot has the position at which it was taken, for all of its rows alike; with the row's key that is enough.
    if not source.get("file") or source.get("pos") is None:
        return None
    parts = (source.get("server_id"), source.get("gtid"), source["file"], source["pos"], source.get("row"))
    return "/".join(str(part) for part in parts if part is not None)


_POSITIONS: Final[dict[str, Callable[[dict[str, Any]], str | None]]] = {
    "postgresql": _of("lsn", "txId"),
    "mysql": _of_binlog,
    "mariadb": _of_binlog,
    "sqlserver": _of("change_lsn", "commit_lsn", "event_serial_no"),
    "db2": _of("change_lsn", "commit_lsn"),
    "oracle": _of("rs_id", "scn", "ssn"),
}
"""By the name of the connector in ``source``. MongoDB, Vitess and others have positions that several changes of one
document may share.
"""
