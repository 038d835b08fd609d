"""Sends what is left, one job at a time, and waits for each. Decisions are `policy`'s; here they meet time and disk."""

from __future__ import annotations

import enum
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bridge.backfill.submit import policy, sentences
from bridge.backfill.submit.asking import ask_again
from bridge.backfill.submit.book import SubmissionBook
from bridge.backfill.submit.pacing import PACING, JobWait, Pacing
from bridge.backfill.submit.uploads import Upload, UploadState
from bridge.track.imports.jobs import JobList
from bridge.track.imports.multipart import FilePart
from bridge.track.imports.replies import JobReply, ListReply, NoAnswer, QuestionResult, UploadReply, UploadResult


class Imports(Protocol):
    """What the API is asked: see `track.imports.client.ImportsClient`."""

    async def upload(self, part: FilePart) -> UploadReply:
        """Send a part of a file."""

    async def job(self, job_id: str) -> JobReply:
        """One job."""

    async def jobs(self) -> ListReply:
        """All jobs."""


class EndKind(enum.StrEnum):
    """How a command that sends or waits came to its end."""

    DONE = "done"
    """Every row is imported, as far as the API tells."""
    LOOK = "look"
    """A canary is through: somebody should look at it before the rest."""
    NOTHING = "nothing"
    """Nothing is under way, and this command sends nothing."""
    STOPPED = "stopped"
    """Somebody has to decide or to change something."""
    UNANSWERED = "unanswered"
    """The API does not answer, or a job does not end: the same command may succeed later."""


@dataclass(frozen=True, slots=True)
class SubmissionEnd:
    """The end, with what to do, as whole sentences."""

    kind: EndKind
    sentence: str


