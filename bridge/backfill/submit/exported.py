"""Rows of an export of Userpilot's, held against the rows that were sent: each is there once, missing, or there again.

An export is made with the plan's export API (or in the app) and downloaded by hand: NDJSON, plain or gzip. Its fields
are documented: ``event_type``, ``event_name``, ``user_id``, ``company_id``, ``source``, ``inserted_at``. Rows are
compared by these, with the time to the second, since how exact an export's times are is not documented. An export is of
some days: rows of others are not compared.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from bridge.errors import Misuse

SOURCE: Final = "backend-http-import"
_SECONDS: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class ExportComparison:
    """Of all rows of the export's days."""

    written: int
    found: int
    """Rows of an import, of any, in the export."""
    missing: int
    """Written, and not in the export so often."""
    again: int
    """Written, and more often in the export."""
    foreign: int
    """In the export, of imports, and never written by this run."""
    elsewhere: int = 0
    """Written, of days before its first or after its last: not compared."""


def compare(written: Iterable[bytes], exports: Iterable[Path]) -> ExportComparison:
    """Some 50 bytes of memory a row. Raises `Misuse` for a file that is no such export."""
    ours, theirs = array("Q"), array("Q")
    first, last, elsewhere = "", "", 0
    for path in exports:
        for row, at in _exported(path):
            first, last = min(first or at[1], at[1]), max(last, at[1])
            if row.get("source") == SOURCE:
                theirs.append(_key(row, at))
    for line in written:
        row = orjson.loads(line)
        when = _time(row)
        if when is None:
            continue
        if first and not first <= when[1] <= last:
            elsewhere += 1
        else:
            ours.append(_key(row, when))
    return replace(_compared(sorted(ours), sorted(theirs)), elsewhere=elsewhere)


def _compared(ours: list[int], theirs: list[int]) -> ExportComparison:
    missing = again = foreign = at = 0
    index = 0
    while index < len(ours) or at < len(theirs):
        key = min(ours[index] if index < len(ours) else _LAST, theirs[at] if at < len(theirs) else _LAST)
        wanted = _run(ours, index, key)
        got = _run(theirs, at, key)
        index, at = index + wanted, at + got
        missing += max(0, wanted - got)
        if wanted:
            again += max(0, got - wanted)
        else:
            foreign += got
    return ExportComparison(len(ours), len(theirs), missing, again, foreign)


_LAST: Final = 2**64


def _run(keys: list[int], begin: int, key: int) -> int:
    end = begin
    while end < len(keys) and keys[end] == key:
        end += 1
    return end - begin


def _exported(path: Path) -> Iterator[tuple[dict[str, Any], re.Match[str]]]:
    """Each row that has a time, with it."""
    opened = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 - it is told where reading ended
                if line.strip():
                    row = orjson.loads(line)
                    at = _time(row)
                    if at is not None:
                        yield row, at
    except (OSError, EOFError) as error:
        raise Misuse(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise Misuse(
            f"{path}, line {number}: no JSON object. An export is compared in the format ndjson, plain or as .gz."
        ) from error


def _time(row: Mapping[str, Any]) -> re.Match[str] | None:
    """Day and time of day, to the second."""
    return _SECONDS.match(str(row.get("inserted_at", "")))


def _key(row: Mapping[str, Any], at: re.Match[str]) -> int:
    """64 bits of what tells rows apart."""
    kind = str(row.get("event_type", ""))
    who = row.get("company_id") if kind == "identify_company" else row.get("user_id")
    told = orjson.dumps([kind, str(who), str(row.get("event_name") or ""), f"{at[1]} {at[2]}"])
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())
