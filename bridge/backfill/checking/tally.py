"""Goes through all rows once, and counts what is in them. Memory is bounded, whatever they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson

from bridge.backfill.checking.buckets import Buckets
from bridge.backfill.manifest import ImportFile, Manifest, RowKind
from bridge.backfill.run_directory import RunDirectory, RunDirectoryError, disk_errors, plan_again
from bridge.backfill.writing.files import ids_name
from bridge.backfill.writing.times import DIGEST
from bridge.text.moments import EPOCH, of_micros

MOST_COUNTED: Final = 50_000
"""Different names, and different days, that are counted one by one; the rest are counted together."""
METADATA_BYTES: Final = 10_240
"""Of one event, that the API takes (secondary sources: 10 KB)."""
_REPORT_EVERY: Final = 10_000
OTHERS: Final = "(others)"
_EVENT: Final = bytes(DIGEST)
_IDENTIFIED: Final = bytes([1] * DIGEST)


@dataclass(slots=True)
class RowTally:
    """What all rows have in sum."""

    types: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    """Of events."""
    name_bytes: int = 0
    """Of the different names together, as UTF-8."""
    days: Counter[str] = field(default_factory=Counter)
    """``2024-07-28``"""
    future: int = 0
    old: int = 0
    large: int = 0
    """Events with more metadata than `METADATA_BYTES`."""
    largest: int = 0
    """Bytes of one event's metadata, where any is large."""
    users: int = 0
    """Different ones that events are of."""
    unidentified: int = 0
    """Those of them without a row that identifies them."""
    repeated: int = 0
    """Rows of an event that has one of this kind already, by its id."""
    equal: int = 0
    """Rows that are equal to another event's in everything that the API is said to know an event by."""

    @property
    def rows(self) -> int:
        """All of them."""
        return self.types.total()


class _Places:
    """On the disk, beside the files."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.users = opened.enter_context(Buckets(folder / "check-users"))
        self.ids = opened.enter_context(Buckets(folder / "check-ids"))
        self.rows = opened.enter_context(Buckets(folder / "check-rows"))


def tally(
    directory: RunDirectory, manifest: Manifest, now: datetime, oldest: datetime, report: Callable[[int], None]
) -> RowTally:
    """`now` and `oldest` bound the times that are no finding. `report` takes how many rows are done.

    Raises `RunDirectoryError` for rows that `write` did not write, `DiskError` where there is no room to sort.
    """
    found = RowTally()
    bounds = (_text(oldest, manifest), _text(now, manifest))
    with ExitStack() as opened:
        places = _Places(directory.path, opened)
        for file in manifest.files:
            _file(directory, file, bounds, found, places, report)
        _sum_up(found, places)
    return found


def _text(moment: datetime, manifest: Manifest) -> str:
    """As rows have it: texts of one form are in the order of their times."""
    between = " " if manifest.settings.inserted_at == "space" else "T"
    return of_micros((moment - EPOCH) // timedelta(microseconds=1), between)


def _file(
    directory: RunDirectory,
    file: ImportFile,
    bounds: tuple[str, str],
    found: RowTally,
    places: _Places,
    report: Callable[[int], None],
) -> None:
    done = found.rows
    path, ids_path = directory.file(file.name), directory.file(ids_name(file.kind, file.number))
    number = 0
    with disk_errors(directory.path):
        rows, ids = path.open("rb"), ids_path.open("rb")
    with rows, ids:
        for line in rows:
            number += 1
            digest = ids.read(DIGEST)
            try:
                row = orjson.loads(line)
                _row(row, line, file.kind, bounds, found, places, digest)
            except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
                raise RunDirectoryError(
                    f"{path}, line {number}: this is no row that `write` wrote. To write all anew, {plan_again()}."
                ) from None
            if number % _REPORT_EVERY == 0:
                report(done + number)
    if number != file.rows:
        raise RunDirectoryError(
            f"{path} has {number} rows, and {file.rows} were written: somebody changed it. To write all anew, "
            f"{plan_again()}."
        )


def _row(
    row: dict[str, Any],
    line: bytes,
    kind: RowKind,
    bounds: tuple[str, str],
    found: RowTally,
    places: _Places,
    digest: bytes,
) -> None:
    time: str = row["inserted_at"]
    event_type, user = row["event_type"], row.get("user_id", "")
    name = row["event_name"] if kind is RowKind.EVENTS else ""
    found.types[event_type] += 1
    _count(found.days, time[:10])
    found.future += time[:26] > bounds[1]
    found.old += time[:26] < bounds[0]
    if kind is RowKind.EVENTS:
        if name not in found.names and len(found.names) < MOST_COUNTED:
            found.name_bytes += len(name.encode())
        _count(found.names, name)
        places.users.add(_hash(user), _EVENT)
    elif kind is RowKind.USERS:
        places.users.add(_hash(user), _IDENTIFIED)
    if kind is RowKind.EVENTS and len(line) > METADATA_BYTES:
        size = len(orjson.dumps(row.get("metadata", {})))
        found.large += size > METADATA_BYTES
        found.largest = max(found.largest, size)
    places.ids.add(blake2b(kind.encode() + digest, digest_size=DIGEST).digest(), digest)
    places.rows.add(_hash(f"{event_type}\0{name}\0{user}\0{row.get('company_id', '')}\0{time}"), digest)


def _count(counted: Counter[str], what: str) -> None:
    counted[what if what in counted or len(counted) < MOST_COUNTED else OTHERS] += 1


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


def _sum_up(found: RowTally, places: _Places) -> None:
    """What only shows when all rows are there."""
    for users, kinds in places.users.each():
        with_events = {user for user, kind in zip(users, kinds, strict=True) if not kind}
        found.users += len(with_events)
        found.unidentified += len(with_events - {user for user, kind in zip(users, kinds, strict=True) if kind})
    for ids, _ in places.ids.each():
        found.repeated += len(ids) - len(set(ids))
    for rows, events in places.rows.each():
        found.equal += len(set(zip(rows, events, strict=True))) - len(set(rows))
