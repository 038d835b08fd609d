"""What jobs and exports say of a submission, and what they do not."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bridge.backfill.manifest import RowKind
from bridge.backfill.submit.exported import ExportComparison, compare
from bridge.backfill.submit.uploads import Submission, Upload, UploadState
from bridge.backfill.submit.verify import Verification, verify
from bridge.errors import Misuse
from bridge.track.imports.jobs import ImportJob, JobList
from bridge.track.imports.replies import JobReply, NoAnswer, QuestionResult
from tests.support.backfill.runs import row

JOB = ImportJob("j1", "completed", "import", None, 10, 5, 5)
UPLOAD = Upload(1, "events-0001.ndjson", RowKind.EVENTS, 0, 10, 5, state=UploadState.COMPLETED, job=JOB)
SUBMISSION = Submission("0123456789", "https://api.example", 0, (UPLOAD,))
NAMED = replace(JOB, filename=SUBMISSION.name(UPLOAD))


def of(reply: JobReply, *others: ImportJob, upload: Upload = UPLOAD) -> Verification:
    return verify(SUBMISSION.with_upload(upload), {1: reply}, JobList((NAMED, *others)), None)


def test_a_job_that_completed_every_row_agrees() -> None:
    found = of(NAMED)
    assert (found.findings, found.doubts) == ((), ())
    assert found.agreed == ("5 rows: the job of each says that it completed all of them.",)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replace(NAMED, completed_rows=4), "4 of 5 rows were completed"),
        (replace(NAMED, completed_rows=6), "more than were sent"),
        (replace(NAMED, state="failed"), "its job is failed now"),
        (replace(NAMED, filename="theirs.csv"), "of another file, theirs.csv"),
    ],
)
def test_what_a_job_says_otherwise_is_a_finding(reply: ImportJob, said: str) -> None:
    assert said in of(reply).findings[0]


def test_a_job_that_is_not_known_any_more_is_a_doubt_with_what_was_recorded() -> None:
    found = of(NoAnswer(QuestionResult.UNKNOWN_JOB, "404", 404))
    assert not found.findings
    assert "when it ended it had completed 5 rows" in found.doubts[0]


def test_a_job_that_does_not_tell_its_rows_is_a_doubt() -> None:
    assert "does not say of how many rows" in of(replace(NAMED, completed_rows=None)).doubts[0]


def test_a_second_job_of_the_run_is_found() -> None:
    found = of(NAMED, replace(NAMED, job_id="j2"))
    assert "1 job of this run that the manifest does not know" in found.findings[0]
    assert not of(NAMED, replace(NAMED, job_id="j2", state="failed")).findings


def test_an_upload_that_is_not_through_is_a_finding() -> None:
    found = of(NAMED, upload=replace(UPLOAD, state=UploadState.PARTIAL, detail="3 of 5 rows were completed"))
    assert found.findings[0].endswith("is partial: 3 of 5 rows were completed.")


def exported(path: Path, *rows: bytes) -> Path:
    content = b"".join(rows)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


ROWS = [row(kind, 1, number) for kind in RowKind for number in range(3)]


def test_an_export_with_each_row_once_agrees_in_any_order_and_with_other_events_in_it(tmp_path: Path) -> None:
    live = orjson.dumps({**orjson.loads(ROWS[0]), "source": "web-client"}, option=orjson.OPT_APPEND_NEWLINE)
    first = exported(tmp_path / "a.ndjson.gz", *reversed(ROWS[4:]), live)
    second = exported(tmp_path / "b.ndjson", *ROWS[:4])
    assert compare(ROWS, [first, second]) == ExportComparison(9, 9, 0, 0, 0)


def test_an_export_whose_times_have_another_form_agrees(tmp_path: Path) -> None:
    other = [orjson.loads(line) for line in ROWS]
    lines = [{**each, "inserted_at": each["inserted_at"][:19].replace(" ", "T") + "Z"} for each in other]
    path = exported(tmp_path / "a.ndjson", *(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    assert compare(ROWS, [path]).missing == 0


def test_an_export_shows_what_is_missing_what_is_there_twice_and_what_is_not_ours(tmp_path: Path) -> None:
    path = exported(tmp_path / "a.ndjson", *ROWS[1:], ROWS[-1], row(RowKind.EVENTS, 2, 0))
    found = compare(ROWS, [path])
    assert (found.missing, found.again, found.foreign) == (1, 1, 1)
    said = verify(SUBMISSION, {1: NAMED}, JobList((NAMED,)), found).findings
    assert "1 of 9 rows are not in the export" in said[0]
    assert "1 row is in the export more often" in said[1]


def test_rows_of_other_days_than_the_exports_are_told_and_not_missed(tmp_path: Path) -> None:
    days = [row(RowKind.EVENTS, day, number) for day in range(1, 6) for number in range(3)]
    found = compare(days, [exported(tmp_path / "a.ndjson", *days[6:8])])
    assert (found.written, found.missing, found.elsewhere) == (3, 1, 12)
    found = compare(days, [exported(tmp_path / "b.ndjson", *days[6:9])])
    said = verify(SUBMISSION, {1: NAMED}, JobList((NAMED,)), found)
    assert not said.findings
    assert said.doubts == ("12 rows of other days were not compared.",)
    assert said.agreed[-1] == "3 rows are in the export, each once."


def test_a_day_without_imports_is_within_an_export_that_other_events_reach_across(tmp_path: Path) -> None:
    days = [row(RowKind.EVENTS, day, 0) for day in range(1, 4)]
    live = orjson.dumps({**orjson.loads(days[2]), "source": "web-client"}, option=orjson.OPT_APPEND_NEWLINE)
    found = compare(days, [exported(tmp_path / "a.ndjson", days[0], live)])
    assert (found.missing, found.elsewhere) == (2, 0)


def test_an_export_of_none_of_the_days_agrees_with_nothing_and_an_empty_one_lacks_all(tmp_path: Path) -> None:
    found = compare(ROWS, [exported(tmp_path / "a.ndjson", row(RowKind.EVENTS, 9, 0))])
    said = verify(SUBMISSION, {1: NAMED}, JobList((NAMED,)), found)
    assert "none of this run's days" in said.doubts[0]
    assert not any("in the export" in each for each in said.agreed)
    assert compare(ROWS, [exported(tmp_path / "b.ndjson")]).missing == len(ROWS)


def test_a_file_that_is_no_export_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"a\.csv, line 2: no JSON object"):
        compare(ROWS, [exported(tmp_path / "a.csv", ROWS[0], b"event_type,user_id\n")])
