"""What `check` finds in files before anything of them is submitted."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.backfill.checking import buckets
from bridge.backfill.checking.buckets import Buckets
from bridge.backfill.checking.findings import CheckFindings, findings
from bridge.backfill.checking.tally import RowTally, tally
from bridge.backfill.manifest import Manifest
from bridge.backfill.run_directory import RunDirectory, RunDirectoryError
from bridge.model import Record
from tests.unit.backfill.histories import Log, planned, record, write

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RETENTION = timedelta(days=3 * 365)
MAPPING = {
    "user_id": "user_id",
    "metadata_limit": "20KB",
    "events": {
        "order.completed": {"event_name": "Order Completed", "metadata": {"note": "data.note"}},
        "named": {
            "event_name": {"path": "data.name"},
            "allowed_event_names": [f"Event {number}" for number in range(30)],
        },
        "user.signed_up": [{"identify": {"properties": {"plan": "data.plan"}}}],
    },
}
LATELY = "2026-11-01T08:00:00Z"


def looked_at(path: Path, *records: Record) -> tuple[RowTally, CheckFindings]:
    directory, log = RunDirectory(path), Log({0: [each._replace(offset=at) for at, each in enumerate(records)]})
    planned(directory, log)
    manifest = write(directory, log, segment=50_000, mapping=MAPPING)
    return again(directory, manifest)


def again(directory: RunDirectory, manifest: Manifest) -> tuple[RowTally, CheckFindings]:
    found = tally(directory, manifest, NOW, NOW - RETENTION, lambda _done: None)
    return found, findings(found, manifest, RETENTION.total_seconds())


def event(number: int = 0, **changes: Any) -> Record:
    return record(0, **{"time": LATELY, "id": f"e{number}", "user_id": "u"} | changes)


def signed_up(user: str) -> Record:
    return event(id=f"signed-{user}", type_="user.signed_up", user_id=user, data={"plan": "pro"})


def test_rows_are_counted_by_type_name_and_day(tmp_path: Path) -> None:
    named = event(1, type_="named", data={"name": "Event 7"}, time="2026-10-31T23:59:59Z")
    found, said = looked_at(tmp_path / "run", event(0), named, signed_up("u"))

    assert found.types == {"track": 2, "identify_user": 1}
    assert found.names == {"Order Completed": 1, "Event 7": 1}
    assert found.days == {"2026-11-01": 2, "2026-10-31": 1}
    assert said == CheckFindings((), ())


def test_times_in_the_future_block_and_old_ones_do_not(tmp_path: Path) -> None:
    ahead, old = event(0, time="2026-11-29T12:00:01Z"), event(1, time="2023-11-29T00:00:00Z")
    found, said = looked_at(tmp_path / "run", ahead, old, event(2), signed_up("u"))

    assert (found.future, found.old) == (1, 1)
    assert "1 row dated in the future" in said.blocking[0]
    assert "1 row older than" in said.warnings[0]


def test_more_names_than_userpilot_keeps_block(manifest: Manifest) -> None:
    """A mapping may name ten thousand; what is there already, nobody knows here."""
    found = RowTally(names=Counter({f"Event {number}": 1 for number in range(10_001)}), name_bytes=600_000)
    found.types["track"] = 10_001

    said = findings(found, manifest, 1.0)

    assert "10,001 different event names" in said.blocking[0]
    assert "The event names have 600,000 bytes together" in said.blocking[1]


def test_the_bytes_of_different_names_are_counted_once(tmp_path: Path) -> None:
    records = [event(number, type_="named", data={"name": f"Event {number % 2}"}) for number in range(6)]

    found, _ = looked_at(tmp_path / "run", *records)

    assert found.name_bytes == len("Event 0" + "Event 1")


def test_metadata_above_ten_kilobytes_blocks(tmp_path: Path) -> None:
    found, said = looked_at(tmp_path / "run", event(0, data={"note": "x" * 10_300}), event(1), signed_up("u"))

    assert (found.large, found.largest > 10_300) == (1, True)
    assert "metadata above 10,240 bytes" in said.blocking[0]


def test_the_size_of_what_is_no_event_is_not_counted(tmp_path: Path) -> None:
    """The limit is one of events."""
    user = event(0, type_="user.signed_up", data={"plan": "x" * 12_000})
    found, said = looked_at(tmp_path / "run", user, event(1))

    assert (found.large, found.largest) == (0, 0)
    assert said.blocking == ()


def test_users_with_events_and_no_row_that_identifies_them_are_told(tmp_path: Path) -> None:
    records = [event(number, user_id=f"u{number % 5}") for number in range(10)]

    found, said = looked_at(tmp_path / "run", *records, signed_up("u1"), signed_up("elsewhere"))

    assert (found.users, found.unidentified) == (5, 4)
    assert "4 users of 5 with events and without a row that identifies them" in said.warnings[0]


def test_events_that_are_there_twice_block_and_equal_times_do_not(tmp_path: Path) -> None:
    found, said = looked_at(tmp_path / "run", event(0), event(0), event(1), event(2), signed_up("u"))

    assert (found.repeated, found.equal) == (1, 0)
    assert "1 row of events that have a row already, by their id" in said.blocking[0]


def test_rejects_are_told(tmp_path: Path) -> None:
    _, said = looked_at(tmp_path / "run", event(0), event(1, user_id=None), signed_up("u"))

    assert "1 output could not be mapped" in said.warnings[0]


def test_without_any_row_nothing_is_submitted(tmp_path: Path) -> None:
    _, said = looked_at(tmp_path / "run", event(0, type_="else"))

    assert "There is no row" in said.blocking[0]


def test_files_that_somebody_changed_are_refused(tmp_path: Path) -> None:
    looked_at(tmp_path / "run", event(0), event(1))
    directory = RunDirectory(tmp_path / "run")
    path = tmp_path / "run" / "events-00001.ndjson"
    content = path.read_bytes()

    path.write_bytes(content[: content.index(b"\n") + 1])
    with pytest.raises(RunDirectoryError, match="has 1 rows, and 2 were written"):
        again(directory, directory.read())
    path.write_bytes(content.replace(b'"inserted_at"', b'"at"'))
    with pytest.raises(RunDirectoryError, match="line 1: this is no row that `write` wrote"):
        again(directory, directory.read())


def test_samples_are_of_each_kind_and_name(tmp_path: Path) -> None:
    looked_at(tmp_path / "run", event(0), event(1), signed_up("u"))

    samples = RunDirectory(tmp_path / "run").read().written.samples
    assert sorted(samples) == ["events: Order Completed", "users"]
    assert json.loads(samples["users"])["event_type"] == "identify_user"


def test_what_is_sorted_on_the_disk_comes_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pick = random.Random(1)  # noqa: S311 - reproducible, not secret
    records = [event(pick.randrange(150), user_id=f"u{pick.randrange(40)}") for _ in range(300)]
    records += [signed_up(f"u{number}") for number in range(20)]
    in_memory, _ = looked_at(tmp_path / "run", *records)
    directory = RunDirectory(tmp_path / "run")

    monkeypatch.setattr(buckets, "_SMALL", 0)
    monkeypatch.setattr(buckets, "_FLUSH", 16)
    on_disk, _ = again(directory, directory.read())

    assert on_disk == in_memory
    assert in_memory.repeated > 100
    assert not [each.name for each in directory.path.iterdir() if each.name.startswith("check-")]


def test_what_a_killed_check_left_is_not_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_SMALL", 0)
    monkeypatch.setattr(buckets, "_FLUSH", 16)
    first, _ = looked_at(tmp_path / "run", *(event(number) for number in range(50)), signed_up("u"))
    for left in ("check-ids", "check-rows", "check-users"):
        folder = tmp_path / "run" / left
        folder.mkdir()
        for number in range(256):
            (folder / str(number)).write_bytes(bytes([number] * 16) * 2)
    directory = RunDirectory(tmp_path / "run")

    found, said = again(directory, directory.read())

    assert found == first
    assert said.blocking == ()


def test_pairs_with_one_key_meet_in_one_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_SMALL", 100)
    monkeypatch.setattr(buckets, "_FLUSH", 32)
    pick = random.Random(2)  # noqa: S311 - as above
    pairs = [(pick.randbytes(1) * 8, pick.randbytes(8)) for _ in range(2_000)]

    with Buckets(tmp_path / "sorted") as sorted_:
        for key, other in pairs:
            sorted_.add(key, other)
        found = [list(zip(keys, others, strict=True)) for keys, others in sorted_.each()]

    assert sum(map(len, found)) == 2_000
    assert all(len({key for key, _ in each}) == 1 for each in found)
    assert not (tmp_path / "sorted").exists()
