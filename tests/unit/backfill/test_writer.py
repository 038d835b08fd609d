"""What `write` promises: rows by the field tables, the same bytes however often it is interrupted, no dead letters."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.backfill.manifest import BackfillSettings, Manifest, Stage
from bridge.backfill.run_directory import DiskError, RunDirectory
from tests.everyday import examples
from tests.unit.backfill.histories import KilledError, Log, planned, record, write, written


def rows(path: Path, kind: str) -> list[Any]:
    return [
        json.loads(line) for each in sorted(path.glob(f"{kind}-*.ndjson")) for line in each.read_bytes().splitlines()
    ]


def run(path: Path, log: Log, *, mapping: object = None, **plan: Any) -> Manifest:
    directory = RunDirectory(path)
    planned(directory, log, **plan)
    return write(directory, log) if mapping is None else write(directory, log, mapping=mapping)


def test_a_track_row_is_as_the_field_table_has_it(tmp_path: Path) -> None:
    run(tmp_path / "run", Log({0: [record(0, time="2024-07-28T10:55:35.874555+02:00")]}))

    content = (tmp_path / "run" / "events-00001.ndjson").read_bytes()
    assert content == (
        b'{"event_type":"track","source":"backend-http-import","inserted_at":"2024-07-28 08:55:35.874555",'
        b'"user_id":"u0","event_name":"Order Completed","metadata":{"amount":0,'
        b'"occurred_at":"2024-07-28T08:55:35.874555Z","event_id":"e-0-0"}}\n'
    )


def test_the_other_form_of_a_time_has_its_zone(tmp_path: Path) -> None:
    log = Log({0: [record(0, time="2024-07-28T08:55:35.874555Z")]})
    run(tmp_path / "run", log, settings=BackfillSettings(inserted_at="iso_z"))

    assert rows(tmp_path / "run", "events")[0]["inserted_at"] == "2024-07-28T08:55:35.874555Z"


def test_an_event_without_a_time_has_that_of_kafka(tmp_path: Path) -> None:
    run(tmp_path / "run", Log({0: [record(0, time=None)]}))

    assert rows(tmp_path / "run", "events")[0]["inserted_at"].startswith("2024-07-28 08:55:35.874")


def test_numbers_are_as_the_record_has_them(tmp_path: Path) -> None:
    raw = (record(0).value or b"").replace(b'{"amount":0}', b'{"amount":1.10000000000000000001}')
    run(tmp_path / "run", Log({0: [record(0)._replace(value=raw)]}))

    assert b'"amount":1.10000000000000000001' in (tmp_path / "run" / "events-00001.ndjson").read_bytes()


def test_what_cannot_be_mapped_is_a_reject_with_its_place_and_without_its_value(tmp_path: Path) -> None:
    secret = record(1)._replace(value=b"{secret")
    manifest = run(tmp_path / "run", Log({0: [record(0, user_id=None), secret, record(2, time="noon, secretly")]}))

    found = [json.loads(line) for line in (tmp_path / "run" / "rejects.ndjson").read_bytes().splitlines()]
    assert [(each["topic"], each["partition"], each["offset"], each["reason"]) for each in found] == [
        ("shop.orders", 0, 0, "unmappable"),
        ("shop.orders", 0, 1, "undecodable"),
        ("shop.orders", 0, 2, "unmappable"),
    ]
    assert "user_id" in found[0]["message"]
    assert "occurred_at" in found[2]["message"]
    assert b"secret" not in (tmp_path / "run" / "rejects.ndjson").read_bytes()
    assert manifest.written.rejects == {"undecodable": 1, "unmappable": 2}


def test_what_is_filtered_is_counted_by_its_reason(tmp_path: Path) -> None:
    log = Log(
        {0: [record(0, type_="order.viewed"), record(1, type_="else"), record(2)._replace(value=None), record(3)]}
    )

    manifest = run(tmp_path / "run", log)

    assert manifest.written.filtered == {"rule": 1, "tombstone": 1, "unmapped": 1}
    assert manifest.written.rows == {"events": 1}


def test_samples_are_kept_as_a_running_bridge_keeps_them(tmp_path: Path) -> None:
    mapping = {"user_id": "user_id", "events": {"order.completed": {"event_name": "Order Completed", "sample": "50%"}}}
    log = Log({0: [record(offset, user_id=f"user-{offset}") for offset in range(60)]})

    manifest = run(tmp_path / "run", log, mapping=mapping)

    assert 0 < manifest.written.rows["events"] < 60
    assert manifest.written.filtered["sampled_out"] == 60 - manifest.written.rows["events"]


def test_files_are_closed_before_they_are_too_large(tmp_path: Path) -> None:
    manifest = run(tmp_path / "run", Log({0: [record(offset) for offset in range(20)]}), file_bytes=1000)

    assert [each.number for each in manifest.files] == list(range(1, len(manifest.files) + 1))
    assert len(manifest.files) > 3
    for each in manifest.files:
        content = (tmp_path / "run" / each.name).read_bytes()
        assert len(content) == each.bytes <= 1000
        assert content.count(b"\n") == each.rows
        assert hashlib.sha256(content).hexdigest() == each.sha256
    assert sum(each.rows for each in manifest.files) == 20


@pytest.mark.parametrize(
    ("time", "shown"),
    [("2024-07-28T08:55:35Z", "2024-07-28 08:55:35."), ("2024-07-28T08:55:35.874Z", "2024-07-28 08:55:35.87")],
)
def test_equal_rows_of_two_events_are_told_apart_and_those_of_one_event_are_not(
    tmp_path: Path, time: str, shown: str
) -> None:
    """Twelve hundred at one time: more than a millisecond has room for."""
    records = [record(offset, id=f"e{offset}", user_id="u", time=time) for offset in range(1200)]
    records.append(record(1200, id="e7", user_id="u", time=time))
    directory = RunDirectory(tmp_path / "run")
    planned(directory, Log({0: records}))
    write(directory, Log({0: records}), segment=5000)

    times = [each["inserted_at"] for each in rows(tmp_path / "run", "events")]
    assert len(set(times)) == 1200
    assert times[1200] == times[7]
    assert all(each.startswith(shown) for each in times)


def test_events_of_other_users_or_names_may_have_one_time(tmp_path: Path) -> None:
    log = Log(
        {0: [record(offset, id="same", user_id=f"u{offset}", time="2024-07-28T08:55:35Z") for offset in range(9)]}
    )

    run(tmp_path / "run", log)

    assert len({each["inserted_at"] for each in rows(tmp_path / "run", "events")}) == 1


def test_a_time_of_microseconds_is_kept(tmp_path: Path) -> None:
    log = Log({0: [record(offset, user_id="u", time="2024-07-28T08:55:35.874555Z") for offset in range(3)]})

    run(tmp_path / "run", log)

    times = [each["inserted_at"] for each in rows(tmp_path / "run", "events")]
    assert times[0] == "2024-07-28 08:55:35.874555"
    assert len(set(times)) == 3
    assert all(each.startswith("2024-07-28 08:55:35.874") for each in times)


# --- the same bytes -------------------------------------------------------------------------------------

moments = st.sampled_from(
    ["2024-07-28T08:55:35Z", "2024-07-28T08:55:35.874Z", "2024-07-28T08:55:35.874555Z", "not a time", None]
)
events = st.builds(
    lambda offset, type_, user, time: record(offset, type_=type_, user_id=user, time=time, id=None),
    st.just(0),
    st.sampled_from(["order.completed", "order.viewed", "unknown"]),
    st.sampled_from(["u", "v", None]),
    moments,
)


@st.composite
def logs(draw: st.DrawFn) -> dict[int, list[Any]]:
    """Two partitions with gaps between their offsets."""
    found = {}
    for partition in range(2):
        offset, placed = 0, []
        for each in draw(st.lists(events, max_size=14)):
            offset += draw(st.integers(1, 3))
            placed.append(each._replace(partition=partition, offset=offset))
        found[partition] = placed
    return found


@settings(deadline=None, max_examples=examples(60))
@given(records=logs(), ends=st.lists(st.integers(0, 12), max_size=3), batch=st.integers(1, 5), torn=st.booleans())
def test_however_often_it_is_killed_not_one_byte_is_another(
    *, tmp_path_factory: pytest.TempPathFactory, records: dict[int, list[Any]], ends: list[int], batch: int, torn: bool
) -> None:
    base = tmp_path_factory.mktemp("runs")
    whole, killed = RunDirectory(base / "whole"), RunDirectory(base / "killed")
    for each in (whole, killed):
        planned(each, Log(records), file_bytes=500)
    expected = write(whole, Log(records))

    for end in ends:
        with suppress(KilledError):
            write(killed, Log(records, left=end, batch=batch))
        if torn:  # what had not reached the disk
            for part in killed.path.glob("*.part"):
                with part.open("ab") as file:
                    file.write(b'{"torn')
    found = write(killed, Log(records, batch=batch))

    assert written(killed.path) == written(whole.path)
    assert found == expected
    assert not list(killed.path.glob("*.part"))


def _failure_of(work: Callable[[], object]) -> str | None:
    try:
        work()
    except DiskError as error:
        return str(error)
    return None


@pytest.mark.parametrize("call", range(1, 40, 3))
def test_a_disk_that_is_full_is_a_sentence_and_the_run_continues_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Whichever of the calls that reach the disk it is that fails."""
    log = Log({0: [record(offset) for offset in range(12)]})
    whole, full = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "full")
    for each in (whole, full):
        planned(each, log, file_bytes=600)
    write(whole, log)
    real, calls = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        failures = [] if (failure := _failure_of(lambda: write(full, log))) is None else [failure]
    assert all("is full" in each and "run the same command again" in each for each in failures)
    assert failures or calls < call

    write(full, log)
    assert written(full.path) == written(whole.path)
    assert full.read().stage is Stage.WRITTEN


def test_files_that_were_begun_and_are_not_written_again_are_removed(tmp_path: Path) -> None:
    """Where records have left Kafka between a kill and the next run."""
    directory = RunDirectory(tmp_path / "run")
    log = Log({0: [record(offset) for offset in range(12)]}, left=11)
    planned(directory, log, file_bytes=300)
    with suppress(KilledError):
        write(directory, log, segment=50)
    begun = sorted(each.name for each in directory.path.glob("events-*"))

    manifest = write(directory, Log({0: []}), segment=50)

    assert len(begun) > 3
    assert manifest.files == ()
    assert not list(directory.path.glob("events-*"))


def test_a_sample_is_the_first_of_its_name_in_the_whole_run(tmp_path: Path) -> None:
    manifest = run(tmp_path / "run", Log({0: [record(offset) for offset in range(12)]}))

    assert [json.loads(each)["metadata"]["event_id"] for each in manifest.written.samples.values()] == ["e-0-0"]