class Submitter:
    """One process at work on a run."""

    def __init__(
        self,
        book: SubmissionBook,
        api: Imports,
        run: str,
        tell: Callable[[str], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.time,
        pacing: Pacing = PACING,
        sends: bool = True,
        passes_canaries: bool = False,
    ) -> None:
        """`run` names the run directory in what is told; without `sends` it only looks and waits."""
        self._book = book
        self._api = api
        self._run = run
        self._tell = tell
        self._sleep = sleep
        self._clock = clock
        self._pacing = pacing
        self._sends = sends
        self._passes_canaries = passes_canaries
        self._blocked = self._waiting()
        """For the API to take a request at all."""
        self._is_same_application = False
        """The key's application knows the jobs of this run, or there is nothing to ask it about."""

    async def work(self) -> SubmissionEnd:
        """Until everything is imported, or somebody is needed."""
        while True:
            upload = self._book.submission.next
            if upload is None:
                return SubmissionEnd(EndKind.DONE, sentences.done(self._book.submission, self._run))
            end = await self._step(upload)
            if end is not None:
                return end

    async def _step(self, upload: Upload) -> SubmissionEnd | None:
        match upload.state:
            case UploadState.PENDING if self._sends:
                return await self._send(upload)
            case UploadState.PENDING:
                return SubmissionEnd(EndKind.NOTHING, sentences.nothing_under_way(self._book.submission, self._run))
            case UploadState.SENDING:
                return await self._look_up(upload)
            case UploadState.ACCEPTED:
                return await self._follow(upload)
            case _:
                said = sentences.stopped(self._book.submission, upload, self._run)
                return SubmissionEnd(EndKind.STOPPED, said)

    # --- sending

    async def _send(self, upload: Upload) -> SubmissionEnd | None:
        if upload.lost >= policy.MOST_LOST:
            self._book.change(sentences.forgiven(upload))
            return SubmissionEnd(EndKind.UNANSWERED, sentences.lost_too_often(self._book.submission, upload))
        listed = await self._room_for(upload)
        if not isinstance(listed, JobList):
            return listed
        if (end := await self._another_application(listed)) is not None:
            return end
        part = self._book.part(upload)  # Raises where the file is not the one that was written.
        sending = policy.begun(upload, listed.jobs, self._clock())
        self._book.change(sending)
        self._tell(sentences.sending(self._book.submission, sending))
        reply = await self._api.upload(part)
        after = policy.after_request(sending, reply, self._clock())
        self._book.change(after)
        return await self._answered(after, reply)

    async def _room_for(self, upload: Upload) -> JobList | SubmissionEnd | None:
        """The list of jobs once none runs; None where it has one of this very upload."""
        waiting = self._waiting()
        while True:
            listed = await self._api.jobs()
            if isinstance(listed, NoAnswer):
                end = await self._unanswered(waiting, listed, sentences.list_of_jobs())
                if end is not None:
                    return end
                continue
            mine = policy.jobs_named(self._book.submission.name(upload), listed)
            if mine:
                # A copy of the run directory was submitted, or an older manifest was put back.
                found = policy.after_look(upload, policy.Sighting(mine[0]), self._clock(), is_sure=True)
                self._book.change(found)
                self._tell(sentences.there_already(self._book.submission, found))
                return None
            other = policy.in_the_way(listed.jobs)
            if other is None:
                return listed
            is_news = waiting.news((other.job_id, other.state))
            if (end := await self._wait(waiting, sentences.in_the_way(other), at_first=is_news)) is not None:
                return end

    async def _another_application(self, listed: JobList) -> SubmissionEnd | None:
        """Before the first request of a process: the key may have been changed since the run was begun."""
        waiting = self._waiting()
        while not self._is_same_application:
            earlier = policy.witness(self._book.submission, listed.jobs, self._clock())
            if earlier is None:
                break
            reply = await self._api.job(earlier.job_id)
            if not isinstance(reply, NoAnswer):
                break
            if reply.result is QuestionResult.UNKNOWN_JOB:
                said = sentences.another_application(self._book.submission, earlier, self._run)
                return SubmissionEnd(EndKind.STOPPED, said)
            end = await self._unanswered(waiting, reply, sentences.job_of(self._book.submission, earlier))
            if end is not None:
                return end
        self._is_same_application = True
        return None

    async def _answered(self, upload: Upload, reply: UploadReply) -> SubmissionEnd | None:
        submission = self._book.submission
        match reply.result:
            case UploadResult.REFUSED if reply.status == 413 and self._book.cut(upload):
                self._tell(sentences.cut(submission, upload, self._book.submission.count))
            case UploadResult.REFUSED:
                return SubmissionEnd(EndKind.STOPPED, sentences.refused(submission, upload, reply, self._run))
            case UploadResult.BUSY:
                is_news = self._blocked.news(UploadResult.BUSY)
                return await self._wait(self._blocked, sentences.busy(reply), at_first=is_news)
            case UploadResult.NOT_SENT:
                self._blocked.unanswered += 1
                self._tell(sentences.not_sent(reply))
                if self._blocked.is_given_up:
                    return SubmissionEnd(EndKind.UNANSWERED, sentences.unreachable(reply.detail, self._run))
                await self._sleep(self._blocked.pause(reply.after))
                return None
            case UploadResult.LOST:
                self._tell(sentences.lost(submission, upload))
            case UploadResult.ACCEPTED:
                self._tell(sentences.accepted(upload))
        self._blocked = self._waiting()
        return None

    # --- looking

    async def _look_up(self, upload: Upload) -> SubmissionEnd | None:
        """An answer never came: the list of jobs decides."""
        waiting = self._waiting()
        name = self._book.submission.name(upload)
        missing_since: float | None = None
        while True:
            listed = await self._api.jobs()
            now = self._clock()
            if isinstance(listed, NoAnswer):
                missing_since = None
                end = await self._unanswered(waiting, listed, sentences.looked_up(name))
                if end is not None:
                    return end
                continue
            waiting.unanswered = 0
            sighting = policy.seen(upload, name, listed, now)
            missing_since = now if missing_since is None else missing_since
            # At least two lists, as far apart as a request could still be on its way.
            is_sure = now > missing_since and now - missing_since >= self._pacing.settle
            after = policy.after_look(upload, sighting, now, is_sure=is_sure)
            if after.state is not UploadState.SENDING:
                self._book.change(after)
                again = "It is sent again" if self._sends else sentences.sends_again(self._run)
                self._tell(sentences.resolved(after, sighting, again))
                return None
            await self._sleep(min(waiting.pause(), max(self._pacing.settle / 2, self._pacing.least)))

    async def _follow(self, upload: Upload) -> SubmissionEnd | None:
        waiting = self._waiting()
        unknown = 0
        while True:
            reply = await self._api.job(upload.job_id)
            now = self._clock()
            if isinstance(reply, NoAnswer):
                unknown = unknown + 1 if reply.result is QuestionResult.UNKNOWN_JOB else 0
                if unknown > 2:  # One that was made a moment ago may not be everywhere yet.
                    self._book.change(policy.vanished(upload, now))
                    return None
                end = await self._unanswered(waiting, reply, sentences.job_of(self._book.submission, upload))
                if end is not None:
                    return end
                continue
            unknown = 0
            upload = policy.after_poll(upload, reply, now)
            self._book.change(upload)
            if upload.state is not UploadState.ACCEPTED:
                self._tell(sentences.ended(self._book.submission, upload))
                return self._after_canary(upload)
            is_news = waiting.news((reply.state, reply.completed_rows))
            said = sentences.under_way(self._book.submission, upload)
            if (end := await self._wait(waiting, said, at_first=is_news)) is not None:
                return end

    def _after_canary(self, upload: Upload) -> SubmissionEnd | None:
        is_through = upload.is_canary and upload.state is UploadState.COMPLETED
        if not is_through or self._passes_canaries or self._book.submission.next is None:
            return None
        return SubmissionEnd(EndKind.LOOK, sentences.look(self._book.submission, upload, self._run))

    # --- waiting

    def _waiting(self) -> JobWait:
        return JobWait(self._pacing, self._clock())

    async def _wait(self, waiting: JobWait, said: str, *, at_first: bool) -> SubmissionEnd | None:
        now = self._clock()
        if waiting.is_over(now):
            return SubmissionEnd(EndKind.UNANSWERED, sentences.takes_too_long(said, self._run))
        if waiting.is_to_be_told(now) or at_first:
            self._tell(f"{said}.")
        await self._sleep(waiting.pause())
        return None

    async def _unanswered(self, waiting: JobWait, reply: NoAnswer, about: str) -> SubmissionEnd | None:
        """A question without an answer: asked again, for a while."""
        if reply.result is QuestionResult.REFUSED:
            return SubmissionEnd(EndKind.STOPPED, sentences.question_refused(reply, about))
        if not await ask_again(waiting, reply, about, self._tell, self._sleep):
            return SubmissionEnd(EndKind.UNANSWERED, sentences.given_up(reply, about, self._run))
        return None
