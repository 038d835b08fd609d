"""Which parts of the files are sent, under which names, and what a person may decide about one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.backfill.manifest import FileState, ImportFile, Manifest, RowKind
from bridge.backfill.submit import uploads
from bridge.backfill.submit.book import begin_book, read_book
from bridge.backfill.submit.uploads import OPEN, Submission, Upload, UploadState
from bridge.track.imports.jobs import ImportJob
from tests.support.backfill.runs import ROWS, checked_run

ENDPOINT = "https://api.example"


@pytest.mark.parametrize("canary", [0, 1, 2, 3, 4, 100])
def test_every_byte_and_row_of_every_file_is_in_one_upload(tmp_path: Path, canary: int) -> None:
    directory, manifest = checked_run(tmp_path / "run")
    submission = begin_book(directory, manifest, ENDPOINT, canary).submission
    for file in manifest.files:
        parts = [each for each in submission.uploads if each.file == file.name]
        whole = directory.file(file.name).read_bytes()
        cut = [whole[each.offset : each.offset + each.length] for each in parts]
        assert b"".join(cut) == whole
        assert [piece.count(b"\n") for piece in cut] == [each.rows for each in parts]
        assert all(piece.endswith(b"\n") for piece in cut)
    canaries = [each.rows for each in submission.uploads if each.is_canary]
    assert canaries == [min(canary, counts[0]) for counts in ROWS.values() if canary]
    assert [each.kind for each in submission.uploads] == sorted(
        (each.kind for each in submission.uploads), key=list(RowKind).index
    )


def test_what_is_cut_in_two_is_all_there_and_every_piece_has_a_name_of_its_own(tmp_path: Path) -> None:
    directory, manifest = checked_run(tmp_path / "run", {RowKind.EVENTS: [1500, 2]})
    book = begin_book(directory, manifest, ENDPOINT, 0)
    names = {book.submission.name(each) for each in book.submission.uploads}
    while book.submission.next is not None and book.cut(book.submission.next):
        names |= {book.submission.name(each) for each in book.submission.uploads}
    assert not book.cut(book.submission.uploads[-1])
    pieces = [each for each in book.submission.uploads if each.file == "events-00001.ndjson"]
    assert len(pieces) > 1
    assert len(names) == 2 * len(pieces)  # With those of the wholes, and of the file behind them.
    whole = directory.file("events-00001.ndjson").read_bytes()
    cut = [whole[each.offset : each.offset + each.length] for each in pieces]
    assert b"".join(cut) == whole
    assert [piece.count(b"\n") for piece in cut] == [each.rows for each in pieces]
    again = read_book(directory, directory.read())
    assert again is not None
    assert again.submission == book.submission


def test_names_are_unique_and_the_same_for_a_copy_of_the_run_directory(tmp_path: Path) -> None:
    def names(folder: str) -> list[str]:
        directory, manifest = checked_run(tmp_path / folder)
        submission = begin_book(directory, manifest, ENDPOINT, 2).submission
        return [submission.name(upload) for upload in submission.uploads]

    assert names("one") == names("copy")
    assert len(set(names("third"))) == len(names("fourth"))
    _, manifest = checked_run(tmp_path / "run")
    other = uploads.run_id(replace(manifest, created="2026-11-30T00:00:00Z"))
    assert other != uploads.run_id(manifest)


@pytest.mark.parametrize(("canary", "first"), [(0, 24), (2, 2), (3, 3), (100, 3)])
def test_what_is_asked_before_sending_counts_the_rows_until_a_canary_ends(
    tmp_path: Path, canary: int, first: int
) -> None:
    directory, manifest = checked_run(tmp_path / "run")
    assert uploads.rows_left(manifest.files, None, canary) == (24, first)
    submission = begin_book(directory, manifest, ENDPOINT, canary).submission
    assert uploads.rows_left(manifest.files, submission, canary) == (24, first)
    through = replace(submission.uploads[0], state=UploadState.COMPLETED)
    left = 24 - through.rows
    if canary == 2:  # The last row of the companies, and the canary of the users.
        assert uploads.rows_left(manifest.files, submission.with_upload(through), canary) == (left, 3)
    if not canary:
        assert uploads.rows_left(manifest.files, submission.with_upload(through), canary) == (left, left)


def one(state: UploadState, **more: object) -> Submission:
    job = ImportJob("j1", "failed")
    upload = Upload(1, "events-00001.ndjson", RowKind.EVENTS, 0, 10, 5, state=state, job=job, known=("a",))
    second = replace(upload, number=2, state=UploadState.PENDING, job=None)
    return Submission("0123456789", ENDPOINT, 0, (replace(upload, **more), second))  # type: ignore[arg-type]  # of tests


@pytest.mark.parametrize("state", [UploadState.PARTIAL, UploadState.FAILED, UploadState.UNRESOLVED])
def test_what_stopped_can_be_left_as_it_is(state: UploadState) -> None:
    left = uploads.taken(one(state), 1, 7.0)
    assert left.next is not None
    assert left.next.number == 2
    assert left.uploads[0].state is state


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (UploadState.PARTIAL, "backfill-0123456789-0001-events-r2.ndjson"),
        (UploadState.FAILED, "backfill-0123456789-0001-events-r2.ndjson"),
        (UploadState.UNRESOLVED, "backfill-0123456789-0001-events.ndjson"),
    ],
)
def test_what_stopped_is_sent_again_under_a_name_that_tells_it_from_the_job_that_is_there(
    state: UploadState, name: str
) -> None:
    submission = uploads.again(one(state), 1, 7.0)
    upload = submission.uploads[0]
    assert (upload.state, upload.job, upload.known, submission.name(upload)) == (UploadState.PENDING, None, (), name)


@pytest.mark.parametrize("state", [*sorted(OPEN), UploadState.COMPLETED])
@pytest.mark.parametrize("decide", [uploads.taken, uploads.again])
def test_nothing_else_can_be_decided(state: UploadState, decide: object) -> None:
    with pytest.raises(ValueError, match="Nothing is to be decided about number 1; no upload waits"):
        decide(one(state), 1, 7.0)  # type: ignore[operator]  # both are functions
    with pytest.raises(ValueError, match="number 1 waits for a decision"):
        decide(one(UploadState.FAILED), 2, 7.0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("canary", "rest", "state"),
    [
        (UploadState.PENDING, UploadState.PENDING, FileState.WRITTEN),
        (UploadState.SENDING, UploadState.PENDING, FileState.SENDING),
        (UploadState.ACCEPTED, UploadState.PENDING, FileState.SUBMITTED),
        (UploadState.COMPLETED, UploadState.PENDING, FileState.SUBMITTED),
        (UploadState.COMPLETED, UploadState.UNRESOLVED, FileState.SENDING),
        (UploadState.COMPLETED, UploadState.PARTIAL, FileState.PARTIAL),
        (UploadState.COMPLETED, UploadState.FAILED, FileState.FAILED),
        (UploadState.COMPLETED, UploadState.COMPLETED, FileState.COMPLETED),
    ],
)
def test_the_state_of_a_file_is_that_of_its_parts(
    manifest: Manifest, canary: UploadState, rest: UploadState, state: FileState
) -> None:
    submission = one(canary)
    second = replace(submission.uploads[1], state=rest)
    file = ImportFile("events-00001.ndjson", RowKind.EVENTS, 1, 10, 20, "")
    found = uploads.recorded(replace(manifest, files=(file,)), submission.with_upload(second))
    assert found.files[0].state is state


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    directory, manifest = checked_run(tmp_path / "run")
    book = begin_book(directory, manifest, ENDPOINT, 2)
    changed = replace(book.submission.uploads[1], state=UploadState.ACCEPTED, job=ImportJob("j", "queued", "import"))
    book.change(changed)
    again = read_book(directory, directory.read())
    assert again is not None
    assert again.submission == book.submission
