"""Whatever the API answers, loses or delays, and wherever the process is killed: no part of a file is imported twice,
and a submission that ends as done has imported each once, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.backfill.run_directory import RunDirectory, RunDirectoryError
from bridge.backfill.submit import policy
from bridge.backfill.submit.book import SubmissionBook, begin_book, read_book
from bridge.backfill.submit.driver import EndKind, SubmissionEnd, Submitter
from bridge.backfill.submit.pacing import Pacing
from bridge.backfill.submit.uploads import UploadState
from bridge.track.imports.jobs import ImportJob, JobList
from bridge.track.imports.multipart import FilePart
from bridge.track.imports.replies import (
    JobReply,
    ListReply,
    NoAnswer,
    QuestionResult,
    UploadReply,
    UploadResult,
)
from tests.everyday import examples
from tests.support.backfill.runs import checked_run


class Killed(BaseException):
    """kill -9: nothing after it happens."""


@dataclass
class FakeApi:
    """An API that does what chance says: it loses answers before or after a file was taken, is busy, slow, silent."""

    chance: random.Random
    faults: float
    now: float = 1_700_000_000.0
    jobs_: list[dict[str, Any]] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    kills: int = 0
    lag: float = 0.0
    """Seconds until a job is in the list."""

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share * self.faults

    def may_die(self) -> None:
        if self.kills and self.chance.random() < 0.2:
            self.kills -= 1
            raise Killed

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for job in self.jobs_:
            if job["left"] > 0:
                job["left"] -= 1

    def _job(self, job: dict[str, Any]) -> ImportJob:
        is_over = job["left"] <= 0
        return ImportJob(
            job["id"],
            "completed" if is_over else self.chance.choice(["queued", "processing", "pending_refresh", "resting"]),
            "import",
            job["name"],
            job["size"],
            job["rows"],
            job["rows"] if is_over else self.chance.randrange(job["rows"]),
            str(int(job["at"])),
        )

    def _take(self, name: str, body: bytes) -> ImportJob:
        rows = body.count(b"\n")
        job = {"id": f"bulk:jobs:{len(self.jobs_)}", "name": name, "size": len(body), "rows": rows, "at": self.now}
        self.jobs_.append({**job, "left": self.chance.randrange(4)})
        self.imported.append(name)
        return self._job(self.jobs_[-1])

    async def upload(self, part: FilePart) -> UploadReply:
        self.may_die()
        body = part.path.read_bytes()[part.offset : part.offset + part.length]
        if any(job["left"] > 0 for job in self.jobs_) or self.maybe(0.2):
            return UploadReply(UploadResult.BUSY, "409", 409)
        if self.maybe(0.2):
            return UploadReply(UploadResult.NOT_SENT, "no connection")
        if self.maybe(0.3):
            return UploadReply(UploadResult.LOST, "reset")
        job = self._take(part.name, body)
        self.may_die()
        if self.maybe(0.3):
            return UploadReply(UploadResult.LOST, "reset")
        return UploadReply(UploadResult.ACCEPTED, "200", 200, None if self.maybe(0.2) else job)

    async def job(self, job_id: str) -> JobReply:
        self.may_die()
        if self.maybe(0.2):
            return NoAnswer(QuestionResult.UNANSWERED, "reset")
        return next(self._job(job) for job in self.jobs_ if job["id"] == job_id)

    async def jobs(self) -> ListReply:
        self.may_die()
        if self.maybe(0.2):
            return NoAnswer(QuestionResult.UNANSWERED, "reset")
        if self.maybe(0.1):
            foreign = {"id": f"bulk:jobs:{len(self.jobs_)}", "name": "theirs.csv", "size": 7, "rows": 1}
            self.jobs_.append({**foreign, "at": self.now, "left": 2})
        shown = [job for job in reversed(self.jobs_) if self.now - job["at"] >= self.lag]
        return JobList(tuple(map(self._job, shown)))


def opened(directory: RunDirectory, canary: int) -> SubmissionBook:
    manifest = directory.read()
    return read_book(directory, manifest) or begin_book(directory, manifest, "https://api.example", canary)


def submitter(
    book: SubmissionBook, api: FakeApi, tell: Callable[[str], None] = lambda _said: None, **more: Any
) -> Submitter:
    return Submitter(book, api, "run", tell, sleep=api.sleep, clock=lambda: api.now, **more)


def until_it_ends(directory: RunDirectory, api: FakeApi, canary: int) -> SubmissionEnd:
    """The same command again and again, as long as it is killed or may succeed later."""
    for _ in range(200):
        try:
            end = asyncio.run(submitter(opened(directory, canary), api).work())
        except Killed:
            continue
        if end.kind not in {EndKind.LOOK, EndKind.UNANSWERED}:
            return end
    raise AssertionError("it does not end")


@settings(max_examples=examples(150))
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 6),
    st.sampled_from([0, 2, 5]),
    st.sampled_from([0, 40]),
)
def test_each_part_is_imported_once_whatever_is_lost_and_wherever_it_is_killed(
    seed: int, faults: float, kills: int, canary: int, lag: float
) -> None:
    with TemporaryDirectory() as folder:
        directory, manifest = checked_run(Path(folder) / "run")
        api = FakeApi(random.Random(seed), faults, kills=kills, lag=lag)  # noqa: S311 - no secret
        end = until_it_ends(directory, api, canary)
        book = opened(directory, canary)
        names = [book.submission.name(upload) for upload in book.submission.uploads]
        assert len(set(api.imported)) == len(api.imported)
        if end.kind is EndKind.DONE:
            assert api.imported == names
            assert sum(upload.rows for upload in book.submission.uploads) == sum(file.rows for file in manifest.files)
        else:
            # Only an answer that said "taken" without a job, and never an unanswered one, may need a person here.
            assert end.kind is EndKind.STOPPED
            assert api.imported == names[: len(api.imported)]
            assert any(upload.state is UploadState.UNRESOLVED for upload in book.submission.uploads)


async def test_a_request_is_on_the_disk_before_it_is_sent(tmp_path: Path) -> None:
    directory, _ = checked_run(tmp_path / "run")

    class Looking(FakeApi):
        async def upload(self, part: FilePart) -> UploadReply:
            on_disk = opened(directory, 0).submission
            assert on_disk.next is not None
            assert (on_disk.next.state, on_disk.name(on_disk.next)) == (UploadState.SENDING, part.name)
            return await super().upload(part)

    api = Looking(random.Random(1), 0.0)  # noqa: S311
    end = await submitter(opened(directory, 0), api).work()
    assert end.kind is EndKind.DONE


async def test_an_answer_that_never_came_is_looked_up_and_not_sent_again_before_the_list_proves_it(
    tmp_path: Path,
) -> None:
    directory, _ = checked_run(tmp_path / "run")
    asked: list[str] = []

    class Losing(FakeApi):
        lost = 0

        async def upload(self, part: FilePart) -> UploadReply:
            asked.append(f"send {part.name.split('-')[2]}")
            if not self.lost:
                self.lost = 1
                return UploadReply(UploadResult.LOST, "reset")
            return await super().upload(part)

        async def jobs(self) -> ListReply:
            asked.append("list")
            return await super().jobs()

    api = Losing(random.Random(1), 0.0)  # noqa: S311
    began = api.now
    told: list[str] = []
    await submitter(opened(directory, 0), api, told.append, pacing=Pacing(settle=60.0)).work()
    between = asked[asked.index("send 0001") + 1 :]
    between = between[: between.index("send 0001")]
    assert between.count("list") > 2
    assert api.now - began >= 60.0
    assert any("before anything is sent again" in said for said in told)


@pytest.mark.parametrize("kind", ["partial", "failed"])
async def test_a_job_that_does_not_complete_all_rows_stops_what_is_behind_it(tmp_path: Path, kind: str) -> None:
    directory, _ = checked_run(tmp_path / "run")

    class Short(FakeApi):
        async def job(self, job_id: str) -> JobReply:
            reply = await super().job(job_id)
            assert isinstance(reply, ImportJob)
            if kind == "failed":
                return replace(reply, state="failed")
            return replace(reply, state="completed", completed_rows=2)

    api = Short(random.Random(1), 0.0)  # noqa: S311
    end = await submitter(opened(directory, 0), api).work()
    assert end.kind is EndKind.STOPPED
    assert len(api.imported) == 1
    assert kind in end.sentence
    assert ("2 of 3 rows" in end.sentence) is (kind == "partial")
    assert "--accept 1" in end.sentence
    assert "--resend 1" in end.sentence


async def test_a_request_that_is_lost_again_and_again_ends_the_command_and_the_next_one_tries_anew(
    tmp_path: Path,
) -> None:
    directory, _ = checked_run(tmp_path / "run")

    class Void(FakeApi):
        sent = 0

        async def upload(self, part: FilePart) -> UploadReply:
            self.sent += 1
            assert part.length
            return UploadReply(UploadResult.LOST, "reset")

    api = Void(random.Random(1), 0.0)  # noqa: S311
    for count in (policy.MOST_LOST, 2 * policy.MOST_LOST):
        end = await submitter(opened(directory, 0), api).work()
        assert end.kind is EndKind.UNANSWERED
        assert f"came to nothing {policy.MOST_LOST} times without an answer (reset)" in end.sentence
        assert api.sent == count
    assert api.imported == []


async def test_an_api_that_is_not_reached_for_too_often_ends_the_command_with_nothing_under_way(tmp_path: Path) -> None:
    directory, _ = checked_run(tmp_path / "run")

    class Away(FakeApi):
        async def upload(self, part: FilePart) -> UploadReply:
            assert part.length
            return UploadReply(UploadResult.NOT_SENT, "no connection")

    end = await submitter(opened(directory, 0), Away(random.Random(1), 0.0)).work()  # noqa: S311
    assert end.kind is EndKind.UNANSWERED
    assert end.sentence.startswith("Not sent for too long: no connection. Nothing is under way;")


async def test_a_job_that_the_api_does_not_know_any_more_needs_a_person_and_is_not_sent_again(tmp_path: Path) -> None:
    directory, _ = checked_run(tmp_path / "run")

    class Forgetful(FakeApi):
        asked = 0

        async def job(self, job_id: str) -> JobReply:
            self.asked += 1
            return NoAnswer(QuestionResult.UNKNOWN_JOB, "404") if self.asked > 1 else await super().job(job_id)

        def _job(self, job: dict[str, Any]) -> ImportJob:
            return replace(super()._job(job), state="queued")

    api = Forgetful(random.Random(1), 0.0)  # noqa: S311
    end = await submitter(opened(directory, 0), api).work()
    assert end.kind is EndKind.STOPPED
    upload = opened(directory, 0).submission.uploads[0]
    assert upload.state is UploadState.UNRESOLVED
    assert "does not know job bulk:jobs:0 any more, last seen queued" in upload.detail
    assert (len(api.imported), api.asked) == (1, 4)


@pytest.mark.parametrize("changed", [{"uploads": 7}, None])
def test_a_manifest_whose_submission_was_changed_by_hand_is_refused_and_nothing_is_sent(
    tmp_path: Path, changed: Any
) -> None:
    directory, _ = checked_run(tmp_path / "run")
    opened(directory, 0)
    manifest = directory.read()
    if changed is None:
        changed = {**manifest.submission, "uploads": [{**manifest.submission["uploads"][0], "file": "gone.csv"}]}
    with pytest.raises(RunDirectoryError, match=r"is damaged: what it says of the submission does not fit its files"):
        read_book(directory, replace(manifest, submission=changed))
