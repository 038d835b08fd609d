"""A question about jobs that is not answered is asked again, for a while; a refusal is believed at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bridge.backfill.submit.asking import Questions
from bridge.track.imports.jobs import JobList
from bridge.track.imports.replies import ListReply, NoAnswer, QuestionResult

LONGEST = 300.0
LISTED = JobList(())
SILENT = NoAnswer(QuestionResult.UNANSWERED, "the API answered 503", 503)


@dataclass
class Api:
    """Answers with `replies` in turn, and with the last of them for ever."""

    replies: list[ListReply]
    now: float = 0.0
    asked_at: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def jobs(self) -> ListReply:
        self.asked_at.append(self.now)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def questions(self) -> Questions:
        return Questions(self.told.append, sleep=self.sleep, clock=lambda: self.now, longest=LONGEST)


@pytest.mark.parametrize(
    "reply",
    [
        SILENT,
        NoAnswer(QuestionResult.UNANSWERED, "the API answered 429", 429, after=7.0),
        NoAnswer(QuestionResult.UNANSWERED, "api.example closed the connection"),
    ],
)
async def test_an_answer_that_failed_for_a_moment_is_asked_for_again_and_somebody_is_told(reply: NoAnswer) -> None:
    api = Api([reply, reply, LISTED])
    assert await api.questions().asked(api.jobs, "the list of jobs") is LISTED
    assert api.told == [f"No answer about the list of jobs: {reply.detail}; asking again."]
    gaps = [later - earlier for earlier, later in zip(api.asked_at, api.asked_at[1:], strict=False)]
    assert len(gaps) == 2
    assert all(gap >= (reply.after or 1.0) for gap in gaps)


@pytest.mark.parametrize("result", [QuestionResult.REFUSED, QuestionResult.UNKNOWN_JOB])
async def test_a_refusal_and_an_unknown_job_are_answers(result: QuestionResult) -> None:
    refused = NoAnswer(result, "the API answered 404", 404)
    api = Api([refused])
    assert await api.questions().asked(api.jobs, "the list of jobs") is refused
    assert (api.asked_at, api.told) == ([0.0], [])


async def test_a_command_waits_for_a_bounded_time_over_all_of_its_questions() -> None:
    api = Api([SILENT])
    questions = api.questions()
    assert await questions.asked(api.jobs, "the list of jobs") is SILENT
    assert 2 * LONGEST > api.now > LONGEST / 2
    asked, at = len(api.asked_at), api.now
    while len(api.asked_at) < asked + 20:
        assert await questions.asked(api.jobs, "a job") is SILENT
    assert api.now - at <= LONGEST / 2
    assert len(api.told) < 30


async def test_a_pause_that_is_longer_than_what_is_left_is_not_begun() -> None:
    busy = NoAnswer(QuestionResult.UNANSWERED, "the API answered 429", 429, after=LONGEST + 1)
    api = Api([busy])
    assert await api.questions().asked(api.jobs, "the list of jobs") is busy
    assert api.now == 0.0
