"""Jobs are read from whatever form an answer has; what is not documented is tolerated and named, never guessed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.track.imports.jobs import ImportJob, JobPhase, moment, newest_first, read_job, read_list

DOCUMENTED = {
    "completed_rows": 123,
    "elapsed_time": 12,
    "end_time": "2026-11-29T10:05:00Z",
    "file_size": 4567,
    "filename": "history.ndjson",
    "job_id": "bulk:jobs:NX-ac54070e:c6f91301-54c1-4df7-a077-b34715c38875",
    "links": "https://api.example/x",
    "start_time": "2026-11-29T10:00:00Z",
    "status": "completed",
    "total_rows": 123,
    "type": "import",
}


def read(document: Any) -> ImportJob:
    job = read_job(orjson.dumps(document))
    assert job is not None
    return job


def test_the_documented_answer() -> None:
    job = read(DOCUMENTED)
    assert job.job_id == DOCUMENTED["job_id"]
    assert job.phase is JobPhase.COMPLETED
    assert (job.filename, job.file_size) == ("history.ndjson", 4567)
    assert (job.total_rows, job.completed_rows) == (123, 123)
    assert job.started == 1_795_946_400.0


def test_numbers_typed_as_strings_are_numbers() -> None:
    job = read({**DOCUMENTED, "completed_rows": "120", "total_rows": " 123 ", "file_size": "4567"})
    assert (job.completed_rows, job.total_rows, job.file_size) == (120, 123, 4567)


@pytest.mark.parametrize("value", ["many", "", "-1", "1e9", True, -1, 1.5, [], {}, "9" * 40, "٣"])
def test_what_is_no_number_is_unknown_and_never_zero(value: Any) -> None:
    assert read({**DOCUMENTED, "completed_rows": value}).completed_rows is None


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("queued", JobPhase.RUNNING),
        ("validating", JobPhase.RUNNING),
        ("processing", JobPhase.RUNNING),
        ("pending_refresh", JobPhase.RUNNING),
        ("completed", JobPhase.COMPLETED),
        ("failed", JobPhase.FAILED),
        ("Completed", JobPhase.COMPLETED),
        ("cancelled", JobPhase.UNKNOWN),
        ("completed_with_errors", JobPhase.UNKNOWN),
        ("", JobPhase.UNKNOWN),
    ],
)
def test_states_and_what_they_mean(state: str, phase: JobPhase) -> None:
    job = read({**DOCUMENTED, "status": state})
    assert (job.phase, job.state) == (phase, state)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"job_id":""}', b'{"job_id":null}', b"7", b'"x"'])
def test_what_is_no_job_is_none(body: bytes) -> None:
    assert read_job(body) is None


@pytest.mark.parametrize(
    "wrap", [lambda job: job, lambda job: {"job": job}, lambda job: {"data": job}, lambda job: [job]]
)
def test_a_job_in_an_envelope(wrap: Any) -> None:
    assert read(wrap(DOCUMENTED)).job_id == DOCUMENTED["job_id"]


def test_an_error_page_is_no_empty_list() -> None:
    assert read_list(b"<html>") is None
    assert read_list(b'{"errors":[{"message":"no"}]}') is None
    listed = read_list(b"[]")
    assert listed is not None
    assert listed.jobs == ()


@pytest.mark.parametrize(
    ("around", "is_page"),
    [
        ({}, False),
        ({"total": 1}, False),
        ({"total": 9}, True),
        ({"next": "abc"}, True),
        ({"meta": {"total_pages": 3}}, True),
    ],
)
def test_a_list_in_an_envelope_says_whether_it_goes_on(around: dict[str, Any], *, is_page: bool) -> None:
    listed = read_list(orjson.dumps({"jobs": [DOCUMENTED], **around}))
    assert listed is not None
    assert (len(listed.jobs), listed.is_page) == (1, is_page)


def test_entries_without_an_id_are_counted() -> None:
    listed = read_list(orjson.dumps([DOCUMENTED, {"status": "queued"}, 7]))
    assert listed is not None
    assert (len(listed.jobs), listed.unreadable) == (1, 2)


def test_texts_of_the_api_cannot_repaint_a_terminal() -> None:
    job = read({**DOCUMENTED, "status": "a\x1b[2Jb", "filename": "x\ny"})
    assert "\x1b" not in job.state
    assert job.filename is not None
    assert "\n" not in job.filename


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-29T10:00:00Z", 1_795_946_400.0),
        ("2026-11-29 10:00:00", 1_795_946_400.0),
        ("2026-11-29T11:00:00+01:00", 1_795_946_400.0),
        ("1795946400", 1_795_946_400.0),
        ("1795946400000", 1_795_946_400.0),
        ("yesterday", None),
        (None, None),
    ],
)
def test_times_of_jobs(text: str | None, seconds: float | None) -> None:
    assert moment(text) == seconds


def test_a_list_is_newest_first_only_where_its_times_show_it() -> None:
    at = [ImportJob("a", start_time=str(second)) for second in (100, 200, 300)]
    assert newest_first(at[::-1])
    assert not newest_first(at)
    assert not newest_first(at[:1])
    assert not newest_first([at[0], at[0]])
    assert not newest_first([at[1], ImportJob("b"), at[0]])


@given(st.binary(max_size=200) | st.lists(st.none() | st.integers(0, 9) | st.text(max_size=9)).map(orjson.dumps))
def test_no_answer_is_an_error(body: bytes) -> None:
    read_job(body)
    read_list(body)
