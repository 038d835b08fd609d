"""The run directory: private, complete at every moment, and of one process at a time."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.backfill.manifest import (
    BackfillSettings,
    CheckResult,
    FileState,
    ImportFile,
    Manifest,
    OpenFile,
    PlannedRange,
    PlannedTopic,
    RowKind,
    Stage,
    Written,
)
from bridge.backfill.run_directory import MANIFEST, DiskError, RunDirectory, RunDirectoryError

names = st.text("abc.-", min_size=1, max_size=5)
counts = st.integers(0, 2**60)
counted = st.dictionaries(names, counts, max_size=3)
ranges = st.builds(
    PlannedRange, names, counts, counts, counts, st.text(max_size=5), counts, st.none() | counts, counts, counts
)
files = st.builds(
    ImportFile,
    names,
    st.sampled_from(RowKind),
    counts,
    counts,
    counts,
    names,
    st.sampled_from(FileState),
    st.dictionaries(names, st.none() | counts | st.text(max_size=3), max_size=2),
)
written = st.builds(
    Written, counts, counted, counted, counted, counts, st.dictionaries(names, st.builds(OpenFile, counts, counts))
)
manifests = st.builds(
    Manifest,
    names,
    names,
    names,
    counts,
    names,
    names,
    st.dictionaries(names, st.builds(PlannedTopic, names, counts), max_size=2),
    st.lists(ranges, max_size=3).map(tuple),
    st.builds(BackfillSettings, st.sampled_from(["space", "iso_z"]), st.booleans(), counts),
    st.booleans(),
    st.sampled_from(Stage),
    written,
    st.lists(files, max_size=3).map(tuple),
    st.none() | st.builds(CheckResult, names, st.lists(names).map(tuple), st.lists(names).map(tuple)),
    st.dictionaries(names, counts, max_size=2),
)


@given(manifests)
def test_a_manifest_is_read_as_it_was_saved(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> None:
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    directory.save(manifest)

    assert directory.read() == manifest


def test_nothing_in_it_can_be_read_by_others(run_directory: RunDirectory) -> None:
    run_directory.open_to_append("events-00001.ndjson", 0).close()

    assert stat.S_IMODE(run_directory.path.stat().st_mode) == 0o700
    for each in run_directory.path.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each.name


def test_a_folder_that_holds_anything_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")

    with (
        pytest.raises(RunDirectoryError, match=r"is not empty \(thesis.txt is in it\)"),
        RunDirectory(tmp_path).created(),
    ):
        pytest.fail("it was taken")


def test_a_plan_is_not_written_over(run_directory: RunDirectory) -> None:
    with pytest.raises(RunDirectoryError, match="holds a plan already"), run_directory.created():
        pytest.fail("it was taken")


_HOLDING = """
import sys, pathlib
from bridge.backfill.run_directory import RunDirectory
with RunDirectory(pathlib.Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_work_on_one(run_directory: RunDirectory) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDING, run_directory.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with (
            pytest.raises(RunDirectoryError, match=rf"Another process \(process {other.pid}\)"),
            run_directory.locked(),
        ):
            pytest.fail("both have it")
        other.kill()
    with run_directory.locked():
        pass  # a process that was killed holds nothing


def test_the_old_manifest_is_whole_until_the_new_one_is(
    run_directory: RunDirectory, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="is full"):
        run_directory.save(replace(manifest, stage=Stage.WRITING))

    assert run_directory.read() == manifest


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is damaged"),
        (b"[1]", "is damaged"),
        (b'{"form": 2}', "has form 2, and this version knows form 1"),
        (b'{"form": 1}', "is damaged"),
    ],
)
def test_what_is_no_manifest_of_this_version_is_refused(
    run_directory: RunDirectory, content: bytes, sentence: str
) -> None:
    run_directory.file(MANIFEST).write_bytes(content)

    with pytest.raises(RunDirectoryError, match=sentence):
        run_directory.read()


def test_a_value_in_a_damaged_manifest_is_not_repeated(run_directory: RunDirectory) -> None:
    document = json.loads(run_directory.file(MANIFEST).read_text())
    document["ranges"][0]["start"] = "secret"
    run_directory.file(MANIFEST).write_text(json.dumps(document))

    with pytest.raises(RunDirectoryError) as refused:
        run_directory.read()

    assert "ranges.0.start" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_folder_without_a_manifest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="`track-bridge backfill plan"):
        RunDirectory(tmp_path).read()


def test_what_was_written_behind_the_last_recorded_byte_is_cut_off(run_directory: RunDirectory) -> None:
    run_directory.file("f").write_bytes(b"recorded, and not")

    with run_directory.open_to_append("f", 8) as file:
        file.write(b"!")

    assert run_directory.file("f").read_bytes() == b"recorded!"


def test_a_file_that_lost_recorded_bytes_is_refused(run_directory: RunDirectory) -> None:
    run_directory.file("f").write_bytes(b"rec")

    with pytest.raises(RunDirectoryError, match="has 3 bytes, and the manifest says that 8 are written"):
        run_directory.open_to_append("f", 8)
