"""The emulated Import API: ``POST /v1/imports`` and ``/v1/background_jobs``, one job at a time.

Source: Userpilot's pages "Events Bulk Import" and "Background Jobs", and the OpenAPI. How rows that cannot be imported
are told, whether the users of events must exist and whether equal rows are one is documented nowhere: here one bad row
fails its whole job, unless told otherwise, events need no user, and every row counts.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.sandbox.emulator.documents import ContractRefusal, invalid
from bridge.sandbox.emulator.multipart import UploadedFile, read_upload
from bridge.sandbox.emulator.rows import TIMES, ImportedRows, Row, problem_of_row, read_rows
from bridge.text import moments

IMPORTS: Final = "/v1/imports"
JOBS: Final = "/v1/background_jobs"
_STAGES = ("queued", "validating", "processing", "pending_refresh")
_PROBLEMS_KEPT = 50
_NUMBERS = ("file_size", "total_rows", "completed_rows", "elapsed_time")
_RUNNING = ContractRefusal(409, "job_in_progress", "another job is in progress: one at a time for each token")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBehaviour:
    """How jobs go. One that runs goes on as it was set when it began."""

    permitted: bool = True
    """False: the plan has no imports, and every key is answered 401."""
    polls: int | None = 1
    """A job has ended when it is looked at for the so-manieth time; None: never, before `EmulatedImports.finish`."""
    seconds: float = 0.0
    """And not before so many have passed."""
    fails: bool = False
    """Jobs end as failed, and nothing of them is imported."""
    missing_rows: int = 0
    """So many, the last of a file, are not imported, although its job ends as completed."""
    skips_bad_rows: bool = False
    """A row outside the contract is left out, where it would fail the job."""
    numbers_as_strings: bool = False
    """In jobs, too; the answer to an import has them always so, as the OpenAPI shows it."""
    track_company_id: bool = False
    """Events may have a ``company_id``, which only an example has."""
    keeps_rows: bool = False
    """Imported rows themselves are kept, for an export; else only their hashes."""
    times: str = "example"
    """The form of ``inserted_at``, see `rows.TIMES`."""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ImportBehaviour:
        """From the admin endpoint; what is left out has its default. Raises ValueError with a sentence."""
        known = {f.name for f in fields(cls)}
        if unknown := set(document) - known:
            raise ValueError(f"unknown field {min(unknown)}; known are {', '.join(sorted(known))}")
        if document.get("times", "example") not in TIMES:
            raise ValueError(f"times must be one of {', '.join(TIMES)}")
        return cls(**document)


@dataclass(slots=True)
class EmulatedJob:
    """One background job."""

    job_id: str
    type: str
    filename: str
    file_size: int
    total_rows: int
    began: float
    """Monotonic seconds."""
    settings: ImportBehaviour
    status: str = "queued"
    completed_rows: int = 0
    polls: int = 0
    """How often it was looked at."""
    start_time: str = ""
    end_time: str | None = None
    ended: float | None = None
    rows: ImportedRows = field(default_factory=ImportedRows, repr=False)
    """What it imports when it ends."""
    kept: list[Row] = field(default_factory=list, repr=False)
    """The rows themselves, where they are kept."""
    users: set[str] = field(default_factory=set, repr=False)
    """Whom it identifies then."""
    is_bad: bool = False
    """A row is outside the contract."""

    @property
    def is_running(self) -> bool:
        """Whether another one has to wait for it."""
        return self.status not in ("completed", "failed")


@dataclass(frozen=True, slots=True)
class ImportAnswer:
    """A status and the document of a body."""

    status: int
    document: object


class EmulatedImports:
    """The jobs, and what they imported."""

    def __init__(
        self, settings: ImportBehaviour, monotonic: Callable[[], float], identified: Callable[[set[str]], None]
    ) -> None:
        self.settings = settings
        """Assign others; `dataclasses.replace` changes one."""
        self.jobs: list[EmulatedJob] = []
        self.rows = ImportedRows()
        """Of all jobs that completed."""
        self.kept: list[Row] = []
        """The rows themselves, see `ImportBehaviour.keeps_rows`."""
        self.uploads = 0
        """Requests to import, whatever became of them."""
        self.conflicts = 0
        """Those that were answered 409."""
        self.problems: deque[str] = deque(maxlen=_PROBLEMS_KEPT)
        """Why rows were refused, the last ones."""
        self._monotonic = monotonic
        self._identified = identified

    # --- what a test or an operator does ------------------------------------------------------------

    def set(self, **changes: Any) -> None:
        """Change some of the settings."""
        self.settings = replace(self.settings, **changes)

    def occupy(self, *, type: str = "bulk_identify") -> EmulatedJob:  # noqa: A002 - the API's own name
        """A job that somebody else began with the same token; it runs as the settings say."""
        job = self._job(type, UploadedFile("theirs.ndjson", b""))
        self.jobs.append(job)
        self._go_on(job)
        return job

    def finish(self) -> None:
        """Running jobs end now, as completed or failed."""
        for job in self._running():
            self._end(job)

    # --- requests --------------------------------------------------------------------------------------

    def answer(self, request: ReceivedRequest) -> ImportAnswer | ContractRefusal:
        """To a request whose key is accepted."""
        if not self.settings.permitted:
            return ContractRefusal(401, "unauthorized", "invalid key or insufficient permissions")
        if request.path == IMPORTS:
            return self._import(request)
        if request.method != "GET":
            return ContractRefusal(
                405, "method_not_allowed", f"{request.method} is not allowed on {request.path[:200]}"
            )
        if request.path == JOBS:
            self._looked_at(self._running())
            return ImportAnswer(200, [self._shown(job, one=False) for job in reversed(self.jobs)])
        wanted = unquote(request.path.removeprefix(f"{JOBS}/"))
        for job in self.jobs:
            if job.job_id == wanted:
                self._looked_at([job])
                return ImportAnswer(200, self._shown(job, one=True))
        return ContractRefusal(404, "not_found", "there is no job with this id")

    def _import(self, request: ReceivedRequest) -> ImportAnswer | ContractRefusal:
        if request.method != "POST":
            return ContractRefusal(405, "method_not_allowed", f"{request.method} is not allowed on {IMPORTS}")
        self.uploads += 1
        if request.too_large:
            return ContractRefusal(413, "too_large", "the file is too large")
        upload = read_upload(request.headers.get("content-type", ""), request.body)
        if isinstance(upload, ContractRefusal):
            return upload
        running = self._running()
        if running:
            self._looked_at(running)
            self.conflicts += 1
            return _RUNNING
        job = self._job("import", upload)
        self._take_in(job, upload)
        if not job.total_rows:
            return invalid("the file has no rows")
        self.jobs.append(job)
        shown = self._shown(job, one=False)
        self._go_on(job)
        return ImportAnswer(200, {name: str(value) if name in _NUMBERS else value for name, value in shown.items()})

    def _job(self, type: str, upload: UploadedFile) -> EmulatedJob:  # noqa: A002 - the API's own name
        job_id = f"bulk:jobs:NX-emulated:{uuid.uuid4()}"
        job = EmulatedJob(job_id, type, upload.filename, len(upload.content), 0, self._monotonic(), self.settings)
        job.start_time = _wall()
        return job

    def _take_in(self, job: EmulatedJob, upload: UploadedFile) -> None:
        settings = job.settings
        rows: list[Row] = []
        for number, row in enumerate(read_rows(upload.filename, upload.content), 1):
            job.total_rows = number
            problem = row if isinstance(row, str) else problem_of_row(
                row, times=settings.times, track_company_id=settings.track_company_id
            )  # fmt: skip
            if problem:
                self.problems.append(f"row {number} {problem}")
                job.is_bad = True
            elif not isinstance(row, str):
                rows.append(row)
                if len(rows) > settings.missing_rows:
                    _keep(job, rows.pop(0))

    # --- how a job goes ----------------------------------------------------------------------------

    def _running(self) -> list[EmulatedJob]:
        return [job for job in self.jobs if job.is_running]

    def _looked_at(self, jobs: list[EmulatedJob]) -> None:
        for job in jobs:
            job.polls += 1
            self._go_on(job)

    def _go_on(self, job: EmulatedJob) -> None:
        if not job.is_running:
            return
        wanted, waited = job.settings.polls, self._monotonic() - job.began
        if wanted is not None and job.polls >= wanted and waited >= job.settings.seconds:
            self._end(job)
            return
        stages = wanted or len(_STAGES)
        job.status = _STAGES[min(job.polls * len(_STAGES) // stages, len(_STAGES) - 1 if wanted else 2)]
        job.completed_rows = len(job.rows) // 2 if job.status == "processing" else job.completed_rows

    def _end(self, job: EmulatedJob) -> None:
        job.ended, job.end_time = self._monotonic(), _wall()
        if job.settings.fails or (job.is_bad and not job.settings.skips_bad_rows):
            job.status, job.completed_rows = "failed", 0
        else:
            job.status, job.completed_rows = "completed", len(job.rows)
            self.rows.extend(job.rows)
            self.kept += job.kept
            self._identified(job.users)
        job.rows, job.kept, job.users = ImportedRows(), [], set()

    # --- what is shown ---------------------------------------------------------------------------------

    def _shown(self, job: EmulatedJob, *, one: bool) -> dict[str, object]:
        end = self._monotonic() if job.ended is None else job.ended
        shown: dict[str, object] = {
            "job_id": job.job_id,
            "type": job.type,
            "status": job.status,
            "filename": job.filename,
            "file_size": job.file_size,
            "total_rows": job.total_rows,
            "start_time": job.start_time,
            "end_time": job.end_time,
            "elapsed_time": int(end - job.began),
            "links": f"{JOBS}/{job.job_id}",
        }
        if one:
            shown["completed_rows"] = job.completed_rows
        if job.settings.numbers_as_strings:
            shown |= {name: str(shown[name]) for name in _NUMBERS if name in shown}
        return shown

    def stats(self) -> dict[str, Any]:
        """As the admin endpoint shows them."""
        return {
            **self.rows.stats(),
            "uploads": self.uploads,
            "conflicts": self.conflicts,
            "problems": list(self.problems),
            "jobs": [self._shown(job, one=True) for job in self.jobs],
        }


def concerns_imports(path: str) -> bool:
    """Whether a request to this path is for `EmulatedImports`."""
    return path in (IMPORTS, JOBS) or path.startswith(f"{JOBS}/")


def _keep(job: EmulatedJob, row: Row) -> None:
    job.rows.add(row)
    if job.settings.keeps_rows:
        job.kept.append(row)
    if row["event_type"] == "identify_user":
        job.users.add(row["user_id"])


def _wall() -> str:
    return moments.written(datetime.now(UTC).replace(microsecond=0))
