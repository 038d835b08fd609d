"""What came of a question to the API about imports, by what it means for the next step."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bridge.track.imports.jobs import ImportJob, JobList


class UploadResult(enum.StrEnum):
    """What came of sending a file."""

    ACCEPTED = "accepted"
    """2xx: the API has the file, whatever else the answer says."""
    BUSY = "busy"
    """409: another job runs. Nothing was taken, and nothing is wrong with the file."""
    NOT_SENT = "not_sent"
    """It certainly was not taken: no connection, or an answer that is given before a request is looked at."""
    LOST = "lost"
    """It may have been taken: no whole answer, or one that says nothing of it (5xx, 408)."""
    REFUSED = "refused"
    """The API will not take it as it is."""


@dataclass(frozen=True, slots=True)
class UploadReply:
    """The answer to ``POST /v1/imports``, or why there is none."""

    result: UploadResult
    detail: str
    """A sentence's beginning, without the key."""
    status: int | None = None
    job: ImportJob | None = None
    """Of a file that was accepted, where the answer has one."""
    after: float | None = None
    """Seconds after which the API wants to be asked again."""


class QuestionResult(enum.StrEnum):
    """Why a question about jobs was not answered."""

    UNANSWERED = "unanswered"
    """The same question may be answered later."""
    UNKNOWN_JOB = "unknown_job"
    """404 for one job: the API does not know it (any more)."""
    REFUSED = "refused"
    """Somebody has to change something first."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Instead of a job or of the list of jobs."""

    result: QuestionResult
    detail: str
    status: int | None = None
    after: float | None = None
    """Seconds after which the API wants to be asked again."""


JobReply = ImportJob | NoAnswer
ListReply = JobList | NoAnswer
