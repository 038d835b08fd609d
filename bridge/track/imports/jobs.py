"""A background job of the API, read from whatever form its answer has.

Documented (``GET /v1/background_jobs[/{id}]``): ``job_id, type, status, filename, file_size, total_rows, start_time,
end_time, elapsed_time, links``, of a single job ``completed_rows`` as well; the answer to an import shows the same
numbers as strings. What else comes is tolerated: a field that is missing or of another type is None, a state nobody
documented is kept as it is written.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import orjson

from bridge.text.printable import cut, printable

_ENVELOPES: Final = ("jobs", "background_jobs", "data", "items", "results", "entries")
_ENVELOPE_OF_ONE: Final = ("job", "background_job", "data")
_MORE: Final = ("next", "next_page", "next_cursor", "cursor", "has_more", "has_next_page")
_LONGEST_TEXT: Final = 500
_LARGEST_NUMBER: Final = 2**63


class JobPhase(enum.StrEnum):
    """What a job's state means to whoever waits for it."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A state that is not documented."""


_PHASES: Final = {
    "queued": JobPhase.RUNNING,
    "validating": JobPhase.RUNNING,
    "processing": JobPhase.RUNNING,
    "pending_refresh": JobPhase.RUNNING,
    "completed": JobPhase.COMPLETED,
    "failed": JobPhase.FAILED,
}


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One job as the API told of it. Texts are printable and bounded."""

    job_id: str
    """Opaque, such as ``bulk:jobs:NX-ac54070e:c6f91301-…``."""
    state: str = ""
    """As it came; empty: none did."""
    kind: str = ""
    """The field ``type``: imports and exports are in one list."""
    filename: str | None = None
    file_size: int | None = None
    """Bytes."""
    total_rows: int | None = None
    completed_rows: int | None = None
    start_time: str | None = None
    end_time: str | None = None

    @property
    def phase(self) -> JobPhase:
        """What the state means."""
        return _PHASES.get(self.state.lower(), JobPhase.UNKNOWN)

    @property
    def is_export(self) -> bool:
        """Exports are in the same list, and do not keep an import from running."""
        return "export" in self.kind.lower() or self.job_id.lower().startswith("export")

    @property
    def started(self) -> float | None:
        """Unix seconds of `start_time`; None where it is no time. A time without a zone is UTC."""
        return moment(self.start_time)


@dataclass(frozen=True, slots=True)
class JobList:
    """The answer of ``GET /v1/background_jobs``."""

    jobs: tuple[ImportJob, ...]
    is_page: bool = False
    """The answer says that there are more jobs than it shows. (Its documentation says "paginated", and no more.)"""
    unreadable: int = 0
    """Entries without a usable id."""


def read_job(body: bytes) -> ImportJob | None:
    """The job of one answer; None where the answer is none."""
    document = _document(body)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        return None
    for name in _ENVELOPE_OF_ONE:
        inner = document.get(name)
        if "job_id" not in document and isinstance(inner, dict):
            return job_of(inner)
    return job_of(document)


def read_list(body: bytes) -> JobList | None:
    """The list of jobs; None where the answer is none, which is not the same as an empty list."""
    document = _document(body)
    is_page = False
    if isinstance(document, dict):
        found = next((document[name] for name in _ENVELOPES if isinstance(document.get(name), list)), None)
        if found is None:
            return None
        is_page = _says_more(document, len(found))
        document = found
    if not isinstance(document, list):
        return None
    read = [job_of(entry) for entry in document]
    jobs = tuple(job for job in read if job is not None)
    return JobList(jobs, is_page, len(read) - len(jobs))


def job_of(document: object) -> ImportJob | None:
    """From one JSON object; None without an id."""
    if not isinstance(document, dict):
        return None
    job_id = document.get("job_id", document.get("id"))
    if isinstance(job_id, int) and not isinstance(job_id, bool):
        job_id = str(job_id)
    if not isinstance(job_id, str) or not job_id.strip() or len(job_id) > _LONGEST_TEXT:
        return None
    return ImportJob(
        # Not made printable: it is sent back as it is.
        job_id=job_id,
        state=_text(document.get("status")) or "",
        kind=_text(document.get("type")) or "",
        filename=_text(document.get("filename")),
        file_size=_number(document.get("file_size")),
        total_rows=_number(document.get("total_rows")),
        completed_rows=_number(document.get("completed_rows")),
        start_time=_text(document.get("start_time")),
        end_time=_text(document.get("end_time")),
    )


def moment(text: str | None) -> float | None:
    """Unix seconds of a time as jobs show them: ISO 8601 with or without a zone, or Unix (milli)seconds."""
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return number / 1000 if number > 10**11 else float(number)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def newest_first(jobs: Sequence[ImportJob]) -> bool:
    """Whether the list is sorted so that a job of today cannot be behind its end: by times that differ, all known."""
    times = [job.started for job in jobs]
    known = [time for time in times if time is not None]
    return (
        len(known) == len(times) and len(set(known)) > 1 and all(first >= second for first, second in pairwise(known))
    )


def _says_more(document: dict[str, Any], shown: int) -> bool:
    meta = [document, *(inner for inner in document.values() if isinstance(inner, dict))]
    for each in meta:
        if any(each.get(name) for name in _MORE):
            return True
        total = next((_number(each.get(name)) for name in ("total", "total_count", "total_entries") if name in each), 0)
        if total is not None and total > shown:
            return True
        pages = _number(each.get("total_pages"))
        if pages is not None and pages > 1:
            return True
    return False


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _text(value: object) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        value = str(value)
    return cut(printable(value.strip()), _LONGEST_TEXT) or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    """Numbers may come as strings."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < _LARGEST_NUMBER else None
