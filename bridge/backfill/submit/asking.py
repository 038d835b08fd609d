"""Questions about jobs that the API does not answer: asked again for a while, before anybody is told that it failed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bridge.backfill.submit import sentences
from bridge.backfill.submit.pacing import JobWait, Pacing
from bridge.track.imports.jobs import ImportJob, JobList
from bridge.track.imports.replies import NoAnswer, QuestionResult

QUESTIONS: Final = Pacing(least=1.0, most=30.0, tell=15.0)

Asked = TypeVar("Asked", ImportJob, JobList)


async def ask_again(
    waiting: JobWait,
    reply: NoAnswer,
    about: str,
    tell: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]],
) -> bool:
    """Wait until a question without an answer may be asked again. False: there was no answer for too often."""
    waiting.unanswered += 1
    if waiting.is_given_up:
        return False
    if waiting.unanswered == 1:
        tell(sentences.no_answer(reply, about))
    await sleep(waiting.pause(reply.after))
    return True


class Questions:
    """The questions of one command that only asks, and is over when all are answered."""

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
        pacing: Pacing = QUESTIONS,
        longest: float,
    ) -> None:
        """`longest`: seconds of waiting, over all questions; each is asked once when they are spent."""
        self._tell_all = tell
        self._sleep = sleep
        self._clock = clock
        self._pacing = pacing
        self._left = longest
        self._told: float | None = None

    async def asked(self, question: Callable[[], Awaitable[Asked | NoAnswer]], about: str) -> Asked | NoAnswer:
        """The answer. `NoAnswer` where the API refuses, does not know the job, or is silent for too long."""
        waiting = JobWait(self._pacing, self._clock())
        while True:
            reply = await question()
            if not isinstance(reply, NoAnswer) or reply.result is not QuestionResult.UNANSWERED:
                return reply
            if max(reply.after or 0.0, self._pacing.least) > self._left:
                return reply
            if not await ask_again(waiting, reply, about, self._tell, self._wait):
                return reply

    async def _wait(self, seconds: float) -> None:
        self._left -= seconds
        await self._sleep(seconds)

    def _tell(self, sentence: str) -> None:
        now = self._clock()
        if self._told is None or now - self._told >= self._pacing.tell:
            self._told = now
            self._tell_all(sentence)
